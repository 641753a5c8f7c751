//! SAML providers as administrators add them; the console and the command line call the same.

use std::collections::BTreeMap;

use super::{certificate, metadata, settings::Settings, upkeep::Read};
use crate::{
    identity::{
        Role,
        federation::{
            Federation,
            manage::{Rejected, encoded, insert, named, place, roles, row, wrong},
            provider::ProviderError,
            wire::{Wire, WireError},
        },
    },
    model::{Id, Timestamp, ids::Noun},
    store::{
        StoreError, Tx,
        idp::{self, Row},
    },
};

/// Where metadata comes from.
#[derive(Clone, Debug)]
pub enum Source {
    Url(String),
    Document(Vec<u8>),
}

/// A provider as a person describes it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    pub metadata: Source,
    pub subject_attribute: Option<String>,
    pub groups_attribute: String,
    pub roles: BTreeMap<String, Role>,
    pub default_role: Option<Role>,
    pub departments: BTreeMap<String, String>,
    pub unsolicited: bool,
    pub response_signed: bool,
    pub private: bool,
}

/// A provider that was checked, with a key made for it.
pub struct Checked {
    pub name: String,
    pub settings: Settings,
    key: Vec<u8>,
    read: Option<Read>,
}

/// Metadata that was read again.
pub struct Refreshed {
    before: String,
    settings: Settings,
    read: Option<Read>,
    /// Certificates, base64 of DER.
    pub come: Vec<String>,
    pub go: Vec<String>,
}

impl Refreshed {
    /// Makes it hold from the next sign-in on. `false`: the provider changed meanwhile.
    pub async fn store(&self, tx: &mut Tx, idp_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        if let Some(read) = &self.read {
            read.store(tx, idp_id, now).await?;
        }
        idp::replace(tx, idp_id, (&self.before, &encoded(&self.settings)?), None, now).await
    }
}

/// When the last of a provider's certificates ends. Its keys count further; but whoever renews a certificate then
/// often changes the key.
#[must_use]
pub fn last_end(row: &Row) -> Option<Timestamp> {
    saml_settings(row)?.certificates.iter().filter_map(|one| certificate::ends(one)).max()
}

impl Federation {
    /// Reads a provider's metadata and makes the key that signs our requests to it.
    pub async fn check_saml(&self, draft: Draft) -> Result<Checked, Rejected> {
        let Draft {
            name,
            metadata,
            subject_attribute,
            groups_attribute,
            roles: mapped,
            default_role,
            departments,
            unsolicited,
            response_signed,
            private,
        } = draft;
        let name = named(&name)?;
        roles(&mapped, default_role)?;
        let now = self.clock.now();
        let (bytes, metadata_url) = self.metadata_of(metadata, private).await?;
        let provider = metadata::read(&bytes, private, now, &[])?;
        let made = tokio::task::spawn_blocking(move || certificate::pair(now)).await;
        let no_key = |detail: String| Rejected::Provider(ProviderError { code: "KEY", detail });
        let pair = made.map_err(|e| no_key(e.to_string()))?.map_err(|e| no_key(e.to_string()))?;
        let settings = Settings {
            certificate: pair.certificate,
            subject_attribute,
            groups_attribute,
            roles: mapped,
            default_role,
            departments,
            unsolicited,
            response_signed,
            private,
            ..Settings::default()
        };
        let (from_url, read) = (metadata_url.is_some(), metadata_url.is_some().then(|| self.read_until(&provider)));
        // Whoever runs the machine is as good as an owner.
        let settings = Settings { metadata_url, by_owner: true, ..settings }.taking(provider, from_url);
        Ok(Checked { name, settings, key: pair.key, read })
    }

    /// Reads a provider's metadata again, from where it came or from somewhere else, and takes its keys and
    /// addresses. It has to be the same provider. Returns the certificates that come and those that go.
    pub async fn refresh_saml(&self, row: &Row, source: Option<Source>) -> Result<Refreshed, Rejected> {
        let known = saml_settings(row).ok_or_else(|| wrong("provider", "IDP_KIND", "this is no SAML provider"))?;
        let source = source.or_else(|| known.metadata_url.clone().map(Source::Url));
        let source = source.ok_or_else(|| wrong("metadata", "IDP_METADATA", "say where the metadata is"))?;
        let (bytes, url) = self.metadata_of(source, known.private).await?;
        let now = self.clock.now();
        let new = metadata::read(&bytes, known.private, now, &[])?;
        if new.entity_id != known.entity_id {
            return Err(wrong("metadata", "IDP_ENTITY_CHANGED", "this is the metadata of another provider"));
        }
        let come = without(&new.certificates, &known.certificates);
        let mut counted = known.certificates.clone();
        counted.extend(known.leaving.iter().map(|leaving| leaving.certificate.clone()));
        let go = without(&counted, &new.certificates);
        let read = url.is_some().then(|| self.read_until(&new));
        let from_url = url.is_some();
        let by_owner = from_url || known.by_owner;
        let settings = Settings { metadata_url: url.or_else(|| known.metadata_url.clone()), by_owner, ..known };
        let (before, settings) = (row.settings.clone(), settings.taking(new, from_url));
        Ok(Refreshed { before, settings, read, come, go })
    }

    pub(in crate::identity::federation) async fn metadata_of(
        &self,
        source: Source,
        private: bool,
    ) -> Result<(Vec<u8>, Option<String>), ProviderError> {
        match source {
            Source::Document(bytes) => Ok((bytes, None)),
            Source::Url(text) => {
                let trouble =
                    |other| move |why: WireError| ProviderError { code: why.code(other), detail: why.to_string() };
                let url = Wire::address(&text, private).map_err(trouble("IDP_ADDRESS"))?;
                let bytes = self.wire.document(&url, private).await.map_err(trouble("IDP_METADATA"))?;
                Ok((bytes.to_vec(), Some(text)))
            }
        }
    }

    /// Makes a provider that was checked. Returns its id.
    pub async fn create_saml(&self, tx: &mut Tx, checked: &Checked, now: Timestamp) -> Result<String, Rejected> {
        // People are known by the provider's name: another one with the same name and other keys could sign them in.
        let taken = |row: &Row| saml_settings(row).is_some_and(|known| known.entity_id == checked.settings.entity_id);
        if idp::all(&mut *tx).await?.iter().any(taken) {
            return Err(wrong("metadata", "IDP_ENTITY_TAKEN", "this provider is there already"));
        }
        let id = Id::new(Noun::Idp).into_string();
        let key = self.keys.seal(&place(&id), &checked.key)?;
        let id = insert(tx, row(id, &checked.name, "saml", encoded(&checked.settings)?, Some(key), now)).await?;
        if let Some(read) = &checked.read {
            read.store(tx, &id, now).await?;
        }
        Ok(id)
    }
}

/// Those that are not among others.
pub(super) fn without(some: &[String], others: &[String]) -> Vec<String> {
    some.iter().filter(|one| !others.contains(one)).cloned().collect()
}

/// What a stored provider was told; `None`: it is of another kind, or by another version of this program.
#[must_use]
pub fn saml_settings(row: &Row) -> Option<Settings> {
    if row.kind == "saml" { serde_json::from_str(&row.settings).ok() } else { None }
}
