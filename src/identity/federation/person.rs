//! The person here: found by (issuer, subject), made at the first sign-in, with the role of the groups.

use serde_json::json;

use super::{Federation, claims::Claimed, flow::Refused, manage};
use crate::{
    identity::{
        AuditEntry, Identity, Origin, Outcome, Role, SignedIn, audit,
        session::Federated,
        setup::{is_mail, mail_key},
    },
    model::{Id, Timestamp, ids::Noun},
    store::{StoreError, Tx, external_identity, idp, session, user},
};

/// Times that a sign-in is begun again because the same person did so at the same moment.
const TRIES: usize = 4;

/// Somebody whom a provider vouches for.
pub(super) struct Known<'a> {
    pub idp_id: &'a str,
    /// Whose names the subject is one of.
    pub issuer: &'a str,
    /// `None`: the groups let nobody in.
    pub role: Option<Role>,
    pub claimed: Claimed,
    /// How the provider names the person when it signs them out, where that is another name.
    pub name_id: Option<&'a str>,
    /// When the provider's own session ends.
    pub until: Option<Timestamp>,
}

impl Federation {
    /// Opens a session for somebody whom a provider vouches for.
    pub(super) async fn admit(
        &self,
        identity: &Identity,
        known: Known<'_>,
        previous: Option<&str>,
        origin: &Origin,
    ) -> Result<SignedIn, Refused> {
        let Known { idp_id, issuer, role, claimed, name_id, until } = known;
        let subject = claimed.subject.as_str();
        let Some(role) = role else {
            self.leave(identity, idp_id, subject, origin).await?;
            return Err("ROLE_NONE".into());
        };
        for _ in 0..TRIES {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            if !idp::hold(&mut tx, idp_id).await? {
                return Err("IDP_OFF".into());
            }
            let known = external_identity::user_of(&mut tx, issuer, subject).await?;
            let user_id = match known {
                Some(id) => self.returning(&mut tx, &id, &claimed, role, origin, now).await?,
                None => match self.first(&mut tx, &claimed, role, origin, now).await? {
                    Some(id) => id,
                    // Taken meanwhile: by the same person in another browser, or by somebody else.
                    None if external_identity::user_of(&mut tx, issuer, subject).await?.is_some() => continue,
                    None => return Err("PERSON_LOCAL".into()),
                },
            };
            if external_identity::bind(&mut tx, (issuer, subject), idp_id, &user_id, now).await? != user_id {
                tx.rollback().await?;
                continue;
            }
            let federated = Federated { idp_id, subject, sid: claimed.sid.as_deref(), name_id, until };
            let signed_in = identity.start_session(&mut tx, &user_id, previous, origin, Some(federated)).await?;
            tx.commit().await?;
            // The role holds at once, also in sessions that were open.
            identity.forget(&user_id);
            return Ok(signed_in);
        }
        Err("PERSON_BUSY".into())
    }

    /// Somebody whom the groups let in no more: what was open ends.
    async fn leave(&self, identity: &Identity, idp_id: &str, subject: &str, origin: &Origin) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let ended = session::end_federated(&mut tx, idp_id, None, Some(subject)).await?;
        manage::note_ended(&mut tx, &ended, (idp_id, None), origin, self.clock.now()).await?;
        tx.commit().await?;
        ended.iter().for_each(|(_, user_id)| identity.forget(user_id));
        Ok(())
    }

    /// Somebody who was here before: what the provider says now holds.
    async fn returning(
        &self,
        tx: &mut Tx,
        id: &str,
        claimed: &Claimed,
        role: Role,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let row = user::lock(&mut *tx, id).await?.ok_or("PERSON_GONE")?;
        if row.disabled_at.is_some() {
            return Err("PERSON_OFF".into());
        }
        // First run's owner stays owner, whatever a provider says.
        let role = if row.role == Role::Owner.as_str() { Role::Owner } else { role };
        if let Some(mail) = claimed.mail.as_deref().filter(|mail| is_mail(mail) && **mail != row.mail) {
            user::set_mail(tx, id, mail, &mail_key(mail)).await?;
        }
        if row.role != role.as_str() || row.name != claimed.name {
            user::set_name_and_role(tx, id, &claimed.name, role.as_str()).await?;
        }
        if row.role != role.as_str() {
            let detail = json!({"from": row.role, "to": role.as_str(), "by": "groups"});
            changed(tx, "user.role", id, origin, detail, now).await?;
        }
        Ok(row.id)
    }

    /// Somebody new. A mail address that somebody here has already is no proof of being that person: `None`.
    async fn first(
        &self,
        tx: &mut Tx,
        claimed: &Claimed,
        role: Role,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let id = Id::new(Noun::User);
        let mail = claimed.mail.as_deref().filter(|mail| is_mail(mail)).unwrap_or_default();
        // Nobody signs in locally by this: there is no passphrase.
        let key = if mail.is_empty() { format!("at:{id}") } else { mail_key(mail) };
        let row = user::NewUser {
            id: &id,
            mail,
            mail_key: &key,
            name: &claimed.name,
            role: role.as_str(),
            password_hash: None,
            language: "ja",
            theme: "system",
            now,
        };
        if !user::insert(tx, &row).await? {
            return Ok(None);
        }
        changed(tx, "user.create", id.as_str(), origin, json!({"role": role.as_str(), "by": "sign-in"}), now).await?;
        Ok(Some(id.into_string()))
    }
}

async fn changed(
    tx: &mut Tx,
    action: &'static str,
    user_id: &str,
    origin: &Origin,
    detail: serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        actor: "system",
        action,
        object_kind: "user",
        object_id: user_id,
        outcome: Outcome::Ok,
        origin,
        detail,
    };
    audit::record(tx, entry, now).await
}
