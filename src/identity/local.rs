//! Local sign-in: mail address and passphrase.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::{
    Identity, Role, SignInRules, SignedIn, alert,
    audit::{self, AuditEntry, Origin, Outcome},
    password::PasswordError,
    session::{GLASS, Opened},
    setup::mail_key,
};
use crate::store::{StoreError, Tx, glass, idp, user};

/// Where somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Usual,
    /// The break-glass page: for its accounts only, and always with a second factor.
    Glass,
}

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Neutral on purpose: it never tells whether the account exists.
    #[error("mail address or passphrase is wrong")]
    Wrong,
    #[error("wait before the next try")]
    Wait(Duration),
    /// Said to everybody alike: nothing was looked at.
    #[error("single sign-on is mandatory: sign in by a provider")]
    Elsewhere,
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
            Self::Elsewhere => "SIGNIN_SSO",
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
        self.sign_in_at(Door::Usual, mail, passphrase, previous, origin).await
    }

    /// As [`Self::sign_in`], on either page.
    pub async fn sign_in_at(
        &self,
        door: Door,
        mail: &str,
        passphrase: SecretString,
        previous: Option<&str>,
        origin: &Origin,
    ) -> Result<SignedIn, SignInError> {
        if door == Door::Usual && SignInRules::load(&self.db).await?.sso_required {
            let _admitted = self.throttle.admit(None, origin.ip, self.clock.now()).map_err(SignInError::Wait)?;
            self.refused(door, "", "SIGNIN_SSO", origin).await?;
            return Err(SignInError::Elsewhere);
        }
        // The address is also a key in memory, so its length has an end.
        let key: String = mail_key(mail).chars().take(254).collect();
        let admitted = self.throttle.admit(Some(&key), origin.ip, self.clock.now()).map_err(SignInError::Wait)?;
        let found = user::by_mail_key(&self.db, &key)
            .await?
            .filter(|user| user.disabled_at.is_none() && user.kind == user::PERSON);
        let known = found.as_ref().map(|user| user.id.clone()).unwrap_or_default();
        let may_enter = match door {
            Door::Usual => true,
            Door::Glass => glass::accounts(&self.db).await?.iter().any(|account| account.id == known),
        };
        let stored = found.as_ref().and_then(|user| user.password_hash.clone());
        let verdict = self.passwords.verify(passphrase, stored.clone()).await?;
        let Some(user) = found.filter(|_| verdict.right && may_enter) else {
            self.refused(door, &known, "SIGNIN_WRONG", origin).await?;
            return Err(SignInError::Wrong);
        };
        self.throttle.right(admitted);
        if let Some(cookie) = self.ask_code(&user.id, door).await? {
            return Err(SignInError::Code(cookie));
        }
        let mut tx = self.db.begin().await?;
        let rules = SignInRules::hold(&mut tx, self.clock.now()).await?;
        // Without a code nobody comes in by the break-glass page: the factor was taken away a moment ago.
        if rules.sso_required || door == Door::Glass {
            tx.rollback().await?;
            return Err(SignInError::Wrong);
        }
        if let (Some(new), Some(old)) = (verdict.rehash, stored) {
            user::replace_hash(&mut tx, &user.id, &old, &new).await?;
        }
        let signed_in = self.start_session(&mut tx, &user.id, previous, origin, Opened::Local).await?;
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
    pub(super) async fn refused(
        &self,
        door: Door,
        user_id: &str,
        code: &'static str,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            actor: "system",
            action: if door == Door::Glass { GLASS } else { "session.start" },
            object_kind: "user",
            object_id: user_id,
            outcome: Outcome::Refused,
            origin,
            detail: json!({ "code": code }),
        };
        audit::record_alone(&self.db, entry, self.clock.now()).await
    }
}
