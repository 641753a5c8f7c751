//! What an administrator decides about a provider, as it is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identity::Role;

/// Signature algorithms that an ID token may have. `none` and the symmetric ones are not among them: with
/// those, whoever can read the provider's public key or our secret could sign.
pub const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// How we prove ourselves at the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// `client_secret_basic`
    #[default]
    Basic,
    /// `client_secret_post`
    Post,
    /// `private_key_jwt`: a key of our own, made here.
    Key,
    /// A public client: PKCE alone.
    None,
}

impl Authentication {
    pub const ALL: [Self; 4] = [Self::Basic, Self::Post, Self::Key, Self::None];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Post => "post",
            Self::Key => "key",
            Self::None => "none",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// Whether the provider gives us a secret for it.
    #[must_use]
    pub fn takes_secret(self) -> bool {
        matches!(self, Self::Basic | Self::Post)
    }

    /// Whether what is kept for one serves the other: a key of our own is no secret of theirs, and a secret no key.
    #[must_use]
    pub fn keeps_secret_of(self, other: Self) -> bool {
        self == other || self.takes_secret() && other.takes_secret()
    }
}

/// Settings of an OpenID provider. The client secret is kept apart, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Exactly as the provider writes it.
    pub issuer: String,
    pub client_id: String,
    pub authentication: Authentication,
    /// Algorithms that are accepted, never what a token itself says.
    pub algorithms: Vec<String>,
    pub scopes: Vec<String>,
    /// Claim that holds the groups.
    pub groups_claim: String,
    /// Group to role. Of several the one with the most rights counts; nobody becomes owner.
    pub roles: BTreeMap<String, Role>,
    /// Role of people in no mapped group; `None`: they do not get in.
    pub default_role: Option<Role>,
    /// Group to department. A person is in all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub departments: BTreeMap<String, String>,
    /// The provider stands in our own network, and that is meant.
    pub private: bool,
    /// Longest ago that the person proved who they are to the provider, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// Tenants of a provider that has many behind one issuer (Entra ID); empty: it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Put aside while it was typed: the provider was not asked yet whether it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

impl Settings {
    /// The role of someone in these groups.
    #[must_use]
    pub fn role(&self, groups: &[String]) -> Option<Role> {
        role_of(&self.roles, self.default_role, groups)
    }
}

/// The departments of someone in these groups.
pub(super) fn departments_of(departments: &BTreeMap<String, String>, groups: &[String]) -> Vec<String> {
    groups.iter().filter_map(|group| departments.get(group).cloned()).collect()
}

/// The role of someone in these groups: of several the one with the most rights.
pub(super) fn role_of(roles: &BTreeMap<String, Role>, default: Option<Role>, groups: &[String]) -> Option<Role> {
    let rank = |role: &Role| Role::ALL.iter().position(|known| known == role);
    groups.iter().filter_map(|group| roles.get(group).copied()).min_by_key(rank).or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_with_the_most_rights_counts() {
        let settings = |default_role| Settings {
            issuer: String::new(),
            client_id: String::new(),
            authentication: Authentication::Basic,
            algorithms: vec![],
            scopes: vec![],
            groups_claim: "groups".into(),
            roles: [("営業", Role::Employee), ("情シス", Role::Admin), ("監査", Role::Auditor)]
                .map(|(group, role)| (group.to_owned(), role))
                .into(),
            default_role,
            departments: [("営業", "営業一課"), ("東京", "東京支店")]
                .map(|(group, department)| (group.to_owned(), department.to_owned()))
                .into(),
            private: false,
            max_age: None,
            tenants: vec![],
            unchecked: false,
        };
        for (groups, default, role) in [
            (vec!["営業"], None, Some(Role::Employee)),
            (vec!["監査", "営業", "情シス"], None, Some(Role::Admin)),
            (vec!["他"], None, None),
            (vec![], Some(Role::Viewer), Some(Role::Viewer)),
            (vec!["監査"], Some(Role::Employee), Some(Role::Auditor)),
        ] {
            let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
            assert_eq!(settings(default).role(&groups), role, "{groups:?}");
        }
        for (groups, departments) in
            [(vec!["営業", "東京"], vec!["営業一課", "東京支店"]), (vec!["他"], vec![]), (vec![], vec![])]
        {
            let groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
            assert_eq!(departments_of(&settings(None).departments, &groups), departments, "{groups:?}");
        }
    }
}
