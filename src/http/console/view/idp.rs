//! `/admin/idp`: identity providers, and one of them.

use super::audit::AuditLine;
use crate::{
    http::console::Shell,
    identity::{Role, federation::saml::Stage},
    model::Timestamp,
};

/// One provider in the list.
#[derive(Clone, Debug)]
pub struct IdpRow {
    pub id: String,
    pub name: String,
    /// `oidc` or `saml`.
    pub kind: String,
    /// `draft`, `on` or `off`.
    pub state: &'static str,
    /// Word of `idp_preset`.
    pub preset: &'static str,
    /// Last sign-in by it.
    pub last: Option<Timestamp>,
    /// When the first of its certificates ends (SAML).
    pub ends: Option<Timestamp>,
    /// Its metadata could not be read again, or was not taken.
    pub unread: bool,
}

impl IdpRow {
    /// Class, icon and word of the state.
    #[must_use]
    pub fn look(&self, s: &Shell) -> (&'static str, &'static str, &'static str) {
        match self.state {
            "draft" => ("", "edit", s.t("idp.draft")),
            "on" => ("ok", "check", s.t("idp.on")),
            _ => ("idle", "pause", s.t("idp.off")),
        }
    }

    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        kind_name(&self.kind)
    }
}

/// The protocol as people know it.
#[must_use]
pub fn kind_name(kind: &str) -> &'static str {
    if kind == "saml" { "SAML 2.0" } else { "OpenID Connect" }
}

/// A certificate: SHA-256, end.
#[derive(Clone, Debug)]
pub struct CertificateRow {
    pub fingerprint: String,
    pub ends: Option<Timestamp>,
    /// It left the metadata, and counts until then.
    pub leaves: Option<Timestamp>,
}

impl CertificateRow {
    /// It ended, or does so within a month.
    #[must_use]
    pub fn is_near(&self, s: &Shell) -> bool {
        self.ends.is_some_and(|end| end.since(s.now) < 30 * Timestamp::DAY)
    }
}

/// Our own keys of a SAML provider.
#[derive(Clone, Debug)]
pub struct OwnKeys {
    pub signs: CertificateRow,
    pub other: Option<OtherKey>,
}

/// Metadata that is read again by itself.
#[derive(Clone, Debug)]
pub struct MetadataReading {
    pub due_at: Timestamp,
    pub read_at: Option<Timestamp>,
    /// Of the failures since then the first.
    pub failed_at: Option<Timestamp>,
    /// Why it failed the last time.
    pub code: Option<String>,
    /// For people who know the protocol, in English.
    pub detail: Option<String>,
}

/// Our second key.
#[derive(Clone, Debug)]
pub struct OtherKey {
    pub certificate: CertificateRow,
    pub stage: Stage,
    /// Since when it is at that.
    pub since: Timestamp,
}

impl OtherKey {
    #[must_use]
    pub fn is_next(&self) -> bool {
        self.stage == Stage::Next
    }
}

/// What a provider said of itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Issuer, or entity id.
    pub issuer: String,
    pub client_id: String,
    pub algorithms: String,
    pub scopes: String,
    /// Where people are sent (SAML).
    pub address: String,
    pub certificates: Vec<CertificateRow>,
}

/// What is wrong with a field.
#[derive(Clone, Debug)]
pub struct Wrong {
    pub field: String,
    /// Of `form_error`.
    pub code: String,
    /// For people who know the protocol, in English.
    pub detail: String,
}

impl Wrong {
    #[must_use]
    pub fn plain(field: &str, code: &str) -> Self {
        Self { field: field.to_owned(), code: code.to_owned(), detail: String::new() }
    }
}

/// Settings of a provider in use that were changed and do not hold yet.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Name of whoever changed them last.
    pub who: String,
    pub at: Timestamp,
}

/// A break-glass account.
#[derive(Clone, Debug)]
pub struct GlassRow {
    pub id: String,
    pub name: String,
    /// Last sign-in on the break-glass page since passphrase and second factor are what they are.
    pub tested_at: Option<Timestamp>,
    /// Not too long ago.
    pub tested: bool,
}

/// `/admin/idp`.
#[derive(Clone, Debug, Default)]
pub struct IdpsPage {
    pub rows: Vec<IdpRow>,
    /// An owner may sign in without a provider.
    pub local_owner: bool,
    /// Single sign-on is mandatory.
    pub required: bool,
    /// Names of providers by which people do sign in.
    pub providers: Vec<String>,
    pub accounts: Vec<GlassRow>,
    /// People whom mandatory single sign-on shuts out.
    pub stranded: i64,
    /// Of `form_error`: why it cannot become mandatory.
    pub missing: Option<&'static str>,
    /// Of `form_error`: what was refused.
    pub error: Option<&'static str>,
}

impl IdpsPage {
    #[must_use]
    pub fn tested(&self) -> bool {
        self.accounts.iter().any(|account| account.tested)
    }

    /// Class and icon of a condition.
    #[must_use]
    pub fn mark(&self, holds: bool) -> (&'static str, &'static str) {
        if holds { ("ok", "check") } else { ("idle", "pause") }
    }
}

/// `/admin/idp/{id}`.
#[derive(Clone, Debug)]
pub struct IdpPage {
    pub row: IdpRow,
    pub facts: Facts,
    /// Addresses that the provider was given: word of `idp`, value.
    pub given: Vec<(&'static str, String)>,
    pub groups_claim: String,
    pub roles: Vec<(String, Role)>,
    /// Group and department.
    pub departments: Vec<(String, String)>,
    pub default_role: Option<Role>,
    pub has_secret: bool,
    pub metadata_url: String,
    /// Until when metadata that is read again by itself counts.
    pub valid_until: Option<Timestamp>,
    pub reading: Option<MetadataReading>,
    pub own_keys: Option<OwnKeys>,
    pub pending: Option<Pending>,
    pub wrong: Option<Wrong>,
    pub refusals: Vec<AuditLine>,
    pub domains: Vec<DomainRow>,
}

/// A mail domain of a provider.
#[derive(Clone, Debug)]
pub struct DomainRow {
    pub domain: String,
    /// What its TXT record has to say.
    pub record: String,
    /// `None`: for invitations only.
    pub verified_at: Option<Timestamp>,
    pub checked_at: Option<Timestamp>,
}

impl IdpPage {
    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&Wrong> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field)
    }

    /// What the metadata said ran out: nobody signs in.
    #[must_use]
    pub fn is_over(&self, s: &Shell) -> bool {
        self.valid_until.is_some_and(|end| end <= s.now)
    }

    /// Why the metadata could not be read or was not taken, in words where there are any.
    #[must_use]
    pub fn unread(&self, s: &Shell) -> Option<String> {
        let code = self.reading.as_ref()?.code.as_deref()?;
        Some(s.lang.find(&format!("form_error.{code}")).map_or_else(|| code.to_owned(), str::to_owned))
    }

    #[must_use]
    pub fn role_word(&self, s: &Shell, role: &Role) -> &'static str {
        s.word("role", role.as_str())
    }
}
