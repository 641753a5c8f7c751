//! What one person may do to another's account: role, switched off or on, signed out. Pages and the command
//! line call the same.
//!
//! Invariant: there is always an owner who may sign in, whoever acts at the same moment; nobody changes
//! their own role or switches themselves off; what ends a session ends it on every node within a second.

use serde_json::{Value, json};

use super::{
    GlassError, Identity, Principal, Role,
    access::{self, Action, Denied},
    alert,
    audit::{self, AuditEntry, Origin, Outcome},
    glass::keep_one,
    password::{PasswordError, Weakness},
};
use crate::store::{
    StoreError, Tx, glass, session,
    user::{self, UserRow},
};

/// Who acts. The command line has no role: whoever runs it has the machine.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// As in the audit trail.
    pub actor: &'a str,
    pub role: Option<Role>,
}

impl<'a> From<&'a Principal> for By<'a> {
    fn from(me: &'a Principal) -> Self {
        Self { actor: &me.user_id, role: Some(me.role) }
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error("there is no such person")]
    Missing,
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("nobody changes their own role or switches themselves off")]
    Own,
    #[error("the last owner stays owner and stays on")]
    LastOwner,
    /// The last break-glass account stays one.
    #[error(transparent)]
    Glass(#[from] GlassError),
    #[error("a service account is never owner")]
    Service,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MemberError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "USER_MISSING",
            Self::Denied(_) => "FORBIDDEN",
            Self::Own => "USER_SELF",
            Self::LastOwner => "USER_LAST_OWNER",
            Self::Glass(error) => error.code(),
            Self::Service => "USER_SERVICE_OWNER",
            Self::Store(_) => "INTERNAL",
        }
    }
}

/// Why a passphrase stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    #[error("the passphrase is too easy to guess, too short or too long")]
    Weak(Weakness),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Identity {
    /// Gives somebody another role. It holds at once here, and within a second on every node.
    pub async fn set_role(&self, by: By<'_>, user_id: &str, to: Role, origin: &Origin) -> Result<(), MemberError> {
        let mut tx = self.db.begin().await?;
        let owners = user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        let (person, from) = target(&mut tx, by, user_id, Some(to)).await?;
        if from == to {
            return Ok(());
        }
        is_not_last(&owners, &person)?;
        if person.kind == user::SERVICE && to == Role::Owner {
            return Err(MemberError::Service);
        }
        if person.glass {
            keep_one(&mut tx, user_id).await?;
            glass::mark(&mut tx, user_id, false).await?;
        }
        user::set_role(&mut tx, user_id, to.as_str()).await?;
        let detail = json!({"from": from.as_str(), "to": to.as_str()});
        self.record(&mut tx, by, "user.role", user_id, origin, detail).await?;
        if to == Role::Owner {
            alert::raise(&mut tx, alert::Kind::OwnerNew, user_id, self.clock.now()).await?;
        }
        tx.commit().await?;
        self.forget(user_id);
        Ok(())
    }

    /// Lets somebody sign in no more; what is open ends, and so do their tokens, for good. Returns how many
    /// sessions ended.
    pub async fn deactivate(&self, by: By<'_>, user_id: &str, origin: &Origin) -> Result<u64, MemberError> {
        let mut tx = self.db.begin().await?;
        let owners = user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        let (person, _) = target(&mut tx, by, user_id, None).await?;
        if person.disabled_at.is_some() {
            return Ok(0);
        }
        is_not_last(&owners, &person)?;
        keep_one(&mut tx, user_id).await?;
        user::set_disabled(&mut tx, user_id, Some(self.clock.now())).await?;
        let ended = session::end_others(&mut tx, user_id, "").await?;
        let tokens = self.end_tokens(&mut tx, by.actor, user_id, origin).await?;
        let detail = json!({ "ended": ended, "tokens": tokens });
        self.record(&mut tx, by, "user.deactivate", user_id, origin, detail).await?;
        tx.commit().await?;
        self.forget(user_id);
        Ok(ended)
    }

    /// Lets somebody sign in again.
    pub async fn reactivate(&self, by: By<'_>, user_id: &str, origin: &Origin) -> Result<(), MemberError> {
        let mut tx = self.db.begin().await?;
        let (person, _) = target(&mut tx, by, user_id, None).await?;
        if person.disabled_at.is_none() {
            return Ok(());
        }
        user::set_disabled(&mut tx, user_id, None).await?;
        // A sign-in that was on its way when the account was switched off.
        session::end_others(&mut tx, user_id, "").await?;
        self.record(&mut tx, by, "user.reactivate", user_id, origin, Value::Null).await?;
        tx.commit().await?;
        self.forget(user_id);
        Ok(())
    }

    /// Ends all of somebody's sessions. Returns how many ended.
    pub async fn sign_out_everywhere(&self, by: By<'_>, user_id: &str, origin: &Origin) -> Result<u64, MemberError> {
        let mut tx = self.db.begin().await?;
        allowed(&mut tx, by, user_id).await?;
        let ended = session::end_others(&mut tx, user_id, "").await?;
        self.record(&mut tx, by, "user.sign_out", user_id, origin, json!({ "ended": ended })).await?;
        tx.commit().await?;
        self.forget(user_id);
        Ok(ended)
    }

    /// Ends one of somebody's sessions. `false`: that person has no such session.
    pub async fn end_session_of(
        &self,
        by: By<'_>,
        user_id: &str,
        session_id: &str,
        origin: &Origin,
    ) -> Result<bool, MemberError> {
        let mut tx = self.db.begin().await?;
        allowed(&mut tx, by, user_id).await?;
        let ended = session::end(&mut tx, user_id, session_id).await?;
        if ended {
            let entry = AuditEntry {
                actor: by.actor,
                action: "session.revoke",
                object_kind: "session",
                object_id: session_id,
                outcome: Outcome::Ok,
                origin,
                detail: json!({ "user": user_id }),
            };
            audit::record(&mut tx, entry, self.clock.now()).await?;
        }
        tx.commit().await?;
        self.forget(user_id);
        Ok(ended)
    }

    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        by: By<'_>,
        action: &'static str,
        user_id: &str,
        origin: &Origin,
        detail: Value,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            actor: by.actor,
            action,
            object_kind: "user",
            object_id: user_id,
            outcome: Outcome::Ok,
            origin,
            detail,
        };
        audit::record(tx, entry, self.clock.now()).await
    }
}

/// The person to change, by somebody who may, and who is not that person.
async fn target(tx: &mut Tx, by: By<'_>, user_id: &str, to: Option<Role>) -> Result<(UserRow, Role), MemberError> {
    let person = user::lock(tx, user_id).await?.ok_or(MemberError::Missing)?;
    let from = role(&person)?;
    if let Some(by_role) = by.role {
        access::over_person(by_role, from, to.unwrap_or(from))?;
    }
    if by.actor == user_id {
        return Err(MemberError::Own);
    }
    Ok((person, from))
}

/// As [`target`], where one's own account is fine.
pub(super) async fn allowed(tx: &mut Tx, by: By<'_>, user_id: &str) -> Result<(), MemberError> {
    let person = user::by_id(tx, user_id).await?.ok_or(MemberError::Missing)?;
    let of = role(&person)?;
    match by.role {
        Some(by_role) => Ok(access::over_person(by_role, of, of)?),
        None => Ok(()),
    }
}

fn role(person: &UserRow) -> Result<Role, StoreError> {
    Role::parse(&person.role).ok_or_else(|| StoreError::Corrupt(format!("user {} has an unknown role", person.id)))
}

fn is_not_last(owners: &[String], person: &UserRow) -> Result<(), MemberError> {
    if owners == [person.id.as_str()] { Err(MemberError::LastOwner) } else { Ok(()) }
}

/// Whether a page offers to change this person at all.
#[must_use]
pub fn may_change(me: &Principal, user_id: &str, of: Role) -> bool {
    me.user_id != user_id && access::over_person(me.role, of, of).is_ok()
}

/// Roles that somebody may give.
#[must_use]
pub fn grantable(me: &Principal) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| *role != Role::Owner || me.can(Action::ManageOwners)).collect()
}

#[cfg(test)]
#[path = "members_tests.rs"]
mod tests;
