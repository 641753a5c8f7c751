//! Two hubs on one PostgreSQL behind one address: a sign-in may go over both, and what was taken at one counts at
//! neither again.

use std::sync::{Arc, atomic::AtomicU16};

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::clock::Clock;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    hub::TestHub,
    issuer::{Page, Visitor},
    oidc_cases::scene::{SESSION, Scene},
    real::TestDatabase,
    saml_cases::{
        case::At,
        pen::{Draft, Site},
        scene::Saml,
    },
};

/// Leads each new connection to one of the hubs, as a balancer does.
struct Balancer {
    port: u16,
    to: Arc<AtomicU16>,
}

impl Balancer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU16::new(0)));
        let chosen = to.clone();
        tokio::spawn(async move {
            while let Ok((mut browser, _)) = listener.accept().await {
                let port = chosen.load(std::sync::atomic::Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut hub = TcpStream::connect(("127.0.0.1", port)).await?;
                    copy_bidirectional(&mut browser, &mut hub).await
                });
            }
        });
        Self { port, to }
    }

    fn leads_to(&self, hub: &TestHub) {
        let port = hub.url.rsplit(':').next().unwrap().parse().unwrap();
        self.to.store(port, std::sync::atomic::Ordering::SeqCst);
    }

    fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

/// Two of them, and the balancer before them.
struct Pair {
    balancer: Balancer,
    saml: Saml,
    other: TestHub,
}

impl Pair {
    async fn start(database: &TestDatabase) -> Self {
        let balancer = Balancer::start().await;
        let url = balancer.url();
        let first = Scene::with(database, Clock::System, |c| {
            c.signin.per_address = 1_000_000;
            c.server.public_url = url.clone();
        });
        let first = first.await;
        balancer.leads_to(&first.t);
        let saml = Saml::within(first).await;
        let other = TestHub::start_with(database, |c| {
            c.signin.per_address = 1_000_000;
            c.server.public_url = url;
        });
        Self { balancer, saml, other: other.await }
    }

    fn to_first(&self) {
        self.balancer.leads_to(&self.saml.scene.t);
    }

    fn to_other(&self) {
        self.balancer.leads_to(&self.other);
    }

    async fn sessions(&self) -> i64 {
        self.saml.scene.t.count("SELECT COUNT(*) FROM session").await
    }

    async fn refusals(&self, code: &str) -> i64 {
        let statement = "SELECT COUNT(*) FROM audit WHERE action = 'session.start' AND outcome = 'refused'
            AND detail LIKE '%\"' || $1 || '\"%'";
        self.saml.scene.count_of(statement, code).await
    }

    async fn stop(self) {
        self.saml.scene.t.stop().await;
        self.other.stop().await;
    }
}

/// Posts an answer to whoever the balancer leads to.
async fn posted(site: &Site, answer: &str) -> Page {
    Visitor::new().post(&site.acs, &[("SAMLResponse".to_owned(), answer.to_owned())]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saml_answer_counts_once_whichever_node_it_comes_to() {
    let database = TestDatabase::postgres().await;
    let pair = Pair::start(&database).await;
    let connection = pair.saml.idp(At::Strict);
    let visitor = Visitor::new();
    let request = pair.saml.ask(&visitor, connection.1).await;
    let site = pair.saml.site("s39-nodes", connection, request);
    let answer = BASE64_STANDARD.encode(Draft::default().write(&site));

    pair.to_other();
    let kept = posted(&site, &answer).await;
    pair.to_first();
    let at = |page: &Page| format!("{}{}", pair.balancer.url(), page.location());
    let finish = at(&kept);
    let end = visitor.reconnected().get(&finish).await;
    assert!(end.status == 303 && end.sets(SESSION).is_some(), "asked here, brought there, read here: {}", end.body);

    pair.to_other();
    let again = visitor.reconnected().get(&finish).await;
    assert!((400..500).contains(&again.status) && again.sets(SESSION).is_none(), "what was kept is gone");
    // Replayed by whoever caught it, and by the same person on their way again.
    let new = visitor.reconnected();
    pair.saml.ask(&new, connection.1).await;
    for browser in [new, Visitor::new()] {
        let kept = posted(&site, &answer).await;
        assert_eq!(kept.status, 303, "it is read when the browser comes: {}", kept.body);
        let end = browser.reconnected().get(&at(&kept)).await;
        assert!((400..500).contains(&end.status) && end.sets(SESSION).is_none(), "{}", end.body);
    }
    assert_eq!(pair.sessions().await, 1);
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_counts_once_whichever_node_it_comes_to() {
    let database = TestDatabase::postgres().await;
    let pair = Pair::start(&database).await;
    let idp = pair.saml.scene.added("nodes").await;
    let visitor = Visitor::new();
    let (_, callback) = pair.saml.scene.begin(&visitor, &idp).await;
    let thief = visitor.reconnected();
    pair.to_other();
    let end = visitor.reconnected().get(&callback).await;
    assert!(end.status == 303 && end.sets(SESSION).is_some(), "begun here, ended there: {}", end.body);
    pair.to_first();
    let again = thief.get(&callback).await;
    assert!((400..500).contains(&again.status) && again.sets(SESSION).is_none(), "{}", again.body);
    assert_eq!((pair.sessions().await, pair.refusals("STATE_UNKNOWN").await), (1, 1));
    pair.stop().await;
}
