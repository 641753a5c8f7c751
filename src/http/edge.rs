//! What the outside of the hub is: its public address, the proxies before it, its limits.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use url::Url;

use super::pages::Pages;
use crate::config;

/// Settings of the HTTP surface and the hooks other rooms hang into it.
pub struct Edge {
    /// The address people type. Its host is the one that requests must name.
    pub public_url: Url,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub proxies: Proxies,
    /// Largest body of forms and API calls; routes with other needs set their own.
    pub body_limit: usize,
    /// Longest time a handler may take to begin its answer.
    pub timeout: Duration,
    /// Longest wait for open requests when the hub stops.
    pub grace: Duration,
    pub pages: Pages,
    /// Renders the metrics in the Prometheus text format.
    pub metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// Cancelled when the hub begins to stop. Streams that never end watch it.
    pub shutdown: CancellationToken,
}

impl Edge {
    /// The usual limits around a public address.
    #[must_use]
    pub fn new(public_url: Url) -> Self {
        Self {
            public_url,
            proxies: Proxies::default(),
            body_limit: 256 * 1024,
            timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            pages: Pages::default(),
            metrics: None,
            shutdown: CancellationToken::new(),
        }
    }
}

impl TryFrom<&config::Server> for Edge {
    type Error = url::ParseError;

    /// Pages and metrics are the caller's to add.
    fn try_from(server: &config::Server) -> Result<Self, Self::Error> {
        Ok(Self {
            proxies: Proxies::of(&server.trusted_proxies),
            timeout: server.request_timeout.0,
            grace: server.shutdown_timeout.0,
            ..Self::new(server.public_url.parse()?)
        })
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

/// Addresses and networks: `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<(IpAddr, u8)>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither an address nor a network like 10.0.0.0/8")]
pub struct NotANetwork(String);

impl Proxies {
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, NotANetwork> {
        texts.iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Single addresses, as the configuration lists them.
    #[must_use]
    pub fn of(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(|a| a.to_canonical()).map(|a| (a, if a.is_ipv4() { 32 } else { 128 })).collect())
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, prefix)| match (network, address) {
            (IpAddr::V4(n), IpAddr::V4(a)) => same_prefix(n.to_bits().into(), a.to_bits().into(), 32, *prefix),
            (IpAddr::V6(n), IpAddr::V6(a)) => same_prefix(n.to_bits(), a.to_bits(), 128, *prefix),
            _ => false,
        })
    }
}

fn same_prefix(a: u128, b: u128, width: u8, prefix: u8) -> bool {
    prefix == 0 || (a ^ b) >> (width - prefix) == 0
}

fn network(text: &str) -> Result<(IpAddr, u8), NotANetwork> {
    let refuse = || NotANetwork(text.to_owned());
    let (address, prefix) = match text.trim().split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text.trim(), None),
    };
    let address: IpAddr = address.parse().map_err(|_| refuse())?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Ok(width), str::parse).map_err(|_| refuse())?;
    if prefix > width { Err(refuse()) } else { Ok((address, prefix)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() -> Result<(), Box<dyn std::error::Error>> {
        let proxies = Proxies::parse(&["10.0.0.0/8", "192.0.2.7", "fd00::/8"])?;
        for (address, inside) in [
            ("10.200.1.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.1.1.1", true),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(proxies.contains(address.parse()?), inside, "{address}");
        }
        assert!(Proxies::of(&["192.0.2.7".parse()?]).contains("::ffff:192.0.2.7".parse()?));
        assert!(Proxies::parse(&["0.0.0.0/0"])?.contains("203.0.113.1".parse()?));
        for bad in ["10.0.0.0/33", "proxy.example", "", "10.0.0.0/x"] {
            assert!(Proxies::parse(&[bad]).is_err(), "{bad}");
        }
        Ok(())
    }
}
