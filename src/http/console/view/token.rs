//! Tokens of the API: in lists, made, and all of them with the service accounts.

use super::user::UserRow;
use crate::{
    http::console::Shell,
    identity::{FieldError, Role, Scope, TokenView, api_token::State},
    model::Timestamp,
};

/// One token in a list.
#[derive(Clone, Debug)]
pub struct TokenRow {
    pub token: TokenView,
    /// Where the form that ends it goes; `None`: not by this reader, or it has ended.
    pub revoke_at: Option<String>,
    /// Where that form leads back to.
    pub back: String,
}

impl TokenRow {
    /// Class, icon and word of the state.
    #[must_use]
    pub fn look(&self, s: &Shell) -> (&'static str, &'static str, &'static str) {
        match self.token.state {
            State::Good => ("ok", "check", s.t("tokens.good")),
            State::Expired(_) => ("idle", "pause", s.t("tokens.expired")),
            State::Revoked(_) => ("idle", "pause", s.t("tokens.revoked")),
        }
    }

    /// What it may do, in words: scopes that the owner's role does not allow now are left out.
    #[must_use]
    pub fn may(&self, s: &Shell) -> String {
        let words: Vec<&str> = self.token.scopes.within(self.token.role).into_iter().map(|it| word(s, it)).collect();
        if words.is_empty() { s.t("tokens.nothing").to_owned() } else { words.join(s.t("comma")) }
    }
}

/// What a scope lets a token do.
fn word(s: &Shell, scope: Scope) -> &'static str {
    s.word("permission", scope.action().as_str())
}

/// A token to be made, and once it is made the token itself.
#[derive(Clone, Debug, Default)]
pub struct TokenPage {
    /// The service account; `None`: the reader.
    pub service: Option<String>,
    /// Where the form goes.
    pub action: String,
    /// The page that lists the owner's tokens.
    pub back: String,
    pub name: String,
    pub chosen: Vec<Scope>,
    /// Those that the owner's role allows.
    pub offered: Vec<Scope>,
    pub days: i64,
    /// Choices of `days`.
    pub lives: Vec<i64>,
    pub errors: Vec<FieldError>,
    /// Shown once: the token, and when it ends.
    pub made: Option<(String, Timestamp)>,
    /// `https://…/api/v1/me`, to try it.
    pub try_at: String,
}

impl TokenPage {
    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&'static str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.code)
    }

    #[must_use]
    pub fn word(&self, s: &Shell, scope: &Scope) -> &'static str {
        word(s, *scope)
    }
}

/// `/admin/tokens`.
#[derive(Clone, Debug, Default)]
pub struct TokensPage {
    pub services: Vec<UserRow>,
    pub tokens: Vec<TokenRow>,
    pub total: i64,
    pub first: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub may_change: bool,
}

impl TokensPage {
    #[must_use]
    pub fn last(&self) -> i64 {
        self.first + i64::try_from(self.tokens.len()).unwrap_or(0) - 1
    }
}

/// `/admin/tokens/services/new`.
#[derive(Clone, Debug, Default)]
pub struct ServicePage {
    pub name: String,
    pub role: Option<Role>,
    pub offered: Vec<Role>,
    pub errors: Vec<FieldError>,
}

impl ServicePage {
    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&'static str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.code)
    }

    #[must_use]
    pub fn role_word(&self, s: &Shell, role: &Role) -> &'static str {
        super::user::role_name(s, *role)
    }

    #[must_use]
    pub fn role_help(&self, s: &Shell, role: &Role) -> &'static str {
        s.word("role_help", role.as_str())
    }
}
