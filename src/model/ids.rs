//! Prefixed, time-sortable identifiers: `cus_01j…`.
//!
//! The prefix names the noun, the rest is a UUIDv7 (RFC 9562 section 5.7) in Crockford base 32,
//! so ids sort by creation and explain themselves in logs.

use std::fmt;

/// What an id names; the prefix is part of the stored text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    Activity,
    Alert,
    Attempt,
    Audit,
    Change,
    Connection,
    Contact,
    Contract,
    Customer,
    Deal,
    Event,
    Failure,
    Idp,
    Import,
    Inbox,
    Inquiry,
    Invitation,
    Invoice,
    Mail,
    Node,
    Order,
    Passkey,
    Payment,
    Problem,
    Product,
    Quote,
    Receiver,
    Refusal,
    Relation,
    Run,
    Session,
    Shipment,
    Site,
    Token,
    User,
    View,
    Bulk,
}

impl Noun {
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Activity => "act",
            Self::Alert => "alr",
            Self::Attempt => "att",
            Self::Audit => "aud",
            Self::Change => "chg",
            Self::Connection => "con",
            Self::Contact => "cnt",
            Self::Contract => "ctr",
            Self::Customer => "cus",
            Self::Deal => "dea",
            Self::Event => "evt",
            Self::Failure => "fai",
            Self::Idp => "idp",
            Self::Import => "imp",
            Self::Inbox => "inb",
            Self::Inquiry => "inq",
            Self::Invitation => "ivt",
            Self::Invoice => "inv",
            Self::Mail => "mai",
            Self::Node => "nod",
            Self::Order => "ord",
            Self::Passkey => "psk",
            Self::Payment => "pay",
            Self::Problem => "prb",
            Self::Product => "prd",
            Self::Quote => "quo",
            Self::Receiver => "rcv",
            Self::Refusal => "ref",
            Self::Relation => "rel",
            Self::Run => "run",
            Self::Session => "ses",
            Self::Shipment => "shp",
            Self::Site => "sit",
            Self::Token => "tok",
            Self::User => "usr",
            Self::View => "viw",
            Self::Bulk => "blk",
        }
    }
}

/// An id as text. Cheap to compare, sorts by creation time within a noun.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Id(String);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Id {
    /// A fresh id. Ids made by one process sort in the order they were made.
    #[must_use]
    pub fn new(noun: Noun) -> Self {
        Self::from_uuid(noun, uuid::Uuid::now_v7())
    }

    /// The id that a key chosen beforehand gives.
    #[must_use]
    pub fn from_uuid(noun: Noun, key: uuid::Uuid) -> Self {
        Self::from_u128(noun, key.as_u128())
    }

    /// Sorts before every id made at or after a time: a bound for reading by age.
    #[must_use]
    pub fn first_since(noun: Noun, time: super::Timestamp) -> Self {
        Self::from_u128(noun, u128::try_from(time.0.max(0) / 1_000).unwrap_or_default() << 80)
    }

    fn from_u128(noun: Noun, mut bits: u128) -> Self {
        let mut digits = [0u8; 26];
        for slot in digits.iter_mut().rev() {
            *slot = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        let mut text = String::with_capacity(30);
        text.push_str(noun.prefix());
        text.push('_');
        text.extend(digits.iter().map(|&b| b as char));
        Self(text)
    }

    /// An id from outside: it must carry the noun's prefix and 26 base-32 digits.
    #[must_use]
    pub fn parse(noun: Noun, text: &str) -> Option<Self> {
        let digits = text.strip_prefix(noun.prefix())?.strip_prefix('_')?;
        let known = digits.len() == 26 && digits.bytes().all(|b| ALPHABET.contains(&b));
        known.then(|| Self(text.to_owned()))
    }

    /// An id read back from the store.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation_and_read_back() {
        let made: Vec<Id> = (0..1000).map(|_| Id::new(Noun::Order)).collect();
        let mut sorted = made.clone();
        sorted.sort();
        assert_eq!(made, sorted);
        let id = &made[0];
        assert_eq!(Id::parse(Noun::Order, id.as_str()).as_ref(), Some(id));
    }

    #[test]
    fn a_bound_stands_between_before_and_after() {
        let id = Id::new(Noun::Inbox);
        let bound = |time| Id::first_since(Noun::Inbox, super::super::Timestamp(time));
        // The first of January of 2026 and of 2100.
        assert!(bound(1_767_225_600_000_000) < id && id < bound(4_102_444_800_000_000));
        assert!(bound(-5) <= bound(0));
    }

    #[test]
    fn foreign_text_is_no_id() {
        for text in ["", "ord_", "cus_00000000000000000000000000", "ord_0000000000000000000000000u"] {
            assert_eq!(Id::parse(Noun::Order, text), None, "{text}");
        }
    }
}
