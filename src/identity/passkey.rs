//! Passkeys (WebAuthn) as the second factor of local accounts.
//!
//! A passkey belongs to one name of host and one origin, those of `server.public_url`: what an authenticator signed
//! for another page is worth nothing here. It has to ask the person itself (PIN, finger, face), so whoever finds one
//! has nothing, and at [`Identity::prove_by_passkey`] it stands alone. What answers have to hold is in [`ceremony`].
//!
//! Invariant: what is to be signed is kept here, for the session or the sign-in that it was asked for, five minutes
//! long, and it is gone with the first answer, right or wrong. A counter that does not grow is a copy: refused.

mod cbor;
mod ceremony;

use serde_json::Value;

pub use ceremony::Site;
use ceremony::{Assertion, Flaw, Known, Stored};

use super::{FactorError, Identity, Principal, Role, audit::Origin, glass::keep_one, token};
use crate::{
    mail::What,
    model::{Id, Timestamp, ids::Noun},
    store::{
        StoreError, Tx, glass,
        passkey::{self, Asked, New, Row},
        second_factor, user,
    },
};

/// How long an authenticator has for its answer.
const PATIENCE: i64 = 5 * Timestamp::MINUTE;
const PATIENCE_MS: i64 = PATIENCE * 1_000 / Timestamp::SECOND;
const MOST: usize = 20;
const LONGEST_LABEL: usize = 60;

const REGISTER: &str = "register";
pub(super) const SIGN_IN: &str = "sign_in";
pub(super) const PROVE: &str = "prove";

/// A passkey as its owner sees it.
#[derive(Clone, Debug)]
pub struct PasskeyView {
    pub id: String,
    pub label: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
    /// Kept by a service that brings it to other devices.
    pub backed_up: bool,
}

impl Identity {
    /// Somebody's passkeys, oldest first.
    pub async fn passkeys_of(&self, user_id: &str) -> Result<Vec<PasskeyView>, StoreError> {
        let rows = passkey::of_user(&self.db, user_id).await?;
        let view = |row: Row| PasskeyView {
            id: row.id,
            label: row.label,
            created_at: Timestamp(row.created_at),
            used_at: row.used_at.map(Timestamp),
            backed_up: row.backed_up,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Asks an authenticator of `me` for a new passkey: what the browser's script is given.
    pub async fn ask_new_passkey(&self, site: &Site, me: &Principal) -> Result<Value, FactorError> {
        let known = self.known(&me.user_id).await?;
        if known.len() >= MOST {
            return Err(FactorError::Many);
        }
        let name = if me.name.is_empty() { &me.mail } else { &me.name };
        let challenge = self.ask(registering(me)).await?;
        Ok(site.creation(&challenge, (&handle(&me.user_id), &me.mail, name), &known, PATIENCE_MS))
    }

    /// Takes the new passkey. Returns the recovery codes, which are never shown again; none, where there were some.
    pub async fn add_passkey(
        &self,
        site: &Site,
        me: &Principal,
        (label, answer): (&str, &str),
        origin: &Origin,
    ) -> Result<Vec<String>, FactorError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let challenge = passkey::take(&mut tx, registering(me), now).await?;
        tx.commit().await?;
        let label = tidy(label)?;
        let made = site.made(&challenge.ok_or(FactorError::Stale)?, answer).map_err(refuse)?;
        let new = New {
            id: &Id::new(Noun::Passkey),
            user_id: &me.user_id,
            label: &label,
            credential_id: &made.known.id,
            public_key: &made.public_key,
            transports: &made.known.transports.join(" "),
            counter: i64::from(made.counter),
            backup_eligible: made.backup_eligible,
            backed_up: made.backed_up,
            now,
        };
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, &me.user_id).await?;
        let codes = self.codes_of_first(&mut tx, &me.user_id).await?;
        if !passkey::insert(&mut tx, &new).await? {
            return Err(FactorError::Known);
        }
        glass::untest(&mut tx, &me.user_id).await?;
        self.told(&mut tx, &me.user_id, "user.passkey_add", &me.user_id, origin).await?;
        self.notify(&mut tx, &me.user_id, What::PasskeyAdded { at: now.0, label }).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Takes one of one's own passkeys away.
    pub async fn remove_passkey(&self, me: &Principal, id: &str, origin: &Origin) -> Result<(), FactorError> {
        let mut tx = self.db.begin().await?;
        user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        user::lock(&mut tx, &me.user_id).await?;
        let keys = passkey::of_user(&mut tx, &me.user_id).await?;
        if !keys.iter().any(|key| key.id == id) {
            return Err(FactorError::Nothing);
        }
        let app = second_factor::get(&mut tx, &me.user_id).await?.is_some_and(|row| row.confirmed_at.is_some());
        let last = keys.len() == 1 && !app;
        if last {
            keep_one(&mut tx, &me.user_id).await?;
        }
        passkey::remove(&mut tx, &me.user_id, id).await?;
        self.removed(&mut tx, me, "user.passkey_remove", last, origin).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks for a passkey as the second half of the sign-in behind `cookie`.
    pub async fn ask_sign_in_passkey(&self, site: &Site, cookie: &str) -> Result<Value, FactorError> {
        let (user_id, _) = self.waiting(cookie).await?;
        let bound = hex::encode(token::digest(cookie));
        self.ask_any(site, Asked { act: SIGN_IN, bound: &bound, user_id: &user_id }).await
    }

    /// Asks for a passkey as a proof of who is signed in.
    pub async fn ask_proof_passkey(&self, site: &Site, me: &Principal) -> Result<Value, FactorError> {
        self.ask_any(site, Asked { act: PROVE, bound: &me.session_id, user_id: &me.user_id }).await
    }

    async fn ask_any(&self, site: &Site, asked: Asked<'_>) -> Result<Value, FactorError> {
        let known = self.known(asked.user_id).await?;
        if known.is_empty() {
            return Err(FactorError::Nothing);
        }
        Ok(site.request(&self.ask(asked).await?, &known, PATIENCE_MS))
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<String, StoreError> {
        let (now, challenge) = (self.clock.now(), token::fresh());
        let mut tx = self.db.begin().await?;
        passkey::ask(&mut tx, asked, &challenge, now.plus(PATIENCE), now).await?;
        tx.commit().await?;
        Ok(challenge)
    }

    /// Whether the authenticator's answer is one of this person's passkeys. The caller holds the person.
    pub(super) async fn take_passkey(
        &self,
        tx: &mut Tx,
        site: &Site,
        user_id: &str,
        (challenge, answer): (&str, &str),
    ) -> Result<(), FactorError> {
        let answer = Assertion::read(answer).map_err(refuse)?;
        let all = passkey::of_user(&mut *tx, user_id).await?;
        let row = all.into_iter().find(|row| row.credential_id == answer.id).ok_or(FactorError::Passkey)?;
        let stored = Stored {
            public_key: &row.public_key,
            counter: row.counter,
            backup_eligible: row.backup_eligible,
            handle: &handle(user_id),
        };
        let signed = site.signed(challenge, &answer, stored).map_err(refuse)?;
        let standing = (i64::from(signed.counter), signed.backed_up);
        passkey::used(tx, &row.id, standing, self.clock.now()).await?;
        Ok(())
    }

    async fn known(&self, user_id: &str) -> Result<Vec<Known>, StoreError> {
        let known = |row: Row| Known {
            id: row.credential_id,
            transports: row.transports.split_whitespace().map(str::to_owned).collect(),
        };
        Ok(passkey::of_user(&self.db, user_id).await?.into_iter().map(known).collect())
    }
}

fn registering(me: &Principal) -> Asked<'_> {
    Asked { act: REGISTER, bound: &me.session_id, user_id: &me.user_id }
}

/// What authenticators know somebody by; it tells nothing.
fn handle(user_id: &str) -> [u8; 32] {
    token::digest(user_id)
}

fn tidy(label: &str) -> Result<String, FactorError> {
    let label: String = label.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let label = label.trim();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL {
        return Err(FactorError::Label);
    }
    Ok(label.to_owned())
}

/// Why an answer does not hold is for whoever looks into it, not for whoever gave it.
fn refuse(flaw: Flaw) -> FactorError {
    tracing::debug!(error = &flaw as &dyn std::error::Error, "passkey refused");
    FactorError::Passkey
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_belong_to_a_name() {
        for (address, has) in [
            ("https://hub.example", true),
            ("https://hub.example:8443/", true),
            ("http://localhost:8080", true),
            ("https://192.0.2.7", false),
            ("http://[::1]:8080", false),
        ] {
            assert_eq!(address.parse().ok().and_then(|url| Site::of(&url)).is_some(), has, "{address}");
        }
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(tidy(" Work\nphone ").ok().as_deref(), Some("Work phone"));
        for wrong in ["", " \t", &"x".repeat(61)] {
            assert!(matches!(tidy(wrong), Err(FactorError::Label)), "{wrong:?}");
        }
        assert!(tidy(&"端".repeat(60)).is_ok());
    }
}
