//! Who wrote what, and what may stand in the end.

use std::collections::HashMap;

use musubi::store::FromRow;

use super::people::Party;

/// What both sides have of a customer, in the order of [`Values`].
pub const FIELDS: [&str; 5] = ["name", "phone", "mail", "postal_code", "address"];
pub const NAME: usize = 0;

/// One customer's values; empty where there is none.
pub type Values = [String; 5];

/// A customer of the hub, as its table has it.
#[derive(Clone, FromRow)]
pub struct Customer {
    pub id: String,
    pub name: String,
    pub phone: Option<String>,
    pub mail: Option<String>,
    pub postal_code: Option<String>,
    pub address: Option<String>,
}

impl Customer {
    pub fn values(&self) -> Values {
        let Self { id: _, name, phone, mail, postal_code, address } = self;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        [name.clone(), text(phone), text(mail), text(postal_code), text(address)]
    }
}

/// One value that was written and acknowledged, and what its writer saw before.
#[derive(Clone, Debug)]
struct Word {
    value: String,
    saw: String,
    pinned: bool,
}

/// The last words on one field of one customer.
#[derive(Clone, Debug, Default)]
struct Words {
    here: Option<Word>,
    there: Option<Word>,
}

impl Words {
    /// What may stand, or `None` where nobody wrote.
    fn allowed(&self) -> Option<Vec<&str>> {
        let (here, there) = match (&self.here, &self.there) {
            (None, None) => return None,
            (Some(only), None) | (None, Some(only)) => return Some(vec![&only.value]),
            (Some(here), Some(there)) => (here, there),
        };
        // A pin wins always; else whoever wrote last knowing the other's last word; else, as both wrote
        // without knowing of each other, either, but the same on both sides.
        Some(if here.pinned || here.saw == there.value {
            vec![&here.value]
        } else if there.saw == here.value {
            vec![&there.value]
        } else {
            vec![&here.value, &there.value]
        })
    }
}

/// What all writers did. Customers are named by their id here, else by their party's number there.
#[derive(Default)]
pub struct Ledger {
    words: HashMap<(String, usize), Words>,
    pub here: usize,
    pub there: usize,
    pub pinned: usize,
    /// Customers whose creation was acknowledged.
    pub created: Vec<String>,
    /// Edits that were answered "somebody else changed this": the person looks again.
    pub refused: usize,
    /// Requests of people that were cut off.
    pub cut_off: usize,
    pub closed: Vec<i64>,
}

impl Ledger {
    pub fn typed(&mut self, customer: &str, field: usize, value: &str, saw: &str, pinned: bool) {
        self.here += 1;
        self.pinned += usize::from(pinned);
        let word = Word { value: value.to_owned(), saw: saw.to_owned(), pinned };
        self.words.entry((customer.to_owned(), field)).or_default().here = Some(word);
    }

    pub fn written(&mut self, party: i64, field: usize, value: &str, saw: &str) {
        self.there += 1;
        let word = Word { value: value.to_owned(), saw: saw.to_owned(), pinned: false };
        self.words.entry((party.to_string(), field)).or_default().there = Some(word);
    }

    /// What is wrong with a customer, one line a field.
    pub fn judge(&self, customer: &Customer, party: &Party, skipped: Option<usize>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (field, name) in FIELDS.iter().enumerate().filter(|(field, _)| Some(*field) != skipped) {
            let (party, here, there) = (party.id, &customer.values()[field], &party.values[field]);
            let of = |key: &str| self.words.get(&(key.to_owned(), field)).cloned().unwrap_or_default();
            let words = Words { here: of(&customer.id).here, there: of(&party.to_string()).there };
            let allowed = words.allowed().is_none_or(|allowed| allowed.contains(&here.as_str()));
            if here != there || !allowed {
                wrong.push(format!("{} party {party} {name}: here {here:?}, there {there:?}, {words:?}", customer.id));
            }
        }
        wrong
    }
}

#[test]
fn who_wrote_last_knowing_the_other_is_right() {
    let word = |value: &str, saw: &str, pinned| Some(Word { value: value.into(), saw: saw.into(), pinned });
    for (here, there, allowed) in [
        (None, None, None),
        (word("h", "o", false), None, Some(vec!["h"])),
        (None, word("t", "o", false), Some(vec!["t"])),
        (word("h", "t", false), word("t", "o", false), Some(vec!["h"])),
        (word("h", "o", false), word("t", "h", false), Some(vec!["t"])),
        (word("h", "o", false), word("t", "o", false), Some(vec!["h", "t"])),
        (word("h", "o", true), word("t", "h", false), Some(vec!["h"])),
    ] {
        let words = Words { here, there };
        assert_eq!(words.allowed(), allowed, "{words:?}");
    }
}
