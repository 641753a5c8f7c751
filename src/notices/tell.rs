//! Writes what is told: one mail a person and round, one event a problem.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::seen::Facts;
use crate::{
    connection::notices::{Kind, Notices, RECOVERED},
    identity::Settings,
    mail::{Letter, Post, Problem, Recipient, What},
    model::{Timestamp, event as kinds},
    store::{
        StoreError, Tx, alert,
        connection::Row,
        event::{self, New},
        problem, receiver, user,
    },
};

/// Where in its life a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Begun,
    Lasting,
    Ended,
}

impl Phase {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Lasting => "lasting",
            Self::Ended => "ended",
        }
    }
}

/// Something to tell.
#[derive(Clone, Debug)]
pub struct Telling {
    pub row: Row,
    pub kind: Kind,
    /// Of the problem.
    pub id: String,
    /// The how-manieth telling of the problem it is.
    pub seq: i64,
    pub begun_at: Timestamp,
    pub phase: Phase,
    /// JSON of [`Facts`].
    pub detail: String,
}

/// Facts as they are stored.
#[must_use]
pub fn written(facts: &Facts) -> String {
    json!(facts).to_string()
}

impl Telling {
    fn is_wanted(&self) -> bool {
        let notices = Notices::read(self.row.notices.as_deref());
        notices.wants(self.kind.as_str()) && (self.phase != Phase::Ended || notices.wants(RECOVERED))
    }

    fn facts(&self) -> Facts {
        serde_json::from_str(&self.detail).unwrap_or_default()
    }

    /// `data` of its event.
    fn body(&self, now: Timestamp) -> String {
        json!({
            "id": self.id,
            "connection_id": self.row.id,
            "connection_name": self.row.name,
            "problem": self.kind.as_str(),
            "phase": self.phase.as_str(),
            "begun_at": self.begun_at.rfc3339(),
            "ended_at": (self.phase == Phase::Ended).then(|| now.rfc3339()),
            "facts": self.facts(),
        })
        .to_string()
    }

    fn problem(&self) -> Problem {
        Problem {
            kind: self.kind.as_str().to_owned(),
            phase: self.phase.as_str().to_owned(),
            name: self.row.name.clone(),
            path: match self.kind {
                Kind::NeedsAction if self.facts().records.is_some() => format!("/failures?connection={}", self.row.id),
                Kind::Credentials => format!("/connections/{}/settings/edit", self.row.id),
                _ => format!("/connections/{}", self.row.id),
            },
            begun_at: self.begun_at.0,
            facts: json!(self.facts()),
        }
    }
}

/// Writes everything of a round. Mails go when the transaction is committed.
pub async fn all(tx: &mut Tx, post: Option<&Post>, tellings: Vec<Telling>, now: Timestamp) -> Result<(), StoreError> {
    let tellings: Vec<Telling> = tellings.into_iter().filter(Telling::is_wanted).collect();
    if tellings.is_empty() {
        return Ok(());
    }
    for telling in &tellings {
        problem::note(tx, &telling.id, telling.seq, &telling.body(now), now).await?;
    }
    if let Some(listeners) = event::listeners(&mut *tx).await? {
        let news = tellings.iter().map(|t| New {
            kind: kinds::of_problem(if t.phase == Phase::Ended { RECOVERED } else { t.kind.as_str() }),
            record_id: &t.id,
            seq: t.seq,
            customer_id: None,
            sample: t.row.sample,
        });
        event::log(tx, &listeners, news, now).await?;
    }
    let Some(post) = post else { return Ok(()) };
    let mut mails: BTreeMap<(String, String), Vec<Problem>> = BTreeMap::new();
    for telling in &tellings {
        for to in recipients(tx, &telling.row).await? {
            mails.entry(to).or_default().push(telling.problem());
        }
    }
    let Settings { company, zone, .. } = Settings::load(&mut *tx).await?;
    for ((mail, language), items) in mails {
        let letter = Letter { company: company.clone(), zone: zone.clone(), what: What::Problems { items } };
        post.write(tx, Recipient { mail: &mail, language: &language }, &letter, None, now).await?;
    }
    Ok(())
}

/// See [`super::Watcher::test`].
pub(super) async fn test(
    tx: &mut Tx,
    post: Option<&Post>,
    row: &Row,
    now: Timestamp,
) -> Result<(usize, usize), StoreError> {
    let Settings { company, zone, .. } = Settings::load(&mut *tx).await?;
    let mut mails = 0;
    if let Some(post) = post {
        let item = Problem {
            kind: "test".to_owned(),
            phase: Phase::Begun.as_str().to_owned(),
            name: row.name.clone(),
            path: format!("/connections/{}/watch", row.id),
            begun_at: now.0,
            facts: json!({}),
        };
        let letter = Letter { company, zone, what: What::Problems { items: vec![item] } };
        for (mail, language) in recipients(tx, row).await? {
            post.write(tx, Recipient { mail: &mail, language: &language }, &letter, None, now).await?;
            mails += 1;
        }
    }
    let mut events = 0;
    for to in receiver::all(&mut *tx).await?.iter().filter(|to| to.state == receiver::ON && hears(&to.wishes())) {
        event::test(tx, &to.id, now).await?;
        events += 1;
    }
    Ok((mails, events))
}

/// Whether wishes name any problem of connections.
#[must_use]
pub fn hears(wishes: &[String]) -> bool {
    kinds::PROBLEMS.iter().any(|kind| kinds::wants(wishes, kind))
}

/// Address and language of whoever is told of a connection: its caretaker and those beside; where there is none who
/// is still here, whoever gets alerts.
pub async fn recipients(tx: &mut Tx, row: &Row) -> Result<Vec<(String, String)>, StoreError> {
    let notices = Notices::read(row.notices.as_deref());
    let ids: BTreeSet<&str> = notices.people.iter().chain(&row.caretaker).map(String::as_str).collect();
    let mut to = Vec::new();
    for id in ids {
        let person = user::by_id(&mut *tx, id).await?;
        to.extend(person.filter(|p| p.disabled_at.is_none() && !p.mail.is_empty()).map(|p| (p.mail, p.language)));
    }
    if to.is_empty() { alert::recipients(tx).await } else { Ok(to) }
}
