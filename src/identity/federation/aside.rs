//! Putting a draft aside before it is complete: what was typed is kept, and the provider is not asked whether it is so.
//!
//! Invariant: what is missing stops nobody; what cannot be right whatever follows is refused, so that it is mended by
//! who typed it.
//! Invariant: what nobody checked does not count as filled ([`super::setup::is_filled`]).

use secrecy::ExposeSecret;

use super::{
    Federation,
    manage::{self, Rejected, place, wrong},
    preset::Preset,
    provider::ProviderError,
    saml::{
        self,
        manage::{Source, saml_settings},
    },
    settings::Settings,
    setup::{self, Filled, Mapping, OidcValues, SamlValues, oidc_settings, typed},
    wire::Wire,
};
use crate::{identity::Role, store::idp::Row};

/// An address that may be spoken to, or none yet.
fn address(text: &str, private: bool) -> Result<(), Rejected> {
    if text.is_empty() {
        return Ok(());
    }
    let refused = Wire::address(text, private);
    Ok(refused.map(drop).map_err(|why| ProviderError { code: why.code("IDP_ADDRESS"), detail: why.to_string() })?)
}

impl Federation {
    /// Keeps what was typed of an OpenID provider.
    pub fn put_aside_oidc(&self, row: &Row, values: OidcValues) -> Result<Filled, Rejected> {
        let known = oidc_settings(row).ok_or_else(|| wrong("issuer", "IDP_KIND", "this is no OpenID provider"))?;
        let preset = Preset::of(&row.kind, row.preset.as_deref());
        let secret = values.secret.clone().filter(|secret| !secret.expose_secret().is_empty());
        let mut settings = typed(known.clone(), values, preset);
        address(&settings.issuer, settings.private)?;
        manage::tenants(&mut settings.tenants)?;
        if !settings.algorithms.is_empty() {
            manage::algorithms(&settings.algorithms)?;
        }
        if !settings.scopes.is_empty() {
            manage::scopes(&settings.scopes)?;
        }
        let sealed = match &secret {
            Some(_) if !settings.authentication.takes_secret() => {
                return Err(wrong("secret", "IDP_SECRET", "a secret belongs to basic and post, and to no other"));
            }
            Some(secret) => Some(self.keys.seal(&place(&row.id), secret.expose_secret().as_bytes())?),
            None if !settings.authentication.keeps_secret_of(known.authentication) => Some(Vec::new()),
            None => None,
        };
        let same = sealed.is_none() && Settings { unchecked: known.unchecked, ..settings.clone() } == known;
        settings.unchecked = known.unchecked || !same;
        Filled::of(row, &settings, sealed)
    }

    /// Keeps what was typed of a SAML provider. Metadata that was pasted is read, for nobody has to be asked.
    pub async fn put_aside_saml(&self, row: &Row, values: SamlValues, by: Role) -> Result<Filled, Rejected> {
        let known = saml_settings(row).ok_or_else(|| wrong("metadata", "IDP_KIND", "this is no SAML provider"))?;
        let url = match &values.source {
            Some(Source::Document(_)) => return self.fill_saml(row, values, by).await,
            Some(Source::Url(url)) => Some(url.clone()),
            None => None,
        };
        address(url.as_deref().unwrap_or_default(), values.private)?;
        let unchecked = known.unchecked || url.is_some() && url != known.metadata_url;
        let SamlValues { source: _, subject_attribute, unsolicited, response_signed, private } = values;
        let metadata_url = url.or_else(|| known.metadata_url.clone());
        let settings = saml::Settings {
            metadata_url,
            subject_attribute,
            unsolicited,
            response_signed,
            private,
            unchecked,
            ..known
        };
        Filled::of(row, &settings, None)
    }
}

/// Keeps what was typed of groups and roles.
pub fn put_aside_roles(row: &Row, typed: Mapping) -> Result<Filled, Rejected> {
    let known = setup::mapping(row).groups;
    let groups = if typed.groups.trim().is_empty() { known } else { typed.groups };
    setup::mapped(row, Mapping { groups, ..typed })
}
