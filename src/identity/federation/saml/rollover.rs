//! Another key of our own, without a sign-in that fails: the next is announced beside the one that signs, then
//! signs itself while the one before still opens, then the one before is taken away.
//!
//! Invariant: a key opens what was encrypted to it for as long as our metadata has ever named it and it was not
//! taken away. Which of two keys a provider encrypts to does not matter at any step.

use serde::{Deserialize, Serialize};

use super::{certificate, manage::saml_settings, settings::Settings};
use crate::{
    identity::federation::{
        Federation,
        flow::Refused,
        manage::{Rejected, encoded, place, wrong},
        provider::ProviderError,
    },
    model::Timestamp,
    store::{
        StoreError, Tx,
        idp::{self, Row},
        saml,
    },
};

/// Our second key of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// Base64 of DER.
    pub certificate: String,
    pub stage: Stage,
    /// When it came to that, in microseconds since 1970.
    pub since: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Announced: providers read it, nothing is signed with it.
    Next,
    /// It signed before; it still opens.
    Previous,
}

/// A step of the roll-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes a key and announces it.
    Next,
    /// Signs with it from now on.
    Switch,
    /// Takes the key away that does not sign.
    Retire,
}

impl Step {
    pub const ALL: [Self; 3] = [Self::Next, Self::Switch, Self::Retire];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Switch => "switch",
            Self::Retire => "retire",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

/// A step that was checked, not stored yet.
pub struct Rolled {
    before: String,
    settings: Settings,
    secret: Option<Vec<u8>>,
    other: Option<Vec<u8>>,
    /// Certificate of the key that the step is about.
    pub certificate: String,
}

impl Rolled {
    /// `false`: the provider changed meanwhile.
    pub async fn store(self, tx: &mut Tx, idp_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        saml::set_other_key(tx, idp_id, self.other).await?;
        idp::replace(tx, idp_id, (&self.before, &encoded(&self.settings)?), self.secret, now).await
    }
}

fn other_place(id: &str) -> String {
    format!("idp/{id}/other")
}

impl Federation {
    /// Prepares a step of the roll-over of our own key.
    pub async fn roll_key(&self, row: &Row, step: Step) -> Result<Rolled, Rejected> {
        let known = saml_settings(row).ok_or_else(|| wrong("key", "IDP_KIND", "this is no SAML provider"))?;
        let (before, now) = (row.settings.clone(), self.clock.now());
        match (step, known.other.clone()) {
            (Step::Next, None) => {
                let no_key = |detail: String| Rejected::Provider(ProviderError { code: "KEY", detail });
                let made = tokio::task::spawn_blocking(move || certificate::pair(now)).await;
                let pair = made.map_err(|e| no_key(e.to_string()))?.map_err(|e| no_key(e.to_string()))?;
                let sealed = self.keys.seal(&other_place(&row.id), &pair.key)?;
                let other = Other { certificate: pair.certificate.clone(), stage: Stage::Next, since: now.0 };
                let settings = Settings { other: Some(other), ..known };
                Ok(Rolled { before, settings, secret: None, other: Some(sealed), certificate: pair.certificate })
            }
            (Step::Switch, Some(Other { certificate, stage: Stage::Next, .. })) => {
                let (signs, waits) = (self.own_key(row).map_err(unreadable)?, self.other_key(row).await?);
                let waits = waits.ok_or_else(|| unreadable("IDP_SECRET".into()))?;
                let secret = self.keys.seal(&place(&row.id), &waits)?;
                let sealed = self.keys.seal(&other_place(&row.id), &signs)?;
                let previous = Other { certificate: known.certificate.clone(), stage: Stage::Previous, since: now.0 };
                let settings = Settings { certificate: certificate.clone(), other: Some(previous), ..known };
                Ok(Rolled { before, settings, secret: Some(secret), other: Some(sealed), certificate })
            }
            (Step::Retire, Some(other)) => {
                let settings = Settings { other: None, ..known };
                Ok(Rolled { before, settings, secret: None, other: None, certificate: other.certificate })
            }
            _ => Err(wrong("key", "IDP_KEY_STEP", "a next key is made, then switched to, then the old one is retired")),
        }
    }

    /// The second key of a provider, if there is one.
    async fn other_key(&self, row: &Row) -> Result<Option<Vec<u8>>, Rejected> {
        let sealed = saml::other_key(&self.db, &row.id).await?;
        Ok(sealed.map(|sealed| self.keys.open(&other_place(&row.id), &sealed)).transpose()?)
    }

    /// The keys that open what a provider encrypts to us; the one that signs first.
    pub(super) async fn own_keys(&self, row: &Row, settings: &Settings) -> Result<Vec<Vec<u8>>, Refused> {
        let mut keys = vec![self.own_key(row)?];
        if settings.other.is_some() {
            let other = self.other_key(row).await.map_err(|rejected| match rejected {
                Rejected::Store(error) => Refused::Store(error),
                _ => "IDP_SECRET".into(),
            })?;
            keys.extend(other);
        }
        Ok(keys)
    }
}

fn unreadable(refused: Refused) -> Rejected {
    match refused {
        Refused::Store(error) => Rejected::Store(error),
        _ => wrong("key", "IDP_SECRET", "the key that is stored cannot be read with this secrets key"),
    }
}
