//! A hub, providers, and people who sign in.

use std::path::PathBuf;

use musubi::{clock::Clock, config::Config, store::sql};
use serde_json::Value;

use super::case::Way;
use crate::{
    cli::{Ran, musubi_fed},
    hub::TestHub,
    issuer::{CLIENT, Issuers, Page, Visitor},
    process::KEY,
    real::TestDatabase as Database,
};

/// Where people want to go, with what a query can have.
pub const NEXT: &str = "/customers?q=%E6%9C%9D%E5%87%AA&sort=name";
pub const SESSION: &str = "__Host-musubi";
pub const LOGIN: &str = "__Host-musubi-login";
pub const GUARDED: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";

pub struct Scene {
    pub t: TestHub,
    pub issuers: Issuers,
    pub url: String,
    folder: tempfile::TempDir,
}

/// What the browser saw.
pub struct Trip {
    pub start: Page,
    /// Where the provider sent it; empty when it did not come that far.
    pub callback: String,
    pub end: Page,
}

/// What the hub knows of one provider and its person.
#[derive(Debug, PartialEq, Eq)]
pub struct Standing {
    pub identities: i64,
    pub users: i64,
    pub sessions: i64,
    /// Details and request ids of refused sign-ins.
    pub refusals: Vec<(Value, String)>,
}

impl Scene {
    pub async fn new(database: &Database) -> Self {
        Self::at(database, Clock::System).await
    }

    pub async fn at(database: &Database, clock: Clock) -> Self {
        // All the hostile ones come from one address here.
        Self::paced(database, clock, 1_000_000).await
    }

    /// `per_address`: as in the configuration.
    pub async fn paced(database: &Database, clock: Clock, per_address: u32) -> Self {
        Self::with(database, clock, |c| c.signin.per_address = per_address).await
    }

    /// With another configuration.
    pub async fn with(database: &Database, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        // Long enough for an answer on a busy machine, short beside one that never comes.
        let patience = |c: &mut Config| {
            c.signin.timeout.0 = std::time::Duration::from_secs(4);
            change(c);
        };
        let t = TestHub::start_at(database, clock.clone(), patience).await;
        let issuers = Issuers::start(clock).await;
        Self { t, issuers, url: database.url.clone(), folder: tempfile::tempdir().unwrap() }
    }

    /// Runs the command beside the hub, without holding up anybody else.
    pub async fn shell(&self, words: &[&str], input: &str) -> Ran {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let (folder, url, input): (PathBuf, _, _) = (self.folder.path().into(), self.url.clone(), input.to_owned());
        let run = move || {
            let variables = [
                ("MUSUBI_DATABASE__URL", url.as_str()),
                ("MUSUBI_SECRETS__KEY", KEY),
                ("MUSUBI_LOG__FILTER", "warn"),
                ("MUSUBI_SIGNIN__TIMEOUT", "4s"),
            ];
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            musubi_fed(&folder, &variables, &words, &input)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Adds the provider of a case; its id, or what the terminal said.
    pub async fn add(&self, case: &str, more: &[&str]) -> Result<String, Ran> {
        let site = self.issuers.site(case);
        let mut words =
            vec!["idp", "add", case, "--issuer", &site.issuer, "--client-id", CLIENT, "--private", "--json"];
        for usual in [&["--role", "staff=employee"][..], &["--default-role", "none"]] {
            if !more.contains(&usual[0]) {
                words.extend(usual);
            }
        }
        if !more.windows(2).any(|pair| pair == ["--auth", "none"] || pair == ["--auth", "key"]) {
            words.push("--secret");
        }
        words.extend(more);
        let ran = self.shell(&words, &format!("{}\n", site.secret)).await;
        if ran.code == 0 { Ok(ran.json()["id"].as_str().unwrap().to_owned()) } else { Err(ran) }
    }

    pub async fn added(&self, case: &str) -> String {
        self.add(case, &[]).await.unwrap_or_else(|ran| panic!("{case}: {}{}", ran.out, ran.err))
    }

    pub fn start_url(&self, idp: &str) -> String {
        let mut url = url::Url::parse(&format!("{}/auth/oidc/{idp}/start", self.t.address())).unwrap();
        url.query_pairs_mut().append_pair("next", NEXT);
        url.into()
    }

    /// To the provider and through its pages: where it sends the browser.
    pub async fn begin(&self, visitor: &Visitor, idp: &str) -> (Page, String) {
        let start = visitor.get(&self.start_url(idp)).await;
        let callback = match (start.status, start.location()) {
            (303, location) if location.contains("/authorize?") => visitor.get(location).await.location().to_owned(),
            _ => String::new(),
        };
        (start, callback)
    }

    /// All the way, as far as it goes.
    pub async fn sign_in(&self, visitor: &Visitor, idp: &str, way: Way) -> Trip {
        let (start, callback) = self.begin(visitor, idp).await;
        if callback.is_empty() {
            return Trip { end: start.clone(), start, callback };
        }
        let end = match way {
            Way::Straight => visitor.get(&callback).await,
            Way::Twice => {
                let login = visitor.cookie(&callback, LOGIN).unwrap_or_default();
                let first = visitor.get(&callback).await;
                assert_eq!(first.status, 303, "the first time is right: {}", first.body);
                // Whoever kept the address may have kept the cookie, too.
                visitor.put(&callback, LOGIN, &login);
                visitor.get(&callback).await
            }
            Way::WithoutCookies => Visitor::new().get(&callback).await,
            Way::OfAnother => {
                let victim = Visitor::new();
                assert!(!self.begin(&victim, idp).await.1.is_empty());
                victim.get(&callback).await
            }
            Way::Posted => {
                let (address, query) = callback.split_once('?').unwrap();
                let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                visitor.post(address, &pairs).await
            }
        };
        Trip { start, callback, end }
    }

    pub async fn standing(&self, case: &str, idp: &str) -> Standing {
        let mail = self.issuers.site(case).mail();
        let refusals = sql("SELECT detail, COALESCE(request_id, '') FROM audit
             WHERE action = 'session.start' AND outcome = 'refused' AND detail LIKE $1 ORDER BY id")
        .bind(format!("%{idp}%"))
        .all::<(String, String)>(&self.t.hub().db)
        .await
        .unwrap();
        Standing {
            identities: self.count_of("SELECT COUNT(*) FROM external_identity WHERE idp_id = $1", idp).await,
            users: self.count_of("SELECT COUNT(*) FROM app_user WHERE mail_key = $1", &mail).await,
            sessions: self.count_of("SELECT COUNT(*) FROM session WHERE idp_id = $1", idp).await,
            refusals: refusals.into_iter().map(|(d, id)| (serde_json::from_str(&d).unwrap(), id)).collect(),
        }
    }

    pub async fn count_of(&self, statement: &'static str, of: &str) -> i64 {
        sql(statement).bind(of).one::<(i64,)>(&self.t.hub().db).await.unwrap().0
    }

    /// The role of the person of a provider.
    pub async fn role(&self, idp: &str) -> String {
        let statement =
            "SELECT role FROM app_user WHERE id = (SELECT user_id FROM external_identity WHERE idp_id = $1)";
        let found = sql(statement).bind(idp).optional::<(String,)>(&self.t.hub().db).await.unwrap();
        found.map(|(role,)| role).unwrap_or_default()
    }
}
