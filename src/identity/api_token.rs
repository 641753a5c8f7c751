//! Tokens by which programs call the API as a person or a service account.
//!
//! Invariants: the token is shown once and stored as its SHA-256. At each request it may do what its owner's
//! role allows now *and* its scopes say; nothing else is remembered of its rights. It ends at its expiry, when
//! it is revoked, and for good when its owner is switched off; what is remembered of it is a second old at
//! most, so that all this holds on every node within that second. A token makes no tokens and changes no
//! rights ([`Scope`]).
//!
//! How a person signs in does not matter to their tokens: signing out everywhere or disabling a provider ends
//! sessions, not tokens. Whoever shall be out is switched off.

mod bearer;
mod scope;
mod secret;

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    By, Identity, Role,
    access::{self, Denied},
    audit::{self, AuditEntry, Origin, Outcome},
    setup::FieldError,
};
pub(super) use bearer::Uses;
pub use bearer::{Bearer, BearerError};
pub use scope::{Scope, Scopes};

use crate::{
    model::{Id, Timestamp, ids::Noun, time::micros},
    store::{
        StoreError, Tx,
        api_token::{self, TokenRow},
        user::{self, UserRow},
    },
};

/// Good tokens that one owner may have at a time.
const MOST: usize = 50;
const LONGEST_NAME: usize = 100;
/// Ended tokens stay on the page for so long.
const REMEMBERED: i64 = 90 * Timestamp::DAY;

/// How a token stands, for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Good,
    Expired(Timestamp),
    Revoked(Timestamp),
}

/// A token as lists show it.
#[derive(Clone, Debug)]
pub struct TokenView {
    pub id: String,
    pub name: String,
    pub scopes: Scopes,
    pub user_id: String,
    pub owner: String,
    pub role: Role,
    pub service: bool,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// To the minute.
    pub used_at: Option<Timestamp>,
    pub state: State,
}

/// What a new token shall be.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// `None`: as configured.
    pub life: Option<Duration>,
}

/// A fresh token. The secret goes to its owner and nowhere else.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: String,
    pub secret: SecretString,
    pub expires_at: Timestamp,
}

/// Why no token was made or ended.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the form has mistakes")]
    Fields(Vec<FieldError>),
    #[error("there is no such person, service account or token")]
    Missing,
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("a person's tokens are made by that person only")]
    Others,
    #[error("the owner is deactivated")]
    Off,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fields(fields) => fields.first().map_or("FIELDS", |field| field.code),
            Self::Missing => "TOKEN_MISSING",
            Self::Denied(_) => "FORBIDDEN",
            Self::Others => "TOKEN_OTHERS",
            Self::Off => "TOKEN_OWNER_OFF",
            Self::Store(_) => "INTERNAL",
        }
    }
}

impl Identity {
    /// A limit that was made shorter holds for tokens of before as well.
    fn end_of(&self, row: &TokenRow) -> Timestamp {
        Timestamp(row.expires_at).min(Timestamp(row.created_at).plus(micros(self.limits.token_longest)))
    }

    /// Makes a token for oneself, or for a service account by those who look after people.
    pub async fn create_token(
        &self,
        by: By<'_>,
        owner_id: &str,
        new: NewToken,
        origin: &Origin,
    ) -> Result<Made, TokenError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let owner = user::lock(&mut tx, owner_id).await?.ok_or(TokenError::Missing)?;
        let role = may_make(by, &owner)?;
        let name = new.name.trim();
        let life = new.life.unwrap_or(self.limits.token_life);
        let known = api_token::of_user(&mut tx, owner_id).await?;
        let good: Vec<&str> =
            known.iter().filter(|row| self.state(row, now) == State::Good).map(|row| row.name.as_str()).collect();
        let wrong = mistakes(name, &new.scopes, role, life, self.limits.token_longest, &good);
        if !wrong.is_empty() {
            return Err(TokenError::Fields(wrong));
        }
        let (id, (secret, digest)) = (Id::new(Noun::Token), secret::fresh());
        let scopes: Scopes = new.scopes.into_iter().collect();
        let expires_at = now.plus(micros(life));
        let row = api_token::NewToken {
            id: &id,
            token_hash: &digest,
            user_id: owner_id,
            name,
            scopes: &scopes.to_string(),
            created_by: by.actor,
            now,
            expires_at,
        };
        api_token::insert(&mut tx, &row).await?;
        let detail = json!({ "user": owner_id, "scopes": scopes.to_string(), "expires": expires_at.rfc3339() });
        record(&mut tx, by.actor, "token.create", id.as_str(), origin, detail, now).await?;
        tx.commit().await?;
        Ok(Made { id: id.into_string(), secret, expires_at })
    }

    /// Ends a token, one's own or as those who look after people. `false`: it had ended before.
    pub async fn revoke_token(&self, by: By<'_>, token_id: &str, origin: &Origin) -> Result<bool, TokenError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let row = api_token::by_id(&mut tx, token_id).await?.ok_or(TokenError::Missing)?;
        let role = role_of(&row.user_id, &row.role)?;
        if let Some(by_role) = by.role.filter(|_| by.actor != row.user_id) {
            access::over_person(by_role, role, role)?;
        }
        let ended = api_token::revoke(&mut tx, token_id, by.actor, now).await?;
        if ended {
            let detail = json!({ "user": row.user_id });
            record(&mut tx, by.actor, "token.revoke", token_id, origin, detail, now).await?;
        }
        tx.commit().await?;
        self.bearers.forget_user(&row.user_id);
        Ok(ended)
    }

    /// Ends every token of somebody who is switched off, in the transaction that does so. Returns how many.
    pub(super) async fn end_tokens(
        &self,
        tx: &mut Tx,
        actor: &str,
        user_id: &str,
        origin: &Origin,
    ) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let ended = api_token::revoke_of(tx, user_id, actor, now).await?;
        for id in &ended {
            record(tx, actor, "token.revoke", id, origin, json!({ "user": user_id, "by": "owner" }), now).await?;
        }
        Ok(ended.len())
    }

    /// The tokens of one owner, newest first.
    pub async fn tokens_of(&self, user_id: &str) -> Result<Vec<TokenView>, StoreError> {
        self.views(api_token::of_user(&self.db, user_id).await?)
    }

    /// Everybody's tokens, newest first.
    pub async fn tokens(&self, limit: i64, offset: i64) -> Result<Vec<TokenView>, StoreError> {
        self.views(api_token::page(&self.db, limit, offset).await?)
    }

    fn views(&self, rows: Vec<TokenRow>) -> Result<Vec<TokenView>, StoreError> {
        let now = self.clock.now();
        rows.into_iter().map(|row| self.view(row, now)).collect()
    }

    fn view(&self, row: TokenRow, now: Timestamp) -> Result<TokenView, StoreError> {
        Ok(TokenView {
            state: self.state(&row, now),
            expires_at: self.end_of(&row),
            role: role_of(&row.user_id, &row.role)?,
            scopes: Scopes::stored(&row.scopes),
            service: row.owner_kind == user::SERVICE,
            id: row.id,
            name: row.name,
            user_id: row.user_id,
            owner: row.owner_name,
            created_at: Timestamp(row.created_at),
            used_at: row.used_at.map(Timestamp),
        })
    }

    fn state(&self, row: &TokenRow, now: Timestamp) -> State {
        let ends = self.end_of(row);
        match row.revoked_at.map(Timestamp) {
            Some(at) if at < ends => State::Revoked(at),
            _ if now >= ends => State::Expired(ends),
            _ => State::Good,
        }
    }

    /// Removes tokens that ended long ago. The trail keeps what they did.
    pub async fn purge_tokens(&self) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let gone = api_token::purge(&mut tx, self.clock.now().plus(-REMEMBERED)).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

/// The owner's role, if `by` may make tokens for them.
fn may_make(by: By<'_>, owner: &UserRow) -> Result<Role, TokenError> {
    let role = role_of(&owner.id, &owner.role)?;
    if let Some(by_role) = by.role.filter(|_| by.actor != owner.id) {
        // Whoever could make tokens for a person could act as that person.
        if owner.kind != user::SERVICE {
            return Err(TokenError::Others);
        }
        access::over_person(by_role, role, role)?;
    }
    if owner.disabled_at.is_some() { Err(TokenError::Off) } else { Ok(role) }
}

fn mistakes(
    name: &str,
    scopes: &[Scope],
    role: Role,
    life: Duration,
    longest: Duration,
    good: &[&str],
) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut refuse = |field, code| wrong.push(FieldError { field, code });
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        refuse("name", "TOKEN_NAME");
    } else if good.contains(&name) {
        // Also what keeps a form that is sent twice from making two.
        refuse("name", "TOKEN_NAME_TAKEN");
    }
    if good.len() >= MOST {
        refuse("name", "TOKEN_MANY");
    }
    if scopes.is_empty() {
        refuse("scope", "TOKEN_NO_SCOPE");
    } else if scopes.iter().any(|scope| !access::can(role, scope.action())) {
        // It would begin to work by itself when the role is raised.
        refuse("scope", "TOKEN_SCOPE");
    }
    if life.is_zero() || life > longest {
        refuse("expires", "TOKEN_EXPIRY");
    }
    wrong
}

fn role_of(user_id: &str, role: &str) -> Result<Role, StoreError> {
    Role::parse(role).ok_or_else(|| StoreError::Corrupt(format!("user {user_id} has an unknown role")))
}

async fn record(
    tx: &mut Tx,
    actor: &str,
    action: &'static str,
    token_id: &str,
    origin: &Origin,
    detail: Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let entry =
        AuditEntry { actor, action, object_kind: "token", object_id: token_id, outcome: Outcome::Ok, origin, detail };
    audit::record(tx, entry, now).await
}
