//! The second factor of a local account: codes of the moment from an authenticator app (RFC 6238: SHA-1, six
//! digits, half a minute, one step of difference), passkeys ([`super::passkey`]), and recovery codes for the day the
//! phone is gone. How they are taken is in [`super::offer`].
//!
//! Invariant: no code counts twice; a wrong one delays the next, apart from the passphrase's own delays, so that
//! knowing the passphrase gains nothing; what is stored of a recovery code is its hash, of the secret its sealed
//! form. Recovery codes are made with the first factor and go with the last.

use std::time::Duration;

use rand::RngExt;
use secrecy::SecretString;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::{
    By, GlassError, Identity, MemberError, Principal, Role, alert,
    audit::{self, AuditEntry, Origin, Outcome},
    glass::keep_one,
    offer::Held,
    passkey::PasskeyView,
    password::PasswordError,
    setup::normal,
    token,
};
use crate::{
    mail::What,
    model::Timestamp,
    secrets::{Keys, SecretError},
    store::{StoreError, Tx, glass, passkey, second_factor, user},
};

const RECOVERY_CODES: usize = 10;

/// Why a code, or what was asked with it, is not taken.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    #[error("the code is wrong, or was taken before")]
    Wrong,
    #[error("the passphrase is wrong")]
    Passphrase,
    #[error("wait before the next try")]
    Wait(Duration),
    /// Begin again with the passphrase.
    #[error("this sign-in ran out")]
    Over,
    #[error("nothing to confirm or to remove")]
    Nothing,
    /// The authenticator's answer does not hold: signature, origin, person or counter.
    #[error("the passkey did not prove who that is")]
    Passkey,
    /// What the authenticator answered was not asked here, was answered before, or is too old.
    #[error("this passkey was not asked for, or too long ago")]
    Stale,
    #[error("this passkey is registered already")]
    Known,
    #[error("a passkey needs a name of at most 60 characters")]
    Label,
    #[error("there are too many passkeys: remove one first")]
    Many,
    /// The last break-glass account keeps its factor.
    #[error(transparent)]
    Glass(#[from] GlassError),
    #[error(transparent)]
    Seal(#[from] SecretError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl FactorError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "CODE_WRONG",
            Self::Passphrase => "PASSPHRASE_WRONG",
            Self::Wait(_) => "SIGNIN_WAIT",
            Self::Over => "SIGNIN_OVER",
            Self::Nothing => "FACTOR_NOTHING",
            Self::Passkey => "PASSKEY_WRONG",
            Self::Stale => "PASSKEY_OVER",
            Self::Known => "PASSKEY_KNOWN",
            Self::Label => "PASSKEY_NAME",
            Self::Many => "PASSKEY_MANY",
            Self::Glass(error) => error.code(),
            Self::Seal(_) | Self::Store(_) | Self::Password(_) => "INTERNAL",
        }
    }

    /// Seconds until the next try is taken.
    #[must_use]
    pub fn wait(&self) -> Option<u64> {
        if let Self::Wait(wait) = self { Some(wait.as_secs().max(1)) } else { None }
    }

    /// Somebody tried, and it was not right.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Wrong | Self::Passkey | Self::Stale)
    }
}

/// How far somebody's authenticator app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    Off,
    Begun,
    On { since: Timestamp },
}

/// What somebody has beside the passphrase.
#[derive(Clone, Debug)]
pub struct Factors {
    pub app: Factor,
    pub passkeys: Vec<PasskeyView>,
    pub codes_left: i64,
}

impl Factors {
    /// It is asked for.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.has_app() || !self.passkeys.is_empty()
    }

    #[must_use]
    pub fn has_app(&self) -> bool {
        matches!(self.app, Factor::On { .. })
    }
}

/// What an authenticator app is given.
pub struct Enrolment {
    /// To type in.
    pub secret: String,
    /// `otpauth://…`, for a picture.
    pub url: String,
}

fn place(user_id: &str) -> String {
    format!("user/{user_id}/second_factor")
}

fn builder(secret: Vec<u8>) -> Builder {
    Builder::new().with_secret(Secret::from(secret)).with_digits(6).with_skew(1).with_step_duration(30)
}

/// `None`: the stored secret is not one of ours.
fn totp(secret: Vec<u8>) -> Option<Totp> {
    builder(secret).build().ok()
}

/// The half minute to which a code belongs.
fn step(totp: &Totp, code: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.0 / Timestamp::SECOND).ok()?;
    i64::try_from(totp.check(code, seconds)?).ok()
}

impl Identity {
    pub async fn factors(&self, user_id: &str) -> Result<Factors, StoreError> {
        let (app, passkeys, codes_left) = tokio::try_join!(
            second_factor::get(&self.db, user_id),
            self.passkeys_of(user_id),
            second_factor::codes_left(&self.db, user_id)
        )?;
        let app = match app.map(|row| row.confirmed_at) {
            None => Factor::Off,
            Some(None) => Factor::Begun,
            Some(Some(since)) => Factor::On { since: Timestamp(since) },
        };
        Ok(Factors { app, passkeys, codes_left })
    }

    /// Whether a second factor is asked of somebody.
    pub async fn has_factor(&self, user_id: &str) -> Result<bool, StoreError> {
        second_factor::is_on(&self.db, user_id).await
    }

    /// Makes a new secret for somebody who proves again to know the passphrase.
    pub async fn begin_factor(
        &self,
        keys: &Keys,
        me: &Principal,
        passphrase: SecretString,
        origin: &Origin,
    ) -> Result<(), FactorError> {
        let key = format!("factor:{}", me.user_id);
        let now = self.clock.now();
        let admitted = self.throttle.admit(Some(&key), origin.ip, now).map_err(FactorError::Wait)?;
        let row = user::by_id(&self.db, &me.user_id).await?.ok_or(FactorError::Nothing)?;
        if !self.passwords.verify(passphrase, row.password_hash).await?.right {
            return Err(FactorError::Passphrase);
        }
        self.throttle.right(admitted);
        let secret = rand::rng().random::<[u8; 20]>();
        let sealed = keys.seal(&place(&me.user_id), &secret)?;
        let mut tx = self.db.begin().await?;
        let begun = second_factor::begin(&mut tx, &me.user_id, &sealed, now).await?;
        tx.commit().await?;
        if begun { Ok(()) } else { Err(FactorError::Nothing) }
    }

    /// What to show somebody who began and did not confirm yet.
    pub async fn enrolment(&self, keys: &Keys, me: &Principal) -> Result<Option<Enrolment>, FactorError> {
        let Some(row) = second_factor::get(&self.db, &me.user_id).await?.filter(|row| row.confirmed_at.is_none())
        else {
            return Ok(None);
        };
        let secret = keys.open(&place(&me.user_id), &row.secret)?;
        // A colon would end the name in the address.
        let name = me.mail.replace(':', " ");
        let named = builder(secret.clone()).with_account_name(name).with_issuer(Some("Musubi"));
        let url = named.build().ok().and_then(|totp| totp.to_url().ok()).ok_or(FactorError::Nothing)?;
        Ok(Some(Enrolment { secret: Secret::from(secret).to_base32(), url }))
    }

    /// Puts it in force once a first code was right. Returns the recovery codes, which are never shown again; none,
    /// where a passkey brought them already.
    pub async fn confirm_factor(
        &self,
        keys: &Keys,
        me: &Principal,
        code: &str,
        origin: &Origin,
    ) -> Result<Vec<String>, FactorError> {
        let now = self.clock.now();
        let key = format!("code:{}", me.user_id);
        let admitted = self.throttle.admit(Some(&key), origin.ip, now).map_err(FactorError::Wait)?;
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, &me.user_id).await?;
        let row = second_factor::get(&mut tx, &me.user_id).await?.filter(|row| row.confirmed_at.is_none());
        let row = row.ok_or(FactorError::Nothing)?;
        let Some(step) = self.step_of(keys, &me.user_id, &row.secret, code)? else { return Err(FactorError::Wrong) };
        let codes = self.codes_of_first(&mut tx, &me.user_id).await?;
        second_factor::use_step(&mut tx, &me.user_id, step).await?;
        second_factor::confirm(&mut tx, &me.user_id, now).await?;
        glass::untest(&mut tx, &me.user_id).await?;
        self.told(&mut tx, &me.user_id, "user.factor_on", &me.user_id, origin).await?;
        tx.commit().await?;
        self.throttle.right(admitted);
        Ok(codes)
    }

    /// New recovery codes where no factor is in force yet.
    pub(super) async fn codes_of_first(&self, tx: &mut Tx, user_id: &str) -> Result<Vec<String>, StoreError> {
        let mut codes = Vec::new();
        if second_factor::is_on(&mut *tx, user_id).await? {
            return Ok(codes);
        }
        for _ in 0..RECOVERY_CODES {
            let code = format!("{}-{}", token::readable_code(), token::readable_code());
            second_factor::add_code(tx, user_id, &token::digest(&normal(&code))).await?;
            codes.push(code);
        }
        Ok(codes)
    }

    /// Takes one's own authenticator app away, with a code of it or a recovery code.
    pub async fn remove_factor(
        &self,
        keys: &Keys,
        me: &Principal,
        code: &str,
        origin: &Origin,
    ) -> Result<(), FactorError> {
        let key = format!("code:{}", me.user_id);
        let admitted = self.throttle.admit(Some(&key), origin.ip, self.clock.now()).map_err(FactorError::Wait)?;
        let mut tx = self.db.begin().await?;
        user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        user::lock(&mut tx, &me.user_id).await?;
        let row = second_factor::get(&mut tx, &me.user_id).await?;
        row.filter(|row| row.confirmed_at.is_some()).ok_or(FactorError::Nothing)?;
        self.take(&mut tx, &Held::Code(keys, code), &me.user_id).await?;
        let last = passkey::of_user(&mut tx, &me.user_id).await?.is_empty();
        if last {
            keep_one(&mut tx, &me.user_id).await?;
        }
        second_factor::remove_app(&mut tx, &me.user_id).await?;
        self.removed(&mut tx, me, "user.factor_off", last, origin).await?;
        tx.commit().await?;
        self.throttle.right(admitted);
        Ok(())
    }

    /// What follows when somebody took one of their own factors away.
    pub(super) async fn removed(
        &self,
        tx: &mut Tx,
        me: &Principal,
        action: &'static str,
        last: bool,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        glass::untest(tx, &me.user_id).await?;
        self.told(tx, &me.user_id, action, &me.user_id, origin).await?;
        if last {
            second_factor::remove(tx, &me.user_id).await?;
            self.factor_gone(tx, &me.user_id).await?;
        }
        Ok(())
    }

    /// Takes somebody's second factor away, for a person who lost phone and codes. `false`: there was none.
    pub async fn reset_factor(&self, by: By<'_>, user_id: &str, origin: &Origin) -> Result<bool, MemberError> {
        let mut tx = self.db.begin().await?;
        user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        user::lock(&mut tx, user_id).await?;
        super::members::allowed(&mut tx, by, user_id).await?;
        if by.actor == user_id {
            return Err(MemberError::Own);
        }
        keep_one(&mut tx, user_id).await?;
        let removed = second_factor::remove(&mut tx, user_id).await?;
        if removed {
            glass::untest(&mut tx, user_id).await?;
            self.told(&mut tx, by.actor, "user.factor_reset", user_id, origin).await?;
            self.factor_gone(&mut tx, user_id).await?;
        }
        tx.commit().await?;
        Ok(removed)
    }

    pub(super) fn step_of(
        &self,
        keys: &Keys,
        user_id: &str,
        sealed: &[u8],
        code: &str,
    ) -> Result<Option<i64>, SecretError> {
        let secret = keys.open(&place(user_id), sealed)?;
        Ok(totp(secret).and_then(|totp| step(&totp, &normal(code), self.clock.now())))
    }

    /// The person hears of it, and whoever looks after the installation.
    async fn factor_gone(&self, tx: &mut Tx, user_id: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        alert::raise(tx, alert::Kind::FactorRemoved, user_id, now).await?;
        self.notify(tx, user_id, What::FactorRemoved { at: now.0 }).await
    }

    pub(super) async fn told(
        &self,
        tx: &mut Tx,
        actor: &str,
        action: &'static str,
        user_id: &str,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            actor,
            action,
            object_kind: "user",
            object_id: user_id,
            outcome: Outcome::Ok,
            origin,
            detail: json!({}),
        };
        audit::record(tx, entry, self.clock.now()).await
    }
}

impl std::fmt::Debug for Enrolment {
    /// The secret stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "second_tests.rs"]
mod tests;
