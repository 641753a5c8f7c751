//! Who held a role, from when to when: one after the other, never two at a time.
//!
//! A span runs from its first day up to the day on which the next took over. Two that take over on one day leave a
//! span of no days: it was, and it is kept.
//!
//! Invariant: spans stand in the order of time; none begins before the one before it ended; only the last goes on.

use crate::model::Date;

/// One holder of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub name: String,
    /// `None`: before anybody wrote it down; only the first.
    pub from: Option<Date>,
    /// The day the next took over; `None`: it goes on.
    pub to: Option<Date>,
}

/// Why a day cannot be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It would end before it begins.
    Order,
    Future,
    /// It would begin before the one before it began, or reach into it.
    Before,
    /// It would end after the next one ends, or reach into it.
    After,
    /// Only the first may begin nobody knows when, and only the one that goes on has no end.
    Missing,
}

impl Wrong {
    /// Stable code for forms and the API.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Order => "DATE_ORDER",
            Self::Future => "DATE_FUTURE",
            Self::Before => "OVERLAP_BEFORE",
            Self::After => "OVERLAP_AFTER",
            Self::Missing => "REQUIRED",
        }
    }
}

/// The spans after the role went to somebody else, or to nobody, on a day. `since`: where the first one's beginning
/// is known.
#[must_use]
pub fn follow(mut spans: Vec<Span>, name: Option<&str>, day: Date, since: Option<Date>) -> Vec<Span> {
    let holder = spans.last().filter(|span| span.to.is_none()).map(|span| span.name.clone());
    if holder.as_deref() == name {
        return spans;
    }
    // A day that a person set, or a clock that went back: nothing begins before what stands there.
    let edge = spans.last().and_then(|last| last.to.or(last.from));
    let day = edge.map_or(day, |edge| edge.max(day));
    if let Some(last) = spans.last_mut().filter(|span| span.to.is_none()) {
        last.to = Some(day);
    }
    if let Some(name) = name {
        let from = if spans.is_empty() { since } else { Some(day) };
        spans.push(Span { name: name.to_owned(), from, to: None });
    }
    spans
}

/// The spans with other days for one of them. A neighbour that touched it moves along.
pub fn correct(
    spans: &[Span],
    at: usize,
    from: Option<Date>,
    to: Option<Date>,
    today: Date,
) -> Result<Vec<Span>, Wrong> {
    let mut out = spans.to_vec();
    let Some(old) = spans.get(at) else { return Err(Wrong::Missing) };
    if from.is_none() && at > 0 || to.is_none() != old.to.is_none() {
        return Err(Wrong::Missing);
    }
    if from.max(to).is_some_and(|day| day > today) {
        return Err(Wrong::Future);
    }
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(Wrong::Order);
    }
    if let Some((before, from)) = at.checked_sub(1).and_then(|before| out.get_mut(before)).zip(from) {
        if before.to == old.from {
            before.to = Some(from);
        }
        if before.to > Some(from) || before.from > Some(from) {
            return Err(Wrong::Before);
        }
    }
    if let Some((after, to)) = out.get_mut(at + 1).zip(to) {
        if after.from == old.to {
            after.from = Some(to);
        }
        if after.from < Some(to) || after.to.is_some_and(|end| end < to) {
            return Err(Wrong::After);
        }
    }
    if let Some(span) = out.get_mut(at) {
        (span.from, span.to) = (from, to);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, civil::date};
    use proptest::prelude::*;

    use super::*;

    fn day(n: i64) -> Date {
        Date(date(2026, 1, 1).saturating_add(n.days()))
    }

    /// What always holds, and that whoever holds the role now is the last to go on.
    fn sound(spans: &[Span], holder: Option<&str>) -> Result<(), TestCaseError> {
        for pair in spans.windows(2) {
            prop_assert!(pair[0].to.is_some() && pair[1].from.is_some(), "{spans:?}");
            prop_assert!(pair[0].to <= pair[1].from, "{spans:?}");
        }
        for span in spans {
            prop_assert!(span.to.is_none() || span.from <= span.to, "{spans:?}");
        }
        let last = spans.last().filter(|span| span.to.is_none()).map(|span| span.name.as_str());
        prop_assert_eq!(last, holder);
        Ok(())
    }

    #[derive(Clone, Debug)]
    enum Act {
        Follow(Option<u8>, i64),
        Correct(usize, Option<i64>, Option<i64>),
    }

    fn acts() -> impl Strategy<Value = Act> {
        let when = proptest::option::of(0..60_i64);
        prop_oneof![
            (proptest::option::of(0..4_u8), 0..3_i64).prop_map(|(who, later)| Act::Follow(who, later)),
            (0..6_usize, when.clone(), when).prop_map(|(at, from, to)| Act::Correct(at, from, to)),
        ]
    }

    proptest! {
        #[test]
        fn two_never_hold_a_role_at_a_time(acts in proptest::collection::vec(acts(), 1..40), known in any::<bool>()) {
            let (mut spans, mut today, mut holder) = (Vec::new(), 0, None);
            for act in acts {
                match act {
                    Act::Follow(who, later) => {
                        today += later;
                        holder = who.map(|who| who.to_string());
                        let before = spans.clone();
                        spans = follow(spans, holder.as_deref(), day(today), known.then(|| day(today)));
                        // Nobody who was is forgotten.
                        for (old, new) in before.iter().zip(&spans) {
                            prop_assert_eq!((&old.name, old.from), (&new.name, new.from));
                        }
                        prop_assert!(spans.len() >= before.len());
                    }
                    Act::Correct(at, from, to) => {
                        if let Ok(right) = correct(&spans, at, from.map(day), to.map(day), day(today)) {
                            let names = |spans: &[Span]| spans.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
                            prop_assert_eq!(names(&right), names(&spans));
                            prop_assert_eq!((right[at].from, right[at].to), (from.map(day), to.map(day)));
                            spans = right;
                        }
                    }
                }
                sound(&spans, holder.as_deref())?;
            }
        }
    }

    #[test]
    fn a_corrected_day_moves_the_neighbour_that_touched_it() {
        let spans =
            follow(follow(follow(Vec::new(), Some("a"), day(1), None), Some("b"), day(10), None), None, day(20), None);
        let spans = follow(spans, Some("c"), day(30), None);
        let days = |spans: &[Span]| spans.iter().map(|s| (s.from, s.to)).collect::<Vec<_>>();
        let moved = correct(&spans, 1, Some(day(8)), Some(day(22)), day(40)).expect("it stays between its neighbours");
        assert_eq!(
            days(&moved),
            [
                (None, Some(day(8))),
                (Some(day(8)), Some(day(22))),
                // There was a gap: it is not closed.
                (Some(day(30)), None),
            ]
        );
        for (at, from, to, wrong) in [
            (1, Some(8), Some(31), Wrong::After),
            (2, Some(19), None, Wrong::Before),
            (1, Some(9), Some(8), Wrong::Order),
            (2, Some(41), None, Wrong::Future),
            (1, None, Some(20), Wrong::Missing),
            (2, Some(30), Some(35), Wrong::Missing),
            (1, Some(8), None, Wrong::Missing),
            (7, Some(8), None, Wrong::Missing),
        ] {
            assert_eq!(correct(&spans, at, from.map(day), to.map(day), day(40)), Err(wrong), "{at} {from:?} {to:?}");
        }
    }
}
