//! An administrator with a browser, and providers to set up.

use musubi::store::sql;
use secrecy::ExposeSecret;

use crate::{
    hub::OWNER,
    issuer::{CLIENT, Page, Visitor},
    oidc_cases::scene::{SESSION, Scene},
    real::TestDatabase as Database,
};

pub struct Admin {
    pub scene: Scene,
    pub v: Visitor,
    csrf: String,
    me: String,
}

/// Everything that a sign-in would leave behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Traces {
    pub sessions: i64,
    pub people: i64,
    pub identities: i64,
}

impl Admin {
    pub async fn new(database: &Database) -> Self {
        let scene = Scene::new(database).await;
        let signed_in = scene.t.owner(OWNER).await;
        let (v, me) = (Visitor::new(), signed_in.user_id.clone());
        v.put(&scene.t.address(), SESSION, signed_in.token.expose_secret());
        let csrf = scene.t.text("SELECT csrf FROM session").await;
        Self { scene, v, csrf, me }
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.scene.t.address())
    }

    pub async fn open(&self, path: &str) -> Page {
        self.v.click(&self.at(path)).await
    }

    pub async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Page {
        let mut pairs = pairs.to_vec();
        pairs.push(("csrf", &self.csrf));
        self.v.press(&self.at(path), &pairs).await
    }

    /// As [`Self::post`], and it has to work.
    pub async fn done(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let page = self.post(path, pairs).await;
        assert_eq!(page.status, 303, "{path}: {}", page.body);
        page.location().to_owned()
    }

    /// A draft of this preset; its id.
    pub async fn draft(&self, name: &str, preset: &str) -> String {
        let to = self.done("/admin/idp/new", &[("preset", preset), ("name", name)]).await;
        to.split('/').nth(3).unwrap().to_owned()
    }

    /// A draft with everything entered, of the provider that plays a case.
    pub async fn ready(&self, case: &str) -> String {
        let id = self.draft(case, "oidc").await;
        let site = self.scene.issuers.site(case);
        let values =
            [("issuer", site.issuer.as_str()), ("client_id", CLIENT), ("secret", site.secret), ("private", "true")];
        self.done(&format!("/admin/idp/{id}/take"), &values).await;
        let roles = [("groups_claim", "groups"), ("group", "staff"), ("role", "employee")];
        self.done(&format!("/admin/idp/{id}/roles"), &roles).await;
        id
    }

    /// Begins a trial and goes through the provider's pages: the callback that the browser is sent to.
    pub async fn callback(&self, id: &str) -> String {
        let start = self.open(&format!("/admin/idp/{id}/test/start")).await;
        assert_eq!(start.status, 303, "{}", start.body);
        assert!(start.location().contains("/authorize?"), "{}", start.location());
        self.v.get(start.location()).await.location().to_owned()
    }

    /// A whole trial; the page with what it found.
    pub async fn tried(&self, id: &str) -> Page {
        let callback = self.callback(id).await;
        let back = self.v.get(&callback).await;
        assert_eq!((back.status, back.location()), (303, format!("/admin/idp/{id}/test").as_str()), "{}", back.body);
        assert!(back.sets(SESSION).is_none(), "a trial sets no session");
        self.open(&format!("/admin/idp/{id}/test")).await
    }

    pub async fn traces(&self) -> Traces {
        let t = &self.scene.t;
        Traces {
            sessions: t.count("SELECT COUNT(*) FROM session").await,
            people: t.count("SELECT COUNT(*) FROM app_user").await,
            identities: t.count("SELECT COUNT(*) FROM external_identity").await,
        }
    }

    /// Nobody but the administrator was ever here.
    pub async fn nobody_came(&self) {
        let alone = Traces { sessions: 1, people: 1, identities: 0 };
        assert_eq!(self.traces().await, alone);
    }

    pub async fn change(&self, statement: &'static str) -> bool {
        let mut tx = self.scene.t.hub().db.begin().await.unwrap();
        let done = sql(statement).execute(&mut tx).await.is_ok();
        if done {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        self.forget();
        done
    }

    /// What was changed behind the hub's back holds at once, and not in a second.
    pub fn forget(&self) {
        self.scene.t.hub().identity.forget(&self.me);
    }
}
