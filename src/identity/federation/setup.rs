//! Setting a provider up, step by step. A draft keeps what was entered; nobody can sign in by it.
//!
//! Order: [`Federation::draft`], then [`Federation::fill_oidc`] or [`Federation::fill_saml`], [`map`], a trial,
//! [`Federation::activate`]. Each step may be taken again, or put aside ([`super::aside`]); a trial counts for the
//! settings that it saw.
//! Invariant: whoever is no owner cannot bring keys for a provider whose people include an owner: such keys could
//! sign that owner in.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::{
    Federation,
    manage::{self, Draft, Rejected, encoded, name_taken, named, place, roles, secret, settings, wrong},
    preset::Preset,
    provider::ProviderError,
    saml::{
        self, certificate,
        flow::issuer,
        manage::{Source, saml_settings},
        metadata,
        upkeep::Read,
    },
    settings::{Authentication, Settings},
};
use crate::{
    identity::Role,
    model::{Id, Timestamp, ids::Noun},
    store::{
        On, StoreError, Tx, external_identity,
        idp::{self, Row},
    },
};

/// What an OpenID provider gave, as it was typed. `None` keeps the secret that is stored.
#[derive(Clone, Debug, Default)]
pub struct OidcValues {
    /// The issuer, or the address of its description.
    pub issuer: String,
    pub client_id: String,
    pub secret: Option<SecretString>,
    pub authentication: Authentication,
    /// Empty: as the preset or the provider has it.
    pub scopes: Vec<String>,
    pub algorithms: Vec<String>,
    pub max_age: Option<u32>,
    pub tenants: Vec<String>,
    pub private: bool,
}

/// What a SAML provider gave.
#[derive(Clone, Debug)]
pub struct SamlValues {
    /// `None` keeps what was read before.
    pub source: Option<Source>,
    pub subject_attribute: Option<String>,
    pub unsolicited: bool,
    pub response_signed: bool,
    pub private: bool,
}

/// Who gets which role.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Claim or attribute.
    pub groups: String,
    pub roles: BTreeMap<String, Role>,
    /// Of groups with or without a role.
    pub departments: BTreeMap<String, String>,
    pub default_role: Option<Role>,
}

/// Settings that were checked, not stored yet.
#[derive(Debug)]
pub struct Filled {
    /// What they were made from.
    pub(super) before: String,
    pub(super) settings: String,
    /// Sealed; empty: there is none any more; `None`: it stays.
    pub(super) secret: Option<Vec<u8>>,
    /// Metadata that was read on the way.
    read: Option<Read>,
}

impl Filled {
    pub(super) fn of(row: &Row, settings: &impl serde::Serialize, secret: Option<Vec<u8>>) -> Result<Self, Rejected> {
        Ok(Self { before: row.settings.clone(), settings: encoded(settings)?, secret, read: None })
    }

    /// Makes them hold. `false`: the provider is gone, or changed meanwhile.
    pub async fn store(self, tx: &mut Tx, idp_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        if let Some(read) = &self.read {
            read.store(tx, idp_id, now).await?;
        }
        idp::replace(tx, idp_id, (&self.before, &self.settings), self.secret, now).await
    }
}

/// Settings of a draft in which nothing was entered yet.
fn blank(preset: Preset) -> Settings {
    Settings {
        issuer: preset.issuer().to_owned(),
        client_id: String::new(),
        authentication: Authentication::Basic,
        algorithms: Vec::new(),
        scopes: preset.scopes().iter().map(|&scope| scope.to_owned()).collect(),
        groups_claim: "groups".to_owned(),
        roles: BTreeMap::new(),
        default_role: None,
        departments: BTreeMap::new(),
        private: false,
        max_age: None,
        tenants: Vec::new(),
        unchecked: false,
    }
}

fn blank_saml(certificate: String) -> saml::Settings {
    saml::Settings { certificate, groups_attribute: "groups".to_owned(), ..saml::Settings::default() }
}

/// What the provider gave was entered, and it could be read.
#[must_use]
pub fn is_filled(row: &Row) -> bool {
    match row.kind.as_str() {
        "saml" => saml_settings(row).is_some_and(|known| !known.unchecked && !known.certificates.is_empty()),
        _ => settings(row)
            .is_some_and(|known| !known.unchecked && !known.client_id.is_empty() && !known.algorithms.is_empty()),
    }
}

/// What the provider gave was entered as far as it was known, and not read yet.
#[must_use]
pub fn is_put_aside(row: &Row) -> bool {
    match row.kind.as_str() {
        "saml" => saml_settings(row).is_some_and(|known| known.unchecked),
        _ => settings(row).is_some_and(|known| known.unchecked),
    }
}

/// It was said who gets which role: at least somebody gets in.
#[must_use]
pub fn is_mapped(row: &Row) -> bool {
    let decided = |roles: &BTreeMap<String, Role>, default: Option<Role>| !roles.is_empty() || default.is_some();
    match row.kind.as_str() {
        "saml" => saml_settings(row).is_some_and(|known| decided(&known.roles, known.default_role)),
        _ => settings(row).is_some_and(|known| decided(&known.roles, known.default_role)),
    }
}

/// What a stored OpenID provider was told; `None`: another kind, or by another version of this program.
#[must_use]
pub fn oidc_settings(row: &Row) -> Option<Settings> {
    if row.kind == "oidc" { settings(row) } else { None }
}

/// Who gets which role and department now; nobody, where the settings are by another version of this program.
#[must_use]
pub fn mapping(row: &Row) -> Mapping {
    let of = |groups, roles, departments, default_role| Mapping { groups, roles, departments, default_role };
    match (saml_settings(row), oidc_settings(row)) {
        (Some(known), _) => of(known.groups_attribute, known.roles, known.departments, known.default_role),
        (_, Some(known)) => of(known.groups_claim, known.roles, known.departments, known.default_role),
        _ => Mapping::default(),
    }
}

/// Checks who gets which role and department. Departments of groups that have no role, which the command line
/// can give, stay as they are.
pub fn map(row: &Row, mapping: Mapping) -> Result<Filled, Rejected> {
    if mapping.roles.is_empty() && mapping.default_role.is_none() {
        return Err(wrong("roles", "IDP_NOBODY", "with no group and no role for others, nobody gets in"));
    }
    mapped(row, mapping)
}

/// As [`map`], and nobody has to get in yet.
pub(super) fn mapped(row: &Row, mapping: Mapping) -> Result<Filled, Rejected> {
    let before = self::mapping(row);
    let Mapping { groups, roles: mapped, departments, default_role } = mapping;
    let kept = before.departments.into_iter().filter(|(group, _)| !before.roles.contains_key(group));
    let departments: BTreeMap<String, String> = kept.chain(departments).collect();
    let groups = groups.trim().to_owned();
    if groups.is_empty() || groups.len() > 200 || groups.contains('\0') {
        return Err(wrong("groups_claim", "REQUIRED", "the name of the groups' claim is missing"));
    }
    roles(&mapped, default_role)?;
    if let Some(known) = saml_settings(row) {
        return Filled::of(
            row,
            &saml::Settings { groups_attribute: groups, roles: mapped, departments, default_role, ..known },
            None,
        );
    }
    let known = settings(row).ok_or_else(|| wrong("roles", "IDP_SETTINGS", "the settings cannot be read"))?;
    Filled::of(row, &Settings { groups_claim: groups, roles: mapped, departments, default_role, ..known }, None)
}

impl Federation {
    /// Begins a provider. It is not stored yet.
    pub async fn draft(&self, preset: Preset, name: &str, now: Timestamp) -> Result<Row, Rejected> {
        let name = named(name)?;
        let id = Id::new(Noun::Idp).into_string();
        let (settings, secret) = if preset == Preset::Saml {
            let no_key = |detail: String| Rejected::Provider(ProviderError { code: "KEY", detail });
            let made = tokio::task::spawn_blocking(move || certificate::pair(now)).await;
            let pair = made.map_err(|e| no_key(e.to_string()))?.map_err(|e| no_key(e.to_string()))?;
            (encoded(&blank_saml(pair.certificate))?, Some(self.keys.seal(&place(&id), &pair.key)?))
        } else {
            (encoded(&blank(preset))?, None)
        };
        let row = manage::row(id, &name, preset.kind(), settings, secret, now);
        Ok(Row { enabled: false, draft: true, preset: Some(preset.as_str().to_owned()), ..row })
    }

    /// Another name, and other menus.
    pub async fn rename(&self, tx: &mut Tx, row: &Row, name: &str, preset: Preset) -> Result<(), Rejected> {
        let name = named(name)?;
        if preset.kind() != row.kind {
            return Err(wrong("preset", "IDP_KIND", "a provider keeps its protocol"));
        }
        if idp::rename(tx, &row.id, &name, Some(preset.as_str())).await? {
            return Ok(());
        }
        Err(name_taken())
    }

    /// Takes what an OpenID provider gave, and asks the provider whether it is so.
    pub async fn fill_oidc(&self, row: &Row, values: OidcValues) -> Result<Filled, Rejected> {
        let known = oidc_settings(row).ok_or_else(|| wrong("issuer", "IDP_KIND", "this is no OpenID provider"))?;
        let stays = values.authentication.keeps_secret_of(known.authentication);
        let kept = if stays { secret(&self.keys, row)? } else { None };
        let secret = values.secret.clone().or_else(|| kept.clone().map(Into::into));
        let preset = Preset::of(&row.kind, row.preset.as_deref());
        let settings = Settings { unchecked: false, ..typed(known, values, preset) };
        let draft = Draft { name: row.name.clone(), settings, secret };
        let checked = match self.check(draft.clone()).await {
            Err(Rejected::Provider(ProviderError { code: "IDP_ISSUER", .. }))
                if !draft.settings.issuer.ends_with('/') =>
            {
                // The address of a description does not tell whether the name has a slash at its end.
                let issuer = format!("{}/", draft.settings.issuer);
                let with_slash = Settings { issuer, ..draft.settings.clone() };
                let first = self.check(Draft { settings: with_slash, ..draft.clone() }).await;
                if first.is_ok() { first? } else { self.check(draft).await? }
            }
            other => other?,
        };
        let secret = checked.secret.as_ref().map(|secret| secret.expose_secret());
        let sealed = match secret.filter(|secret| kept.as_deref() != Some(*secret)) {
            Some(secret) => Some(self.keys.seal(&place(&row.id), secret.as_bytes())?),
            None => None,
        };
        Filled::of(row, &checked.settings, sealed)
    }

    /// Takes what a SAML provider gave, and reads its metadata. `by`: the role of whoever gives it.
    pub async fn fill_saml(&self, row: &Row, values: SamlValues, by: Role) -> Result<Filled, Rejected> {
        let known = saml_settings(row).ok_or_else(|| wrong("metadata", "IDP_KIND", "this is no SAML provider"))?;
        let SamlValues { source, subject_attribute, unsolicited, response_signed, private } = values;
        let settings = saml::Settings { subject_attribute, unsolicited, response_signed, private, ..known };
        let Some(source) = source else {
            if settings.certificates.is_empty() || settings.unchecked {
                return Err(wrong("metadata", "REQUIRED", "the metadata is missing"));
            }
            return Filled::of(row, &settings, None);
        };
        let (bytes, metadata_url) = self.metadata_of(source, private).await?;
        let provider = metadata::read(&bytes, private, self.clock.now(), &[])?;
        let taken = |other: &Row| {
            other.id != row.id && saml_settings(other).is_some_and(|known| known.entity_id == provider.entity_id)
        };
        if idp::all(&self.db).await?.iter().any(taken) {
            return Err(wrong("metadata", "IDP_ENTITY_TAKEN", "this provider is there already"));
        }
        if !row.draft && settings.entity_id != provider.entity_id {
            return Err(wrong("metadata", "IDP_ENTITY_CHANGED", "this is the metadata of another provider"));
        }
        let (from_url, read) = (metadata_url.is_some(), metadata_url.is_some().then(|| self.read_until(&provider)));
        let kept =
            settings.by_owner && metadata_url.as_ref().is_none_or(|url| settings.metadata_url.as_ref() == Some(url));
        let by_owner = kept || by == Role::Owner && from_url;
        let metadata_url = metadata_url.or_else(|| settings.metadata_url.clone());
        let settings = saml::Settings { metadata_url, by_owner, unchecked: false, ..settings };
        let settings = settings.taking(provider, from_url);
        owners_are_safe(&self.db, &settings, by).await?;
        Ok(Filled { read, ..Filled::of(row, &settings, None)? })
    }

    /// Another client secret.
    pub fn change_secret(&self, row: &Row, secret: &SecretString) -> Result<Filled, Rejected> {
        let known = oidc_settings(row).filter(|known| known.authentication.takes_secret());
        if known.is_none() || secret.expose_secret().trim().is_empty() {
            return Err(wrong("secret", "REQUIRED", "the secret is missing"));
        }
        let sealed = self.keys.seal(&place(&row.id), secret.expose_secret().as_bytes())?;
        let settings = row.settings.clone();
        Ok(Filled { before: settings.clone(), settings, secret: Some(sealed), read: None })
    }
}

/// Settings with what was typed in place of what was known.
pub(super) fn typed(known: Settings, values: OidcValues, preset: Preset) -> Settings {
    let usual = || preset.scopes().iter().map(|&scope| scope.to_owned()).collect();
    Settings {
        issuer: issuer_of(&values.issuer),
        client_id: values.client_id.trim().to_owned(),
        authentication: values.authentication,
        algorithms: values.algorithms,
        scopes: if values.scopes.is_empty() { usual() } else { values.scopes },
        max_age: values.max_age,
        tenants: values.tenants,
        private: values.private,
        ..known
    }
}

/// See the module.
pub(super) async fn owners_are_safe(
    on: impl Into<On<'_>>,
    settings: &saml::Settings,
    by: Role,
) -> Result<(), Rejected> {
    if by != Role::Owner && external_identity::has_owner_of(on, &issuer(settings)).await? {
        return Err(wrong("metadata", "IDP_OWNER", "an owner signs in by this provider: only owners change its keys"));
    }
    Ok(())
}

/// The issuer of what was pasted: people copy the address of its description as well.
fn issuer_of(text: &str) -> String {
    let text = text.trim();
    text.strip_suffix("/.well-known/openid-configuration").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_description_is_an_issuer_too() {
        for (text, issuer) in [
            (" https://id.example ", "https://id.example"),
            ("https://id.example/", "https://id.example/"),
            ("https://id.example/realms/a/.well-known/openid-configuration", "https://id.example/realms/a"),
        ] {
            assert_eq!(issuer_of(text), issuer);
        }
    }
}
