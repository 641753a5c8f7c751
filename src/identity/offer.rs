//! What somebody offers as their second factor, and the second half of a sign-in that takes it.
//!
//! Invariant: whatever is offered is taken once: a code by its row, a passkey by what it was asked to sign, which is
//! gone before the answer is looked at.

use secrecy::SecretString;

use super::{
    Door, FactorError, Identity, SignInRules, SignedIn, alert,
    audit::Origin,
    passkey::{SIGN_IN, Site},
    session::Opened,
    setup::normal,
    token,
};
use crate::{
    mail::What,
    model::Timestamp,
    secrets::Keys,
    store::{StoreError, Tx, passkey::Asked, second_factor, user},
};

/// How long a sign-in waits for its second half, and how many wrong ones it bears.
const WAIT: i64 = 10 * Timestamp::MINUTE;
const TRIES: i64 = 5;

/// See the module.
#[derive(Clone, Copy)]
pub enum Offer<'a> {
    /// Of the app, or a recovery code.
    Code(&'a Keys, &'a str),
    /// What the authenticator answered, as JSON.
    Passkey(&'a Site, &'a str),
}

/// As [`Offer`], with what the authenticator was asked.
pub(super) enum Held<'a> {
    Code(&'a Keys, &'a str),
    Passkey { site: &'a Site, answer: &'a str, challenge: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    App,
    Passkey,
    Recovery,
}

/// A sign-in that waits for its second half: whose it is, and what may be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    pub app: bool,
    pub passkey: bool,
}

impl Identity {
    /// After the right passphrase: what the browser keeps until the second half. `None`: none is needed.
    pub(super) async fn ask_code(&self, user_id: &str, door: Door) -> Result<Option<SecretString>, StoreError> {
        if !second_factor::is_on(&self.db, user_id).await? {
            return Ok(None);
        }
        let (cookie, now) = (token::fresh(), self.clock.now());
        let mut tx = self.db.begin().await?;
        second_factor::wait(&mut tx, &token::digest(&cookie), (user_id, door == Door::Glass), now.plus(WAIT), now)
            .await?;
        tx.commit().await?;
        Ok(Some(cookie.into()))
    }

    /// Whose sign-in waits behind `cookie`.
    pub(super) async fn waiting(&self, cookie: &str) -> Result<(String, bool), FactorError> {
        let of = second_factor::waiting(&self.db, &token::digest(cookie), TRIES, self.clock.now()).await?;
        of.ok_or(FactorError::Over)
    }

    /// What may be offered for the sign-in behind `cookie`. `None`: it ran out.
    pub async fn half(&self, cookie: &str) -> Result<Option<Half>, StoreError> {
        let of = second_factor::waiting(&self.db, &token::digest(cookie), TRIES, self.clock.now()).await?;
        let Some((user_id, _)) = of else { return Ok(None) };
        let factors = self.factors(&user_id).await?;
        Ok(Some(Half { app: factors.has_app(), passkey: !factors.passkeys.is_empty() }))
    }

    /// The second half of a sign-in: `cookie` is what [`super::SignInError::Code`] gave.
    pub async fn finish_sign_in(
        &self,
        offer: Offer<'_>,
        cookie: &str,
        previous: Option<&str>,
        origin: &Origin,
    ) -> Result<SignedIn, FactorError> {
        let (digest, now) = (token::digest(cookie), self.clock.now());
        let (user_id, glass) = self.waiting(cookie).await?;
        let (door, opened) = if glass { (Door::Glass, Opened::Glass) } else { (Door::Usual, Opened::Local) };
        let key = format!("code:{user_id}");
        let admitted = self.throttle.admit(Some(&key), origin.ip, now).map_err(FactorError::Wait)?;
        let bound = hex::encode(digest);
        let mut tx = self.db.begin().await?;
        let of = second_factor::try_step(&mut tx, &digest, TRIES, now).await?;
        let held = offer.hold(&mut tx, Asked { act: SIGN_IN, bound: &bound, user_id: &user_id }, now).await?;
        tx.commit().await?;
        of.ok_or(FactorError::Over)?;
        let mut tx = self.db.begin().await?;
        // It may have become mandatory, or the account an ordinary one, since the passphrase.
        let rules = SignInRules::hold(&mut tx, now).await?;
        let person = user::lock(&mut tx, &user_id).await?.filter(|row| row.disabled_at.is_none());
        let person = person.filter(|row| if glass { row.glass } else { !rules.sso_required });
        let taken = match &person {
            Some(_) => self.take(&mut tx, &held, &user_id).await,
            None => Err(held.wrong()),
        };
        let how = match taken {
            Err(error) if error.is_refusal() => {
                tx.rollback().await?;
                self.refused(door, &user_id, error.code(), origin).await?;
                return Err(error);
            }
            taken => taken?,
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

    /// Takes what is offered, once. A refusal ([`FactorError::is_refusal`]) leaves nothing to commit.
    pub(super) async fn take(&self, tx: &mut Tx, held: &Held<'_>, user_id: &str) -> Result<How, FactorError> {
        match held {
            Held::Code(keys, code) => self.take_code(tx, keys, user_id, code).await,
            Held::Passkey { site, answer, challenge } => {
                let challenge = challenge.as_deref().ok_or(FactorError::Stale)?;
                self.take_passkey(tx, site, user_id, (challenge, answer)).await?;
                Ok(How::Passkey)
            }
        }
    }

    async fn take_code(&self, tx: &mut Tx, keys: &Keys, user_id: &str, code: &str) -> Result<How, FactorError> {
        let code = normal(code);
        let (right, how) = if code.len() == 6 {
            let row = second_factor::get(&mut *tx, user_id).await?.filter(|row| row.confirmed_at.is_some());
            let step = match row {
                Some(row) => self.step_of(keys, user_id, &row.secret, &code)?,
                None => None,
            };
            let right = match step {
                Some(step) => second_factor::use_step(tx, user_id, step).await?,
                None => false,
            };
            (right, How::App)
        } else {
            let hash = token::digest(&code);
            (second_factor::use_code(tx, user_id, &hash, self.clock.now()).await?, How::Recovery)
        };
        if right { Ok(how) } else { Err(FactorError::Wrong) }
    }
}

impl<'a> Offer<'a> {
    /// With what was asked, which is gone with it. The caller commits before it looks at the answer.
    pub(super) async fn hold(self, tx: &mut Tx, asked: Asked<'_>, now: Timestamp) -> Result<Held<'a>, StoreError> {
        Ok(match self {
            Self::Code(keys, code) => Held::Code(keys, code),
            Self::Passkey(site, answer) => {
                Held::Passkey { site, answer, challenge: crate::store::passkey::take(tx, asked, now).await? }
            }
        })
    }
}

impl Held<'_> {
    fn wrong(&self) -> FactorError {
        match self {
            Self::Code(..) => FactorError::Wrong,
            Self::Passkey { .. } => FactorError::Passkey,
        }
    }
}
