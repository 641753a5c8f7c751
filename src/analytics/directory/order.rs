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
    Id,
    Overdue,
    Orders24m,
    Sales24m,
}

impl SortKey {
    /// Those whose positions are kept ready; the others are seldom asked for and sorted when they are.
    pub(super) const KEPT: [Self; 6] =
        [Self::Sales, Self::LastOrder, Self::LastContact, Self::Name, Self::Code, Self::Id];

    pub(super) fn is_kept(self) -> bool {
        Self::KEPT.contains(&self)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "sales" => Self::Sales,
            "last_order" => Self::LastOrder,
            "last_contact" => Self::LastContact,
            "name" => Self::Name,
            "code" => Self::Code,
            "id" => Self::Id,
            "overdue" => Self::Overdue,
            "orders_24m" => Self::Orders24m,
            "sales_24m" => Self::Sales24m,
            _ => return None,
        })
    }
}

/// Live rows in ascending order of each key.
#[derive(Debug, Default)]
pub(super) struct Orders([Vec<u32>; 6]);

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
            SortKey::Id => Ordering::Equal,
            SortKey::Overdue => hot_a.overdue.cmp(&hot_b.overdue),
            SortKey::Orders24m => hot_a.orders_24m.cmp(&hot_b.orders_24m),
            SortKey::Sales24m => hot_a.sales_24m.cmp(&hot_b.sales_24m),
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

#[cfg(test)]
mod tests {
    use super::{
        super::{core::prepare, timing::row},
        *,
    };

    #[test]
    fn positions_after_many_changes_are_those_of_a_fresh_sort() {
        let mut core = Core::default();
        prepare((0..300).map(row).collect(), Vec::new()).into_iter().for_each(|p| {
            core.put(p);
        });
        core.settle();
        for round in 0..200_usize {
            // Some change, some are new, some are gone.
            let ids: Vec<usize> = (0..7).map(|i| (round * 37 + i * 53) % 400).collect();
            let kept = ids.iter().enumerate().filter(|(i, _)| (round + i) % 3 != 0);
            let rows = kept
                .map(|(i, n)| {
                    let mut changed = row(*n);
                    changed.sales_12m_minor = Some(((round * 7919 + i) % 1000) as i64);
                    changed.name_kana = Some(format!("カナ{}", (round * 31 + i) % 97));
                    changed.code = (round % 2 == 0).then(|| format!("C{}", (round * 17 + i) % 89));
                    changed
                })
                .collect();
            let ids: Vec<String> = ids.into_iter().map(|n| format!("cus_{n:026}")).collect();
            core.replace(&ids, prepare(rows, Vec::new()));
        }
        for key in SortKey::KEPT {
            let kept = core.orders.get(key).to_vec();
            let mut sorted = kept.clone();
            sorted.sort_unstable_by(|a, b| core.compare(key, *a, *b));
            assert_eq!(kept, sorted, "{key:?}");
            assert_eq!(kept.len(), core.len());
            assert!(kept.iter().all(|r| core.hot[*r as usize].live));
        }
        assert!(core.len() > 100);
    }
}
