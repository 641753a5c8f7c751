//! Sends what waits, one mail after the other, until the server takes nothing.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    Carrier, Letter, Writer,
    carrier::{Came, Trouble},
    place,
};
use crate::{
    clock::Clock,
    config,
    model::{Timestamp, time::micros},
    secrets::Keys,
    store::{
        Db, StoreError,
        mail::{self, Became, Leased},
    },
};

/// How long a mail is in one node's hands beyond the time that sending may take.
const GRACE: i64 = 5 * Timestamp::MINUTE;

/// See the module. One per node.
pub struct Worker {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub settings: config::Mail,
    pub carrier: Carrier,
    pub writer: Writer,
    /// The hub's own address, for links.
    pub public_url: String,
    /// Name of this process in leases.
    pub node: String,
}

/// Where a round ended.
enum Round {
    /// Nothing waits.
    Empty,
    /// The server takes nothing.
    Away,
    Stopped,
}

impl Worker {
    /// Works until `stop`; a mail that is on its way is finished.
    pub async fn run(self, poll: Duration, stop: CancellationToken) {
        let mut refusals = 0_u32;
        loop {
            let wait = match self.round(&stop).await {
                Ok(Round::Empty) => {
                    refusals = 0;
                    poll
                }
                Ok(Round::Away) => {
                    refusals += 1;
                    delay(&self.settings, refusals)
                }
                Ok(Round::Stopped) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "mails wait");
                    poll
                }
            };
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
        }
    }

    async fn round(&self, stop: &CancellationToken) -> Result<Round, StoreError> {
        while mail::any_due(&self.db, &self.node, self.clock.now()).await? {
            if stop.is_cancelled() {
                return Ok(Round::Stopped);
            }
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            let leased =
                mail::lease(&mut tx, &self.node, now, now.plus(self.settings.timeout.micros() + GRACE)).await?;
            tx.commit().await?;
            // Another node was faster.
            let Some(leased) = leased else { break };
            let came = self.send(&leased).await;
            let away = matches!(came, Came::Away(_));
            if !self.settle(&leased, &came, stop).await {
                return Ok(Round::Stopped);
            }
            if away {
                return Ok(Round::Away);
            }
        }
        Ok(Round::Empty)
    }

    async fn send(&self, leased: &Leased) -> Came {
        if leased.give_up_at <= self.clock.now().0 {
            return never("MAIL_EXPIRED");
        }
        let opened = leased.letter.as_ref().and_then(|sealed| self.keys.open(&place(&leased.id), sealed).ok());
        let letter: Option<Letter> = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
        let Some(letter) = letter else { return never("MAIL_UNREADABLE") };
        let written = (self.writer)(&letter, &leased.language, &self.public_url);
        self.carrier.send(&leased.id, &leased.recipient, &written).await
    }

    /// Writes down what became of it, however long that takes: a mail that a server took is not sent again because
    /// the database was away. `false`: the process ends first.
    async fn settle(&self, leased: &Leased, came: &Came, stop: &CancellationToken) -> bool {
        let now = self.clock.now();
        let attempts = u32::try_from(leased.attempts).unwrap_or(u32::MAX).saturating_add(1);
        let later = now.plus(micros(delay(&self.settings, attempts)));
        let (state, trouble) = match came {
            Came::Taken => (mail::SENT, None),
            Came::Later(trouble) | Came::Away(trouble) => (mail::WAITING, Some(trouble)),
            Came::Never(trouble) => (mail::DEAD, Some(trouble)),
        };
        let (cause, answer) = (trouble.map(|t| t.cause), trouble.map(|t| t.answer.as_str()));
        let became = Became { state, not_before: later, cause, answer };
        metrics::counter!("musubi_mails_total", "outcome" => cause.unwrap_or("sent")).increment(1);
        if let Some(Trouble { cause, .. }) = trouble {
            tracing::warn!(mail.id = %leased.id, state, cause, "mail not taken");
        }
        loop {
            let done = async {
                let mut tx = self.db.begin().await?;
                mail::settle(&mut tx, &leased.id, &self.node, &became, now).await?;
                tx.commit().await
            };
            let Err(error) = done.await else { return true };
            tracing::warn!(mail.id = %leased.id, error = &error as &dyn std::error::Error, "mail cannot be settled");
            if stop.run_until_cancelled(tokio::time::sleep(Duration::from_secs(1))).await.is_none() {
                return false;
            }
        }
    }
}

fn never(cause: &'static str) -> Came {
    Came::Never(Trouble { cause, answer: String::new() })
}

/// Doubles up to the limit.
fn delay(settings: &config::Mail, attempt: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempt.saturating_sub(1).min(20)).unwrap_or(u32::MAX);
    settings.retry_first.0.saturating_mul(factor).min(settings.retry_max.0)
}
