//! The person here: found by (issuer, subject), made at the first sign-in, with the role of the groups or of an
//! invitation.

use serde_json::json;

use super::{Federation, claims::Claimed, domain, flow::Refused, manage};
use crate::{
    identity::{
        AuditEntry, Identity, Origin, Outcome, Role, Settings, SignedIn, audit,
        session::{Federated, Opened},
        setup::{is_mail, mail_key},
        token::digest,
        view,
    },
    model::{Id, Timestamp, ids::Noun},
    store::{StoreError, Tx, external_identity, idp, idp_domain, invitation, session, user},
};

/// Times that a sign-in is begun again because the same person did so at the same moment.
const TRIES: usize = 4;

/// Somebody whom a provider vouches for.
pub(super) struct Known<'a> {
    pub idp_id: &'a str,
    /// Whose names the subject is one of.
    pub issuer: &'a str,
    /// Of the groups; `None`: they let nobody in.
    pub role: Option<Role>,
    /// Those of the groups.
    pub departments: Vec<String>,
    pub claimed: Claimed,
    /// When that person proved it there, if the provider says so.
    pub proved_at: Option<Timestamp>,
    /// How the provider names the person when it signs them out, where that is another name.
    pub name_id: Option<&'a str>,
    /// When the provider's own session ends.
    pub until: Option<Timestamp>,
    /// The link of an invitation that the browser opened.
    pub invitation: Option<&'a str>,
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
        let (idp_id, issuer, subject) = (known.idp_id, known.issuer, known.claimed.subject.as_str());
        for _ in 0..TRIES {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            if !idp::hold(&mut tx, idp_id).await? {
                return Err("IDP_OFF".into());
            }
            let there = external_identity::user_of(&mut tx, issuer, subject).await?;
            let came = match there {
                Some(id) => self.returning(&mut tx, &id, &known, origin, now).await,
                None => self.first(identity, &mut tx, &known, origin, now).await,
            };
            let user_id = match came {
                Ok(Some(id)) => id,
                // Taken meanwhile: by the same person in another browser, or by somebody else.
                Ok(None) if external_identity::user_of(&mut tx, issuer, subject).await?.is_some() => continue,
                Ok(None) => return Err("PERSON_LOCAL".into()),
                Err(Refused::Check { code: "ROLE_NONE", detail }) => {
                    tx.rollback().await?;
                    self.leave(identity, idp_id, (issuer, subject), origin).await?;
                    return Err(Refused::Check { code: "ROLE_NONE", detail });
                }
                Err(refused) => return Err(refused),
            };
            if external_identity::bind(&mut tx, (issuer, subject), idp_id, &user_id, now).await? != user_id {
                tx.rollback().await?;
                continue;
            }
            view::from_groups(&mut tx, &user_id, &known.departments, origin, now).await?;
            let (sid, name_id, until) = (known.claimed.sid.as_deref(), known.name_id, known.until);
            let federated = Federated { idp_id, subject, sid, proved_at: known.proved_at, name_id, until };
            let opened = Opened::Provider(federated);
            let signed_in = identity.start_session(&mut tx, &user_id, previous, origin, opened).await?;
            tx.commit().await?;
            // The role holds at once, also in sessions that were open.
            identity.forget(&user_id);
            return Ok(signed_in);
        }
        Err("PERSON_BUSY".into())
    }

    /// Somebody whom the groups let in no more: what was open ends, and tokens with it.
    pub(super) async fn leave(
        &self,
        identity: &Identity,
        idp_id: &str,
        (issuer, subject): (&str, &str),
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        let known = external_identity::user_of(&mut tx, issuer, subject).await?;
        if let Some(user_id) = &known {
            // The person first, so that no token is being made meanwhile.
            user::lock(&mut tx, user_id).await?;
        }
        let ended = session::end_federated(&mut tx, idp_id, None, Some(subject)).await?;
        manage::note_ended(&mut tx, &ended, (idp_id, None), origin, self.clock.now()).await?;
        if let Some(user_id) = &known {
            identity.end_tokens(&mut tx, "system", user_id, origin).await?;
        }
        tx.commit().await?;
        ended.iter().map(|(_, user_id)| user_id).chain(&known).for_each(|user_id| identity.forget(user_id));
        Ok(())
    }

    /// Somebody who was here before: what the provider says now holds.
    async fn returning(
        &self,
        tx: &mut Tx,
        id: &str,
        known: &Known<'_>,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<String>, Refused> {
        let claimed = &known.claimed;
        let row = user::lock(&mut *tx, id).await?.ok_or("PERSON_GONE")?;
        if row.disabled_at.is_some() {
            return Err("PERSON_OFF".into());
        }
        // Who was invited though the groups gave no role keeps that of the invitation.
        let invited = user::invited_role(&mut *tx, id).await?.and_then(|role| Role::parse(&role));
        let role = known.role.or(invited).ok_or("ROLE_NONE")?;
        // First run's owner stays owner, whatever a provider says.
        let role = if row.role == Role::Owner.as_str() { Role::Owner } else { role };
        // Who also has a passphrase signs in here by the address that is here.
        let theirs = claimed.mail.as_deref().filter(|_| row.password_hash.is_none());
        if let Some(mail) = theirs.filter(|mail| is_mail(mail) && **mail != row.mail) {
            user::set_mail(tx, id, mail, &mail_key(mail)).await?;
        }
        if row.role != role.as_str() || row.name != claimed.name {
            user::set_name_and_role(tx, id, &claimed.name, role.as_str()).await?;
        }
        if row.role != role.as_str() {
            let detail = json!({"from": row.role, "to": role.as_str(), "by": "groups"});
            changed(tx, "user.role", id, origin, detail, now).await?;
        }
        Ok(Some(row.id))
    }

    /// Somebody new. A mail address that somebody here has already is no proof of being that person: `None`.
    async fn first(
        &self,
        identity: &Identity,
        tx: &mut Tx,
        known: &Known<'_>,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<String>, Refused> {
        let invited = match known.invitation {
            Some(token) => invitation::by_token(&mut *tx, &digest(token), now).await?,
            None => None,
        };
        match invited {
            Some(row) if known.claimed.is_addressed(&row.mail_key) && self.may_vouch(tx, known, &row).await? => {
                self.invited(identity, tx, known, &row, origin, now).await
            }
            // Whom the groups let in needs no invitation.
            Some(_) if known.role.is_none() => Err("INVITATION_ADDRESS".into()),
            _ => {
                let role = known.role.ok_or("ROLE_NONE")?;
                Ok(self.newcomer(tx, &known.claimed, role, origin, now).await?)
            }
        }
    }

    /// Of a domain that is another provider's, only that one vouches for addresses.
    async fn may_vouch(&self, tx: &mut Tx, known: &Known<'_>, row: &invitation::Row) -> Result<bool, StoreError> {
        let domain = domain::of_mail(&row.mail).unwrap_or_default();
        let owner = idp_domain::get(tx, &domain).await?;
        Ok(owner.is_none_or(|owner| owner.idp_id == known.idp_id || owner.verified_at.is_none()))
    }

    /// Somebody who opened the link of an invitation in this browser, and whose provider vouches for the address that
    /// was invited.
    async fn invited(
        &self,
        identity: &Identity,
        tx: &mut Tx,
        known: &Known<'_>,
        row: &invitation::Row,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<String>, Refused> {
        let kept = match &row.user_id {
            // An account that is there: from now on it is this person at the provider, too.
            Some(id) => {
                let of = user::lock(&mut *tx, id).await?.ok_or("PERSON_GONE")?;
                Role::parse(&of.role).ok_or("PERSON_GONE")?
            }
            None => Role::parse(&row.role).unwrap_or(Role::Viewer),
        };
        let id = match &row.user_id {
            Some(id) => {
                user::set_invited_role(tx, id, known.role.is_none().then_some(kept.as_str())).await?;
                self.returning(tx, id, known, origin, now).await?
            }
            None => {
                let made = self.newcomer(tx, &known.claimed, known.role.unwrap_or(kept), origin, now).await?;
                if let Some(id) = made.as_deref().filter(|_| known.role.is_none()) {
                    user::set_invited_role(tx, id, Some(kept.as_str())).await?;
                }
                made
            }
        };
        let Some(id) = id else { return Ok(None) };
        if !invitation::take(tx, &row.id, &id, now).await? {
            return Err("INVITATION_USED".into());
        }
        identity.joined(tx, row, &id, origin).await?;
        Ok(Some(id))
    }

    /// Makes an account. `None`: somebody here has this mail address.
    async fn newcomer(
        &self,
        tx: &mut Tx,
        claimed: &Claimed,
        role: Role,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let id = Id::new(Noun::User);
        let mail = claimed.mail.as_deref().filter(|mail| is_mail(mail)).unwrap_or_default();
        let language = Settings::load(&mut *tx).await?.language;
        // Nobody signs in locally by this: there is no passphrase.
        let key = if mail.is_empty() { format!("at:{id}") } else { mail_key(mail) };
        let row = user::NewUser {
            id: &id,
            mail,
            mail_key: &key,
            name: &claimed.name,
            role: role.as_str(),
            password_hash: None,
            language: &language,
            theme: "system",
            now,
            kind: user::PERSON,
        };
        if !user::insert(tx, &row).await? {
            return Ok(None);
        }
        changed(tx, "user.create", id.as_str(), origin, json!({"role": role.as_str(), "by": "sign-in"}), now).await?;
        Ok(Some(id.into_string()))
    }
}

impl Claimed {
    /// The provider vouches for this very address.
    fn is_addressed(&self, key: &str) -> bool {
        self.mail_verified && self.mail.as_deref().is_some_and(|mail| is_mail(mail) && mail_key(mail) == key)
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
