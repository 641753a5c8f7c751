//! OpenID Providers that a test invents: as many as it has cases, each behaving as the case says, and one
//! server outside that nobody has a reason to call.
//!
//! The case is the first part of the path, so `http://127.0.0.1:PORT/wrong-aud` is an issuer of its own.
//! Everything that is asked is remembered. What a relying party itself does wrong is remembered, too.

mod answer;
mod draft;
mod keys;
mod play;
mod visitor;

pub use draft::{Draft, Site, bent, parts, tampered};
pub use keys::{Rsa, Sign, b64, half_hash, keys, unb64};
pub use play::{Answer, Auth, Pairs, Play};
pub use visitor::{Page, Visitor};

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{Router, extract::Request};
use musubi::clock::Clock;

/// As every provider knows the hub.
pub const CLIENT: &str = "musubi-hub";
const SECRET: &str = "aSecretOfTheTests0123456789";

/// See the module. Cheap to clone; ends with the runtime of its test.
#[derive(Clone)]
pub struct Issuers {
    base: String,
    outside: String,
    clock: Clock,
    seats: Arc<Mutex<HashMap<String, Seat>>>,
    strays: Arc<Mutex<Vec<String>>>,
}

/// One provider.
#[derive(Default)]
struct Seat {
    play: Play,
    /// Names of the endpoints, as they were called.
    heard: Vec<String>,
    /// What the relying party should not have done.
    wrong: Vec<String>,
    /// By authorization code.
    grants: HashMap<String, Grant>,
    /// Access tokens that were given out.
    tokens: Vec<String>,
    /// Signatures by which the hub said who it is.
    proofs: Vec<String>,
}

impl Seat {
    /// Who the `n`th sign-in is.
    fn person(&self, site: &Site, n: usize) -> Site {
        let case = if self.play.crowd { format!("{}-{n}", site.case) } else { site.case.clone() };
        Site { case, ..site.clone() }
    }
}

/// What a sign-in asked for.
#[derive(Clone, Default)]
struct Grant {
    redirect_uri: String,
    nonce: String,
    challenge: String,
}

impl Issuers {
    pub async fn start(clock: Clock) -> Self {
        // Made before anybody waits for an answer.
        tokio::task::spawn_blocking(keys).await.unwrap();
        let (ours, others) = (listener().await, listener().await);
        let issuers = Self {
            base: format!("http://{}", ours.local_addr().unwrap()),
            outside: format!("http://{}", others.local_addr().unwrap()),
            clock,
            seats: Arc::default(),
            strays: Arc::default(),
        };
        let (known, strays) = (issuers.clone(), issuers.strays.clone());
        let answers = Router::new().fallback(move |request| answer::answer(known.clone(), request));
        let outside = Router::new().fallback(move |request: Request| {
            strays.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
            std::future::ready("nothing here")
        });
        tokio::spawn(async move { axum::serve(ours, answers).await });
        tokio::spawn(async move { axum::serve(others, outside).await });
        issuers
    }

    pub fn site(&self, case: &str) -> Site {
        let secret = self.seat(case, |seat| seat.play.secret);
        Site {
            case: case.to_owned(),
            issuer: format!("{}/{case}", self.base),
            outside: format!("{}/{case}", self.outside),
            client: CLIENT,
            secret,
        }
    }

    /// From now on the provider of a case behaves like this.
    pub fn plays(&self, case: &str, change: fn(&mut Play)) {
        let mut play = Play::default();
        change(&mut play);
        self.seat(case, |seat| seat.play = play);
    }

    /// The endpoints that were called, in order; `authorize` is the browser's.
    pub fn heard(&self, case: &str) -> Vec<String> {
        self.seat(case, |seat| seat.heard.clone())
    }

    pub fn times(&self, case: &str, endpoint: &str) -> usize {
        self.heard(case).iter().filter(|heard| *heard == endpoint).count()
    }

    /// What the relying party did wrong here, in words.
    pub fn wrong(&self, case: &str) -> Vec<String> {
        self.seat(case, |seat| seat.wrong.clone())
    }

    /// The signatures by which the relying party said who it is.
    pub fn proofs(&self, case: &str) -> Vec<String> {
        self.seat(case, |seat| seat.proofs.clone())
    }

    /// Calls of the outside server that a case led to.
    pub fn strays(&self, case: &str) -> Vec<String> {
        let all = self.strays.lock().unwrap();
        all.iter().filter(|call| call.contains(&format!(" /{case}/"))).cloned().collect()
    }

    /// Every call of the outside server.
    pub fn all_strays(&self) -> Vec<String> {
        self.strays.lock().unwrap().clone()
    }

    fn seat<T>(&self, case: &str, use_it: impl FnOnce(&mut Seat) -> T) -> T {
        let mut seats: MutexGuard<'_, HashMap<String, Seat>> = self.seats.lock().unwrap();
        use_it(seats.entry(case.to_owned()).or_default())
    }
}

async fn listener() -> tokio::net::TcpListener {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()
}
