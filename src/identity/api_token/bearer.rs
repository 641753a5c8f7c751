//! From a presented token to whom it belongs, and when it was last used.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Scopes, role_of, secret};
use crate::{
    identity::{
        Identity, Principal, Proof,
        audit::{Origin, Outcome, reads::Seen},
        cache::Owned,
    },
    model::{Timestamp, View},
    store::{
        StoreError,
        api_token::{self, TokenRow},
        user,
    },
};

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

/// Uses that are not written yet: the first of each token in a minute.
#[derive(Debug, Default)]
pub(in crate::identity) struct Uses(Mutex<HashMap<String, Timestamp>>);

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
                    Ok(mut bearer) => {
                        let owner = &mut bearer.principal;
                        owner.view = self.view_of(&owner.user_id, owner.role).await?;
                        Arc::new(bearer)
                    }
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
            // Whoever has a token proved nothing a moment ago.
            proof: Proof::default(),
            scopes: Some(Arc::new(Scopes::stored(&row.scopes))),
            view: View::nothing(),
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
}
