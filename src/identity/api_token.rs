//! Tokens by which programs call the API as a person or a service account.
//!
//! Invariants: the token is shown once and stored as its SHA-256. At each request it may do what its owner's
//! role allows now *and* its scopes say; nothing else is remembered of its rights. It ends at its expiry, when
//! it is revoked, and for good when its owner is switched off; what is remembered of it is a second old at
//! most, so that all this holds on every node within that second. A token makes no tokens and changes no
//! rights ([`super::scope`]).
//!
//! How a person signs in does not matter to their tokens: signing out everywhere or disabling a provider ends
//! sessions, not tokens. Whoever shall be out is switched off.

mod secret;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    By, Identity, Principal, Role,
    access::{self, Denied},
    audit::{self, AuditEntry, Origin, Outcome, reads::Seen},
    cache::Owned,
    scope::{Scope, Scopes},
    setup::FieldError,
};
use crate::{
    model::{Id, Timestamp, ids::Noun},
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

/// A token in use.
#[derive(Debug)]
pub struct Bearer {
    pub id: String,
    pub name: String,
    pub expires_at: Timestamp,
    /// The owner, bounded by the token's scopes.
    pub principal: Principal,
    /// Whether the owner is a service account.
    pub service: bool,
    used_at: Option<Timestamp>,
}

impl Owned for Bearer {
    fn user_id(&self) -> &str {
        &self.principal.user_id
    }
}

/// Why a token lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// Neutral on purpose: it never tells what is wrong with it. The trail knows.
    #[error("the token is not valid")]
    Wrong,
    /// Wrong tokens from this address, too many of them.
    #[error("wait before the next try")]
    Wait(Duration),
    /// A good token that calls too often.
    #[error("the token calls too often")]
    Pace(Duration),
    #[error(transparent)]
    Store(#[from] StoreError),
}

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

/// Uses that are not written yet: the first of each token in a minute.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<String, Timestamp>>);

impl Identity {
    /// Whom a presented token belongs to. It counts as used.
    pub async fn bearer(&self, presented: &str, origin: &Origin) -> Result<Arc<Bearer>, BearerError> {
        let now = self.clock.now();
        let Some(digest) = secret::digest(presented) else { return Err(self.wrong("API_TOKEN_FORM", "", origin, now)) };
        let bearer = match self.bearers.get(&digest, now) {
            Some(bearer) => bearer,
            None => {
                let Some(row) = api_token::by_token_hash(&self.db, &digest).await? else {
                    return Err(self.wrong("API_TOKEN_UNKNOWN", "", origin, now));
                };
                let bearer = match self.judge(row, now)? {
                    Ok(bearer) => Arc::new(bearer),
                    Err((code, id)) => return Err(self.wrong(code, &id, origin, now)),
                };
                self.bearers.put(digest, Arc::clone(&bearer), now);
                bearer
            }
        };
        if now >= bearer.expires_at {
            return Err(self.wrong("API_TOKEN_EXPIRED", &bearer.id, origin, now));
        }
        self.token_pace.take(Some(bearer.id.clone()), now).map_err(BearerError::Pace)?;
        if bearer.used_at.is_none_or(|used| now.since(used) >= Timestamp::MINUTE) {
            self.uses.0.lock().unwrap_or_else(PoisonError::into_inner).entry(bearer.id.clone()).or_insert(now);
        }
        Ok(bearer)
    }

    /// The token with its owner's rights of this moment, or which check failed.
    fn judge(&self, row: TokenRow, now: Timestamp) -> Result<Result<Bearer, (&'static str, String)>, StoreError> {
        let ends = self.end_of(&row);
        if row.revoked_at.is_some() {
            return Ok(Err(("API_TOKEN_REVOKED", row.id)));
        }
        if row.disabled_at.is_some() {
            return Ok(Err(("API_TOKEN_OWNER_OFF", row.id)));
        }
        if now >= ends {
            return Ok(Err(("API_TOKEN_EXPIRED", row.id)));
        }
        let principal = Principal {
            role: role_of(&row.user_id, &row.role)?,
            user_id: row.user_id,
            name: row.owner_name,
            mail: row.owner_mail,
            language: row.language,
            theme: row.theme,
            // A token is no session: it has no forms, and nothing can be signed out by it.
            session_id: String::new(),
            csrf: String::new(),
            scopes: Some(Arc::new(Scopes::stored(&row.scopes))),
        };
        Ok(Ok(Bearer {
            id: row.id,
            name: row.name,
            expires_at: ends,
            principal,
            service: row.owner_kind == user::SERVICE,
            used_at: row.used_at.map(Timestamp),
        }))
    }

    /// A limit that was made shorter holds for tokens of before as well.
    fn end_of(&self, row: &TokenRow) -> Timestamp {
        Timestamp(row.expires_at).min(Timestamp(row.created_at).plus(micros(self.limits.token_longest)))
    }

    /// Wrong tokens delay the next wrong one of their address; good ones never wait for them. What has to wait
    /// is not in the trail again, so that nobody fills it.
    fn wrong(&self, code: &'static str, id: &str, origin: &Origin, now: Timestamp) -> BearerError {
        if let Err(wait) = self.token_guesses.admit(None, origin.ip, now) {
            return BearerError::Wait(wait);
        }
        let seen = Seen {
            actor: "system",
            action: "token.use",
            object: ("token", id),
            outcome: Outcome::Refused,
            detail: Some(("code", code)),
        };
        self.note(seen, origin);
        BearerError::Wrong
    }

    /// Writes when tokens were used. What cannot be written waits for the next time.
    pub async fn write_uses(&self) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut *self.uses.0.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let mut uses: Vec<(&String, &Timestamp)> = taken.iter().collect();
        // In one order on every node, so that nobody waits in a circle.
        uses.sort_unstable();
        let written = async {
            let mut tx = self.db.begin().await?;
            for (id, at) in uses {
                api_token::used(&mut tx, id, *at).await?;
            }
            tx.commit().await
        };
        let written = written.await;
        if written.is_err() {
            self.uses.0.lock().unwrap_or_else(PoisonError::into_inner).extend(taken);
        }
        written
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

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
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
