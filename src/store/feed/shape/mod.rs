//! What the feed consists of: entity sets with their properties, keys and navigation, each with the SQL behind it.
//!
//! Names are a promise to those who build reports on them: they stay. `t` is the table of the set, `d` the
//! document of a line, `c` the customer (in [`super::shape::CUSTOMERS`] that is `t`).
//!
//! To add a property: a line in its set, here and in the view of `migrations/*_bi.postgres.sql` (a new migration
//! with `CREATE OR REPLACE VIEW`), and a row in `docs/bi.md`. To add a set: a constant, its name in [`SETS`].

mod customers;
mod documents;

use crate::model::Class;

pub use customers::{ACTIVITIES, CONTACTS, CUSTOMERS, SITES};
pub use documents::{
    INVOICE_LINES, INVOICE_TAXES, INVOICES, ORDER_LINES, ORDERS, PAYMENT_ALLOCATIONS, PAYMENTS, PRODUCTS,
    SHIPMENT_LINES, SHIPMENTS,
};

/// Every set, as the service document lists them.
pub static SETS: [&Set; 14] = [
    &CUSTOMERS,
    &SITES,
    &CONTACTS,
    &ORDERS,
    &ORDER_LINES,
    &SHIPMENTS,
    &SHIPMENT_LINES,
    &INVOICES,
    &INVOICE_LINES,
    &INVOICE_TAXES,
    &PAYMENTS,
    &PAYMENT_ALLOCATIONS,
    &PRODUCTS,
    &ACTIVITIES,
];

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// UTC microseconds.
    Instant,
    Bool,
    /// 64 bits.
    Int,
    /// Minor units beside a currency, shown in whole units.
    Amount {
        currency: &'static str,
    },
    /// Decimal text: quantities, unit prices, rates.
    Number,
}

/// Who sees a value in the clear; for everybody else there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    Everybody,
    /// Who sees this class of fields.
    Cleared(Class),
    /// Who sees this class, where the customer is a person.
    ClearedOfPersons,
    /// An id of a customer, for who sees that customer.
    Customer,
    /// An id of a site, for who sees its customer.
    Site,
    /// An id of an invoice, for who sees its customer.
    Invoice,
}

/// One column of a set.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    pub name: &'static str,
    pub kind: Kind,
    /// There are rows without a value, or readers to whom it is not shown.
    pub nullable: bool,
    pub(super) sql: &'static str,
    pub(super) sees: Sees,
}

const fn property(name: &'static str, kind: Kind, sql: &'static str) -> Property {
    Property { name, kind, nullable: false, sql, sees: Sees::Everybody }
}

impl Property {
    const fn maybe(self) -> Self {
        Self { nullable: true, ..self }
    }

    const fn seen_by(self, sees: Sees) -> Self {
        Self { nullable: true, sees, ..self }
    }
}

/// A way from the rows of one set to those of another.
#[derive(Debug, PartialEq, Eq)]
pub struct Navigation {
    pub name: &'static str,
    /// Name of the other set.
    pub to: &'static str,
    /// Property here, property there: equal in related rows.
    pub on: (&'static str, &'static str),
    pub many: bool,
    /// A way to one: there may be none.
    pub nullable: bool,
    /// Name of the way back, where there is one.
    pub partner: Option<&'static str>,
}

const fn one(name: &'static str, to: &'static str, from: &'static str, partner: &'static str) -> Navigation {
    Navigation { name, to, on: (from, "Id"), many: false, nullable: false, partner: Some(partner) }
}

const fn many(name: &'static str, to: &'static str, there: &'static str, partner: &'static str) -> Navigation {
    Navigation { name, to, on: ("Id", there), many: true, nullable: false, partner: Some(partner) }
}

/// An entity set.
#[derive(Debug, PartialEq, Eq)]
pub struct Set {
    pub name: &'static str,
    /// Name of one row's type.
    pub entity: &'static str,
    /// Properties that name one row, in order. None is nullable.
    pub key: &'static [&'static str],
    pub properties: &'static [Property],
    pub navigations: &'static [Navigation],
    /// Columns of [`Self::key`], as they are indexed.
    pub(super) key_sql: &'static [&'static str],
    pub(super) from: &'static str,
    /// Which rows there are at all: what was deleted or merged away is not in the feed.
    pub(super) live: &'static str,
    /// Alias of the customer, whose reader's view holds; `None`: rows of no customer.
    pub(super) customer: Option<&'static str>,
}

impl Set {
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SETS.into_iter().find(|set| set.name == name)
    }

    #[must_use]
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    #[must_use]
    pub fn navigation(&self, name: &str) -> Option<&'static Navigation> {
        self.navigations.iter().find(|navigation| navigation.name == name)
    }

    /// The key's properties.
    pub fn keys(&self) -> impl Iterator<Item = &'static Property> + '_ {
        self.key.iter().filter_map(|name| self.property(name))
    }
}

impl Navigation {
    /// The set it leads to.
    #[must_use]
    pub fn target(&self) -> &'static Set {
        // `every_way_leads_somewhere` holds the table to it.
        Set::named(self.to).unwrap_or(&CUSTOMERS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_leads_somewhere() {
        for set in SETS {
            assert_eq!(set.keys().count(), set.key.len(), "{}", set.name);
            assert_eq!(set.key_sql.len(), set.key.len(), "{}", set.name);
            assert!(set.keys().all(|key| !key.nullable), "{}", set.name);
            for way in set.navigations {
                let there = Set::named(way.to).unwrap_or_else(|| panic!("{}/{}", set.name, way.name));
                let (from, to) = (set.property(way.on.0), there.property(way.on.1));
                let (Some(from), Some(to)) = (from, to) else { panic!("{}/{}", set.name, way.name) };
                assert_eq!(from.kind, to.kind, "{}/{}", set.name, way.name);
                assert!(way.many || there.key == [way.on.1], "{}/{} leads to one", set.name, way.name);
                assert!(way.many || way.nullable == from.nullable, "{}/{}", set.name, way.name);
                if let Some(back) = way.partner {
                    assert_eq!(there.navigation(back).map(|back| back.to), Some(set.name), "{}/{}", set.name, way.name);
                }
            }
            let mut names: Vec<&str> = set.properties.iter().map(|p| p.name).collect();
            names.extend(set.navigations.iter().map(|n| n.name));
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{} has a name twice", set.name);
            assert!(set.property(set.entity).is_none(), "{}: .NET allows no member named as its type", set.name);
        }
    }
}
