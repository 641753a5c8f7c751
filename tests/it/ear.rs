//! A system that wants to know what happens: takes webhooks on a real port, answers as a test says, and
//! remembers everything.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::sync::watch;

/// One delivery as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub id: String,
    pub headers: HeaderMap,
    pub raw: Vec<u8>,
    pub body: Value,
}

impl Heard {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    pub fn record(&self, field: &str) -> &str {
        self.body["data"]["record"][field].as_str().unwrap_or_default()
    }

    /// Whether another implementation of the standard takes it for genuine.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let hook = standardwebhooks::Webhook::new(secret).unwrap();
        hook.verify(&self.raw, &self.headers).is_ok()
    }
}

/// What to answer.
pub enum Say {
    Status(u16),
    With(u16, &'static [(&'static str, &'static str)]),
    /// Nothing until the ear is released.
    Silence,
    /// A byte a second, for ever.
    Trickle,
}

type Script = Box<dyn FnMut(&Heard) -> Say + Send>;

/// See the module. Cheap to clone; ends with the runtime of its test.
#[derive(Clone)]
pub struct Ear {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    script: Arc<Mutex<Script>>,
    released: Arc<watch::Sender<bool>>,
}

impl Ear {
    pub async fn new() -> Self {
        Self::that(|_| Say::Status(204)).await
    }

    /// One that answers what `script` says.
    pub async fn that(script: impl FnMut(&Heard) -> Say + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let ear = Self {
            url,
            heard: Arc::default(),
            script: Arc::new(Mutex::new(Box::new(script))),
            released: Arc::new(watch::Sender::new(false)),
        };
        let router = Router::new().route("/hook", post(take)).with_state(ear.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        ear
    }

    pub fn now_says(&self, script: impl FnMut(&Heard) -> Say + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Ids of what was heard, in the order in which it came.
    pub fn ids(&self) -> Vec<String> {
        self.heard().into_iter().map(|h| h.id).collect()
    }

    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

async fn take(State(ear): State<Ear>, headers: HeaderMap, raw: Bytes) -> Response {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let heard = Heard { id, headers, body: serde_json::from_slice(&raw).unwrap(), raw: raw.to_vec() };
    let say = (ear.script.lock().unwrap())(&heard);
    ear.heard.lock().unwrap().push(heard);
    match say {
        Say::Status(status) => answer(status, &[]),
        Say::With(status, headers) => answer(status, headers),
        Say::Silence => {
            let _ = ear.released.subscribe().wait_for(|released| *released).await;
            answer(204, &[])
        }
        Say::Trickle => {
            let drops = futures::stream::unfold((), |()| async {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                Some((Ok::<_, std::io::Error>("."), ()))
            });
            Body::from_stream(drops).into_response()
        }
    }
}

fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from("見本")).unwrap()
}
