//! `[server]`: the one HTTP port.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{Invalid, Period, Size};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// Without a trailing slash. Never empty after loading.
    pub public_url: String,
    pub max_body: Size,
    pub request_timeout: Period,
    pub shutdown_timeout: Period,
    pub trusted_proxies: Vec<IpAddr>,
}

impl Server {
    pub(super) fn complete(&mut self) {
        if self.public_url.is_empty() {
            self.public_url = format!("http://localhost:{}", self.listen.port());
        }
        while self.public_url.ends_with('/') {
            self.public_url.pop();
        }
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let wrong = |why: &str| Err(Invalid::new("server.public_url", why));
        match url::Url::parse(&self.public_url) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => wrong("must start with http:// or https://"),
            Ok(url) if url.path() != "/" || url.query().is_some() => {
                wrong("must be a bare origin such as https://hub.example, without a path")
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                wrong("must not carry a user name or password")
            }
            Ok(_) => Ok(()),
            Err(e) => wrong(&format!("is no URL: {e}")),
        }?;
        if self.max_body.0 == 0 {
            return Err(Invalid::new("server.max_body", "must be above 0"));
        }
        if self.request_timeout.0.is_zero() {
            return Err(Invalid::new("server.request_timeout", "must be above 0"));
        }
        Ok(())
    }

    /// People reach the hub by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
