//! Kinds of events that other systems can be told of: `order.created`.

use super::ids::Noun;

/// What something happens to.
pub const SUBJECTS: [&str; 13] = [
    "customer", "site", "contact", "product", "deal", "quote", "order", "shipment", "invoice", "payment", "contract",
    "inquiry", "activity",
];
/// What happens.
pub const CHANGES: [&str; 3] = ["created", "updated", "deleted"];
/// What happens to a connection: its problems begin, and end.
pub const PROBLEMS: [&str; 6] = [
    "connection.needs_action",
    "connection.late",
    "connection.budget",
    "connection.credentials",
    "connection.schema",
    "connection.recovered",
];
/// Sent when a person asks whether a receiver works.
pub const TEST: &str = "webhook.test";

/// The nouns of [`SUBJECTS`], in their order.
const NOUNS: [Noun; 13] = [
    Noun::Customer,
    Noun::Site,
    Noun::Contact,
    Noun::Product,
    Noun::Deal,
    Noun::Quote,
    Noun::Order,
    Noun::Shipment,
    Noun::Invoice,
    Noun::Payment,
    Noun::Contract,
    Noun::Inquiry,
    Noun::Activity,
];

/// What ids of a subject begin with.
#[must_use]
pub fn prefix_of(subject: &str) -> Option<&'static str> {
    SUBJECTS.iter().position(|known| *known == subject).map(|place| NOUNS[place].prefix())
}

/// What a record's version is told as: `order`, and `created`, `updated` or `deleted`.
#[must_use]
pub fn kind_of(record_id: &str, seq: i64, reason: &str) -> String {
    let prefix = record_id.split_once('_').map_or("", |(prefix, _)| prefix);
    let subject = NOUNS.iter().position(|noun| noun.prefix() == prefix).map_or("activity", |place| SUBJECTS[place]);
    let change = match reason {
        "deleted" => "deleted",
        _ if seq == 1 => "created",
        _ => "updated",
    };
    format!("{subject}.{change}")
}

/// The event by which the beginning of a problem of this kind is told.
#[must_use]
pub fn of_problem(kind: &str) -> String {
    format!("connection.{kind}")
}

/// Every kind, in a stable order.
pub fn kinds() -> impl Iterator<Item = String> {
    let of_records =
        SUBJECTS.iter().flat_map(|subject| CHANGES.iter().map(move |change| format!("{subject}.{change}")));
    of_records.chain(PROBLEMS.iter().map(|&kind| kind.to_owned()))
}

/// Whether a list of wishes (`order.created`, `order.*`, `*`) names a kind.
pub fn wants<S: AsRef<str>>(wishes: &[S], kind: &str) -> bool {
    wishes.iter().any(|wish| match wish.as_ref().strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => wish.as_ref() == kind,
    })
}

/// Whether a wish names any kind at all.
#[must_use]
pub fn is_wish(wish: &str) -> bool {
    (!wish.contains('*') || wish == "*" || wish.ends_with(".*")) && kinds().any(|kind| wants(&[wish], &kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_subject_of_its_own() {
        use crate::model::{Id, ids::Noun};
        for (noun, subject) in [
            (Noun::Customer, "customer"),
            (Noun::Site, "site"),
            (Noun::Contact, "contact"),
            (Noun::Product, "product"),
            (Noun::Deal, "deal"),
            (Noun::Quote, "quote"),
            (Noun::Order, "order"),
            (Noun::Shipment, "shipment"),
            (Noun::Invoice, "invoice"),
            (Noun::Payment, "payment"),
            (Noun::Contract, "contract"),
            (Noun::Inquiry, "inquiry"),
            (Noun::Activity, "activity"),
        ] {
            assert!(SUBJECTS.contains(&subject));
            let id = Id::new(noun).into_string();
            assert_eq!(kind_of(&id, 1, "created"), format!("{subject}.created"));
            assert_eq!(kind_of(&id, 3, "deleted"), format!("{subject}.deleted"));
        }
    }

    #[test]
    fn wishes_name_kinds() {
        for (wish, kind, wanted) in [
            ("*", "order.created", true),
            ("order.*", "order.created", true),
            ("order.*", "orderly.created", false),
            ("order.created", "order.updated", false),
            ("customer.*", TEST, false),
        ] {
            assert_eq!(wants(&[wish], kind), wanted, "{wish} {kind}");
        }
        for (wish, good) in [
            ("*", true),
            ("order.*", true),
            ("payment.deleted", true),
            ("order", false),
            ("or*", false),
            ("x.*", false),
            ("", false),
        ] {
            assert_eq!(is_wish(wish), good, "{wish}");
        }
    }
}
