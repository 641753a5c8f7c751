//! Sessions: a random cookie value outside, its SHA-256 in the table.
//!
//! Invariants: a session ends after `idle` without use and at its absolute end, whatever the
//! browser keeps. What this process remembers of a session is at most a second old, so a
//! revocation or a changed role reaches every node within that second. The value changes at every
//! sign-in. Only what a person does counts as use: [`Identity::session_unused`] is for the rest.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::{
    Identity, Principal, Proof, Role, alert,
    audit::{self, AuditEntry, Origin, Outcome},
    cache::Owned,
    token,
};
use crate::{
    model::{Id, Timestamp, View, ids::Noun, time::micros},
    store::{
        StoreError, Tx, glass,
        session::{self, SessionRow},
        user,
    },
};

/// In the audit trail: somebody came by the break-glass page.
pub(super) const GLASS: &str = "session.break_glass";
pub(super) const LONGEST_AGENT: usize = 200;

/// A session in use.
#[derive(Clone, Debug)]
pub struct Session {
    pub principal: Principal,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    /// Absolute end.
    pub expires_at: Timestamp,
}

/// What a cookie turned out to be.
#[derive(Clone, Debug)]
pub enum Found {
    Active(Arc<Session>),
    /// It ran out; the row still knows.
    Expired,
    /// Signed out, revoked, or never ours.
    Unknown,
}

/// Who vouched for a session that was not opened by a passphrase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Federated<'a> {
    pub idp_id: &'a str,
    pub subject: &'a str,
    pub sid: Option<&'a str>,
    /// When the person proved to the provider who they are, if it says so.
    pub proved_at: Option<Timestamp>,
    /// How the provider names the person when it signs them out.
    pub name_id: Option<&'a str>,
    /// The session ends no later.
    pub until: Option<Timestamp>,
}

/// What a session is opened by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opened<'a> {
    /// Passphrase, and the second factor where there is one.
    Local,
    /// Both, on the break-glass page.
    Glass,
    Provider(Federated<'a>),
}

/// A session as its owner sees it in the list.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub id: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub ip: Option<String>,
    pub agent: Option<String>,
    /// Provider that vouched for it; `None`: mail address and passphrase.
    pub idp_id: Option<String>,
    /// Opened on the break-glass page.
    pub glass: bool,
    pub current: bool,
}

/// A fresh session; the token goes into the cookie and nowhere else.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub token: SecretString,
    pub user_id: String,
    pub session_id: String,
}

impl Owned for Session {
    fn user_id(&self) -> &str {
        &self.principal.user_id
    }
}

impl Identity {
    /// Who a cookie belongs to. The session counts as used.
    pub async fn session(&self, cookie: &str) -> Result<Found, StoreError> {
        self.look_up(cookie, true).await
    }

    /// As [`Self::session`] for what a page asks by itself: the session does not count as used, so
    /// a page left open does not keep it alive.
    pub async fn session_unused(&self, cookie: &str) -> Result<Found, StoreError> {
        self.look_up(cookie, false).await
    }

    async fn look_up(&self, cookie: &str, used: bool) -> Result<Found, StoreError> {
        // Ours are 43 characters; the limit keeps foreign cookies from being hashed at length.
        if cookie.is_empty() || cookie.len() > 64 {
            return Ok(Found::Unknown);
        }
        let now = self.clock.now();
        let digest = token::digest(cookie);
        let due = |session: &Session| used && now.since(session.seen_at) >= self.touch_every();
        if let Some(session) = self.cache.get(&digest, now)
            && !due(&session)
        {
            return Ok(if self.is_over(&session, now) { Found::Expired } else { Found::Active(session) });
        }
        let Some(row) = session::by_token_hash(&self.db, &digest).await? else { return Ok(Found::Unknown) };
        if row.disabled_at.is_some() {
            return Ok(Found::Unknown);
        }
        let mut session = read(row)?;
        if self.is_over(&session, now) {
            return Ok(Found::Expired);
        }
        session.principal.view = self.view_of(&session.principal.user_id, session.principal.role).await?;
        if due(&session) {
            self.touch(&digest, now).await;
            session.seen_at = now;
        }
        let session = Arc::new(session);
        self.cache.put(digest, Arc::clone(&session), now);
        Ok(Found::Active(session))
    }

    fn is_over(&self, session: &Session, now: Timestamp) -> bool {
        now >= session.expires_at || now.since(session.seen_at) >= micros(self.limits.session_idle)
    }

    /// Once a minute is exact enough, unless the idle limit itself is short.
    fn touch_every(&self) -> i64 {
        Timestamp::MINUTE.min(micros(self.limits.session_idle) / 10)
    }

    /// A page must still open while the database refuses writes.
    async fn touch(&self, digest: &[u8; 32], now: Timestamp) {
        let done = async {
            let mut tx = self.db.begin().await?;
            session::touch(&mut tx, digest, now).await?;
            tx.commit().await
        };
        if let Err(error) = done.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "session.touch failed");
        }
    }

    /// Opens a session in the transaction of the sign-in; the one behind `previous` ends with it.
    pub(super) async fn start_session(
        &self,
        tx: &mut Tx,
        user_id: &str,
        previous: Option<&str>,
        origin: &Origin,
        opened: Opened<'_>,
    ) -> Result<SignedIn, StoreError> {
        let now = self.clock.now();
        // The person first, then sessions: in this order everywhere, so that nobody waits in a circle.
        user::signed_in(tx, user_id, now).await?;
        if let Some(previous) = previous {
            let digest = token::digest(previous);
            session::end_by_token_hash(tx, &digest).await?;
            self.cache.remove(&digest);
        }
        let (cookie, csrf, id) = (token::fresh(), token::fresh(), Id::new(Noun::Session));
        let by = if let Opened::Provider(by) = opened { Some(by) } else { None };
        let glass = matches!(opened, Opened::Glass);
        let ip = origin.ip.map(|ip| ip.to_string());
        let agent: Option<String> = origin.agent.as_ref().map(|agent| agent.chars().take(LONGEST_AGENT).collect());
        let latest = now.plus(micros(self.limits.session_max));
        let row = session::NewSession {
            token_hash: &token::digest(&cookie),
            id: &id,
            user_id,
            csrf: &csrf,
            now,
            expires_at: by.and_then(|by| by.until).map_or(latest, |until| latest.min(until)),
            ip: ip.as_deref(),
            agent: agent.as_deref(),
            idp_id: by.map(|by| by.idp_id),
            subject: by.map(|by| by.subject),
            sid: by.and_then(|by| by.sid),
            // A clock that is ahead of ours proves nothing for later.
            proved_at: by.map_or(Some(now), |by| by.proved_at.map(|at| at.min(now))),
            glass,
            name_id: by.and_then(|by| by.name_id),
        };
        session::insert(tx, &row).await?;
        self.meet(tx, user_id, origin, now).await?;
        if glass {
            glass::used(tx, id.as_str(), user_id, ip.as_deref(), now).await?;
            alert::raise(tx, alert::Kind::BreakGlass, user_id, now).await?;
        }
        let action = if glass { GLASS } else { "session.start" };
        let detail = by.map_or_else(|| json!({}), |by| json!({"idp": by.idp_id}));
        audit::record(tx, entry(user_id, action, id.as_str(), origin, detail), now).await?;
        Ok(SignedIn { token: cookie.into(), user_id: user_id.to_owned(), session_id: id.into_string() })
    }

    /// Ends the session behind a cookie; nothing happens when there is none.
    pub async fn sign_out(&self, cookie: &str, origin: &Origin) -> Result<(), StoreError> {
        let digest = token::digest(cookie);
        let mut tx = self.db.begin().await?;
        if let Some((id, user_id)) = session::end_by_token_hash(&mut tx, &digest).await? {
            let entry = entry(&user_id, "session.end", &id, origin, json!({}));
            audit::record(&mut tx, entry, self.clock.now()).await?;
        }
        tx.commit().await?;
        self.cache.remove(&digest);
        Ok(())
    }

    /// The caller's own sessions, last used first.
    pub async fn sessions(&self, of: &Principal) -> Result<Vec<SessionView>, StoreError> {
        self.sessions_of(&of.user_id, &of.session_id).await
    }

    /// A person's sessions, last used first; `current` is the one of whoever looks.
    pub async fn sessions_of(&self, user_id: &str, current: &str) -> Result<Vec<SessionView>, StoreError> {
        let now = self.clock.now();
        let mut views = Vec::new();
        for row in session::of_user(&self.db, user_id).await? {
            let (ip, agent, idp_id) = (row.ip.clone(), row.agent.clone(), row.idp_id.clone());
            let session = read(row)?;
            let glass = session.principal.proof.glass;
            if !self.is_over(&session, now) {
                views.push(SessionView {
                    current: session.principal.session_id == current,
                    id: session.principal.session_id,
                    created_at: session.created_at,
                    seen_at: session.seen_at,
                    expires_at: session.expires_at,
                    ip,
                    agent,
                    idp_id,
                    glass,
                });
            }
        }
        Ok(views)
    }

    /// Ends one of the caller's own sessions. `false`: the caller has no such session.
    pub async fn revoke(&self, of: &Principal, session_id: &str, origin: &Origin) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        let ended = session::end(&mut tx, &of.user_id, session_id).await?;
        if ended {
            let entry = entry(&of.user_id, "session.revoke", session_id, origin, json!({}));
            audit::record(&mut tx, entry, self.clock.now()).await?;
        }
        tx.commit().await?;
        self.cache.forget_user(&of.user_id);
        Ok(ended)
    }

    /// Ends all sessions of the caller but the present one.
    pub async fn revoke_others(&self, of: &Principal, origin: &Origin) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let ended = session::end_others(&mut tx, &of.user_id, &of.session_id).await?;
        let entry = entry(&of.user_id, "session.revoke_others", &of.session_id, origin, json!({ "ended": ended }));
        audit::record(&mut tx, entry, self.clock.now()).await?;
        tx.commit().await?;
        self.cache.forget_user(&of.user_id);
        Ok(ended)
    }

    /// Removes sessions and tokens that are over, now and then, until `stop`.
    pub async fn keep_tidy(&self, every: std::time::Duration, stop: tokio_util::sync::CancellationToken) {
        loop {
            if let Err(error) = self.purge_sessions().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "ended sessions stay for now");
            }
            if let Err(error) = self.purge_tokens().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "ended tokens stay for now");
            }
            if stop.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
                return;
            }
        }
    }

    /// Removes what can no longer be used. A day of grace lets the sign-in page say "expired".
    pub async fn purge_sessions(&self) -> Result<u64, StoreError> {
        let past = self.clock.now().plus(-Timestamp::DAY);
        let mut tx = self.db.begin().await?;
        let gone = session::purge(&mut tx, past, past.plus(-micros(self.limits.session_idle))).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

fn entry<'a>(
    user_id: &'a str,
    action: &'static str,
    session_id: &'a str,
    origin: &'a Origin,
    detail: serde_json::Value,
) -> AuditEntry<'a> {
    AuditEntry {
        actor: user_id,
        action,
        object_kind: "session",
        object_id: session_id,
        outcome: Outcome::Ok,
        origin,
        detail,
    }
}

/// The session of a row. What its person sees is asked for where it is put to use.
fn read(row: SessionRow) -> Result<Session, StoreError> {
    let role = Role::parse(&row.role)
        .ok_or_else(|| StoreError::Corrupt(format!("user {} has an unknown role", row.user_id)))?;
    Ok(Session {
        principal: Principal {
            user_id: row.user_id,
            name: row.name,
            mail: row.mail,
            role,
            view: View::nothing(),
            language: row.language,
            theme: row.theme,
            session_id: row.id,
            csrf: row.csrf,
            proof: Proof { at: row.proved_at.map(Timestamp), idp_id: row.idp_id, glass: row.glass },
            scopes: None,
        },
        created_at: Timestamp(row.created_at),
        seen_at: Timestamp(row.seen_at),
        expires_at: Timestamp(row.expires_at),
    })
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
