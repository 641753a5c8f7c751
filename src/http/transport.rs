//! How a request reached us: scheme, host and the address of the person, seen through trusted
//! proxies only.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, header, request::Parts},
};
use url::{Host, Url};

use super::edge::Edge;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    pub https: bool,
    /// It came through one of our proxies, which may have written another host than the browser's.
    pub proxied: bool,
    /// Host without port, as the browser named it.
    pub host: Option<Host>,
    pub client: Option<IpAddr>,
}

impl Transport {
    #[must_use]
    pub fn of(parts: &Parts, edge: &Edge) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let trusted = peer.is_some_and(|peer| edge.proxies.contains(peer));
        let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = named.or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str)).and_then(host_of);
        if !trusted {
            return Self { https: false, proxied: false, host, client: peer };
        }
        let https = last(&parts.headers, "x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        Self { https, proxied: true, host, client: forwarded_for(&parts.headers, edge).or(peer) }
    }

    /// Whether browsers keep a Secure cookie of this address: https, or their own machine.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.https || self.is_loopback()
    }

    /// The host is a name of this machine for itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.as_ref().is_some_and(is_loopback)
    }

    /// Whether the request names a host that is ours. Anything else is DNS rebinding or a mistake.
    #[must_use]
    pub fn names_us(&self, edge: &Edge) -> bool {
        let Some(host) = &self.host else { return false };
        is_loopback(host) || edge.public_url.host().is_some_and(|ours| ours.to_owned() == *host)
    }
}

fn host_of(authority: &str) -> Option<Host> {
    if authority.contains(['/', '@', '?', '#']) {
        return None;
    }
    Url::parse(&format!("http://{authority}/")).ok()?.host().map(|host| host.to_owned())
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Proxies append, so the last value is the one that the trusted proxy wrote.
fn last<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

/// The first address from the right that is not one of our proxies.
fn forwarded_for(headers: &HeaderMap, edge: &Edge) -> Option<IpAddr> {
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map_while(|text| text.trim().parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .find(|address| !edge.proxies.contains(*address))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::http::edge::Proxies;

    fn transport(peer: &str, headers: &[(&str, &str)]) -> Result<(Transport, bool), Box<dyn std::error::Error>> {
        let mut edge = Edge::new("https://hub.example".parse()?);
        edge.proxies = Proxies::parse(&["10.0.0.0/8"])?;
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(())?.into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse()?, 4000)));
        let transport = Transport::of(&parts, &edge);
        let ours = transport.names_us(&edge);
        Ok((transport, ours))
    }

    #[test]
    fn forwarded_headers_count_only_from_trusted_proxies() -> Result<(), Box<dyn std::error::Error>> {
        let headers = [
            ("host", "hub.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "198.51.100.9, 203.0.113.5, 10.0.0.2"),
        ];
        let (behind, ours) = transport("10.0.0.1", &headers)?;
        assert!(behind.is_safe() && ours);
        assert_eq!(behind.client, Some("203.0.113.5".parse()?));
        let (spoofed, _) = transport("203.0.113.9", &headers)?;
        assert!(!spoofed.is_safe());
        assert_eq!(spoofed.client, Some("203.0.113.9".parse()?));
        Ok(())
    }

    #[test]
    fn only_our_hosts_are_answered() -> Result<(), Box<dyn std::error::Error>> {
        for (host, safe, ours) in [
            ("localhost:8080", true, true),
            ("127.0.0.1:8080", true, true),
            ("[::1]:8080", true, true),
            ("HUB.example:443", false, true),
            ("hub.example.attacker.example", false, false),
            ("192.168.1.5", false, false),
            ("localhost.attacker.example", false, false),
            ("attacker.example@localhost", false, false),
        ] {
            let (transport, is_ours) = transport("127.0.0.1", &[("host", host)])?;
            assert_eq!((transport.is_safe(), is_ours), (safe, ours), "{host}");
        }
        Ok(())
    }
}
