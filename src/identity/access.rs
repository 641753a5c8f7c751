//! What each role may do, as one table. What is not in the table is refused.
//!
//! A token may do what the table says of its owner's role now, and what it was made for ([`Scope`]).
//!
//! To add an action: a variant, its row in [`Action::roles`] and in [`Action::ALL`], a word in the catalogues'
//! `[permission]`, and `principal.require(...)` in the handler.

use super::{
    api_token::Scope,
    principal::{Principal, Role},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    ViewCustomers,
    /// Keeping questions to lists under a name, for oneself.
    SaveViews,
    /// Giving such views to everybody, and changing those that are.
    ShareViews,
    /// Customers and documents by the thousand, into other tools.
    ReadFeed,
    RecordActivity,
    EditCustomers,
    /// Bringing tables in files, and taking them back.
    ImportFiles,
    ManageConnections,
    ViewOperations,
    /// Failures with a cause in the data; stewards fix those.
    ViewFailures,
    ReplayFailures,
    /// Who is here, with which role, signed in from where.
    ViewUsers,
    ManageUsers,
    /// Making owners, and changing those who are.
    ManageOwners,
    ViewAudit,
    ManageSettings,
    /// Identity providers that people sign in with.
    ManageSignIn,
    ManageSamples,
}

impl Action {
    /// All of them, as the permission table lists them.
    pub const ALL: [Self; 18] = [
        Self::ViewCustomers,
        Self::SaveViews,
        Self::ShareViews,
        Self::ReadFeed,
        Self::RecordActivity,
        Self::EditCustomers,
        Self::ImportFiles,
        Self::ViewFailures,
        Self::ReplayFailures,
        Self::ViewOperations,
        Self::ManageConnections,
        Self::ViewUsers,
        Self::ManageUsers,
        Self::ManageOwners,
        Self::ViewAudit,
        Self::ManageSettings,
        Self::ManageSignIn,
        Self::ManageSamples,
    ];

    /// Who may, from most to least rights.
    fn roles(self) -> &'static [Role] {
        use Role::{Admin, Auditor, Employee, Owner, Steward, Viewer};
        match self {
            Self::ViewCustomers | Self::ReadFeed | Self::SaveViews => &[Owner, Admin, Steward, Employee, Viewer],
            Self::RecordActivity | Self::EditCustomers => &[Owner, Admin, Steward, Employee],
            Self::ShareViews | Self::ImportFiles | Self::ViewFailures | Self::ReplayFailures => {
                &[Owner, Admin, Steward]
            }
            Self::ManageConnections
            | Self::ViewOperations
            | Self::ManageUsers
            | Self::ManageSettings
            | Self::ManageSignIn
            | Self::ManageSamples => &[Owner, Admin],
            Self::ManageOwners => &[Owner],
            Self::ViewUsers | Self::ViewAudit => &[Owner, Admin, Auditor],
        }
    }

    /// The role with the fewest rights that may.
    #[must_use]
    pub fn needs(self) -> Role {
        self.roles().last().copied().unwrap_or(Role::Owner)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewCustomers => "view_customers",
            Self::SaveViews => "save_views",
            Self::ShareViews => "share_views",
            Self::ReadFeed => "read_feed",
            Self::RecordActivity => "record_activity",
            Self::EditCustomers => "edit_customers",
            Self::ImportFiles => "import_files",
            Self::ManageConnections => "manage_connections",
            Self::ViewOperations => "view_operations",
            Self::ViewFailures => "view_failures",
            Self::ReplayFailures => "replay_failures",
            Self::ViewUsers => "view_users",
            Self::ManageUsers => "manage_users",
            Self::ManageOwners => "manage_owners",
            Self::ViewAudit => "view_audit",
            Self::ManageSettings => "manage_settings",
            Self::ManageSignIn => "manage_sign_in",
            Self::ManageSamples => "manage_samples",
        }
    }
}

#[must_use]
pub fn can(role: Role, action: Action) -> bool {
    action.roles().contains(&role)
}

/// A refusal that names the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Denied {
    pub action: Action,
    /// The role with the fewest rights that may do it.
    pub needs: Role,
    pub lacks: Lacks,
}

/// What stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacks {
    Role,
    /// The role would do; the token was not made for it.
    Scope(Scope),
    /// No token may do it, whatever its scopes.
    Person,
}

impl Denied {
    fn sentence(&self) -> String {
        let action = self.action.as_str();
        match self.lacks {
            Lacks::Role => format!("{action} needs the role {}", self.needs.as_str()),
            Lacks::Scope(scope) => format!("{action} needs a token with the scope {}", scope.as_str()),
            Lacks::Person => format!("{action} is for people at a page; no token may do it"),
        }
    }
}

impl Principal {
    #[must_use]
    pub fn can(&self, action: Action) -> bool {
        self.require(action).is_ok()
    }

    pub fn require(&self, action: Action) -> Result<(), Denied> {
        if !can(self.role, action) {
            return Err(denied(action));
        }
        let Some(scopes) = self.scopes.as_deref() else { return Ok(()) };
        let lacks = match Scope::of(action) {
            Some(scope) if scopes.has(scope) => return Ok(()),
            Some(scope) => Lacks::Scope(scope),
            None => Lacks::Person,
        };
        Err(Denied { lacks, ..denied(action) })
    }
}

fn denied(action: Action) -> Denied {
    Denied { action, needs: action.needs(), lacks: Lacks::Role }
}

/// Whether somebody of the role `by` may give a person of the role `from` the role `to`, or act on that
/// person's account otherwise (`from` and `to` the same).
pub fn over_person(by: Role, from: Role, to: Role) -> Result<(), Denied> {
    let owners = from == Role::Owner || to == Role::Owner;
    let action = if owners { Action::ManageOwners } else { Action::ManageUsers };
    if can(by, action) { Ok(()) } else { Err(denied(action)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_as_decided() {
        for action in [Action::ManageConnections, Action::ManageUsers, Action::ViewOperations, Action::ManageSamples] {
            let may: Vec<Role> = Role::ALL.into_iter().filter(|&role| can(role, action)).collect();
            assert_eq!(may, [Role::Owner, Role::Admin], "{action:?}");
        }
        assert!(can(Role::Steward, Action::ViewFailures) && can(Role::Steward, Action::ReplayFailures));
        assert!(!can(Role::Viewer, Action::RecordActivity));
        assert!(can(Role::Auditor, Action::ViewAudit) && !can(Role::Auditor, Action::ViewCustomers));
    }

    #[test]
    fn the_list_of_actions_is_whole() {
        let mut names: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::ALL.len());
        assert!(Action::ALL.iter().all(|action| can(Role::Owner, *action)), "an owner may do everything");
    }

    #[test]
    fn only_owners_act_on_owners() {
        use Role::{Admin, Auditor, Employee, Owner, Steward};
        for (by, from, to, may) in [
            (Owner, Owner, Admin, true),
            (Owner, Employee, Owner, true),
            (Admin, Employee, Admin, true),
            (Admin, Admin, Employee, true),
            (Admin, Owner, Owner, false),
            (Admin, Admin, Owner, false),
            (Steward, Employee, Employee, false),
            (Auditor, Employee, Employee, false),
        ] {
            assert_eq!(over_person(by, from, to).is_ok(), may, "{by:?} {from:?} {to:?}");
        }
    }

    #[test]
    fn roles_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
