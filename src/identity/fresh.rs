//! A fresh proof of who somebody is, before what is dangerous.
//!
//! Invariant: a proof gives the session another cookie and another token, so that whoever held the old ones holds
//! nothing. The session keeps its id, its end and everything else.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    FactorError, Identity, Principal, Proof,
    audit::{self, AuditEntry, Origin, Outcome},
    token,
};
use crate::{
    model::{Timestamp, time::micros},
    secrets::Keys,
    store::{StoreError, Tx, second_factor, session, user},
};

/// In the audit trail: somebody proved again who they are, or could not.
pub(super) const PROVE: &str = "session.prove";

/// What somebody can prove with here, without a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalProof {
    None,
    Passphrase,
    /// And a code.
    Both,
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
        let (person, factor) =
            tokio::try_join!(user::by_id(&self.db, &me.user_id), second_factor::get(&self.db, &me.user_id))?;
        let known = person.is_some_and(|row| row.password_hash.is_some());
        let factor = factor.is_some_and(|row| row.confirmed_at.is_some());
        Ok(match (known, factor) {
            (true, true) => LocalProof::Both,
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
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, &me.user_id).await?;
        if wanted == LocalProof::Both && !self.takes(&mut tx, keys, &me.user_id, code).await? {
            tx.rollback().await?;
            self.unproved(me, "CODE_WRONG", origin).await?;
            return Err(FactorError::Wrong);
        }
        let renewed = self.renew(&mut tx, me, cookie, now, (origin, Value::Null)).await?.ok_or(FactorError::Over)?;
        tx.commit().await?;
        self.throttle.right(admitted);
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
