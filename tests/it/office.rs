//! An office whose people sign in with the company's provider, whatever it speaks.

use crate::{
    console_desk::{Desk, until},
    real::Browser,
};

/// The page that people ask for.
pub const WISH: &str = "/customers?q=%E6%9C%9D%E5%87%AA";

/// The hub, and the provider that it knows.
pub struct Office<P> {
    pub desk: Desk,
    pub provider: P,
    /// The provider's id here.
    pub idp: String,
}

impl<P> Office<P> {
    /// To a page, from there to the sign-in page, and its button pressed.
    pub async fn come(&self, b: &Browser) {
        b.goto(&format!("{}{WISH}", self.desk.t.address())).await;
        until(b, "location.pathname === '/signin'").await;
        b.click(&format!("a[href*='/{}/start']", self.idp)).await;
    }

    /// Back on the page that was asked for, signed in.
    pub async fn arrived(&self, b: &Browser) {
        until(b, "location.pathname === '/customers' && document.querySelector('nav.side')").await;
        assert_eq!(b.url().await, format!("{}{WISH}", self.desk.t.address()));
    }

    pub async fn leave(&self, b: &Browser) {
        b.execute("document.querySelector(\"form[action='/signout'] button\").click()", vec![]).await;
        until(b, "location.pathname === '/signin'").await;
    }

    pub async fn role(&self, name: &'static str) -> String {
        let statement = "SELECT role FROM app_user WHERE name = $1";
        let found = musubi::store::sql::sql(statement).bind(name).optional::<(String,)>(&self.desk.t.hub().db).await;
        found.unwrap().map(|(role,)| role).unwrap_or_default()
    }

    pub async fn close(self, browsers: Vec<Browser>) {
        for b in browsers {
            b.close().await;
        }
        self.desk.close().await;
    }
}

pub async fn browser() -> Browser {
    let b = Browser::open().await;
    b.look(1280, 900, false).await;
    b
}
