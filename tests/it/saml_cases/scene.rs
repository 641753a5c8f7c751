//! A hub with SAML connections, and browsers that come and go.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::clock::Clock;

use super::{
    case::{At, Case, Way},
    pen::{Draft, Site, metadata, request_of},
};
use crate::{
    issuer::{Page, Rsa, Visitor, keys},
    oidc_cases::scene::{NEXT, Scene},
    real::TestDatabase as Database,
};

pub struct Saml {
    pub scene: Scene,
    pub idps: HashMap<&'static str, String>,
    /// What the hub signs with and opens, by connection.
    certificates: HashMap<String, String>,
}

/// What the browser saw.
pub struct Trip {
    pub visitor: Visitor,
    pub end: Page,
    pub site: Site,
}

const CONNECTIONS: [(At, &str, &[&str]); 3] = [
    (At::Strict, "strict", &[]),
    (At::Whole, "whole", &["--response-signature"]),
    (At::Open, "open", &["--idp-initiated"]),
];

pub fn entity_id(connection: &str) -> String {
    format!("https://{connection}.id.example/saml")
}

impl Saml {
    pub async fn new(database: &Database) -> Self {
        Self::within(Scene::at(database, Clock::System).await).await
    }

    pub async fn within(scene: Scene) -> Self {
        let mut saml = Self { scene, idps: HashMap::new(), certificates: HashMap::new() };
        for (_, name, more) in CONNECTIONS {
            let added = saml.add(name, &[&keys().main], more).await;
            saml.certificates.insert(added.clone(), saml.certificate(&added).await);
            saml.idps.insert(name, added);
        }
        // Whose key must not count elsewhere.
        saml.add("b", &[&keys().next], &[]).await;
        saml
    }

    pub async fn add(&self, name: &str, signing: &[&Rsa], more: &[&str]) -> String {
        let document = metadata(&entity_id(name), &format!("https://{name}.id.example/sso"), signing);
        self.add_described(name, &document, more).await.unwrap_or_else(|said| panic!("{name}: {said}"))
    }

    /// Its id, or what the terminal said.
    pub async fn add_described(&self, name: &str, document: &str, more: &[&str]) -> Result<String, String> {
        let words = ["idp", "add", name, "--saml-metadata", "-", "--role", "staff=employee", "--json"];
        let ran = self.scene.shell(&[&words[..], more].concat(), document).await;
        if ran.code == 0 { Ok(ran.json()["id"].as_str().unwrap().to_owned()) } else { Err(ran.err) }
    }

    /// What the hub signs with and opens for a provider.
    pub async fn certificate(&self, idp: &str) -> String {
        let described = Visitor::new().get(&self.address(idp, "metadata")).await.body;
        described.split("<ds:X509Certificate>").nth(1).unwrap().split('<').next().unwrap().to_owned()
    }

    pub fn idp(&self, at: At) -> (&'static str, &str) {
        let (_, name, _) = CONNECTIONS.iter().find(|(of, ..)| *of == at).unwrap();
        (name, &self.idps[name])
    }

    pub fn address(&self, idp: &str, page: &str) -> String {
        format!("{}/auth/saml/{idp}/{page}", self.scene.t.address())
    }

    /// Sets out; the id of the request.
    pub async fn ask(&self, visitor: &Visitor, idp: &str) -> String {
        let mut url = url::Url::parse(&self.address(idp, "start")).unwrap();
        url.query_pairs_mut().append_pair("next", NEXT);
        let start = visitor.get(url.as_str()).await;
        assert_eq!(start.status, 303, "{}", start.body);
        let text = request_of(start.location());
        let id = text.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(id.len() > 40, "{text}");
        id.to_owned()
    }

    pub fn site(&self, case: &'static str, (name, idp): (&str, &str), request: String) -> Site {
        Site {
            case,
            entity_id: entity_id(name),
            audience: self.address(idp, "metadata"),
            acs: self.address(idp, "acs"),
            request,
            certificate: self.certificates.get(idp).cloned().unwrap_or_default(),
            outside: self.scene.issuers.site(case).outside,
            now: self.scene.t.hub().clock.now().0 / musubi::model::Timestamp::SECOND,
        }
    }

    /// Brings a response as a page of another site does, without cookies, and follows as the browser.
    pub async fn bring(&self, visitor: &Visitor, acs: &str, pairs: &[(&str, String)]) -> Page {
        let pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let kept = Visitor::new().post(acs, &pairs).await;
        if kept.status != 303 {
            return kept;
        }
        assert!(kept.headers.get("set-cookie").is_none(), "a POST from elsewhere sets no cookie");
        let finish = url::Url::parse(acs).unwrap().join(kept.location()).unwrap();
        visitor.get(finish.as_str()).await
    }

    pub async fn play(&self, case: &Case) -> Trip {
        let connection = self.idp(case.at);
        let (visitor, attacker) = (Visitor::new(), Visitor::new());
        let request = match case.way {
            Way::Unasked => String::new(),
            Way::OfAnother | Way::WithoutCookies => self.ask(&attacker, connection.1).await,
            _ => self.ask(&visitor, connection.1).await,
        };
        let mut draft = Draft::default();
        (case.draft)(&mut draft);
        let site = self.site(case.name, connection, request);
        let text = draft.write(&site);
        let value = match case.post {
            Some(post) => String::from_utf8(post(&site, text)).unwrap(),
            None => BASE64_STANDARD.encode(text),
        };
        let end = self.end(case.way, &visitor, &site, value).await;
        Trip { visitor, end, site }
    }

    async fn end(&self, way: Way, visitor: &Visitor, site: &Site, value: String) -> Page {
        let once = [("SAMLResponse", value.clone())];
        match way {
            Way::Twice | Way::AgainElsewhere => {
                let first = self.bring(visitor, &site.acs, &once).await;
                if first.status != 303 {
                    return first;
                }
                if way == Way::Twice {
                    return self.bring(visitor, &site.acs, &once).await;
                }
                let other = Visitor::new();
                let idp = site.acs.split('/').rev().nth(1).unwrap();
                self.ask(&other, idp).await;
                self.bring(&other, &site.acs, &once).await
            }
            Way::OfAnother => {
                let idp = site.acs.split('/').rev().nth(1).unwrap();
                self.ask(visitor, idp).await;
                self.bring(visitor, &site.acs, &once).await
            }
            Way::Got => {
                let mut url = url::Url::parse(&site.acs).unwrap();
                url.query_pairs_mut().append_pair("SAMLResponse", &value);
                visitor.get(url.as_str()).await
            }
            Way::Relayed(state) => {
                self.bring(visitor, &site.acs, &[("SAMLResponse", value), ("RelayState", state.to_owned())]).await
            }
            Way::Doubled => {
                self.bring(visitor, &site.acs, &[("SAMLResponse", value.clone()), ("SAMLResponse", value)]).await
            }
            Way::Plain => visitor.post_text(&site.acs, format!("SAMLResponse={value}")).await,
            Way::ToAnother => {
                let other = site.acs.replace(&self.idps["strict"], &self.idp_of("b").await);
                self.bring(visitor, &other, &once).await
            }
            Way::Straight | Way::WithoutCookies | Way::Unasked => self.bring(visitor, &site.acs, &once).await,
        }
    }

    async fn idp_of(&self, name: &'static str) -> String {
        let found = musubi::store::sql::sql("SELECT id FROM idp WHERE name = $1").bind(name);
        found.one::<(String,)>(&self.scene.t.hub().db).await.unwrap().0
    }
}
