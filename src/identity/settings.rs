//! Company-wide values that first run asks for and [設定] shows.

use serde::{Deserialize, Serialize};

use crate::{
    model::Timestamp,
    store::{On, StoreError, Tx, setting},
};

const COMPANY: &str = "company";
const SAMPLE: &str = "sample";

/// Who the organisation's customers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    #[default]
    Companies,
    /// Nobody is asked for facts of companies.
    Persons,
    /// A form asks which of the two a new customer is.
    Both,
}

impl Audience {
    pub const ALL: [Self; 3] = [Self::Companies, Self::Persons, Self::Both];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Persons => "persons",
            Self::Both => "both",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// The organisation this installation belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub company: String,
    /// IANA name; instants are shown in it.
    pub zone: String,
    /// `ja` or `en`: for people who chose none.
    pub language: String,
    /// Month 1 to 12.
    pub fiscal_year_start: i8,
    /// Who its customers are.
    #[serde(default)]
    pub audience: Audience,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            company: String::new(),
            zone: "Asia/Tokyo".into(),
            language: "ja".into(),
            fiscal_year_start: 4,
            audience: Audience::default(),
        }
    }
}

impl Settings {
    /// The stored values, or the defaults before first run.
    pub async fn load(on: impl Into<On<'_>>) -> Result<Self, StoreError> {
        Ok(setting::get(on, COMPANY).await?.unwrap_or_default())
    }

    pub async fn save(&self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        setting::put(tx, COMPANY, self, now).await
    }

    /// The zone; UTC when the name is unknown to this program.
    #[must_use]
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::get(&self.zone).unwrap_or(jiff::tz::TimeZone::UTC)
    }
}

/// How far the second step of first run got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleState {
    /// Nobody has chosen yet.
    #[default]
    Undecided,
    /// Started empty, or the samples were removed.
    Without,
    Loading,
    Loaded,
}

impl SampleState {
    pub async fn load(on: impl Into<On<'_>>) -> Result<Self, StoreError> {
        Ok(setting::get(on, SAMPLE).await?.unwrap_or_default())
    }

    pub async fn save(self, tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
        setting::put(tx, SAMPLE, &self, now).await
    }
}
