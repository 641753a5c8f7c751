//! `[organisation]`: how the one organisation of this installation reads dates, money and text.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Invalid;
use crate::model::Currency;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Ja,
    En,
}

impl Language {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub zone: TimeZone,
    pub language: Language,
    pub currency: Currency,
    pub fiscal_year_start: i8,
}

impl Organisation {
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if !(1..=12).contains(&self.fiscal_year_start) {
            return Err(Invalid::new("organisation.fiscal_year_start", "is a month, 1 to 12"));
        }
        Ok(())
    }
}
