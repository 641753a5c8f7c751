//! Deals: when they began, and how they went.

use std::collections::HashMap;

use crate::{
    model::{Date, Timestamp, record::Deal},
    store::{
        StoreError, Tx, deal,
        deal::{DealRow, Move, Standing},
        document::Head,
        setting,
    },
};

/// A deal as its source has it now, and the source's own time of that.
pub(super) struct Came<'a> {
    pub head: Head<'a>,
    pub deal: &'a Deal,
    pub version: Option<i64>,
}

/// Writes deals, and a step for each that is new or stands elsewhere than before.
pub(super) async fn write(tx: &mut Tx, came: Vec<Came<'_>>) -> Result<(), StoreError> {
    if came.is_empty() {
        return Ok(());
    }
    let zone = setting::zone(&mut *tx).await?;
    let known = deal::standing(&mut *tx, came.iter().map(|c| c.head.id)).await?;
    let day_of = |at: i64| Date(Timestamp(at).zoned(&zone).date());
    let seen: Vec<(Date, Option<i64>)> = came
        .iter()
        .map(|c| {
            // Counters are no times.
            let told = c.deal.occurred_at.or(c.version.filter(|at| *at > YEAR_2000));
            (day_of(told.unwrap_or(c.head.now.0)), told)
        })
        .collect();
    let rows: Vec<(Head<'_>, DealRow<'_>)> =
        came.iter().zip(&seen).map(|(c, (day, _))| (c.head.clone(), row(c.deal, &known, c.head.id, *day))).collect();
    deal::put(tx, &rows).await?;
    let steps: Vec<Move<'_>> =
        came.iter().zip(&rows).zip(&seen).filter_map(|((c, (_, row)), seen)| step(c, row, &known, *seen)).collect();
    let heads: Vec<&Head<'_>> = came.iter().map(|c| &c.head).collect();
    deal::moved(tx, &heads, &steps).await
}

const YEAR_2000: i64 = 946_684_800_000_000;

fn row<'a>(deal: &'a Deal, known: &HashMap<String, Standing>, id: &str, day: Date) -> DealRow<'a> {
    let before = known.get(id).and_then(|known| Date::parse(&known.opened_date));
    DealRow { deal, opened: deal.opened_date.or(before).unwrap_or(day) }
}

fn step<'a>(
    came: &'a Came<'a>,
    row: &DealRow<'_>,
    known: &HashMap<String, Standing>,
    (day, at): (Date, Option<i64>),
) -> Option<Move<'a>> {
    let Came { head, deal, .. } = came;
    let before = known.get(head.id);
    if before.is_some_and(|before| before.stage == deal.stage && before.status == deal.status) {
        return None;
    }
    let first = before.is_none();
    let ended = deal.closed_date.filter(|_| deal.status != "open");
    let date = ended.unwrap_or(if first { row.opened } else { day });
    // An instant of another day says nothing of the hour.
    let at = at.filter(|_| date == day);
    Some(Move { head, deal, first, date, at })
}
