//! A browser as far as signing in needs one: keeps cookies as Chromium does on loopback, where plain http
//! counts as safe and a cookie belongs to the host whatever the port, and follows nothing by itself.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use reqwest::header::{self, HeaderMap};
use serde::Serialize;
use url::Url;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Where it sends the browser; empty when it does not.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The line that sets a cookie to something.
    pub fn sets(&self, cookie: &str) -> Option<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines
            .filter(|line| line.strip_prefix(cookie).is_some_and(|rest| rest.starts_with('=')))
            .find(|line| !ends(line))
    }
}

/// See the module. Clones are tabs of one browser.
#[derive(Clone)]
pub struct Visitor {
    client: reqwest::Client,
    /// By host and name.
    jar: Arc<Mutex<BTreeMap<(String, String), String>>>,
}

impl Visitor {
    pub fn new() -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { client: client.build().unwrap(), jar: Arc::default() }
    }

    /// The same browser over a new connection.
    pub fn reconnected(&self) -> Self {
        Self { jar: self.jar.clone(), ..Self::new() }
    }

    /// Another browser, over the same connections.
    pub fn stranger(&self) -> Self {
        Self { client: self.client.clone(), jar: Arc::default() }
    }

    /// Goes to an address that another site may have named.
    pub async fn get(&self, url: &str) -> Page {
        self.send(self.client.get(url), url, "cross-site").await
    }

    /// Presses a link of one of the hub's own pages.
    pub async fn click(&self, url: &str) -> Page {
        self.send(self.client.get(url), url, "same-origin").await
    }

    /// Sends a form of one of the hub's own pages.
    pub async fn press(&self, url: &str, pairs: &impl Serialize) -> Page {
        let origin = Url::parse(url).unwrap().origin().ascii_serialization();
        self.send(self.client.post(url).form(pairs).header(header::ORIGIN, origin), url, "same-origin").await
    }

    /// As a page of another site that posts a form.
    pub async fn post(&self, url: &str, pairs: &[(String, String)]) -> Page {
        self.send(self.client.post(url).form(pairs).header(header::ORIGIN, "http://127.0.0.1:9"), url, "cross-site")
            .await
    }

    /// As text, not as a form.
    pub async fn post_text(&self, url: &str, body: String) -> Page {
        self.send(self.client.post(url).header(header::CONTENT_TYPE, "text/plain").body(body), url, "cross-site").await
    }

    pub fn cookie(&self, url: &str, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(&(host(url), name.to_owned())).cloned()
    }

    pub fn put(&self, url: &str, name: &str, value: &str) {
        self.jar.lock().unwrap().insert((host(url), name.to_owned()), value.to_owned());
    }

    async fn send(&self, request: reqwest::RequestBuilder, url: &str, site: &str) -> Page {
        let host = host(url);
        let cookies: Vec<String> = {
            let jar = self.jar.lock().unwrap();
            jar.iter().filter(|((of, _), _)| *of == host).map(|((_, name), value)| format!("{name}={value}")).collect()
        };
        let mut request = request
            .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")
            .header(header::ACCEPT_LANGUAGE, "en")
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let answer = request.send().await.unwrap_or_else(|e| panic!("{url}: {e:?}"));
        let page = Page {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        };
        self.keep(&host, &page);
        page
    }

    fn keep(&self, host: &str, page: &Page) {
        let mut jar = self.jar.lock().unwrap();
        for line in page.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            let key = (host.to_owned(), name.trim().to_owned());
            if ends(line) {
                jar.remove(&key)
            } else {
                jar.insert(key, value.trim().to_owned())
            };
        }
    }
}

/// The line takes the cookie away.
fn ends(line: &str) -> bool {
    let value = line.split(';').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value.trim());
    value.is_none_or(str::is_empty) || line.to_ascii_lowercase().contains("max-age=0")
}

fn host(url: &str) -> String {
    Url::parse(url).unwrap().host_str().unwrap().to_owned()
}
