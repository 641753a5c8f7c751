//! Who calls whom in these tests.

use musubi::identity::{By, NewToken, Origin, Role, Scope};
use reqwest::header;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::hub::TestHub;

pub use crate::hub::{OWNER as MAIL, PASSPHRASE};

/// Whoever has the machine.
pub const SHELL: By<'static> = By { actor: "cli", role: None };

/// An answer of the API.
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// A program with a token.
pub struct Program {
    client: reqwest::Client,
    url: String,
    secret: String,
}

impl Program {
    pub fn new(t: &TestHub, secret: &SecretString) -> Self {
        Self::saying(t, secret.expose_secret())
    }

    /// With whatever it takes for a token.
    pub fn saying(t: &TestHub, secret: &str) -> Self {
        Self { client: client(), url: t.url.clone(), secret: secret.to_owned() }
    }

    pub async fn ask(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.secret);
        read(request).await
    }

    /// A call of another kind, with this token.
    pub async fn call(&self, request: reqwest::RequestBuilder) -> Answer {
        read(request.bearer_auth(&self.secret)).await
    }

    /// A change: method, path, headers, body.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&'static str, &str)], body: &Value) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.secret);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.json(body)).await
    }

    #[track_caller]
    pub fn get<'a>(&'a self, path: &'a str, status: u16) -> impl Future<Output = Answer> + 'a {
        let from = std::panic::Location::caller();
        async move {
            let answer = self.ask(path).await;
            assert_eq!(answer.status, status, "{from}: {path}: {}", answer.body);
            answer
        }
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: answer.json().await.unwrap_or(Value::Null) }
}

/// The owner of the installation.
pub async fn owner(t: &TestHub) -> String {
    t.owner(MAIL).await.user_id
}

pub async fn service(t: &TestHub, name: &str, role: Role) -> String {
    t.hub().identity.add_service(SHELL, name, role, &Origin::default()).await.unwrap().into_string()
}

pub async fn token(t: &TestHub, owner: &str, scopes: &[Scope]) -> SecretString {
    made(t, owner, scopes).await.1
}

/// Id and secret of a new token.
pub async fn made(t: &TestHub, owner: &str, scopes: &[Scope]) -> (String, SecretString) {
    let name = format!("連携 {}", t.count("SELECT COUNT(*) FROM api_token").await);
    let new = NewToken { name, scopes: scopes.to_vec(), life: None };
    let made = t.hub().identity.create_token(SHELL, owner, new, &Origin::default()).await.unwrap();
    (made.id, made.secret)
}
