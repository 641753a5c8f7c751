//! Somebody with a browser of their own.

use musubi::store::sql;

use crate::{
    issuer::{Page, Visitor},
    oidc_cases::{
        case::Way,
        scene::{SESSION, Scene},
    },
};

pub const MAIL: &str = "takanashi@hinoki-seiki.example";
pub const PASSPHRASE: &str = "hinoki-no-kaori-2026";

/// See the module. The forms' token is read as the page shows it.
pub struct Person<'a> {
    pub scene: &'a Scene,
    pub v: Visitor,
}

impl<'a> Person<'a> {
    pub fn new(scene: &'a Scene) -> Self {
        Self { scene, v: Visitor::new() }
    }

    /// Whom a provider vouched for.
    pub async fn of_provider(scene: &'a Scene, idp: &str) -> Self {
        let person = Self::new(scene);
        let trip = scene.sign_in(&person.v, idp, Way::Straight).await;
        assert_eq!(trip.end.status, 303, "{}", trip.end.body);
        assert!(trip.end.sets(SESSION).is_some());
        person
    }

    /// Who signed in at the page with mail address and passphrase.
    pub async fn local(scene: &'a Scene, page: &str) -> Self {
        let person = Self::new(scene);
        let end = person.knock(page, MAIL, PASSPHRASE).await;
        assert_eq!(end.status, 303, "{}", end.body);
        person
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.scene.t.address())
    }

    pub async fn open(&self, path: &str) -> Page {
        self.v.click(&self.at(path)).await
    }

    pub async fn is_in(&self) -> bool {
        self.open("/me").await.status == 200
    }

    /// The value of the field `csrf` on a page.
    pub async fn token(&self, page: &str) -> String {
        field(&self.open(page).await.body, "csrf")
    }

    /// A form of a page that has the token of the session.
    pub async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Page {
        let token = self.token("/me").await;
        let mut pairs = pairs.to_vec();
        pairs.push(("csrf", &token));
        self.v.press(&self.at(path), &pairs).await
    }

    /// As [`Self::post`], and it has to work.
    pub async fn done(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let page = self.post(path, pairs).await;
        assert_eq!(page.status, 303, "{path}: {}", page.body);
        page.location().to_owned()
    }

    /// Mail address and passphrase on a sign-in page.
    pub async fn knock(&self, page: &str, mail: &str, passphrase: &str) -> Page {
        let form = self.open(page).await.body;
        let token = field(&form, "csrf");
        let pairs = [("mail", mail), ("passphrase", passphrase), ("next", "/"), ("csrf", token.as_str())];
        self.v.press(&self.at(page), &pairs).await
    }

    /// As this person in another browser.
    pub async fn knock_again(&self, passphrase: &str) -> Page {
        Self::new(self.scene).knock("/signin", MAIL, passphrase).await
    }

    /// And the code after them.
    pub async fn code(&self, code: &str) -> Page {
        let token = field(&self.open("/signin/code").await.body, "csrf");
        self.v.press(&self.at("/signin/code"), &[("code", code), ("next", "/"), ("csrf", token.as_str())]).await
    }

    /// The session's proof is as old as can be.
    pub async fn grows_old(&self) {
        let mut tx = self.scene.t.hub().db.begin().await.unwrap();
        sql("UPDATE session SET proved_at = 1").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let everybody = sql("SELECT id FROM app_user").all::<(String,)>(&self.scene.t.hub().db).await.unwrap();
        everybody.iter().for_each(|(id,)| self.scene.t.hub().identity.forget(id));
    }

    /// Sets a second factor up. Returns the recovery codes.
    pub async fn second_factor(&self) -> Vec<String> {
        self.done("/me/second-factor/begin", &[("passphrase", PASSPHRASE)]).await;
        let page = self.open("/me/second-factor").await.body;
        let secret = page.split("<dd><code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned();
        let code = crate::console_factor::App::read(&secret).code();
        let page = self.post("/me/second-factor/confirm", &[("code", &code)]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let list = page.body.split("<ul class=\"codes mono\">").nth(1).unwrap().split("</ul>").next().unwrap();
        list.split("<li>").skip(1).map(|item| item.split('<').next().unwrap().to_owned()).collect()
    }
}

/// The value of a hidden field.
pub fn field(page: &str, name: &str) -> String {
    let after = page.split(&format!("name=\"{name}\" value=\"")).nth(1);
    after.unwrap_or_else(|| panic!("no {name}: {page}")).split('"').next().unwrap().to_owned()
}
