//! The caller of a request.

use serde::{Deserialize, Serialize};

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

/// A signed-in person, as an extractor puts it into every handler.
#[derive(Clone, Debug)]
pub struct Principal {
    pub user_id: String,
    pub name: String,
    pub mail: String,
    pub role: Role,
    /// `ja` or `en`.
    pub language: String,
    /// `system`, `light` or `dark`.
    pub theme: String,
    pub session_id: String,
    /// Token that every unsafe form post of this session must carry.
    pub csrf: String,
}
