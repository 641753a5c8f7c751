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
    preset::Preset,
    report::{Heard, Report, failure},
    saml,
};
use crate::{
    identity::{Action, AuditEntry, Found, Identity, Origin, Outcome, Principal, Role, audit, setup::mail_key},
    model::Timestamp,
    store::{
        StoreError, external_identity,
        idp::{self, Row, Trial},
        user,
    },
};

/// Why a browser is sent to a provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    SignIn {
        next: &'a str,
    },
    /// `again`: the provider has to ask, so that somebody else may be tried than who is signed in there.
    Trial {
        session_id: &'a str,
        again: bool,
    },
    Act {
        act: Act,
        session_id: &'a str,
        next: &'a str,
    },
}

/// What somebody who is signed in goes to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// To prove again who they are.
    Prove,
    /// To sign in by it as well.
    Link,
}

impl Act {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prove => "prove",
            Self::Link => "link",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Prove, Self::Link].into_iter().find(|act| act.as_str() == text)
    }
}

/// What an attempt remembers of its purpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    /// Where to go then.
    pub next: &'a str,
    /// Whose trial it is.
    pub trial: Option<&'a str>,
    pub act: Option<Act>,
    /// Whose act it is.
    pub session_id: Option<&'a str>,
}

impl<'a> Purpose<'a> {
    pub fn may_use(self, row: &Row) -> bool {
        self.is_trial() || row.enabled
    }

    pub fn is_trial(self) -> bool {
        matches!(self, Self::Trial { .. })
    }

    /// The provider has to ask who that is, even if it knows.
    pub fn asks_again(self) -> bool {
        matches!(self, Self::Act { .. } | Self::Trial { again: true, .. })
    }

    /// What an OpenID provider is asked for beside the rest. `max_age`: of its settings.
    pub fn asks(self, row: &Row, max_age: Option<u32>) -> Vec<(&'static str, String)> {
        let prompt = match self {
            Self::Act { .. } => Some("login"),
            Self::Trial { again: true, .. } => Some(Preset::of(&row.kind, row.preset.as_deref()).another()),
            _ => None,
        };
        let max_age = if matches!(self, Self::Act { .. }) { Some(0) } else { max_age };
        let prompt = prompt.map(|prompt| ("prompt", prompt.to_owned()));
        prompt.into_iter().chain(max_age.map(|age| ("max_age", age.to_string()))).collect()
    }

    pub fn kept(self) -> Kept<'a> {
        let plain = Kept { next: "/", trial: None, act: None, session_id: None };
        match self {
            Self::SignIn { next } => Kept { next, ..plain },
            Self::Trial { session_id, .. } => Kept { trial: Some(session_id), ..plain },
            Self::Act { act, session_id, next } => Kept { next, act: Some(act), session_id: Some(session_id), ..plain },
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

/// Who the person of a trial is here already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct There {
    /// Somebody who does not sign in by the provider has this mail address.
    pub taken: bool,
    /// That person is an owner, and stays one.
    pub owner: bool,
}

/// What counts as the same settings: everything but name and state.
#[must_use]
pub fn fingerprint(row: &Row) -> String {
    let hash = Sha256::new().chain_update(&row.kind).chain_update([0]).chain_update(&row.settings).chain_update([0]);
    hex::encode(hash.chain_update(row.secret.as_deref().unwrap_or_default()).finalize())
}

/// Whether a trial was begun with the settings that a provider has now.
pub(super) fn is_of(attempt: &idp::Attempt, row: &Row) -> Result<(), Refused> {
    if attempt.begun_at < row.updated_at { Err("TRIAL_STALE".into()) } else { Ok(()) }
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
    /// Sends an administrator's browser to a provider to try it [`super::force::as_tried`], also to one that is off or
    /// being set up. `again`: the provider asks who that is, even if it knows.
    pub async fn try_out(
        &self,
        me: &Principal,
        (row, again): (&Row, bool),
        cookie: Option<&str>,
        public_url: &Url,
        origin: &Origin,
    ) -> Result<Departure, Refused> {
        self.pace.take(origin.ip, self.clock.now()).map_err(Refused::Wait)?;
        let purpose = Purpose::Trial { session_id: &me.session_id, again };
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
                let there = self.there(heard.claimed.as_ref().ok(), &heard.issuer, &row.kind).await?;
                heard.report(now, there)
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

    /// Who this person is here already: by an earlier sign-in, or somebody with that mail address.
    async fn there(&self, claimed: Option<&Claimed>, issuer: &str, kind: &str) -> Result<There, StoreError> {
        let Some(claimed) = claimed else { return Ok(There::default()) };
        let issuer = if kind == "saml" { format!("saml:{issuer}") } else { issuer.to_owned() };
        let known = external_identity::user_of(&self.db, &issuer, &claimed.subject).await?;
        let person = match (&known, claimed.mail.as_deref()) {
            (Some(id), _) => user::by_id(&self.db, id).await?,
            (None, Some(mail)) => user::by_mail_key(&self.db, &mail_key(mail)).await?,
            (None, None) => None,
        };
        let owner = person.as_ref().is_some_and(|person| person.role == Role::Owner.as_str());
        Ok(There { taken: known.is_none() && person.is_some(), owner })
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
