//! What an administrator decides about a SAML provider, as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::certificate::Trusted;
use crate::identity::Role;

/// Settings of a SAML provider. Our signing key is kept apart, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Exactly as the provider writes it.
    pub entity_id: String,
    /// Certificates of its signing keys, base64 of DER. Answers are checked by these alone.
    pub certificates: Vec<String>,
    /// Where requests go by HTTP-Redirect.
    pub redirect: Option<String>,
    /// Where requests go by HTTP-POST.
    pub post: Option<String>,
    /// The certificate of the key that signs our requests, base64 of DER.
    pub certificate: String,
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
    /// The provider stands in our own network, and that is meant.
    pub private: bool,
}

impl Settings {
    pub(super) fn trusted(&self) -> Option<Trusted> {
        Trusted::new(&self.certificates)
    }
}
