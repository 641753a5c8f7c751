//! `/sync`: whether everything arrives.

use std::fmt::Write as _;

use super::status::State;
use crate::{
    connection::{
        Level,
        freshness::{Hour, SCARCE},
    },
    http::console::{
        Shell,
        chart::{self, Frame, Point},
        markup::{Markup, escape},
        view::format,
    },
    model::Timestamp,
};

/// Hours of the strip and the chart.
pub const HOURS: usize = 24;

/// One connected system. Sorted worst first by whoever fills it.
#[derive(Clone, Debug)]
pub struct HealthRow {
    pub id: String,
    pub name: String,
    pub kind: String,
    /// Direction and plan.
    pub facts: String,
    pub state: State,
    pub ok_at: Option<Timestamp>,
    pub level: LevelShown,
    /// 95 of 100 changes of the last 24 hours came within this, microseconds.
    pub lag: Option<i64>,
    /// Oldest first.
    pub hours: [Hour; HOURS],
    pub waiting: i64,
}

/// A service level with its words.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelShown(pub Level);

impl std::ops::Deref for LevelShown {
    type Target = Level;

    fn deref(&self) -> &Level {
        &self.0
    }
}

impl LevelShown {
    /// Style class of what is left.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self.left {
            0 => "bad",
            1..SCARCE => "warn",
            _ => "ok",
        }
    }

    /// `99.59%`; a dash where nothing was measured.
    #[must_use]
    pub fn rate_text(&self) -> String {
        self.rate.map_or_else(|| "—".to_owned(), format::hundredths)
    }

    #[must_use]
    pub fn objective_text(&self) -> String {
        format::hundredths(self.objective)
    }

    /// The bar of what is left.
    #[must_use]
    pub fn bar(&self, s: &Shell) -> Markup {
        chart::progress(self.left, self.class(), s.t("health.left"))
    }

    /// When it is used up, where that is to be said.
    #[must_use]
    pub fn out_text(&self, s: &Shell) -> Option<String> {
        self.out_in.filter(|_| self.target.is_some()).map(|days| match days {
            0 => s.t("health.used_up").to_owned(),
            days => {
                let at = s.now.plus(days * Timestamp::DAY).zoned(&s.zone).date();
                s.n1("health.out_in", days, format::date_short(at, s.today(), s.lang))
            }
        })
    }
}

/// A problem of a connection in the list of what happened.
#[derive(Clone, Debug)]
pub struct Happened {
    pub at: Timestamp,
    /// `ok`, `warn` or `bad`.
    pub tone: &'static str,
    pub connection_id: String,
    pub name: String,
    pub text: String,
    pub sub: String,
}

/// `/sync`.
#[derive(Clone, Debug)]
pub struct SyncHealthPage {
    pub rows: Vec<HealthRow>,
    /// What needs a person, one sentence a connection, the worst first.
    pub needs: Vec<String>,
    /// Where to begin.
    pub start: Option<String>,
    /// Changes taken in within 24 hours, and in the 24 before.
    pub taken: (i64, i64),
    /// Records of 24 hours that failed.
    pub failed: i64,
    pub open_failures: i64,
    pub lag: Option<i64>,
    /// By hour, oldest first: when it began, and within what 95 of 100 changes came.
    pub lags: Vec<(Timestamp, Option<i64>)>,
    pub happened: Vec<Happened>,
    /// The page asks for itself again.
    pub auto: bool,
}

/// Sentences of the first line.
const SENTENCES: usize = 3;

impl SyncHealthPage {
    #[must_use]
    pub fn sentences(&self, s: &Shell) -> String {
        let gap = if s.lang.code() == "ja" { "" } else { " " };
        let mut text = self.needs.iter().take(SENTENCES).cloned().collect::<Vec<_>>().join(gap);
        if self.needs.len() > SENTENCES {
            text.push_str(gap);
            text.push_str(&s.n("health.more", self.needs.len() - SENTENCES));
        }
        text
    }

    #[must_use]
    pub fn of_class(&self, class: &str) -> usize {
        self.rows.iter().filter(|row| row.state.now.class() == class).count()
    }

    #[must_use]
    pub fn waiting(&self) -> i64 {
        self.rows.iter().map(|row| row.waiting).sum()
    }

    /// Compared with the day before: `前日比 +6%`.
    #[must_use]
    pub fn change(&self, s: &Shell) -> String {
        let (now, before) = self.taken;
        format::change(now, before).map_or_else(String::new, |(up, text)| {
            s.f1("health.than_before", format!("{}{text}", if up { "+" } else { "\u{2212}" }))
        })
    }

    /// Share of the records that failed: `0.14%`.
    #[must_use]
    pub fn failed_share(&self) -> String {
        let all = self.taken.0 + self.failed;
        format::hundredths(if all > 0 { self.failed * 10_000 / all } else { 0 })
    }

    #[must_use]
    pub fn chart(&self, s: &Shell) -> Markup {
        let points: Vec<Point> = self
            .lags
            .iter()
            .map(|(at, lag)| Point { label: s.hour(*at), value: lag.map(|micros| micros / Timestamp::SECOND) })
            .collect();
        let frame = Frame { width: 620.0, height: 200.0, left: 48.0, every: 6, extremes: true };
        let summary = match self.lag {
            Some(lag) => s.f1("health.chart_summary", s.length(lag)),
            None => s.t("health.no_changes").to_owned(),
        };
        chart::line(&points, frame, s.t("health.chart"), &summary, |seconds| s.length(seconds * Timestamp::SECOND))
    }

    #[must_use]
    pub fn has_lags(&self) -> bool {
        self.lags.iter().any(|(_, lag)| lag.is_some())
    }
}

impl HealthRow {
    /// When the first hour of the strip began.
    fn begins(&self, s: &Shell) -> Timestamp {
        let hours = i64::try_from(HOURS).unwrap_or(0) - 1;
        Timestamp(s.now.0 - s.now.0.rem_euclid(Timestamp::HOUR) - hours * Timestamp::HOUR)
    }

    /// The last 24 hours as a strip, and in words.
    #[must_use]
    pub fn strip(&self, s: &Shell) -> Markup {
        let mut svg = format!(
            "<svg class=\"ch tlc\" viewBox=\"0 0 240 18\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
            escape(&self.strip_text(s))
        );
        for (from, length, hour) in spans(&self.hours) {
            // What is bad is also taller: it shows without colour.
            let (class, y, height) = match hour {
                Hour::Quiet => ("track", 6, 6),
                Hour::Good => ("ok", 3, 12),
                Hour::Partial => ("warn", 1, 16),
                Hour::Bad => ("bad", 0, 18),
            };
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{}\" height=\"{height}\"/>",
                from * 10,
                (length * 10).saturating_sub(1).max(1)
            );
        }
        svg.push_str("</svg>");
        Markup::new(svg)
    }

    /// `正常 22時間、失敗・遅延 2時間(1:00–3:00)`
    #[must_use]
    pub fn strip_text(&self, s: &Shell) -> String {
        let begins = self.begins(s);
        let clock = |hours: usize| s.hour(begins.plus(i64::try_from(hours).unwrap_or(0) * Timestamp::HOUR));
        let parts = [Hour::Good, Hour::Partial, Hour::Bad, Hour::Quiet].into_iter().filter_map(|kind| {
            let found: Vec<_> = spans(&self.hours).into_iter().filter(|(.., hour)| *hour == kind).collect();
            let hours: usize = found.iter().map(|(_, length, _)| length).sum();
            let word = match kind {
                Hour::Good => s.t("status.healthy"),
                Hour::Partial => s.t("status.partial"),
                Hour::Bad => s.t("health.bad"),
                Hour::Quiet => s.t("health.quiet"),
            };
            let when: Vec<_> =
                found.iter().map(|(at, length, _)| format!("{}–{}", clock(*at), clock(at + length))).collect();
            let when = match kind {
                Hour::Partial | Hour::Bad => format!("({})", when.join(s.t("comma"))),
                _ => String::new(),
            };
            (hours > 0).then(|| format!("{word} {}{when}", s.n("health.hours", hours)))
        });
        parts.collect::<Vec<_>>().join(s.t("comma"))
    }
}

/// Hours that are alike, together: (first, how many, what they are).
fn spans(hours: &[Hour]) -> Vec<(usize, usize, Hour)> {
    let mut spans: Vec<(usize, usize, Hour)> = Vec::new();
    for (at, hour) in hours.iter().enumerate() {
        match spans.last_mut() {
            Some((_, length, last)) if last == hour => *length += 1,
            _ => spans.push((at, 1, *hour)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_hours_are_one_span() {
        use Hour::{Bad, Good, Quiet};
        assert_eq!(spans(&[]), []);
        assert_eq!(spans(&[Good, Good, Bad, Quiet]), [(0, 2, Good), (2, 1, Bad), (3, 1, Quiet)]);
    }
}
