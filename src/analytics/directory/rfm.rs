//! RFM: quintiles of last order date, orders and sales of 24 months, over all customers that have
//! any of the three. 5 is best; equal values are in the same quintile.

use super::core::{Hot, NEVER};

/// Upper bounds of quintiles 1 to 4 of each measure.
#[derive(Debug, Default)]
pub(super) struct Quintiles([[i64; 4]; 3]);

fn measures(hot: &Hot) -> Option<[i64; 3]> {
    let any = hot.live && (hot.last_order != NEVER || hot.orders_24m != 0 || hot.sales_24m != 0);
    any.then(|| [i64::from(hot.last_order), hot.orders_24m, hot.sales_24m])
}

impl Quintiles {
    pub(super) fn cut(rows: &[Hot]) -> Self {
        let all: Vec<[i64; 3]> = rows.iter().filter_map(measures).collect();
        let mut bounds = [[0; 4]; 3];
        if all.is_empty() {
            return Self(bounds);
        }
        for (measure, bounds) in bounds.iter_mut().enumerate() {
            let mut values: Vec<i64> = all.iter().map(|m| m[measure]).collect();
            values.sort_unstable();
            for (k, bound) in bounds.iter_mut().enumerate() {
                *bound = values[((k + 1) * values.len()).div_ceil(5) - 1];
            }
        }
        Self(bounds)
    }

    pub(super) fn of(&self, hot: &Hot) -> Option<(u8, u8, u8)> {
        let measures = measures(hot)?;
        let quintile = |i: usize| 1 + self.0[i].iter().filter(|bound| measures[i] > **bound).count() as u8;
        Some((quintile(0), quintile(1), quintile(2)))
    }
}
