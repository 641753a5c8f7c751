//! What an administrator decides about a SAML provider, as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{certificate::Trusted, metadata::Provider, rollover::Other};
use crate::{identity::Role, model::Timestamp};

/// Settings of a SAML provider. Our signing key is kept apart, sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Exactly as the provider writes it.
    pub entity_id: String,
    /// Certificates of its signing keys, base64 of DER. Answers are checked by these alone.
    pub certificates: Vec<String>,
    /// Certificates that left the metadata by themselves and count for a while longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<Leaving>,
    /// Where requests go by HTTP-Redirect.
    pub redirect: Option<String>,
    /// Where requests go by HTTP-POST.
    pub post: Option<String>,
    /// Where people are signed out by HTTP-Redirect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout_redirect: Option<LogoutAt>,
    /// The same by HTTP-POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logout_post: Option<LogoutAt>,
    /// The certificate of the key that signs our requests, base64 of DER.
    pub certificate: String,
    /// Our key that comes next, or the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Other>,
    /// Attribute that names the person; `None`: the NameID, unless that changes each time.
    pub subject_attribute: Option<String>,
    /// Attribute that holds the groups.
    pub groups_attribute: String,
    /// Group to role. Of several the one with the most rights counts; nobody becomes owner.
    pub roles: BTreeMap<String, Role>,
    /// Role of people in no mapped group; `None`: they do not get in.
    pub default_role: Option<Role>,
    /// Group to department. A person is in all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub departments: BTreeMap<String, String>,
    /// People may come from the provider without having asked here. Then nothing proves that they meant to.
    pub unsolicited: bool,
    /// An answer that is signed as a whole is enough; else the assertion itself has to be signed.
    pub response_signed: bool,
    /// Where the metadata came from.
    pub metadata_url: Option<String>,
    /// An owner said where the metadata is, or whoever runs the machine: keys may come from there by themselves
    /// even for a provider of an owner.
    #[serde(default)]
    pub by_owner: bool,
    /// Certificate of whoever signed the metadata: from then on it has to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Until when metadata that is read again by itself counts, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// The provider stands in our own network, and that is meant.
    pub private: bool,
    /// Put aside while it was typed: the metadata was not read yet from where it is said to be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

/// Where a provider takes messages of single logout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutAt {
    pub requests: String,
    pub answers: String,
}

/// A certificate that is on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Base64 of DER.
    pub certificate: String,
    /// Microseconds since 1970.
    pub until: i64,
}

impl Settings {
    /// The keys that answers are checked by.
    ///
    /// # Errors
    /// `IDP_METADATA_OLD`: what the metadata said ran out. `IDP_SETTINGS`: there is no key.
    pub(super) fn trusted(&self, now: Timestamp) -> Result<Trusted, &'static str> {
        if self.valid_until.is_some_and(|end| end <= now.0) {
            return Err("IDP_METADATA_OLD");
        }
        let leaving = self.leaving.iter().filter(|leaving| leaving.until > now.0).map(|leaving| &leaving.certificate);
        Trusted::new(self.certificates.iter().chain(leaving)).ok_or("IDP_SETTINGS")
    }

    /// Where people sign out at the provider, and whether by HTTP-Redirect; `None`: it says nowhere.
    pub(super) fn logout(&self) -> Option<(&LogoutAt, bool)> {
        let redirect = self.logout_redirect.as_ref().map(|at| (at, true));
        redirect.or_else(|| self.logout_post.as_ref().map(|at| (at, false)))
    }

    /// Takes what the provider's metadata says; what an administrator decided stays. Keys that are not in it count
    /// no more.
    #[must_use]
    pub(in crate::identity::federation) fn taking(self, provider: Provider, from_url: bool) -> Self {
        let Provider {
            entity_id,
            certificates,
            redirect,
            post,
            logout_redirect,
            logout_post,
            valid_until,
            cache: _,
            signer,
        } = provider;
        Self {
            entity_id,
            certificates,
            leaving: Vec::new(),
            redirect,
            post,
            logout_redirect,
            logout_post,
            valid_until: valid_until.filter(|_| from_url).map(|end| end.0),
            signer,
            ..self
        }
    }
}
