//! Trying a provider: a real sign-in by an administrator that only finds out what works.
//!
//! Invariant: a trial opens no session and makes or changes no person; [`Federation::tried`] knows neither.
//! Invariant: it belongs to one session of somebody who may set providers up, in the browser that began it.
//! Invariant: what it found counts for exactly the settings that were tried ([`fingerprint`]), and what the
//! provider said of the person is kept sealed, and only until the provider is switched on.

use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Federation,
    claims::Claimed,
    flow::{Arrival, Refused},
    report::{Heard, Report, failure},
    saml,
};
use crate::{
    identity::{Action, AuditEntry, Found, Identity, Origin, Outcome, Principal, audit, setup::mail_key},
    model::Timestamp,
    store::{
        StoreError,
        idp::{self, Row, Trial},
        user,
    },
};

/// Why a browser is sent to a provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    SignIn { next: &'a str },
    Trial { session_id: &'a str },
}

impl<'a> Purpose<'a> {
    pub fn may_use(self, row: &Row) -> bool {
        matches!(self, Self::Trial { .. }) || row.enabled
    }

    /// What an attempt remembers: where to go then, whose trial it is.
    pub fn kept(self) -> (&'a str, Option<&'a str>) {
        match self {
            Self::SignIn { next } => (next, None),
            Self::Trial { session_id } => ("/", Some(session_id)),
        }
    }
}

/// A report with its circumstances.
#[derive(Clone, Debug)]
pub struct Finding {
    pub report: Report,
    pub at: Timestamp,
    pub user_id: String,
    pub passed: bool,
    /// The settings are still those that were tried.
    pub current: bool,
}

/// What counts as the same settings: everything but name and state.
#[must_use]
pub fn fingerprint(row: &Row) -> String {
    let hash = Sha256::new().chain_update(&row.kind).chain_update([0]).chain_update(&row.settings).chain_update([0]);
    hex::encode(hash.chain_update(row.secret.as_deref().unwrap_or_default()).finalize())
}

/// Where a trial goes on.
#[derive(Debug)]
pub enum Departure {
    /// At the provider; the cookie binds the browser.
    Away { way: saml::Way, cookie: String },
    /// It failed before: there are findings.
    Found,
}

impl Federation {
    /// Sends an administrator's browser to a provider to try it, also to one that is off or being set up.
    pub async fn try_out(
        &self,
        me: &Principal,
        row: &Row,
        cookie: Option<&str>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<Departure, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let purpose = Purpose::Trial { session_id: &me.session_id };
        let begun = if row.kind == "saml" {
            self.request(&row.id, purpose, cookie, public_url).await.map(|begun| (begun.way, begun.cookie))
        } else {
            let begun = self.leave_for(&row.id, purpose, cookie, public_url).await;
            begun.map(|begun| (saml::Way::Redirect(begun.url), begun.cookie))
        };
        match begun {
            Ok((way, cookie)) => Ok(Departure::Away { way, cookie }),
            Err(refused) => self.tried(row, me, Err(refused), origin).await.map(|_| Departure::Found),
        }
    }

    /// The administrator whose trial this is: by the session that began it, still open, and still allowed.
    pub(super) async fn tester(
        &self,
        identity: &Identity,
        session_id: &str,
        cookie: Option<&str>,
    ) -> Result<Principal, Refused> {
        let found = identity.session(cookie.unwrap_or_default()).await?;
        let Found::Active(session) = found else { return Err("TRIAL_SESSION".into()) };
        let me = &session.principal;
        if me.session_id != session_id || !me.can(Action::ManageSignIn) {
            return Err("TRIAL_SESSION".into());
        }
        Ok(me.clone())
    }

    /// Whoever is trying this provider in this browser.
    pub(super) async fn trying(
        &self,
        identity: &Identity,
        idp_id: &str,
        cookie: Option<&str>,
    ) -> Result<Option<Principal>, Refused> {
        let Found::Active(session) = identity.session(cookie.unwrap_or_default()).await? else { return Ok(None) };
        let me = &session.principal;
        let tries = me.can(Action::ManageSignIn)
            && idp::is_tried_by(&self.db, idp_id, &me.session_id, self.clock.now()).await?;
        Ok(tries.then(|| me.clone()))
    }

    /// Keeps what a trial found. There is nothing here that could sign anybody in.
    pub(super) async fn tried(
        &self,
        row: &Row,
        me: &Principal,
        heard: Result<Heard, Refused>,
        origin: &Origin,
    ) -> Result<Arrival, Refused> {
        let now = self.clock.now();
        let report = match heard {
            Ok(heard) => {
                let taken = self.is_taken(heard.claimed.as_ref().ok(), &heard.issuer, &row.kind).await?;
                heard.report(now, taken)
            }
            Err(Refused::Check { code, detail }) => failure(code, detail.as_deref(), row.kind == "saml"),
            Err(other) => return Err(other),
        };
        let passed = report.passed();
        let code = report.failed().map(|check| check.code.clone());
        let text = serde_json::to_vec(&report).map_err(|e| StoreError::Encode(e.into()))?;
        let trial = Trial {
            idp_id: row.id.clone(),
            user_id: me.user_id.clone(),
            at: now.0,
            passed,
            settings_hash: fingerprint(row),
            report: self.keys.seal(&place(&row.id), &text).map_err(|_| Refused::from("IDP_SECRET"))?,
        };
        let entry = AuditEntry {
            actor: &me.user_id,
            action: "idp.try",
            object_kind: "idp",
            object_id: &row.id,
            outcome: if passed { Outcome::Ok } else { Outcome::Refused },
            origin,
            detail: json!({ "code": code }),
        };
        let mut tx = self.db.begin().await?;
        idp::keep_trial(&mut tx, &trial).await?;
        audit::record(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(Arrival::Tried { idp_id: row.id.clone() })
    }

    /// Whether this person would be turned away because somebody here has the mail address already.
    async fn is_taken(&self, claimed: Option<&Claimed>, issuer: &str, kind: &str) -> Result<bool, StoreError> {
        let Some((claimed, mail)) = claimed.and_then(|c| Some((c, c.mail.as_deref()?))) else { return Ok(false) };
        let issuer = if kind == "saml" { format!("saml:{issuer}") } else { issuer.to_owned() };
        let known = crate::store::external_identity::user_of(&self.db, &issuer, &claimed.subject).await?;
        Ok(known.is_none() && user::by_mail_key(&self.db, &mail_key(mail)).await?.is_some())
    }

    /// What the last trial of a provider found. One that cannot be opened any more counts as none.
    pub async fn finding(&self, row: &Row) -> Result<Option<Finding>, StoreError> {
        let Some(trial) = idp::trial(&self.db, &row.id).await? else { return Ok(None) };
        let opened = self.keys.open(&place(&row.id), &trial.report).ok();
        let report = opened.and_then(|text| serde_json::from_slice::<Report>(&text).ok());
        Ok(report.map(|report| Finding {
            report,
            at: Timestamp(trial.at),
            user_id: trial.user_id,
            passed: trial.passed,
            current: trial.settings_hash == fingerprint(row),
        }))
    }
}

fn place(id: &str) -> String {
    format!("idp/{id}/trial")
}
