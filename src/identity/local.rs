//! Local sign-in: mail address and passphrase.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::{
    Identity, Role, SignedIn, alert,
    audit::{self, AuditEntry, Origin, Outcome},
    password::PasswordError,
    setup::mail_key,
};
use crate::store::{StoreError, Tx, idp, user};

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Neutral on purpose: it never tells whether the account exists.
    #[error("mail address or passphrase is wrong")]
    Wrong,
    #[error("wait before the next try")]
    Wait(Duration),
    /// Right so far; this goes into the browser's cookie, and the code of the second factor is awaited.
    #[error("the code of the second factor is missing")]
    Code(SecretString),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl SignInError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "SIGNIN_WRONG",
            Self::Wait(_) => "SIGNIN_WAIT",
            Self::Code(_) => "SIGNIN_CODE",
            Self::Store(_) | Self::Password(_) => "INTERNAL",
        }
    }
}

impl Identity {
    /// Checks a passphrase and opens a session in place of `previous`, the cookie the browser had.
    pub async fn sign_in(
        &self,
        mail: &str,
        passphrase: SecretString,
        previous: Option<&str>,
        origin: &Origin,
    ) -> Result<SignedIn, SignInError> {
        // The address is also a key in memory, so its length has an end.
        let key: String = mail_key(mail).chars().take(254).collect();
        let admitted = self.throttle.admit(Some(&key), origin.ip, self.clock.now()).map_err(SignInError::Wait)?;
        let found = user::by_mail_key(&self.db, &key)
            .await?
            .filter(|user| user.disabled_at.is_none() && user.kind == user::PERSON);
        let stored = found.as_ref().and_then(|user| user.password_hash.clone());
        let verdict = self.passwords.verify(passphrase, stored.clone()).await?;
        let Some(user) = found.filter(|_| verdict.right) else {
            self.record_refusal(&key, origin).await?;
            return Err(SignInError::Wrong);
        };
        self.throttle.right(admitted);
        if let Some(cookie) = self.ask_code(&user.id).await? {
            return Err(SignInError::Code(cookie));
        }
        let mut tx = self.db.begin().await?;
        if let (Some(new), Some(old)) = (verdict.rehash, stored) {
            user::replace_hash(&mut tx, &user.id, &old, &new).await?;
        }
        let signed_in = self.start_session(&mut tx, &user.id, previous, origin, None).await?;
        self.owner_came_locally(&mut tx, &user).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Owners have a passphrase for the day on which no provider answers; on other days others should know.
    pub(super) async fn owner_came_locally(&self, tx: &mut Tx, person: &user::UserRow) -> Result<(), StoreError> {
        if person.role == Role::Owner.as_str() && idp::any_enabled(&mut *tx).await? {
            alert::raise(tx, alert::Kind::LocalSignIn, &person.id, self.clock.now()).await?;
        }
        Ok(())
    }

    /// What was typed is not written down: people type passphrases into the wrong field.
    async fn record_refusal(&self, key: &str, origin: &Origin) -> Result<(), StoreError> {
        let user = user::by_mail_key(&self.db, key).await?;
        let entry = AuditEntry {
            actor: "system",
            action: "session.start",
            object_kind: "user",
            object_id: user.as_ref().map_or("", |user| &user.id),
            outcome: Outcome::Refused,
            origin,
            detail: json!({ "code": "SIGNIN_WRONG" }),
        };
        audit::record_alone(&self.db, entry, self.clock.now()).await
    }
}
