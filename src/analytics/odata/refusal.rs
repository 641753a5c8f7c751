//! Why a question got no answer: what is wrong, and what to do instead.

use crate::store::StoreError;

/// A refusal with a stable code. `target` names the part of the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: Status,
    pub code: &'static str,
    pub message: String,
    pub target: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 400
    Wrong,
    /// 404
    Missing,
    /// 406
    NotAcceptable,
    /// 501: the standard has it, this feed does not.
    NotSupported,
}

#[derive(Debug, thiserror::Error)]
pub enum OdataError {
    #[error("{}", .0.message)]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for OdataError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refusal {
    pub fn wrong(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: Status::Wrong, code, message: message.into(), target: None }
    }

    pub fn missing(message: impl Into<String>) -> Self {
        Self { status: Status::Missing, code: "NOT_FOUND", message: message.into(), target: None }
    }

    pub fn unsupported(what: &str, instead: &str) -> Self {
        let message = format!("this feed does not know {what}; {instead}");
        Self { status: Status::NotSupported, code: "NOT_SUPPORTED", message, target: None }
    }

    #[must_use]
    pub fn at(mut self, target: &'static str) -> Self {
        self.target.get_or_insert(target);
        self
    }
}

/// Outside text as it may stand in a message.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    let short: String = text.chars().filter(|c| !c.is_control()).take(MOST).collect();
    if text.chars().count() > MOST { format!("'{short}…'") } else { format!("'{short}'") }
}
