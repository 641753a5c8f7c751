//! The second factor of a local account: codes of the moment from an authenticator app (RFC 6238: SHA-1, six
//! digits, half a minute, one step of difference), and recovery codes for the day the phone is gone.
//!
//! Invariant: no code counts twice; a wrong one delays the next, apart from the passphrase's own delays, so that
//! knowing the passphrase gains nothing; what is stored of a recovery code is its hash, of the secret its sealed
//! form.

use std::time::Duration;

use rand::RngExt;
use secrecy::SecretString;
use serde_json::json;
use totp_rs::{Builder, Secret, Totp};

use super::{
    By, Door, GlassError, Identity, MemberError, Principal, Role, SignInRules, SignedIn, alert,
    audit::{self, AuditEntry, Origin, Outcome},
    glass::keep_one,
    password::PasswordError,
    session::Opened,
    setup::normal,
    token,
};
use crate::{
    mail::What,
    model::Timestamp,
    secrets::{Keys, SecretError},
    store::{StoreError, Tx, glass, second_factor, user},
};

const RECOVERY_CODES: usize = 10;
/// How long a sign-in waits for its code, and how many wrong ones it bears.
const WAIT: i64 = 10 * Timestamp::MINUTE;
const TRIES: i64 = 5;

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
            Self::Glass(error) => error.code(),
            Self::Seal(_) | Self::Store(_) | Self::Password(_) => "INTERNAL",
        }
    }
}

/// How far somebody's second factor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Factor {
    Off,
    Begun,
    On { since: Timestamp, codes_left: i64 },
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
    pub async fn factor(&self, user_id: &str) -> Result<Factor, StoreError> {
        Ok(match second_factor::get(&self.db, user_id).await? {
            None => Factor::Off,
            Some(row) => match row.confirmed_at {
                None => Factor::Begun,
                Some(since) => {
                    let codes_left = second_factor::codes_left(&self.db, user_id).await?;
                    Factor::On { since: Timestamp(since), codes_left }
                }
            },
        })
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

    /// Puts it in force once a first code was right. Returns the recovery codes, which are never shown again.
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
        second_factor::use_step(&mut tx, &me.user_id, step).await?;
        second_factor::confirm(&mut tx, &me.user_id, now).await?;
        glass::untest(&mut tx, &me.user_id).await?;
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            let code = format!("{}-{}", token::readable_code(), token::readable_code());
            second_factor::add_code(&mut tx, &me.user_id, &token::digest(&normal(&code))).await?;
            codes.push(code);
        }
        self.told(&mut tx, &me.user_id, "user.factor_on", &me.user_id, origin).await?;
        tx.commit().await?;
        self.throttle.right(admitted);
        Ok(codes)
    }

    /// Takes one's own second factor away, with a code of it or a recovery code.
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
        if self.take(&mut tx, keys, &me.user_id, code).await?.is_none() {
            return Err(FactorError::Wrong);
        }
        keep_one(&mut tx, &me.user_id).await?;
        second_factor::remove(&mut tx, &me.user_id).await?;
        glass::untest(&mut tx, &me.user_id).await?;
        self.told(&mut tx, &me.user_id, "user.factor_off", &me.user_id, origin).await?;
        self.factor_gone(&mut tx, &me.user_id).await?;
        tx.commit().await?;
        self.throttle.right(admitted);
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

    /// After the right passphrase: what the browser keeps until the code comes. `None`: no code is needed.
    pub(super) async fn ask_code(&self, user_id: &str, door: Door) -> Result<Option<SecretString>, StoreError> {
        let on = second_factor::get(&self.db, user_id).await?.is_some_and(|row| row.confirmed_at.is_some());
        if !on {
            return Ok(None);
        }
        let (cookie, now) = (token::fresh(), self.clock.now());
        let mut tx = self.db.begin().await?;
        second_factor::wait(&mut tx, &token::digest(&cookie), (user_id, door == Door::Glass), now.plus(WAIT), now)
            .await?;
        tx.commit().await?;
        Ok(Some(cookie.into()))
    }

    /// The second half of a sign-in: `cookie` is what [`super::SignInError::Code`] gave.
    pub async fn finish_sign_in(
        &self,
        keys: &Keys,
        cookie: &str,
        code: &str,
        previous: Option<&str>,
        origin: &Origin,
    ) -> Result<SignedIn, FactorError> {
        let (digest, now) = (token::digest(cookie), self.clock.now());
        let of = second_factor::waiting(&self.db, &digest, TRIES, now).await?;
        let (user_id, glass) = of.ok_or(FactorError::Over)?;
        let (door, opened) = if glass { (Door::Glass, Opened::Glass) } else { (Door::Usual, Opened::Local) };
        let key = format!("code:{user_id}");
        let admitted = self.throttle.admit(Some(&key), origin.ip, now).map_err(FactorError::Wait)?;
        let mut tx = self.db.begin().await?;
        let of = second_factor::try_step(&mut tx, &digest, TRIES, now).await?;
        tx.commit().await?;
        of.ok_or(FactorError::Over)?;
        let mut tx = self.db.begin().await?;
        // It may have become mandatory, or the account an ordinary one, since the passphrase.
        let rules = SignInRules::hold(&mut tx, now).await?;
        let person = user::lock(&mut tx, &user_id).await?.filter(|row| row.disabled_at.is_none());
        let person = person.filter(|row| if glass { row.glass } else { !rules.sso_required });
        let how = match &person {
            Some(_) => self.take(&mut tx, keys, &user_id, code).await?,
            None => None,
        };
        let Some(how) = how else {
            tx.rollback().await?;
            self.refused(door, &user_id, "CODE_WRONG", origin).await?;
            return Err(FactorError::Wrong);
        };
        second_factor::end_step(&mut tx, &digest).await?;
        if how == How::Recovery {
            self.told(&mut tx, &user_id, "user.recovery_code", &user_id, origin).await?;
            let left = second_factor::codes_left(&mut tx, &user_id).await?;
            alert::raise(&mut tx, alert::Kind::RecoveryCode, &user_id, now).await?;
            self.notify(&mut tx, &user_id, What::RecoveryCode { at: now.0, left }).await?;
        }
        let signed_in = self.start_session(&mut tx, &user_id, previous, origin, opened).await?;
        if let Some(person) = person.filter(|_| door == Door::Usual) {
            self.owner_came_locally(&mut tx, &person).await?;
        }
        tx.commit().await?;
        self.throttle.right(admitted);
        Ok(signed_in)
    }

    fn step_of(&self, keys: &Keys, user_id: &str, sealed: &[u8], code: &str) -> Result<Option<i64>, SecretError> {
        let secret = keys.open(&place(user_id), sealed)?;
        Ok(totp(secret).and_then(|totp| step(&totp, &normal(code), self.clock.now())))
    }

    /// Takes a code, once.
    async fn take(&self, tx: &mut Tx, keys: &Keys, user_id: &str, code: &str) -> Result<Option<How>, FactorError> {
        let row = second_factor::get(&mut *tx, user_id).await?.filter(|row| row.confirmed_at.is_some());
        let row = row.ok_or(FactorError::Nothing)?;
        let code = normal(code);
        if code.len() == 6 {
            let Some(step) = self.step_of(keys, user_id, &row.secret, &code)? else { return Ok(None) };
            return Ok(second_factor::use_step(tx, user_id, step).await?.then_some(How::App));
        }
        let hash = token::digest(&code);
        Ok(second_factor::use_code(tx, user_id, &hash, self.clock.now()).await?.then_some(How::Recovery))
    }

    /// As [`Self::take`]: whether it was right.
    pub(super) async fn takes(&self, tx: &mut Tx, keys: &Keys, user_id: &str, code: &str) -> Result<bool, FactorError> {
        Ok(self.take(tx, keys, user_id, code).await?.is_some())
    }

    /// The person hears of it, and whoever looks after the installation.
    async fn factor_gone(&self, tx: &mut Tx, user_id: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        alert::raise(tx, alert::Kind::FactorRemoved, user_id, now).await?;
        self.notify(tx, user_id, What::FactorRemoved { at: now.0 }).await
    }

    async fn told(
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    App,
    Recovery,
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
