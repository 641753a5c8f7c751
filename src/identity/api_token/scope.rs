//! What a token may be made for. Each scope stands for one [`Action`] of the table in [`crate::identity::access`]; an
//! action that has no scope is not for tokens: whatever would give rights away stays with people.
//!
//! To add a scope: a variant, its line in [`Scope::ALL`], [`Scope::as_str`] and [`Scope::action`], and a line
//! in `docs/api.md`.

use std::fmt;

use crate::identity::{Action, Role, can};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    CustomersRead,
    BiRead,
    CustomersWrite,
    ActivitiesWrite,
    ViewsWrite,
    FailuresRead,
    FailuresWrite,
    OperationsRead,
    ConnectionsWrite,
    UsersRead,
    AuditRead,
}

impl Scope {
    /// All of them, as forms list them.
    pub const ALL: [Self; 11] = [
        Self::CustomersRead,
        Self::BiRead,
        Self::CustomersWrite,
        Self::ActivitiesWrite,
        Self::ViewsWrite,
        Self::FailuresRead,
        Self::FailuresWrite,
        Self::OperationsRead,
        Self::ConnectionsWrite,
        Self::UsersRead,
        Self::AuditRead,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomersRead => "customers:read",
            Self::BiRead => "bi:read",
            Self::CustomersWrite => "customers:write",
            Self::ActivitiesWrite => "activities:write",
            Self::ViewsWrite => "views:write",
            Self::FailuresRead => "failures:read",
            Self::FailuresWrite => "failures:write",
            Self::OperationsRead => "operations:read",
            Self::ConnectionsWrite => "connections:write",
            Self::UsersRead => "users:read",
            Self::AuditRead => "audit:read",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// What it lets a token do.
    #[must_use]
    pub fn action(self) -> Action {
        match self {
            Self::CustomersRead => Action::ViewCustomers,
            Self::BiRead => Action::ReadFeed,
            Self::CustomersWrite => Action::EditCustomers,
            Self::ActivitiesWrite => Action::RecordActivity,
            Self::ViewsWrite => Action::SaveViews,
            Self::FailuresRead => Action::ViewFailures,
            Self::FailuresWrite => Action::ReplayFailures,
            Self::OperationsRead => Action::ViewOperations,
            Self::ConnectionsWrite => Action::ManageConnections,
            Self::UsersRead => Action::ViewUsers,
            Self::AuditRead => Action::ViewAudit,
        }
    }

    /// The scope of an action; `None`: it is not for tokens.
    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.action() == action)
    }

    /// Those that are worth something to a role.
    #[must_use]
    pub fn within(role: Role) -> Vec<Self> {
        Self::ALL.into_iter().filter(|scope| can(role, scope.action())).collect()
    }
}

/// The scopes of one token: in the order of [`Scope::ALL`], each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// As stored. A word that this program does not know gives no right.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        text.split(' ').filter_map(Scope::parse).collect()
    }

    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that the role of the owner allows now.
    #[must_use]
    pub fn within(&self, role: Role) -> Vec<Scope> {
        self.iter().filter(|scope| can(role, scope.action())).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_gives_rights_away() {
        let without: Vec<Action> = Action::ALL.into_iter().filter(|action| Scope::of(*action).is_none()).collect();
        assert_eq!(
            without,
            [
                Action::ShareViews,
                Action::ImportFiles,
                Action::ManageUsers,
                Action::ManageOwners,
                Action::ManageSettings,
                Action::ManageSignIn,
                Action::ManageSamples
            ]
        );
    }

    #[test]
    fn each_scope_is_one_action_and_reads_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
            assert_eq!(Scope::of(scope.action()), Some(scope), "two scopes for one action");
        }
        let scopes = Scopes::stored("audit:read everything customers:read audit:read");
        assert_eq!(scopes.to_string(), "customers:read audit:read");
        assert_eq!(scopes.within(Role::Auditor), [Scope::AuditRead]);
        assert!(Scopes::stored("").is_empty());
    }
}
