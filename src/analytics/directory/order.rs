//! Sort positions kept ready, so that a page of 100,000 customers is a walk and not a sort.

use std::cmp::Ordering;

use super::core::Core;

/// By what the list can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortKey {
    Sales,
    LastOrder,
    LastContact,
    Name,
    Code,
}

impl SortKey {
    pub(super) const ALL: [Self; 5] = [Self::Sales, Self::LastOrder, Self::LastContact, Self::Name, Self::Code];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "sales" => Self::Sales,
            "last_order" => Self::LastOrder,
            "last_contact" => Self::LastContact,
            "name" => Self::Name,
            "code" => Self::Code,
            _ => return None,
        })
    }
}

/// Live rows in ascending order of each key.
#[derive(Debug, Default)]
pub(super) struct Orders([Vec<u32>; 5]);

impl Orders {
    pub(super) fn get(&self, key: SortKey) -> &[u32] {
        &self.0[key as usize]
    }

    pub(super) fn take(&mut self, key: SortKey) -> Vec<u32> {
        std::mem::take(&mut self.0[key as usize])
    }

    pub(super) fn set(&mut self, key: SortKey, rows: Vec<u32>) {
        self.0[key as usize] = rows;
    }
}

impl Core {
    /// Ascending; equal keys by id, so that pages never overlap.
    pub(super) fn compare(&self, key: SortKey, a: u32, b: u32) -> Ordering {
        let (hot_a, hot_b) = (&self.hot[a as usize], &self.hot[b as usize]);
        let (cold_a, cold_b) = (&self.cold[a as usize], &self.cold[b as usize]);
        let by_code = || match (&cold_a.code, &cold_b.code) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        match key {
            SortKey::Sales => hot_a.sales.cmp(&hot_b.sales),
            SortKey::LastOrder => hot_a.last_order.cmp(&hot_b.last_order),
            SortKey::LastContact => hot_a.last_contact.cmp(&hot_b.last_contact),
            SortKey::Name => cold_a.sort_name.cmp(&cold_b.sort_name).then_with(by_code),
            SortKey::Code => by_code(),
        }
        .then_with(|| cold_a.id.cmp(&cold_b.id))
    }
}

/// Both sorted lists as one; each added row finds its place by halving.
pub(super) fn merged(rows: &[u32], added: &[u32], compare: impl Fn(u32, u32) -> Ordering) -> Vec<u32> {
    let mut out = Vec::with_capacity(rows.len() + added.len());
    let mut from = 0;
    for row in added {
        let to = from + rows[from..].partition_point(|r| compare(*r, *row).is_lt());
        out.extend_from_slice(&rows[from..to]);
        out.push(*row);
        from = to;
    }
    out.extend_from_slice(&rows[from..]);
    out
}
