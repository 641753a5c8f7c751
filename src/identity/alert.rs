//! What owners should know of. Raised in the transaction of its cause, once a cause and day; what was raised within
//! `mail.gather` goes into one mail, to owners and to administrators who want to.
//!
//! Invariant: an alert names people who work here, providers and connections; never a customer.
//!
//! To add one: a [`Kind`], its words in both catalogues (`[alert]`, `[alert_todo]`), and [`raise`] at its cause.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{AuditEntry, Identity, Origin, Outcome, Principal, Role, Settings, audit, federation::saml};
use crate::{
    config,
    mail::{Item, Letter, Post, Recipient, What},
    model::Timestamp,
    store::{
        StoreError, Tx,
        alert::{self, Row},
        connection, idp, user,
    },
};

/// How often it is looked for what raises no alert by itself.
const WATCH: i64 = Timestamp::MINUTE;
/// An alert that nobody could be told of for so long is no news any more.
const STALE: i64 = 2 * Timestamp::DAY;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An owner signed in with a passphrase although there is a provider.
    LocalSignIn,
    /// Somebody came by the break-glass page.
    BreakGlass,
    FactorRemoved,
    RecoveryCode,
    OwnerNew,
    IdpOff,
    IdpRemoved,
    IdpCertificate,
    ConnectionStopped,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::LocalSignIn,
        Self::BreakGlass,
        Self::FactorRemoved,
        Self::RecoveryCode,
        Self::OwnerNew,
        Self::IdpOff,
        Self::IdpRemoved,
        Self::IdpCertificate,
        Self::ConnectionStopped,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LocalSignIn => "local_sign_in",
            Self::BreakGlass => "break_glass",
            Self::FactorRemoved => "factor_removed",
            Self::RecoveryCode => "recovery_code",
            Self::OwnerNew => "owner_new",
            Self::IdpOff => "idp_off",
            Self::IdpRemoved => "idp_removed",
            Self::IdpCertificate => "idp_certificate",
            Self::ConnectionStopped => "connection_stopped",
        }
    }
}

/// Notes a cause with the act that it is. `about`: id of a person, a provider or a connection.
pub async fn raise(tx: &mut Tx, kind: Kind, about: &str, now: Timestamp) -> Result<(), StoreError> {
    let day = today(&Settings::load(&mut *tx).await?, now);
    alert::raise(tx, kind.as_str(), about, &day, now).await
}

/// As [`raise`], of something that is gone when it is told of.
pub async fn raise_gone(
    tx: &mut Tx,
    kind: Kind,
    (about, name): (&str, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let day = today(&Settings::load(&mut *tx).await?, now);
    alert::raise_named(tx, kind.as_str(), (about, Some(name)), &day, now).await
}

/// The day of the organisation's zone.
fn today(settings: &Settings, now: Timestamp) -> String {
    now.zoned(&settings.time_zone()).date().to_string()
}

impl Identity {
    /// Looks and tells, until `stop`.
    pub async fn keep_watch(&self, settings: &config::Mail, poll: Duration, stop: CancellationToken) {
        let mut looked = Timestamp(i64::MIN);
        loop {
            let now = self.clock.now();
            let done = async {
                if now.0.saturating_sub(looked.0) >= WATCH {
                    looked = now;
                    self.look(settings).await?;
                }
                self.tell(settings).await
            };
            if let Err(error) = done.await {
                tracing::warn!(error = &error as &dyn std::error::Error, "alerts wait");
            }
            if stop.run_until_cancelled(tokio::time::sleep(poll)).await.is_none() {
                return;
            }
        }
    }

    /// Raises what nobody does: connections that stay stopped, certificates that end.
    pub async fn look(&self, settings: &config::Mail) -> Result<(), StoreError> {
        let now = self.clock.now();
        let day = today(&Settings::load(&self.db).await?, now);
        let mut causes: Vec<(Kind, String, String)> = Vec::new();
        for id in alert::stopped(&self.db, now.plus(-settings.stopped_after.micros())).await? {
            causes.push((Kind::ConnectionStopped, id, day.clone()));
        }
        for row in idp::all(&self.db).await?.into_iter().filter(|row| row.enabled && row.kind == "saml") {
            if let Some(step) = saml::manage::last_end(&row).and_then(|end| step(end, now)) {
                causes.push((Kind::IdpCertificate, row.id, step));
            }
        }
        for (kind, about, day) in causes {
            if !alert::is_known(&self.db, kind.as_str(), &about, &day).await? {
                let mut tx = self.db.begin().await?;
                alert::raise(&mut tx, kind.as_str(), &about, &day, now).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Writes one mail a person about everything that was raised, when the oldest has waited for `mail.gather`.
    pub async fn tell(&self, settings: &config::Mail) -> Result<(), StoreError> {
        let (Some(post), now) = (&self.post, self.clock.now()) else { return Ok(()) };
        let due = alert::oldest_untold(&self.db).await?.is_some_and(|at| now.since(at) >= settings.gather.micros());
        if !due {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let rows = alert::take_untold(&mut tx, now).await?;
        let mut items = Vec::new();
        for row in rows.iter().filter(|row| now.since(Timestamp(row.at)) < STALE) {
            items.push(item(&mut tx, row).await?);
        }
        if !items.is_empty() {
            self.post_alerts(&mut tx, post, items, now).await?;
        }
        tx.commit().await
    }

    /// Whether alerts go to somebody; `None`: their role gets none, or there is no mail.
    pub async fn alerts_of(&self, me: &Principal) -> Result<Option<bool>, StoreError> {
        let by_role = match me.role {
            Role::Owner => true,
            Role::Admin => false,
            _ => return Ok(None),
        };
        if self.post.is_none() {
            return Ok(None);
        }
        Ok(Some(alert::choice(&self.db, &me.user_id).await?.unwrap_or(by_role)))
    }

    /// Whether somebody wants alerts; `actor` as in the audit trail.
    pub async fn choose_alerts(
        &self,
        actor: &str,
        user_id: &str,
        wanted: bool,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        alert::choose(&mut tx, user_id, wanted).await?;
        let entry = AuditEntry {
            actor,
            action: "user.alerts",
            object_kind: "user",
            object_id: user_id,
            outcome: Outcome::Ok,
            origin,
            detail: json!({ "wanted": wanted }),
        };
        audit::record(&mut tx, entry, self.clock.now()).await?;
        tx.commit().await
    }

    async fn post_alerts(&self, tx: &mut Tx, post: &Post, items: Vec<Item>, now: Timestamp) -> Result<(), StoreError> {
        let letter = self.letter(tx, What::Alerts { items }).await?;
        for (mail, language) in alert::recipients(&mut *tx).await? {
            let to = Recipient { mail: &mail, language: &language };
            post.write(tx, to, &letter, None, now).await?;
        }
        Ok(())
    }

    pub(super) async fn letter(&self, tx: &mut Tx, what: What) -> Result<Letter, StoreError> {
        let Settings { company, zone, .. } = Settings::load(tx).await?;
        Ok(Letter { company, zone, what })
    }

    /// A notice to somebody about their own account, where there is mail and an address.
    pub(super) async fn notify(&self, tx: &mut Tx, user_id: &str, what: What) -> Result<(), StoreError> {
        let Some(post) = &self.post else { return Ok(()) };
        let Some(person) = user::by_id(&mut *tx, user_id).await?.filter(|row| !row.mail.is_empty()) else {
            return Ok(());
        };
        let letter = self.letter(tx, what).await?;
        let to = Recipient { mail: &person.mail, language: &person.language };
        post.write(tx, to, &letter, None, self.clock.now()).await?;
        Ok(())
    }
}

/// 30, 7 and 1 days before the end, each once: what stands in place of the day.
fn step(end: Timestamp, now: Timestamp) -> Option<String> {
    let left = end.since(now);
    let step = [1, 7, 30].into_iter().find(|days| left <= days * Timestamp::DAY)?;
    Some(format!("{}/{step}", end.0))
}

/// An alert with the name of what it is about, and where to look.
async fn item(tx: &mut Tx, row: &Row) -> Result<Item, StoreError> {
    let Row { kind, about, times, at, name: gone, .. } = row.clone();
    if let Some(name) = gone {
        return Ok(Item { kind, name, path: "/admin/idp".to_owned(), at, times });
    }
    let (name, path) = if about.starts_with("usr_") {
        (user::by_id(tx, &about).await?.map(|row| row.name), format!("/admin/users/{about}"))
    } else if about.starts_with("con_") {
        (connection::get(tx, &about).await?.map(|row| row.name), format!("/connections/{about}"))
    } else {
        (idp::get(tx, &about).await?.map(|row| row.name), format!("/admin/idp/{about}"))
    };
    Ok(Item { kind, name: name.unwrap_or(about), path, at, times })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_three_times() {
        let (now, day) = (Timestamp(0), Timestamp::DAY);
        let told = |days: i64| step(Timestamp(days * day), now).map(|text| text.rsplit('/').next().map(str::to_owned));
        for (days, wanted) in
            [(31, None), (30, Some("30")), (8, Some("30")), (7, Some("7")), (1, Some("1")), (-3, Some("1"))]
        {
            assert_eq!(told(days).flatten().as_deref(), wanted, "{days} days left");
        }
    }
}
