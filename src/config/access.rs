//! `[access]`: what roles see of the customers.

use serde::{Deserialize, Serialize};

use super::Invalid;

/// Roles that can be limited. Owners and administrators read what systems send as it came, so hiding anything
/// from them would only look like it; auditors see no customers.
const ROLES: [&str; 3] = ["steward", "employee", "viewer"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    pub limited: Vec<String>,
    pub unassigned: bool,
    pub credit: Vec<String>,
    pub terms: Vec<String>,
    pub personal: Vec<String>,
}

impl Access {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let Self { limited, unassigned: _, credit, terms, personal } = self;
        for (key, roles) in [
            ("access.limited", limited),
            ("access.credit", credit),
            ("access.terms", terms),
            ("access.personal", personal),
        ] {
            if let Some(other) = roles.iter().find(|role| !ROLES.contains(&role.as_str())) {
                return Err(Invalid::new(key, &format!("lists steward, employee and viewer, not \"{other}\"")));
            }
        }
        Ok(())
    }
}
