//! A fresh database with a clock that tests move by hand.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use super::{Access, Identity, Limits, Origin, SetupForm, SignedIn};
use crate::{
    clock::Clock,
    model::Timestamp,
    store::{self, Db, migrate},
};

pub type TestResult = Result<(), Box<dyn std::error::Error>>;

pub const MAIL: &str = "Mina@hinoki.example";
pub const PASSPHRASE: &str = "twelve green bicycles";

pub struct Bench {
    pub db: Db,
    pub clock: Arc<AtomicI64>,
    pub announced: Arc<Mutex<Vec<String>>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        #[expect(clippy::disallowed_methods, reason = "the test runner says which database by this variable")]
        let wanted = std::env::var("TEST_DATABASE_URL");
        let db = match wanted {
            Ok(url) => fresh_schema(&url).await?,
            Err(_) => store::open(&format!("sqlite://{}", folder.path().join("test.db").display()), 4).await?,
        };
        migrate::run(&db).await?;
        let start = 1_767_225_600 * Timestamp::SECOND;
        Ok(Self { db, clock: Arc::new(AtomicI64::new(start)), announced: Arc::default(), _folder: folder })
    }

    pub fn clock(&self) -> Clock {
        Clock::Manual(Arc::clone(&self.clock))
    }

    pub fn advance(&self, micros: i64) {
        self.clock.fetch_add(micros, Ordering::SeqCst);
    }

    /// One node of the hub; a second call is a second node on the same database.
    pub fn identity(&self) -> Identity {
        let announced = Arc::clone(&self.announced);
        Identity::new(self.db.clone(), self.clock(), Limits::default(), Access::default()).announcing(move |code| {
            announced.lock().unwrap_or_else(PoisonError::into_inner).push(code.to_owned());
        })
    }

    pub fn announced(&self) -> Vec<String> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An identity room whose owner is Mina, and her first session.
    pub async fn owned(&self) -> Result<(Identity, SignedIn), Box<dyn std::error::Error>> {
        let identity = self.identity();
        let code = identity.open_setup().await?.ok_or("there is an owner already")?;
        let signed_in = identity.create_owner(form(&code), &Origin::default()).await?;
        Ok((identity, signed_in))
    }
}

/// PostgreSQL: every test has a schema of its own.
async fn fresh_schema(url: &str) -> Result<Db, Box<dyn std::error::Error>> {
    let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
    let db = store::open(url, 1).await?;
    let mut tx = db.begin().await?;
    store::sql(format!("CREATE SCHEMA {schema}")).execute(&mut tx).await?;
    tx.commit().await?;
    let mut scoped = url::Url::parse(url)?;
    scoped.query_pairs_mut().append_pair("options[search_path]", &schema);
    Ok(store::open(scoped.as_str(), 4).await?)
}

pub fn form(code: &str) -> SetupForm {
    SetupForm {
        code: code.to_owned(),
        mail: MAIL.to_owned(),
        passphrase: PASSPHRASE.into(),
        name: "高梨 美奈".to_owned(),
        company: "ひのき精機株式会社".to_owned(),
        language: "ja".to_owned(),
        zone: "Asia/Tokyo".to_owned(),
        fiscal_year_start: "4".to_owned(),
    }
}
