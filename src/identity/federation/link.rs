//! What somebody who is signed in does by way of a provider: prove again who they are, or link another identity.
//!
//! Invariant: both belong to one session, in the browser that began them, and need a proof that the provider was
//! given since then. Nothing is linked by a mail address: it takes this session, proved a moment ago, and a sign-in
//! as (issuer, subject) that nobody else here has.

use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::{
    Federation,
    flow::{Arrival, Refused},
    person::Known,
    saml,
    trial::{Act, Purpose},
};
use crate::{
    identity::{AuditEntry, Found, Identity, Origin, Outcome, Principal, SignInRules, audit},
    model::{Timestamp, time::micros},
    store::{
        StoreError,
        external_identity::{self, Row},
        idp, session, user,
    },
};

/// Why an identity stays linked.
#[derive(Debug, thiserror::Error)]
pub enum UnlinkError {
    #[error("there is no such identity")]
    Missing,
    #[error("this is the only way to sign in")]
    LastWay,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody on the way back, and the cookie of the session.
pub(super) struct Acting<'a> {
    pub act: Act,
    pub me: Principal,
    pub cookie: &'a str,
    pub begun_at: Timestamp,
    pub next: String,
}

impl Federation {
    /// Sends somebody who is signed in to a provider, which has to ask who they are even if it knows.
    pub async fn depart(
        &self,
        act: Act,
        (me, idp_id, next): (&Principal, &str, &str),
        cookie: Option<&str>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<saml::Begun, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let row = idp::get(&self.db, idp_id).await?.ok_or(Refused::Unknown)?;
        let purpose = Purpose::Act { act, session_id: &me.session_id, next };
        let begun = if row.kind == "saml" {
            self.request(&row.id, purpose, cookie, public_url).await
        } else {
            let begun = self.leave_for(&row.id, purpose, cookie, public_url).await;
            begun.map(|begun| saml::Begun { way: saml::Way::Redirect(begun.url), cookie: begun.cookie })
        };
        self.note(&row.id, begun.as_ref().err(), origin).await?;
        begun
    }

    /// Whose act an attempt is; `None`: it is a sign-in or a trial.
    pub(super) async fn acting<'a>(
        &self,
        identity: &Identity,
        attempt: &idp::Attempt,
        cookie: Option<&'a str>,
    ) -> Result<Option<Acting<'a>>, Refused> {
        let Some(act) = attempt.act.as_deref() else { return Ok(None) };
        let act = Act::parse(act).ok_or("STATE_UNKNOWN")?;
        let cookie = cookie.ok_or("ACT_SESSION")?;
        let Found::Active(session) = identity.session(cookie).await? else { return Err("ACT_SESSION".into()) };
        let me = session.principal.clone();
        if attempt.session_id.as_deref() != Some(me.session_id.as_str()) {
            return Err("ACT_SESSION".into());
        }
        let (begun_at, next) = (Timestamp(attempt.begun_at), attempt.next.clone());
        Ok(Some(Acting { act, me, cookie, begun_at, next }))
    }

    /// Does what somebody went to the provider for.
    pub(super) async fn acted(
        &self,
        identity: &Identity,
        acting: Acting<'_>,
        known: Known<'_>,
        origin: &Origin,
    ) -> Result<Arrival, Refused> {
        let proved_at = known.proved_at.ok_or("PROOF_TIME")?;
        if proved_at < acting.begun_at.plus(-micros(self.leeway)) {
            return Err("PROOF_OLD".into());
        }
        let (issuer, subject) = (known.issuer, known.claimed.subject.as_str());
        if known.role.is_none() && !self.is_invited(&acting.me, issuer, subject).await? {
            self.leave(identity, known.idp_id, (issuer, subject), origin).await?;
            return Err("ROLE_NONE".into());
        }
        match acting.act {
            Act::Prove => {
                let token = self.proved(identity, &acting, &known, origin).await?;
                Ok(Arrival::Proved { token, next: acting.next })
            }
            Act::Link => {
                self.link(&acting.me, &known, origin).await?;
                Ok(Arrival::Linked)
            }
        }
    }

    /// Whether whoever has this identity, or is about to, keeps the role of an invitation though the groups give none.
    async fn is_invited(&self, me: &Principal, issuer: &str, subject: &str) -> Result<bool, StoreError> {
        let of = external_identity::user_of(&self.db, issuer, subject).await?;
        let of = of.as_deref().unwrap_or(&me.user_id);
        Ok(user::invited_role(&self.db, of).await?.is_some())
    }

    async fn proved(
        &self,
        identity: &Identity,
        acting: &Acting<'_>,
        known: &Known<'_>,
        origin: &Origin,
    ) -> Result<SecretString, Refused> {
        let (me, now) = (&acting.me, self.clock.now());
        let mut tx = self.db.begin().await?;
        if !idp::hold(&mut tx, known.idp_id).await? {
            return Err("IDP_OFF".into());
        }
        let of = external_identity::user_of(&mut tx, known.issuer, &known.claimed.subject).await?;
        if of.as_deref() != Some(me.user_id.as_str()) {
            return Err("PROOF_OTHER".into());
        }
        let detail = json!({ "idp": known.idp_id });
        let renewed = identity.renew(&mut tx, me, acting.cookie, now, (origin, detail)).await?;
        let renewed = renewed.ok_or("ACT_SESSION")?;
        tx.commit().await?;
        identity.forget(&me.user_id);
        Ok(renewed)
    }

    async fn link(&self, me: &Principal, known: &Known<'_>, origin: &Origin) -> Result<(), Refused> {
        let (subject, now) = (known.claimed.subject.as_str(), self.clock.now());
        let mut tx = self.db.begin().await?;
        if !idp::hold(&mut tx, known.idp_id).await? {
            return Err("IDP_OFF".into());
        }
        user::lock(&mut tx, &me.user_id).await?.filter(|row| row.disabled_at.is_none()).ok_or("PERSON_OFF")?;
        let before = external_identity::user_of(&mut tx, known.issuer, subject).await?;
        let of = external_identity::bind(&mut tx, (known.issuer, subject), known.idp_id, &me.user_id, now).await?;
        if of != me.user_id {
            tx.rollback().await?;
            return Err("LINK_TAKEN".into());
        }
        if before.is_none() {
            audit::record(&mut tx, entry("user.link", me, known.idp_id, origin), now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The identities that somebody signs in by, first linked first.
    pub async fn links(&self, user_id: &str) -> Result<Vec<Row>, StoreError> {
        external_identity::of_user(&self.db, user_id).await
    }

    /// Takes one's own identity away, never the last way in. Other sessions that it opened end.
    pub async fn unlink(
        &self,
        identity: &Identity,
        me: &Principal,
        id: &str,
        origin: &Origin,
    ) -> Result<(), UnlinkError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let rules = SignInRules::hold(&mut tx, now).await?;
        let person = user::lock(&mut tx, &me.user_id).await?.ok_or(UnlinkError::Missing)?;
        let all = external_identity::of_user(&mut tx, &me.user_id).await?;
        let gone = all.iter().find(|row| row.id() == id).ok_or(UnlinkError::Missing)?;
        let local = person.password_hash.is_some() && (person.glass || !rules.sso_required);
        if !local && !all.iter().any(|row| row.id() != id && row.enabled) {
            return Err(UnlinkError::LastWay);
        }
        external_identity::remove(&mut tx, &me.user_id, &gone.issuer, &gone.subject).await?;
        let of = (me.user_id.as_str(), gone.idp_id.as_str(), gone.subject.as_str());
        session::end_of_identity(&mut tx, of, &me.session_id).await?;
        audit::record(&mut tx, entry("user.unlink", me, &gone.idp_id, origin), now).await?;
        tx.commit().await?;
        identity.forget(&me.user_id);
        Ok(())
    }
}

fn entry<'a>(action: &'static str, me: &'a Principal, idp_id: &str, origin: &'a Origin) -> AuditEntry<'a> {
    AuditEntry {
        actor: &me.user_id,
        action,
        object_kind: "user",
        object_id: &me.user_id,
        outcome: Outcome::Ok,
        origin,
        detail: json!({ "idp": idp_id }),
    }
}
