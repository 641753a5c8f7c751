//! A fresh proof of who somebody is, before what is dangerous.
//!
//! Invariant: a proof gives the session another cookie and another token, so that whoever held the old ones holds
//! nothing. The session keeps its id, its end and everything else.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    FactorError, Identity, Offer, Principal, Proof,
    audit::{self, AuditEntry, Origin, Outcome},
    offer::Held,
    passkey::{self, Site},
    token,
};
use crate::{
    model::{Timestamp, time::micros},
    secrets::Keys,
    store::{StoreError, Tx, passkey::Asked, session, user},
};

/// In the audit trail: somebody proved again who they are, or could not.
pub(super) const PROVE: &str = "session.prove";

/// What somebody can prove with here, without a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalProof {
    None,
    Passphrase,
    /// And a code, or a passkey alone, which asks for PIN or finger itself.
    Both {
        /// Of an app; otherwise only recovery codes are left.
        app: bool,
        passkey: bool,
    },
}

impl Identity {
    /// Whether a proof is recent enough for what is dangerous.
    #[must_use]
    pub fn is_fresh(&self, proof: &Proof) -> bool {
        proof.at.is_some_and(|at| self.clock.now().since(at) < micros(self.limits.fresh))
    }

    /// What proves somebody here. A passphrase alone is enough only for who came by one: it must not stand in for a
    /// provider that asks for more.
    pub async fn local_proof(&self, me: &Principal) -> Result<LocalProof, StoreError> {
        let (person, factors) = tokio::try_join!(user::by_id(&self.db, &me.user_id), self.factors(&me.user_id))?;
        let known = person.is_some_and(|row| row.password_hash.is_some());
        Ok(match (known, factors.is_on()) {
            (true, true) => LocalProof::Both { app: factors.has_app(), passkey: !factors.passkeys.is_empty() },
            (true, false) if me.proof.idp_id.is_none() => LocalProof::Passphrase,
            _ => LocalProof::None,
        })
    }

    /// Takes passphrase and code of somebody who is signed in by `cookie`. Returns the session's new cookie.
    pub async fn prove(
        &self,
        keys: &Keys,
        (me, cookie): (&Principal, &str),
        passphrase: SecretString,
        code: &str,
        origin: &Origin,
    ) -> Result<SecretString, FactorError> {
        let now = self.clock.now();
        let wanted = self.local_proof(me).await?;
        if wanted == LocalProof::None {
            return Err(FactorError::Nothing);
        }
        let key = format!("prove:{}", me.user_id);
        let admitted = self.throttle.admit(Some(&key), origin.ip, now).map_err(FactorError::Wait)?;
        let row = user::by_id(&self.db, &me.user_id).await?.ok_or(FactorError::Nothing)?;
        if !self.passwords.verify(passphrase, row.password_hash).await?.right {
            self.unproved(me, "PASSPHRASE_WRONG", origin).await?;
            return Err(FactorError::Passphrase);
        }
        let held = matches!(wanted, LocalProof::Both { .. }).then_some(Held::Code(keys, code));
        let renewed = self.proved((me, cookie), held, now, origin).await?;
        self.throttle.right(admitted);
        Ok(renewed)
    }

    /// As [`Self::prove`], by a passkey: what the authenticator answered to [`Self::ask_proof_passkey`], as JSON.
    pub async fn prove_by_passkey(
        &self,
        site: &Site,
        (me, cookie): (&Principal, &str),
        answer: &str,
        origin: &Origin,
    ) -> Result<SecretString, FactorError> {
        let now = self.clock.now();
        if !matches!(self.local_proof(me).await?, LocalProof::Both { passkey: true, .. }) {
            return Err(FactorError::Nothing);
        }
        let key = format!("prove:{}", me.user_id);
        let admitted = self.throttle.admit(Some(&key), origin.ip, now).map_err(FactorError::Wait)?;
        let mut tx = self.db.begin().await?;
        let asked = Asked { act: passkey::PROVE, bound: &me.session_id, user_id: &me.user_id };
        let held = Offer::Passkey(site, answer).hold(&mut tx, asked, now).await?;
        tx.commit().await?;
        let renewed = self.proved((me, cookie), Some(held), now, origin).await?;
        self.throttle.right(admitted);
        Ok(renewed)
    }

    /// Takes what is offered; nothing, where the passphrase was enough.
    async fn proved(
        &self,
        (me, cookie): (&Principal, &str),
        held: Option<Held<'_>>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<SecretString, FactorError> {
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, &me.user_id).await?;
        if let Some(held) = held
            && let Err(error) = self.take(&mut tx, &held, &me.user_id).await
        {
            tx.rollback().await?;
            if error.is_refusal() {
                self.unproved(me, error.code(), origin).await?;
            }
            return Err(error);
        }
        let renewed = self.renew(&mut tx, me, cookie, now, (origin, Value::Null)).await?.ok_or(FactorError::Over)?;
        tx.commit().await?;
        self.cache.forget_user(&me.user_id);
        Ok(renewed)
    }

    /// Another cookie and token for the session behind `cookie`, proved at `at`. `None`: it ended meanwhile. The
    /// caller forgets the person after the commit.
    pub(super) async fn renew(
        &self,
        tx: &mut Tx,
        me: &Principal,
        cookie: &str,
        at: Timestamp,
        (origin, detail): (&Origin, Value),
    ) -> Result<Option<SecretString>, StoreError> {
        let (new, csrf) = (token::fresh(), token::fresh());
        if !session::rotate(&mut *tx, &token::digest(cookie), &token::digest(&new), &csrf, at).await? {
            return Ok(None);
        }
        audit::record(tx, proof_entry(me, Outcome::Ok, origin, detail), self.clock.now()).await?;
        Ok(Some(new.into()))
    }

    async fn unproved(&self, me: &Principal, code: &'static str, origin: &Origin) -> Result<(), StoreError> {
        let entry = proof_entry(me, Outcome::Refused, origin, json!({ "code": code }));
        audit::record_alone(&self.db, entry, self.clock.now()).await
    }
}

fn proof_entry<'a>(me: &'a Principal, outcome: Outcome, origin: &'a Origin, detail: Value) -> AuditEntry<'a> {
    AuditEntry {
        actor: &me.user_id,
        action: PROVE,
        object_kind: "session",
        object_id: &me.session_id,
        outcome,
        origin,
        detail,
    }
}
