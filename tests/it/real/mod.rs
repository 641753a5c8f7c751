//! Real peers, started once a test run and stopped with it.

mod chrome;
mod dialects;
mod dns;
mod oidc_provider;
mod postgres;
mod simplesamlphp;
mod smtp;
mod tryton;
mod watchdog;

pub use chrome::Browser;
pub use dialects::Dialect;
pub use dns::Dns;
pub use oidc_provider::{OidcProvider, PASSWORD};
pub use postgres::Postgres;
pub use simplesamlphp::SimpleSaml;
pub use smtp::Smtp;
pub use tryton::Tryton;
pub use watchdog::free_port;

use musubi::store::{self, Db};

/// A migrated, empty database of one test.
pub struct TestDatabase {
    pub db: Db,
    pub url: String,
    /// `sqlite` or `postgres`, for messages.
    pub name: &'static str,
    _folder: Option<tempfile::TempDir>,
}

impl TestDatabase {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("hub.db").display());
        let db = store::open(&url, 4).await.unwrap();
        store::migrate::run(&db).await.unwrap();
        Self { db, url, name: "sqlite", _folder: Some(folder) }
    }

    pub async fn postgres() -> Self {
        let url = Postgres::shared().fresh_database().await;
        let db = store::open(&url, 4).await.unwrap();
        Self { db, url, name: "postgres", _folder: None }
    }

    /// One of each kind: what is tested on one is tested on the other.
    pub async fn both() -> [Self; 2] {
        [Self::sqlite().await, Self::postgres().await]
    }
}
