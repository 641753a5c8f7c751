//! The caller of a request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::api_token::Scopes;
use crate::model::{Timestamp, View};

/// What a person may do. Stored as text; the order is from most to least rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Owner,
    Admin,
    Steward,
    Employee,
    Viewer,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 6] = [Self::Owner, Self::Admin, Self::Steward, Self::Employee, Self::Viewer, Self::Auditor];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Steward => "steward",
            Self::Employee => "employee",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// What a session rests on.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// When its person last proved who they are; `None`: the provider told no time, or there is no session.
    pub at: Option<Timestamp>,
    /// The provider that vouched for it; `None`: a passphrase.
    pub idp_id: Option<String>,
    /// On the break-glass page.
    pub glass: bool,
}

/// Who calls, as an extractor puts it into every handler: a signed-in person, or the owner of a token.
#[derive(Clone)]
pub struct Principal {
    pub user_id: String,
    pub name: String,
    pub mail: String,
    pub role: Role,
    /// Which customers and fields this person sees.
    pub view: View,
    /// `ja` or `en`.
    pub language: String,
    /// `system`, `light` or `dark`.
    pub theme: String,
    pub session_id: String,
    /// Token that every unsafe form post of this session must carry.
    pub csrf: String,
    pub proof: Proof,
    /// What the token was made for; `None`: a person at a page, bounded by the role alone.
    pub scopes: Option<Arc<Scopes>>,
}

impl std::fmt::Debug for Principal {
    /// Name, mail and token stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal").field("user_id", &self.user_id).field("role", &self.role).finish_non_exhaustive()
    }
}
