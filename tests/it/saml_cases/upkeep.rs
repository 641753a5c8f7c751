//! Metadata that the hub reads again by itself: new keys count before they sign, old ones for a while longer, and
//! nothing that goes wrong takes trust away or brings any.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

use axum::{Router, http::StatusCode, routing::get};
use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::{clock::Clock, model::Timestamp, store::sql};

use super::{
    pen::{Draft, Site, metadata},
    scene::{Saml, entity_id},
};
use crate::{
    hub::TestHub,
    issuer::{Rsa, Sign, Visitor, keys},
    oidc_cases::{people::owner, scene::Scene},
    real::TestDatabase as Database,
    sender,
};

const DAY: i64 = 25 * 60 * Timestamp::MINUTE;

/// What stands at the provider's address.
struct Published {
    url: String,
    answer: Arc<Mutex<(u16, String)>>,
    fetched: Arc<AtomicUsize>,
}

impl Published {
    async fn new(document: String) -> Self {
        let (answer, fetched) = (Arc::new(Mutex::new((200, document))), Arc::new(AtomicUsize::new(0)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let (known, count) = (answer.clone(), fetched.clone());
        let read = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let (status, document) = known.lock().unwrap().clone();
            std::future::ready((StatusCode::from_u16(status).unwrap(), document))
        };
        let pages = Router::new().route("/metadata", get(read));
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Self { url, answer, fetched }
    }

    fn says(&self, document: String) {
        *self.answer.lock().unwrap() = (200, document);
    }
}

/// In canonical form, with more attributes of the root.
pub fn described(of: &str, signing: &[&Rsa], attributes: &str) -> String {
    let text = metadata(&entity_id(of), "https://new.id.example/sso", signing);
    let text = text.replace("\"/>", "\"></md:SingleSignOnService>");
    let entity = format!(" entityID=\"{}\"", entity_id(of));
    text.replace(&entity, &format!(" ID=\"_m-meta\"{entity}{attributes}"))
}

/// With a signature around it.
pub fn signed(by: fn() -> Sign, document: String) -> String {
    let site = Site {
        case: "meta",
        entity_id: String::new(),
        audience: String::new(),
        acs: String::new(),
        request: String::new(),
        certificate: String::new(),
        outside: String::new(),
        now: 0,
    };
    Draft { sign: by, ..Draft::default() }.signed(&site, document, "_m")
}

struct World {
    saml: Saml,
    clock: Arc<AtomicI64>,
    published: Published,
    idp: String,
}

impl World {
    async fn new(database: &Database, document: String) -> Self {
        let clock = Arc::new(AtomicI64::new(sender::now()));
        let saml = Saml::within(Scene::at(database, Clock::Manual(clock.clone())).await).await;
        let published = Published::new(document).await;
        let words = ["idp", "add", "meta", "--saml-metadata", &published.url, "--private", "--role", "staff=employee"];
        let ran = saml.scene.shell(&[&words[..], &["--json"]].concat(), "").await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        let idp = ran.json()["id"].as_str().unwrap().to_owned();
        Self { saml, clock, published, idp }
    }

    /// With metadata that is signed.
    async fn signed_from_start(database: &Database) -> Self {
        Self::new(database, signed(main, described("meta", &[&keys().main], ""))).await
    }

    /// So much later the hub looks again.
    async fn later(&self, time: i64) {
        self.clock.fetch_add(time, Ordering::SeqCst);
        self.saml.scene.t.hub().federation.read_due_metadata().await.unwrap();
    }

    /// Whether a key signs somebody in now.
    async fn counts(&self, case: &'static str, sign: fn() -> Sign) -> bool {
        let visitor = Visitor::new();
        let site = self.saml.site(case, ("meta", &self.idp), self.saml.ask(&visitor, &self.idp).await);
        // An assertion and a person of its own each time.
        let own = Site { case: leaked(&format!("{case}{}", &site.request[..9])), ..site };
        let value = BASE64_STANDARD.encode(Draft { sign, ..Draft::default() }.write(&own));
        let end = self.saml.bring(&visitor, &own.acs, &[("SAMLResponse", value)]).await;
        assert!([303, 403].contains(&end.status), "{case}: {} {}", end.status, end.body);
        end.status == 303
    }

    async fn reading(&self) -> (i64, i64, Option<String>) {
        sql("SELECT due_at, failures, code FROM saml_reading WHERE idp_id = $1")
            .bind(&self.idp)
            .one(&self.saml.scene.t.hub().db)
            .await
            .unwrap()
    }

    async fn told(&self, outcome: &'static str) -> i64 {
        let rows = "SELECT COUNT(*) FROM audit WHERE action = 'idp.refresh' AND actor = 'system' AND outcome = $1";
        sql(rows).bind(outcome).one::<(i64,)>(&self.saml.scene.t.hub().db).await.unwrap().0
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn main() -> Sign {
    Sign::Rs256(&keys().main)
}

fn next() -> Sign {
    Sign::Rs256(&keys().next)
}

fn forger() -> Sign {
    Sign::Rs256(&keys().forger)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_counts_before_it_signs_and_the_old_one_for_a_while_longer() {
    for database in Database::both().await {
        let w = World::signed_from_start(&database).await;
        assert!(w.counts("first", main).await && !w.counts("early", next).await);
        assert_eq!(w.published.fetched.load(Ordering::SeqCst), 1);
        w.later(Timestamp::HOUR).await;
        assert_eq!(w.published.fetched.load(Ordering::SeqCst), 1, "not due yet");

        w.published.says(signed(main, described("meta", &[&keys().main, &keys().next], "")));
        w.later(DAY).await;
        assert_eq!(w.published.fetched.load(Ordering::SeqCst), 2, "{}", database.name);
        assert!(w.counts("both-old", main).await && w.counts("both-new", next).await);
        assert_eq!(w.told("ok").await, 1);

        // A key that was announced may sign the metadata next.
        w.published.says(signed(next, described("meta", &[&keys().next], "")));
        w.later(DAY).await;
        assert!(w.counts("leaving", main).await && w.counts("stays", next).await);
        w.later(DAY).await;
        assert_eq!((w.told("ok").await, w.reading().await.1), (2, 0), "what does not change is not told again");
        assert!(w.counts("leaving-2", main).await);
        w.clock.fetch_add(6 * DAY, Ordering::SeqCst);
        assert!(!w.counts("gone", main).await && w.counts("alone", next).await, "the overlap is over");
        w.later(0).await;
        assert_eq!(w.told("ok").await, 3, "that it is gone is on record");

        // A person who reads it again takes what stands there at once.
        w.published.says(signed(next, described("meta", &[&keys().forger], "")));
        assert_eq!(w.saml.scene.shell(&["idp", "refresh", "meta"], "").await.code, 0);
        assert!(!w.counts("by-hand", next).await && w.counts("by-hand-2", forger).await);
        w.saml.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_takes_no_trust_away_and_brings_none() {
    let database = Database::sqlite().await;
    let w = World::signed_from_start(&database).await;
    let other = signed(main, described("another", &[&keys().main], ""));
    let unsigned = described("meta", &[&keys().main, &keys().forger], "");
    let forged = signed(forger, unsigned.clone());
    let broken = signed(main, unsigned.clone()).replace("new.id.example", "evil.id.example");
    let old = signed(main, described("meta", &[&keys().main], " validUntil=\"2020-01-01T00:00:00Z\""));
    let keyless = signed(main, described("meta", &[], ""));
    let mut before = w.told("refused").await;
    for (n, (what, status, document, code)) in [
        ("not there", 404, String::new(), "IDP_METADATA"),
        ("another provider", 200, other, "IDP_ENTITY_CHANGED"),
        ("not signed any more", 200, unsigned, "IDP_METADATA_SIGNATURE"),
        ("signed by a stranger", 200, forged, "IDP_METADATA_SIGNATURE"),
        ("changed after it was signed", 200, broken, "IDP_METADATA_SIGNATURE"),
        ("run out", 200, old, "IDP_METADATA_OLD"),
        ("no key", 200, keyless, "IDP_KEYS"),
        ("too large", 200, " ".repeat(2 << 20), "IDP_METADATA"),
        ("no XML", 200, "nothing".into(), "IDP_METADATA"),
    ]
    .into_iter()
    .enumerate()
    {
        *w.published.answer.lock().unwrap() = (status, document);
        let last = w.reading().await.2;
        w.later(DAY).await;
        let (due, failures, said) = w.reading().await;
        assert_eq!((failures, said.as_deref()), (i64::try_from(n).unwrap() + 1, Some(code)), "{what}");
        assert!(due > w.now() && due <= w.now() + DAY, "{what}");
        before += i64::from(last.as_deref() != Some(code));
        assert_eq!(w.told("refused").await, before, "{what}: told once");
        assert!(w.counts("keeps", main).await && !w.counts("brings", forger).await, "{what}");
    }
    // It comes back, and that is that.
    w.published.says(signed(main, described("meta", &[&keys().main], "")));
    w.later(DAY).await;
    assert_eq!(w.reading().await.1, 0);
    // What says itself until when it counts, counts until then and no longer.
    let until = Timestamp(w.now() + 3 * DAY + Timestamp::HOUR).rfc3339();
    let ending = described("meta", &[&keys().main], &format!(" validUntil=\"{until}\""));
    w.published.says(signed(main, ending));
    w.later(DAY).await;
    *w.published.answer.lock().unwrap() = (500, String::new());
    w.later(DAY).await;
    assert!(w.counts("while-valid", main).await);
    w.later(DAY + Timestamp::HOUR).await;
    assert!(!w.counts("ran-out", main).await);
    w.saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_only_a_signature_brings_a_change() {
    let database = Database::sqlite().await;
    let w = World::new(&database, described("meta", &[&keys().main], "")).await;
    w.later(DAY).await;
    assert_eq!(w.reading().await.1, 0, "the same is no change");
    w.published.says(described("meta", &[&keys().main, &keys().forger], ""));
    w.later(DAY).await;
    assert_eq!(w.reading().await.2.as_deref(), Some("IDP_METADATA_OPEN"), "s49: a key on the way");
    assert!(w.counts("open", main).await && !w.counts("open-forger", forger).await);
    w.published.says(described("meta", &[&keys().main], "").replace("new.id.example", "evil.id.example"));
    w.later(DAY).await;
    assert_eq!(w.reading().await.2.as_deref(), Some("IDP_METADATA_OPEN"), "s49: an address on the way");
    assert_eq!(w.saml.scene.shell(&["idp", "refresh", "meta"], "").await.code, 0, "a person may take it");
    assert_eq!(w.reading().await.1, 0);
    w.saml.scene.t.stop().await;
}

/// Who sets an address up and is no owner must not bring keys by it later, when an owner signs in there.
#[tokio::test(flavor = "multi_thread")]
async fn an_owners_provider_takes_keys_only_from_where_an_owner_said() {
    let database = Database::sqlite().await;
    let w = World::signed_from_start(&database).await;
    owner(&w.saml.scene, "takanashi@hinoki-seiki.example").await;
    let change = async |statement: &'static str| {
        let mut tx = w.saml.scene.t.hub().db.begin().await.unwrap();
        assert_eq!(sql(statement).execute(&mut tx).await.unwrap(), 1, "{statement}");
        tx.commit().await.unwrap();
    };
    change(
        "UPDATE idp SET settings = REPLACE(settings, '\"by_owner\":true', '\"by_owner\":false') WHERE name = 'meta'",
    )
    .await;
    let both = || signed(main, described("meta", &[&keys().main, &keys().next], ""));
    assert!(w.counts("an-owner", main).await);
    change("UPDATE external_identity SET user_id = (SELECT id FROM app_user WHERE role = 'owner')").await;
    w.published.says(both());
    w.later(DAY).await;
    assert_eq!(w.reading().await.2.as_deref(), Some("IDP_OWNER"));
    assert!(!w.counts("brought", next).await);
    change(
        "UPDATE idp SET settings = REPLACE(settings, '\"by_owner\":false', '\"by_owner\":true') WHERE name = 'meta'",
    )
    .await;
    w.later(DAY).await;
    assert!(w.reading().await.1 == 0 && w.counts("taken", next).await);
    w.saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_one_reads() {
    let database = Database::postgres().await;
    let w = World::signed_from_start(&database).await;
    let second = TestHub::start_at(&database, Clock::Manual(w.clock.clone()), |_| {}).await;
    let before = w.published.fetched.load(Ordering::SeqCst);
    w.clock.fetch_add(DAY, Ordering::SeqCst);
    let (one, other) = (&w.saml.scene.t.hub().federation, &second.hub().federation);
    let read = futures::future::join_all([
        one.read_due_metadata(),
        other.read_due_metadata(),
        one.read_due_metadata(),
        other.read_due_metadata(),
    ]);
    assert!(read.await.into_iter().all(|read| read.is_ok()));
    assert_eq!(w.published.fetched.load(Ordering::SeqCst), before + 1);
    second.stop().await;
    w.saml.scene.t.stop().await;
}
