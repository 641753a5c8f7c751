//! Where requests may go: the addresses that nobody outside may make the hub speak to.
//!
//! An address is judged after its name was resolved, at the moment of connecting, so a name that is
//! public when it is typed and private when it is used (DNS rebinding) leads nowhere. Behind a proxy the
//! proxy resolves: names are then its business, addresses written as numbers stay ours.
//!
//! Sources: the IANA registries of special-purpose addresses (RFC 6890), and the metadata addresses that
//! the large clouds document.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far requests may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only what everybody could reach.
    Public,
    /// Private networks and this machine too: an administrator typed and confirmed the address. Never
    /// link-local addresses, behind which clouds keep their credentials.
    Private,
}

/// Why an address is not spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("the address is in a private network and nobody confirmed that it is meant")]
    Private,
    #[error("the address is one that is never spoken to (link-local, metadata, multicast)")]
    Never,
}

/// Networks of organisations and machines: 10/8 …
const PRIVATE_4: [(Ipv4Addr, u32); 6] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
];

/// Nobody's: no host, link-local with the metadata services, documentation, multicast, reserved.
const NEVER_4: [(Ipv4Addr, u32); 11] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 100, 100, 200), 32), // metadata of Alibaba Cloud
    (Ipv4Addr::new(168, 63, 129, 16), 32),   // Azure's wire server
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

const PRIVATE_6: [(Ipv6Addr, u32); 2] = [(Ipv6Addr::LOCALHOST, 128), (v6(0xfc00, 0, 0), 7)];

const NEVER_6: [(Ipv6Addr, u32); 10] = [
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), 128), // metadata of Amazon
    (v6(0x0064, 0xff9b, 1), 48),
    (v6(0x0100, 0, 0), 64),
    (v6(0x2001, 0, 0), 32), // Teredo: holds an IPv4 address that we cannot judge
    (v6(0x2001, 0x0db8, 0), 32),
    (v6(0x3fff, 0, 0), 20),
    (v6(0xfe80, 0, 0), 10),
    (v6(0xfec0, 0, 0), 10),
    (v6(0xff00, 0, 0), 8),
];

fn within_4(ip: Ipv4Addr, nets: &[(Ipv4Addr, u32)]) -> bool {
    nets.iter().any(|(net, bits)| (ip.to_bits() ^ net.to_bits()).leading_zeros() >= *bits)
}

fn within_6(ip: Ipv6Addr, nets: &[(Ipv6Addr, u32)]) -> bool {
    nets.iter().any(|(net, bits)| (ip.to_bits() ^ net.to_bits()).leading_zeros() >= *bits)
}

/// The IPv4 address that an IPv6 one stands for: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = || {
        let [.., a, b] = ip.segments();
        Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x0064, 0xff9b, 0, 0, 0, 0, ..] => Some(last()),
        [0, 0, 0, 0, 0, 0, a, b] if (a, b) != (0, 0) && (a, b) != (0, 1) => Some(last()),
        [0x2002, a, b, ..] => Some(Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b))),
        _ => None,
    }
}

/// Whether this address may be spoken to.
///
/// # Errors
/// Why not.
pub fn judge(ip: IpAddr, reach: Reach) -> Result<(), Forbidden> {
    let (never, private) = match ip {
        IpAddr::V4(ip) => (within_4(ip, &NEVER_4), within_4(ip, &PRIVATE_4)),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => return judge(inner.into(), reach),
            None => (within_6(ip, &NEVER_6), within_6(ip, &PRIVATE_6)),
        },
    };
    match reach {
        _ if never => Err(Forbidden::Never),
        Reach::Public if private => Err(Forbidden::Private),
        _ => Ok(()),
    }
}

/// Judges an address that is written as a number; names are judged when they are resolved.
///
/// # Errors
/// Why it is not spoken to.
pub fn judge_url(url: &Url, reach: Reach) -> Result<(), Forbidden> {
    match url.host() {
        Some(Host::Ipv4(ip)) => judge(ip.into(), reach),
        Some(Host::Ipv6(ip)) => judge(ip.into(), reach),
        _ => Ok(()),
    }
}

/// Resolves names to addresses that may be spoken to.
struct Guarded {
    reach: Reach,
    proxies: Arc<HashSet<String>>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        // The operator named the proxy, and it stands in the own network more often than not.
        let reach = if self.proxies.contains(name.as_str()) { Reach::Private } else { self.reach };
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut refused = None;
            let mut good = Vec::with_capacity(found.len());
            for address in found {
                match judge(address.ip(), reach) {
                    Ok(()) => good.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if good.is_empty() => Err(why.into()),
                _ => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

/// What makes a client's names resolve within `reach`, for `reqwest::ClientBuilder::dns_resolver`.
/// `proxies`: hosts through which this process was told to speak.
#[must_use]
pub fn resolver(reach: Reach, proxies: impl IntoIterator<Item = String>) -> Arc<dyn Resolve> {
    Arc::new(Guarded { reach, proxies: Arc::new(proxies.into_iter().collect()) })
}

/// The reason in an error of a request, where it was this guard.
#[must_use]
pub fn reason(error: &(dyn std::error::Error + 'static)) -> Option<Forbidden> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(forbidden) = inner.downcast_ref::<Forbidden>() {
            return Some(*forbidden);
        }
        cause = inner.source();
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_the_registries_say() {
        let (private, never) = (Err(Forbidden::Private), Err(Forbidden::Never));
        for (text, public, inside) in [
            ("8.8.8.8", Ok(()), Ok(())),
            ("100.63.255.255", Ok(()), Ok(())),
            ("172.32.0.1", Ok(()), Ok(())),
            ("2606:4700::1111", Ok(()), Ok(())),
            ("2400:cb00:2048:1::c629", Ok(()), Ok(())),
            ("10.1.2.3", private, Ok(())),
            ("100.64.0.1", private, Ok(())),
            ("127.0.0.1", private, Ok(())),
            ("127.255.255.254", private, Ok(())),
            ("172.31.255.255", private, Ok(())),
            ("192.168.0.1", private, Ok(())),
            ("::1", private, Ok(())),
            ("fd12:3456::1", private, Ok(())),
            ("::ffff:10.0.0.1", private, Ok(())),
            ("::ffff:127.0.0.1", private, Ok(())),
            ("64:ff9b::a00:1", private, Ok(())),
            ("2002:c0a8:1::1", private, Ok(())),
            ("::7f00:1", private, Ok(())),
            ("0.0.0.0", never, never),
            ("0.1.2.3", never, never),
            ("169.254.169.254", never, never),
            ("169.254.1.1", never, never),
            ("100.100.100.200", never, never),
            ("168.63.129.16", never, never),
            ("224.0.0.1", never, never),
            ("255.255.255.255", never, never),
            ("192.0.2.1", never, never),
            ("::", never, never),
            ("fe80::1", never, never),
            ("fd00:ec2::254", never, never),
            ("ff02::1", never, never),
            ("2001:db8::1", never, never),
            ("2001::1", never, never),
            ("::ffff:169.254.169.254", never, never),
            ("64:ff9b::a9fe:a9fe", never, never),
            ("2002:a9fe:a9fe::", never, never),
        ] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(judge(ip, Reach::Public), public, "{text} from outside");
            assert_eq!(judge(ip, Reach::Private), inside, "{text} confirmed");
        }
    }

    #[test]
    fn numbers_in_disguise_are_numbers() {
        for text in
            ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://[::ffff:7f00:1]/", "http://017700000001/"]
        {
            let url = Url::parse(text).unwrap();
            assert_eq!(judge_url(&url, Reach::Public), Err(Forbidden::Private), "{text}");
        }
        assert_eq!(
            judge_url(&Url::parse("http://169.254.169.254/latest").unwrap(), Reach::Private),
            Err(Forbidden::Never)
        );
        assert_eq!(judge_url(&Url::parse("https://hooks.example/").unwrap(), Reach::Public), Ok(()));
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = resolver(Reach::Public, []).resolve(name()).await.err().unwrap();
        assert_eq!(reason(refused.as_ref()), Some(Forbidden::Private));
        assert!(resolver(Reach::Private, []).resolve(name()).await.unwrap().count() > 0);
        assert!(resolver(Reach::Public, ["localhost".to_owned()]).resolve(name()).await.unwrap().count() > 0);
    }
}
