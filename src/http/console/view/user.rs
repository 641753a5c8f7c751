//! `/admin/users`, one person, the permission table, and `/me`.

use super::{audit::AuditLine, device, token::TokenRow};
use crate::{http::console::Shell, identity::Role, model::Timestamp};

/// One person in the list.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub id: String,
    pub name: String,
    /// Empty: the provider told none.
    pub mail: String,
    pub role: Role,
    /// May sign in with a passphrase.
    pub local: bool,
    /// Names of providers by which this person signed in.
    pub providers: Vec<String>,
    pub signed_in_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    /// A break-glass account.
    pub glass: bool,
    /// Last sign-in on the break-glass page.
    pub glass_tested_at: Option<Timestamp>,
    /// The reader.
    pub me: bool,
    /// No person: nobody signs in.
    pub service: bool,
}

impl UserRow {
    /// `社員アカウント・パスフレーズ`
    #[must_use]
    pub fn ways(&self, s: &Shell) -> String {
        let mut ways: Vec<&str> = self.providers.iter().map(String::as_str).collect();
        if self.local {
            ways.push(s.t("users.passphrase"));
        }
        if self.service {
            return s.t("tokens.by_token").to_owned();
        }
        if ways.is_empty() { "—".to_owned() } else { ways.join(s.t("comma")) }
    }

    #[must_use]
    pub fn role_name(&self, s: &Shell) -> &'static str {
        role_name(s, self.role)
    }

    /// Class, icon and word of the state.
    #[must_use]
    pub fn look(&self, s: &Shell) -> (&'static str, &'static str, &'static str) {
        match self.disabled_at {
            None => ("ok", "check", s.t("users.active")),
            Some(_) => ("idle", "pause", s.t("users.inactive")),
        }
    }
}

/// The word of a role.
#[must_use]
pub fn role_name(s: &Shell, role: Role) -> &'static str {
    s.word("role", role.as_str())
}

/// `/admin/users`.
#[derive(Clone, Debug, Default)]
pub struct UsersPage {
    pub rows: Vec<UserRow>,
    pub total: i64,
    pub q: String,
    /// Chosen role; empty for all.
    pub role: String,
    /// `active`, `inactive` or empty.
    pub state: String,
    pub first: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
    /// The reader may invite.
    pub may_invite: bool,
    pub invitations: Vec<InvitationRow>,
}

/// An open invitation.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    pub id: String,
    pub mail: String,
    pub role: Role,
    pub by: String,
    pub until: Timestamp,
    pub expired: bool,
    /// State and cause of its mail; `None`: the link was handed on by a person.
    pub sent: Option<(String, Option<String>)>,
}

impl InvitationRow {
    #[must_use]
    pub fn role_name(&self, s: &Shell) -> &'static str {
        role_name(s, self.role)
    }

    /// Class, icon and words of how it stands.
    #[must_use]
    pub fn look(&self, s: &Shell) -> (&'static str, &'static str, &'static str) {
        match self.sent.as_ref().map(|(state, cause)| (state.as_str(), cause.is_some())) {
            _ if self.expired => ("idle", "clock", s.t("invite.expired")),
            Some(("sent", _)) => ("ok", "check", s.t("invite.sent")),
            Some(("waiting", false)) => ("run", "sync", s.t("invite.waiting")),
            Some(("waiting", true)) => ("warn", "warn", s.t("invite.retrying")),
            Some(_) => ("bad", "bad", s.t("invite.undelivered")),
            None => ("idle", "clock", s.t("invite.by_hand")),
        }
    }
}

/// `/admin/users/invite`: the form, and where no mail is configured the link, once.
#[derive(Clone, Debug, Default)]
pub struct InvitePage {
    pub mail: String,
    pub role: Option<Role>,
    /// `ja` or `en`.
    pub language: String,
    pub grantable: Vec<Role>,
    /// Mails are sent.
    pub has_mail: bool,
    pub errors: Vec<(String, String)>,
    /// Shown once, with its end.
    pub link: Option<(String, Timestamp)>,
}

impl InvitePage {
    #[must_use]
    pub fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| name == field).map(|(_, key)| key.as_str())
    }

    #[must_use]
    pub fn role_help(&self, s: &Shell, role: &Role) -> &'static str {
        s.word("role_help", role.as_str())
    }

    #[must_use]
    pub fn role_word(&self, s: &Shell, role: &Role) -> &'static str {
        role_name(s, *role)
    }
}

impl UsersPage {
    #[must_use]
    pub fn narrowed(&self) -> bool {
        !(self.q.is_empty() && self.role.is_empty() && self.state.is_empty())
    }

    #[must_use]
    pub fn last(&self) -> i64 {
        self.first + i64::try_from(self.rows.len()).unwrap_or(0) - 1
    }

    #[must_use]
    pub fn roles(&self) -> [Role; 6] {
        Role::ALL
    }
}

/// One signed-in browser.
#[derive(Clone, Debug)]
pub struct SessionRow {
    pub id: String,
    pub agent: Option<String>,
    pub ip: Option<String>,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    /// Provider that vouched for it; `None`: passphrase.
    pub provider: Option<String>,
    /// On the break-glass page.
    pub glass: bool,
    /// The one that shows this page.
    pub current: bool,
}

impl SessionRow {
    #[must_use]
    pub fn device(&self, s: &Shell) -> String {
        device::name(s.lang, self.agent.as_deref())
    }

    #[must_use]
    pub fn icon(&self) -> &'static str {
        if device::is_phone(self.agent.as_deref()) { "phone_device" } else { "screen" }
    }

    #[must_use]
    pub fn way(&self, s: &Shell) -> String {
        let word = if self.glass { "glass.title" } else { "users.passphrase" };
        self.provider.clone().unwrap_or_else(|| s.t(word).to_owned())
    }
}

/// A department of a person.
#[derive(Clone, Debug)]
pub struct DepartmentRow {
    pub name: String,
    /// Given by the provider's groups, anew at each sign-in.
    pub by_groups: bool,
}

/// `/admin/users/{id}`.
#[derive(Clone, Debug)]
pub struct UserPage {
    pub row: UserRow,
    pub created_at: Timestamp,
    pub sessions: Vec<SessionRow>,
    /// Where the forms of the session list go.
    pub sessions_at: String,
    /// Roles that the reader may give; empty: none to this person.
    pub grantable: Vec<Role>,
    /// The reader may switch off, switch on, sign out.
    pub may_change: bool,
    /// A provider's groups decide the role at every sign-in.
    pub role_by: Option<String>,
    pub departments: Vec<DepartmentRow>,
    /// Departments that customers and people have, to choose from.
    pub known_departments: Vec<String>,
    /// The role sees customers of these departments only.
    pub limited: bool,
    /// A code is asked for after the passphrase.
    pub second_factor: bool,
    /// The reader may make this a break-glass account, or an ordinary one.
    pub may_glass: bool,
    pub tokens: Vec<TokenRow>,
    /// What was refused.
    pub error: Option<&'static str>,
    /// The newest entries about or by this person.
    pub trail: Vec<AuditLine>,
    pub may_see_trail: bool,
}

impl UserPage {
    #[must_use]
    pub fn role_help(&self, s: &Shell, role: &Role) -> &'static str {
        s.word("role_help", role.as_str())
    }

    #[must_use]
    pub fn role_word(&self, s: &Shell, role: &Role) -> &'static str {
        role_name(s, *role)
    }
}

/// Who somebody is at a provider.
#[derive(Clone, Debug)]
pub struct LinkRow {
    pub id: String,
    /// Empty: the provider was removed.
    pub provider: String,
    /// People sign in by it.
    pub on: bool,
    pub since: Timestamp,
    pub seen_at: Timestamp,
}

/// `/me`.
#[derive(Clone, Debug)]
pub struct MePage {
    pub links: Vec<LinkRow>,
    /// Providers that could be added: id, name.
    pub free: Vec<(String, String)>,
    /// Of `form_error`: what was refused.
    pub error: Option<&'static str>,
    pub row: UserRow,
    /// A code is asked for after the passphrase.
    pub second_factor: bool,
    /// Alerts go to this person; `None`: the role gets none, or there is no mail.
    pub alerts: Option<bool>,
    pub tokens: Vec<TokenRow>,
    pub sessions: Vec<SessionRow>,
    pub sessions_at: String,
}

/// Roles of a provider's groups.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub provider: String,
    pub groups: Vec<(String, Role)>,
    pub departments: Vec<(String, String)>,
    /// Role without any of these groups; `None`: they do not get in.
    pub otherwise: Option<Role>,
}

/// Which customers a role sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    All,
    OwnDepartments,
    None,
}

impl Sees {
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::All => "users.scope_all",
            Self::OwnDepartments => "users.scope_own",
            Self::None => "users.scope_none",
        }
    }
}

/// `/admin/users/permissions`.
#[derive(Clone, Debug)]
pub struct PermissionsPage {
    /// In the order of [`Role::ALL`].
    pub sees: [Sees; 6],
    /// Class of fields, and whether each role sees it; `None`: it sees no customers.
    pub classes: Vec<(&'static str, [Option<bool>; 6])>,
    /// Who is limited sees customers without a department.
    pub unassigned: bool,
    /// Word of the action, and whether each role may, in the order of [`Role::ALL`].
    pub rows: Vec<(&'static str, [bool; 6])>,
    pub mappings: Vec<Mapping>,
}

impl PermissionsPage {
    #[must_use]
    pub fn roles(&self) -> [Role; 6] {
        Role::ALL
    }

    #[must_use]
    pub fn role_word(&self, s: &Shell, role: &Role) -> &'static str {
        role_name(s, *role)
    }

    #[must_use]
    pub fn role_help(&self, s: &Shell, role: &Role) -> &'static str {
        s.word("role_help", role.as_str())
    }
}
