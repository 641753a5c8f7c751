//! A connection that is ready to be used: manifest, connector, origin, quota, hook secrets.

use std::{collections::HashMap, sync::Arc};

use musubi_files::Sheet;
use musubi_sdk::{
    connector::{Connector, SourceError},
    declarative::{HttpConnector, HttpTransport, Transport},
    manifest::{Driver, Manifest, WebhookSpec},
    noun::Noun,
};
use musubi_tryton::Tryton;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{
    connection::quota::Quota,
    master::Origin,
    model::{Timestamp, record::Kind},
    secrets::Keys,
    store::connection::Row,
};

/// See the module.
pub struct Live {
    pub row: Row,
    /// The connector's, with this connection's own mappings in it.
    pub manifest: Arc<Manifest>,
    pub connector: Arc<dyn Connector>,
    pub origin: Origin,
    pub quota: Quota,
    /// How deliveries prove themselves and what they carry; `None`: receives nothing.
    pub hook: Option<Arc<WebhookSpec>>,
    hook_secret: Option<SecretString>,
    hook_secret_previous: Option<(SecretString, Timestamp)>,
    /// The hub's fields, by stream, whose place in the source is gone.
    held: HashMap<String, Vec<String>>,
}

/// Why a stored connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("connector {0} is not in the catalogue")]
    UnknownConnector(String),
    #[error("stored settings are not readable")]
    Settings(#[from] serde_json::Error),
    #[error("secrets cannot be opened: is the key file the one they were sealed with?")]
    Sealed,
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// The connector that a manifest's `driver` names. A driver gets this connection's settings and a way
/// to send, and nothing else of the hub.
pub fn connect(
    manifest: Arc<Manifest>,
    settings: Map<String, Value>,
    secrets: impl IntoIterator<Item = (String, SecretString)>,
    transport: Arc<dyn Transport>,
) -> Result<Arc<dyn Connector>, SourceError> {
    Ok(match manifest.driver {
        Driver::Http => Arc::new(HttpConnector::with_transport(manifest, settings, secrets, transport)?),
        Driver::Sheet => Arc::new(Sheet::new(manifest)),
        Driver::Tryton => Arc::new(Tryton::new(manifest, settings, secrets, transport)?),
    })
}

/// Where the secrets of a connection are sealed to.
#[must_use]
pub fn place(connection_id: &str) -> String {
    format!("connection/{connection_id}/secrets")
}

/// Where the previous webhook secret is sealed to.
#[must_use]
pub fn previous_place(connection_id: &str) -> String {
    format!("connection/{connection_id}/hook_secret_previous")
}

/// The secrets of a stored connection in the clear.
pub(super) fn opened(keys: &Keys, row: &Row) -> Result<Map<String, Value>, LiveError> {
    match &row.secrets {
        Some(sealed) => {
            Ok(serde_json::from_slice(&keys.open(&place(&row.id), sealed).map_err(|_| LiveError::Sealed)?)?)
        }
        None => Ok(Map::new()),
    }
}

impl Live {
    pub fn build(row: Row, manifest: Arc<Manifest>, keys: &Keys, client: &reqwest::Client) -> Result<Self, LiveError> {
        let settings: Map<String, Value> = serde_json::from_str(&row.settings)?;
        let secrets = opened(keys, &row)?;
        let secret = |name: &str| secrets.get(name).and_then(Value::as_str).map(SecretString::from);
        let hook_secret = manifest.webhook.as_ref().and_then(|w| w.signature.secret()).and_then(secret);
        let hook_secret_previous = match (&row.hook_secret_previous, row.hook_rotated_until) {
            (Some(sealed), Some(until)) => {
                let plain = keys.open(&previous_place(&row.id), sealed).map_err(|_| LiveError::Sealed)?;
                Some((SecretString::from(String::from_utf8_lossy(&plain).into_owned()), Timestamp(until)))
            }
            _ => None,
        };
        let named: HashMap<String, SecretString> =
            secrets.keys().filter_map(|name| Some((name.clone(), secret(name)?))).collect();
        let connector = connect(manifest.clone(), settings, named, Arc::new(HttpTransport::new(client.clone())))?;
        Ok(Self {
            origin: origin(&row, &manifest),
            quota: Quota::new(manifest.quota().map(|q| (q.requests, q.per))),
            hook: manifest.webhook.clone().map(Arc::new),
            connector,
            hook_secret,
            hook_secret_previous,
            held: HashMap::new(),
            manifest,
            row,
        })
    }

    /// The same with fields that keep what the hub has of them.
    #[must_use]
    pub fn holding(self, held: HashMap<String, Vec<String>>) -> Self {
        Self { held, ..self }
    }

    /// The hub's fields of a stream whose place in the source is gone: they keep their values.
    #[must_use]
    pub fn held(&self, stream: &str) -> &[String] {
        self.held.get(stream).map(Vec::as_slice).unwrap_or_default()
    }

    /// One sealed setting in the clear, for handing samples their own keys back.
    #[must_use]
    pub fn secret(&self, keys: &Keys, name: &str) -> Option<String> {
        opened(keys, &self.row).ok()?.get(name)?.as_str().map(str::to_owned)
    }

    /// Secrets that a signature may be made with now: the current one, and during a rotation the
    /// previous one.
    pub fn hook_secrets(&self, now: Timestamp) -> Vec<&SecretString> {
        let previous = self.hook_secret_previous.as_ref().filter(|(_, until)| now < *until).map(|(s, _)| s);
        self.hook_secret.iter().chain(previous).collect()
    }

    #[must_use]
    pub fn kind_of(&self, stream: &str) -> Option<Kind> {
        self.manifest.stream(stream).map(|s| kind_of(s.record))
    }

    /// Streams in the order in which they are pulled: what is referred to comes first.
    #[must_use]
    pub fn pull_order(&self) -> Vec<&str> {
        let mut streams: Vec<(Kind, &str)> = self
            .manifest
            .streams
            .iter()
            .filter(|(_, s)| s.is_pulled())
            .map(|(name, s)| (kind_of(s.record), name.as_str()))
            .collect();
        streams.sort_by_key(|(kind, _)| *kind);
        streams.into_iter().map(|(_, name)| name).collect()
    }
}

#[must_use]
pub fn kind_of(noun: Noun) -> Kind {
    match noun {
        Noun::Customer => Kind::Customer,
        Noun::Site => Kind::Site,
        Noun::Contact => Kind::Contact,
        Noun::Product => Kind::Product,
        Noun::Deal => Kind::Deal,
        Noun::Quote => Kind::Quote,
        Noun::Order => Kind::Order,
        Noun::Shipment => Kind::Shipment,
        Noun::Invoice => Kind::Invoice,
        Noun::Payment => Kind::Payment,
        Noun::Contract => Kind::Contract,
        Noun::Inquiry => Kind::Inquiry,
    }
}

fn origin(row: &Row, manifest: &Manifest) -> Origin {
    Origin {
        connection_id: row.id.clone(),
        kind: row.kind.clone(),
        sample: row.sample,
        links_to: manifest.links.first().map(|l| l.kind.as_str().to_owned()),
        streams: manifest.streams.iter().map(|(name, s)| (name.clone(), kind_of(s.record))).collect(),
    }
}
