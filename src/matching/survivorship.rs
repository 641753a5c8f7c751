//! Survivorship: which source's value becomes the golden value of a customer's field.
//!
//! Per field: the order of authority of the field's group, then the newest source version, then the
//! order in which sources are known. Empty values never win. The choice names its rule, so that a
//! page can say in one sentence why a value is here.

use crate::model::record::{CUSTOMER_FIELDS, CustomerFields};

/// One source's values for a customer.
pub struct Candidate<'a> {
    pub connection_id: &'a str,
    /// Tile of the connection: `sales`, `accounting`, …
    pub kind: &'a str,
    /// The source's own change time, else when the hub saw it; microseconds.
    pub at: i64,
    pub fields: &'a CustomerFields,
}

/// The chosen value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    pub field: &'static str,
    pub value: String,
    pub connection_id: String,
    pub at: i64,
    pub why: &'static str,
}

/// Fields that the accounting side knows best: what is printed on invoices and owed.
const BILLING: [&str; 5] = ["registration_number", "corporate_number", "postal_code", "address", "credit_limit"];
const BILLING_ORDER: [&str; 5] = ["accounting", "sales", "deals", "sheet", "generic"];
const GENERAL_ORDER: [&str; 5] = ["sales", "accounting", "deals", "sheet", "generic"];

fn rank(field: &str, kind: &str) -> usize {
    let order = if BILLING.contains(&field) { &BILLING_ORDER } else { &GENERAL_ORDER };
    order.iter().position(|k| *k == kind).unwrap_or(order.len())
}

/// Golden values of all fields that any source fills, in the order of [`CUSTOMER_FIELDS`].
#[must_use]
pub fn choose(candidates: &[Candidate<'_>]) -> Vec<Golden> {
    CUSTOMER_FIELDS
        .iter()
        .filter_map(|field| {
            let mut offers: Vec<(&Candidate<'_>, &str)> =
                candidates.iter().filter_map(|c| c.fields.get(field).map(|v| (c, v))).collect();
            // Connection id last, so that the choice never depends on the order of reading.
            offers.sort_by_key(|(c, _)| (rank(field, c.kind), std::cmp::Reverse(c.at), c.connection_id));
            let (winner, value) = *offers.first()?;
            let why = match offers.get(1) {
                None => "only_source",
                Some((next, _)) if rank(field, next.kind) > rank(field, winner.kind) => "authority",
                Some(_) => "newest",
            };
            Some(Golden {
                field,
                value: value.to_owned(),
                connection_id: winner.connection_id.to_owned(),
                at: winner.at,
                why,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[(&'static str, &str)]) -> CustomerFields {
        CustomerFields { values: values.iter().map(|(f, v)| (*f, (*v).to_owned())).collect(), ..Default::default() }
    }

    #[test]
    fn authority_then_recency_then_only_source() {
        let sales = fields(&[("name", "朝凪電装"), ("address", "旧住所"), ("phone", "053-000-0127")]);
        let accounting = fields(&[("name", "アサナギ"), ("address", "新住所")]);
        let other_sales = fields(&[("name", "朝凪電装(株)")]);
        let candidate = |id, kind, at, fields| Candidate { connection_id: id, kind, at, fields };
        let golden = choose(&[
            candidate("con_a", "accounting", 9, &accounting),
            candidate("con_s", "sales", 5, &sales),
            candidate("con_t", "sales", 7, &other_sales),
        ]);
        let by = |f: &str| golden.iter().find(|g| g.field == f).map(|g| (g.value.as_str(), g.why));
        assert_eq!(by("name"), Some(("朝凪電装(株)", "newest")));
        assert_eq!(by("address"), Some(("新住所", "authority")));
        assert_eq!(by("phone"), Some(("053-000-0127", "only_source")));
        assert_eq!(by("mail"), None);
    }
}
