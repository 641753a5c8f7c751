//! A person at the console in a real browser, for the `console_*` tests.

use std::time::{Duration, Instant};

use musubi::{samples, store::sql};

use crate::{
    hub::{PASSPHRASE, TestHub},
    real::{Browser, TestDatabase},
};

pub use crate::hub::OWNER as MAIL;
pub const VIEWER: &str = "kishi@hinoki-seiki.example";

/// A hub with an owner who is signed in.
pub struct Desk {
    pub t: TestHub,
    pub b: Browser,
    pub database: TestDatabase,
}

impl Desk {
    pub async fn new() -> Self {
        let database = TestDatabase::sqlite().await;
        let t = TestHub::start(&database).await;
        Self::at(t, database).await
    }

    /// An owner who is signed in at a hub that runs already.
    pub async fn at(t: TestHub, database: TestDatabase) -> Self {
        t.owner(MAIL).await;
        let b = sign_in(&t, MAIL).await;
        Self { t, b, database }
    }

    /// Signed in anew: sessions end when a test lets time pass.
    pub async fn again(self) -> Self {
        let Self { t, b, database } = self;
        b.close().await;
        let b = sign_in(&t, MAIL).await;
        Self { t, b, database }
    }

    pub async fn with_samples() -> Self {
        let desk = Self::new().await;
        samples::load(desk.t.hub()).await.unwrap();
        desk.t.synced().await;
        desk.t.hub().refresher.settle().await;
        desk
    }

    pub async fn open(&self, path: &str) {
        self.b.goto(&format!("{}{path}", self.t.address())).await;
    }

    /// Waits until an expression is true on the page.
    pub async fn until(&self, expression: &str) {
        until(&self.b, expression).await;
    }

    /// The value of an expression on the page, as text.
    pub async fn value(&self, expression: &str) -> String {
        let value = self.b.execute(&format!("return String({expression})"), vec![]).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Keys to whatever has the focus.
    pub async fn press(&self, keys: &str) {
        self.b.client().active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// A second person of a role, with the owner's passphrase, in a browser of their own.
    pub async fn colleague(&self, role: &str) -> Browser {
        let mut tx = self.t.hub().db.begin().await.unwrap();
        sql("INSERT INTO app_user (id, mail, mail_key, name, role, password_hash, language, theme, created_at)
             SELECT 'usr_colleague', $1, $1, '岸 由美', $2, password_hash, 'ja', theme, created_at FROM app_user")
        .bind(VIEWER)
        .bind(role)
        .execute(&mut tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        sign_in(&self.t, VIEWER).await
    }

    /// The page is accessible and said nothing on the console.
    pub async fn sound(&self, page: &str) {
        assert_eq!(self.b.accessibility_problems().await, Vec::<String>::new(), "{page}: accessibility");
        assert_eq!(self.b.console_problems().await, Vec::<String>::new(), "{page}: console");
    }

    /// The last page was a refusal of this status, which browsers also tell the console.
    pub async fn refused(&self, status: u16) {
        let told = self.b.console_problems().await;
        let meant = format!("responded with a status of {status}");
        assert!(!told.is_empty() && told.iter().all(|line| line.contains(&meant)), "{told:?}");
    }

    /// A picture of a page in both widths, and the page checked.
    pub async fn looks(&self, page: &str) {
        for (width, dark) in [(1280, false), (390, true)] {
            self.b.look(width, 900, dark).await;
            self.b.screenshot(&format!("{page}-{width}-{}", if dark { "dark" } else { "light" })).await;
            self.sound(page).await;
        }
        self.b.look(1280, 900, false).await;
    }

    pub async fn close(self) {
        self.b.close().await;
        self.t.stop().await;
    }
}

pub async fn until(b: &Browser, expression: &str) {
    let start = Instant::now();
    let script = format!("return Boolean({expression})");
    while b.execute(&script, vec![]).await != serde_json::Value::Bool(true) {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {expression}; at {}", b.url().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn sign_in(t: &TestHub, mail: &str) -> Browser {
    let b = Browser::open().await;
    b.look(1280, 900, false).await;
    b.goto(&format!("{}/signin?lang=ja", t.address())).await;
    b.fill("#mail", mail).await;
    b.fill("#passphrase", PASSPHRASE).await;
    b.click("main form button").await;
    until(&b, "document.querySelector('nav.side')").await;
    b
}
