//! Who is told of the problems of a connection, and of which.

use serde::{Deserialize, Serialize};

/// A kind of problem. The order is the one in which they are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Runs fail, or records wait for somebody.
    NeedsAction,
    /// Data is older than it may get.
    Late,
    /// Less than a quarter of the error budget is left.
    Budget,
    /// The source refuses our credentials, or they end soon.
    Credentials,
    /// The source has changed the shape of its data.
    Schema,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::NeedsAction, Self::Late, Self::Budget, Self::Credentials, Self::Schema];

    /// As in the table `problem`, in events and forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeedsAction => "needs_action",
            Self::Late => "late",
            Self::Budget => "budget",
            Self::Credentials => "credentials",
            Self::Schema => "schema",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The word among what is switched off that means the ends of problems.
pub const RECOVERED: &str = "recovered";

/// What a connection's page has about being told. What is not there is told to those who get alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notices {
    /// User ids, beside the caretaker; none, and no caretaker: whoever gets alerts.
    pub people: Vec<String>,
    /// Kinds that nobody is told of, and perhaps [`RECOVERED`].
    pub off: Vec<String>,
}

impl Notices {
    /// As it is stored. What cannot be read is as if nothing had been chosen: too many are told rather than nobody.
    #[must_use]
    pub fn read(stored: Option<&str>) -> Self {
        stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// To be stored; `None`: nothing was chosen.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        (*self != Self::default()).then(|| serde_json::json!(self).to_string())
    }

    #[must_use]
    pub fn wants(&self, word: &str) -> bool {
        !self.off.iter().any(|off| off == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_kept_and_damage_tells_everybody() {
        let chosen = Notices { people: vec!["usr_1".into()], off: vec!["late".into()] };
        let written = chosen.written();
        assert_eq!(Notices::read(written.as_deref()), chosen);
        assert!(!chosen.wants("late") && chosen.wants(RECOVERED));
        assert_eq!(Notices::default().written(), None);
        for damaged in [None, Some(""), Some("[]"), Some("{\"people\":3}")] {
            assert_eq!(Notices::read(damaged), Notices::default());
        }
        assert!(Kind::ALL.into_iter().all(|kind| Kind::parse(kind.as_str()) == Some(kind)));
    }
}
