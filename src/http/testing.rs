//! A hub without a network: requests go straight into the router.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use secrecy::ExposeSecret;
use tower::ServiceExt;

use super::{Edge, server};
use crate::{
    app::{Hub, Parts, SharedHub},
    config::Config,
    identity::testing::{Bench, MAIL, PASSPHRASE},
    secrets::Keys,
};

pub type Failure = Box<dyn std::error::Error>;

pub struct Site {
    pub bench: Bench,
    pub hub: SharedHub,
    router: Router,
    pub code: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of a cookie this answer sets, and its attributes.
    pub fn cookie(&self, name: &str) -> Option<(String, String)> {
        self.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()).find_map(|line| {
            let (value, attributes) = line.strip_prefix(name)?.strip_prefix('=')?.split_once(';')?;
            Some((value.to_owned(), attributes.trim().to_owned()))
        })
    }
}

impl Site {
    pub async fn new(rooms: Router<SharedHub>, edge: impl FnOnce(&mut Edge)) -> Result<Self, Failure> {
        let bench = Bench::new().await?;
        let identity = bench.identity();
        let code = identity.open_setup().await?.unwrap_or_default();
        let mut settings = Edge::new("http://localhost:8080".parse()?);
        edge(&mut settings);
        let hub = Hub::assemble(Parts {
            config: Config::load_from(None, &[])?,
            db: bench.db.clone(),
            clock: bench.clock(),
            keys: Keys::new([7; 32], None),
            identity,
            edge: settings,
        })
        .await?;
        let router = server::router(&hub, rooms);
        Ok(Self { bench, hub, router, code })
    }

    /// `text` is the method, the path and then one header a line, as in `GET /x\naccept: text/html`.
    /// The line `peer: 10.0.0.1` names the other end of the connection instead.
    pub async fn ask(&self, text: &str, body: &str) -> Result<Answer, Failure> {
        let mut lines = text.lines();
        let (method, path) = lines.next().and_then(|line| line.split_once(' ')).ok_or("no request line")?;
        let mut request = Request::builder().method(method).uri(path);
        let mut named = false;
        for (name, value) in lines.filter_map(|line| line.trim().split_once(": ")) {
            named |= name == "host";
            request = match name {
                "peer" => request.extension(ConnectInfo(SocketAddr::new(value.parse()?, 4000))),
                name => request.header(name, value),
            };
        }
        if !named {
            request = request.header("host", "localhost:8080");
        }
        if method == "POST" && !text.contains("content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned()))?).await?;
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&to_bytes(body, 1 << 20).await?).into_owned();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Makes the owner and signs in: the session cookie and its form token.
    pub async fn signed_in(&self) -> Result<(String, String), Failure> {
        let identity = &self.hub.identity;
        let origin = crate::identity::Origin::default();
        if !identity.has_owner().await? {
            identity.create_owner(crate::identity::testing::form(&self.code), &origin).await?;
        }
        let signed_in = identity.sign_in(MAIL, PASSPHRASE.into(), None, &origin).await?;
        let cookie = signed_in.token.expose_secret().to_owned();
        match identity.session(&cookie).await? {
            crate::identity::Found::Active(session) => Ok((cookie, session.principal.csrf.clone())),
            _ => Err("not signed in".into()),
        }
    }
}
