//! Mail domains of providers: whoever types an address of one is led to its provider.
//!
//! A domain leads nobody before its TXT record says so: otherwise whoever sets a provider up could send the people of
//! another one to a sign-in page of their own. Until then the domain counts for invitations only, whose link an
//! administrator sent.
//!
//! Invariant: where an address leads depends on its domain alone. Accounts are not looked at, so an answer says nothing
//! about anybody.

use std::{net::SocketAddr, time::Duration};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RData,
};
use url::Host;

use super::Federation;
use crate::{
    identity::token::fresh,
    model::Timestamp,
    store::{
        StoreError, Tx, idp,
        idp_domain::{self, Row},
    },
};

const PREFIX: &str = "musubi-verification=";

/// Why a domain is not taken, or not found to be whose it should be.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    #[error("this is no mail domain; write it as example.co.jp")]
    Form,
    #[error("this domain is noted already")]
    Taken,
    #[error("there is no such domain")]
    Missing,
    #[error("the name server cannot be asked: {0}")]
    Dns(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Form => "DOMAIN_INVALID",
            Self::Taken => "DOMAIN_TAKEN",
            Self::Missing => "DOMAIN_MISSING",
            Self::Dns(_) => "DOMAIN_DNS",
            Self::Store(_) => "INTERNAL",
        }
    }
}

/// What the TXT record of a domain has to say.
#[must_use]
pub fn record(row: &Row) -> String {
    format!("{PREFIX}{}", row.token)
}

/// A domain as it is stored: lower case, ASCII form. `None`: no name of at least two parts.
#[must_use]
pub fn plain(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_start_matches('@').trim_end_matches('.');
    match Host::parse(typed).ok()? {
        Host::Domain(name) if name.contains('.') && name.len() <= 253 && !name.ends_with('.') => {
            let good = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            name.split('.').all(good).then_some(name)
        }
        _ => None,
    }
}

/// The domain of a mail address.
#[must_use]
pub fn of_mail(mail: &str) -> Option<String> {
    plain(mail.trim().rsplit_once('@')?.1)
}

/// Notes a domain with a provider. It leads nobody yet.
pub async fn add(tx: &mut Tx, idp_id: &str, typed: &str, now: Timestamp) -> Result<Row, DomainError> {
    let domain = plain(typed).ok_or(DomainError::Form)?;
    let token: String = fresh();
    if !idp_domain::insert(tx, &domain, idp_id, &token, now).await? {
        return Err(DomainError::Taken);
    }
    Ok(Row { domain, idp_id: idp_id.to_owned(), token, verified_at: None, checked_at: None })
}

impl Federation {
    /// Looks whether the TXT record says what it should. Not inside a transaction.
    pub async fn look_up(&self, row: &Row) -> Result<bool, DomainError> {
        let wanted = record(row);
        let asking = async {
            let resolver = resolver(&self.dns)?;
            // With the point at its end no search list of the machine is tried.
            let found = resolver.txt_lookup(format!("{}.", row.domain)).await;
            match found {
                Ok(answer) => Ok(answer.answers().iter().any(|record| match &record.data {
                    RData::TXT(txt) => txt.txt_data.concat() == wanted.as_bytes(),
                    _ => false,
                })),
                Err(error) if error.is_no_records_found() => Ok(false),
                Err(error) => Err(error),
            }
        };
        let said = tokio::time::timeout(Duration::from_secs(10), asking).await;
        match said {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(DomainError::Dns(error.to_string())),
            Err(_) => Err(DomainError::Dns("no answer in time".to_owned())),
        }
    }

    /// Whether the sign-in page asks for the mail address first.
    pub async fn leads_anybody(&self) -> Result<bool, StoreError> {
        idp_domain::any_leads(&self.db).await
    }

    /// Where the people of an address sign in: where that begins, and the provider's name.
    pub async fn leads(&self, mail: &str) -> Result<Option<(String, String)>, StoreError> {
        Ok(match self.domain_of(mail).await? {
            Some(row) if row.verified_at.is_some() => self.start_of(&row.idp_id).await?,
            _ => None,
        })
    }

    /// The same for somebody who was invited: a domain that is only noted counts as well.
    pub async fn leads_invited(&self, mail: &str) -> Result<Option<(String, String)>, StoreError> {
        match self.domain_of(mail).await? {
            Some(row) => self.start_of(&row.idp_id).await,
            None => Ok(None),
        }
    }

    async fn domain_of(&self, mail: &str) -> Result<Option<Row>, StoreError> {
        let domain = of_mail(mail).unwrap_or_default();
        idp_domain::get(&self.db, &domain).await
    }

    async fn start_of(&self, idp_id: &str) -> Result<Option<(String, String)>, StoreError> {
        let row = idp::get(&self.db, idp_id).await?.filter(|row| row.enabled);
        Ok(row.map(|row| (format!("/auth/{}/{}/start", row.kind, row.id), row.name)))
    }
}

/// Made for each question: what was asked before is asked again.
fn resolver(server: &str) -> Result<TokioResolver, NetError> {
    let Ok(server) = server.parse::<SocketAddr>() else {
        return TokioResolver::builder_tokio()?.build();
    };
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = server.port());
    let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
    let config = ResolverConfig::from_parts(None, vec![], servers);
    Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_compared_in_one_form() {
        for (typed, wanted) in [
            ("example.co.jp", Some("example.co.jp")),
            (" @Hinoki-Seiki.EXAMPLE. ", Some("hinoki-seiki.example")),
            ("ひのき.example", Some("xn--w8j5cl.example")),
            ("example", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            ("a..example", None),
            ("a b.example", None),
            ("_dmarc.example.co.jp", None),
            ("example.co.jp/x", None),
            ("", None),
        ] {
            assert_eq!(plain(typed).as_deref(), wanted, "{typed:?}");
        }
        for (mail, wanted) in [
            ("aoi+x@Sub.Example.co.jp", Some("sub.example.co.jp")),
            ("\"a@b.example\"@c.example", Some("c.example")),
            ("aoi", None),
        ] {
            assert_eq!(of_mail(mail).as_deref(), wanted, "{mail:?}");
        }
    }
}
