//! What a mail tells, as data. The words are the page catalogues'.

use serde::{Deserialize, Serialize};

/// See the module. Kept sealed until the mail is sent: it may hold a link that lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Name of the company; may be empty.
    pub company: String,
    /// IANA name of the zone in which instants are said.
    pub zone: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// Somebody wants to know whether mail works.
    Test,
    Invitation {
        /// Who invites; empty for the command line.
        inviter: String,
        link: String,
        /// Microseconds, as all instants.
        until: i64,
        /// There is an account with this address already; a provider is linked to it.
        account: bool,
    },
    /// What somebody who looks after the installation should know.
    Alerts { items: Vec<Item> },
    /// Problems of connections that began, last or are over.
    Problems { items: Vec<Problem> },
    /// To the person: codes are not asked for any more.
    FactorRemoved { at: i64 },
    /// To the person: one of the recovery codes was used.
    RecoveryCode { at: i64, left: i64 },
    /// To the person: somebody signed in with a kind of browser that is new for them, as it names itself.
    NewDevice { at: i64, agent: String, ip: Option<String> },
    /// To the person: the passphrase is another one.
    PassphraseChanged { at: i64 },
    /// To the person: a passkey of this name signs in from now on.
    PasskeyAdded { at: i64, label: String },
}

/// One alert in a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// As in the table `alert`.
    pub kind: String,
    /// Name of the person, provider or connection.
    pub name: String,
    /// Where to look, as a path of the hub.
    pub path: String,
    pub at: i64,
    pub times: i64,
}

/// A problem of a connection in a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// As in the table `problem`; `test`: somebody wants to know whether this arrives.
    pub kind: String,
    /// `begun`, `lasting` or `ended`.
    pub phase: String,
    /// Of the connection.
    pub name: String,
    /// Where to look, as a path of the hub.
    pub path: String,
    pub begun_at: i64,
    /// Codes and counts, as `notices::seen::Facts` has them.
    pub facts: serde_json::Value,
}

impl What {
    /// As in the table `mail`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Invitation { .. } => "invitation",
            Self::Alerts { .. } => "alerts",
            Self::Problems { .. } => "problems",
            Self::FactorRemoved { .. } => "factor_removed",
            Self::RecoveryCode { .. } => "recovery_code",
            Self::NewDevice { .. } => "new_device",
            Self::PassphraseChanged { .. } => "passphrase_changed",
            Self::PasskeyAdded { .. } => "passkey_added",
        }
    }
}

/// A letter in somebody's language. Plain text only: there is nothing to hide a link behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub subject: String,
    pub body: String,
}

/// Puts a letter into words: the letter, `ja` or `en`, and the address of the hub.
pub type Writer = fn(&Letter, &str, &str) -> Written;
