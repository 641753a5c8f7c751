//! Days and instants as a page shows them, in the organisation's zone.

use super::{
    markup::{Instant, Markup, Num, escape},
    shell::Shell,
    view::format,
};
use crate::model::Timestamp;

impl Shell {
    #[must_use]
    pub fn today(&self) -> jiff::civil::Date {
        self.now.zoned(&self.zone).date()
    }

    /// `11/20`, with the year when it is another one.
    #[must_use]
    pub fn day(&self, date: &str) -> String {
        format::parse_date(date).map_or_else(|| date.to_owned(), |d| format::date_short(d, self.today(), self.lang))
    }

    /// `2026/11/20`.
    #[must_use]
    pub fn day_full(&self, date: &str) -> String {
        format::parse_date(date).map_or_else(|| date.to_owned(), |d| format::date_full(d, self.lang))
    }

    /// `今日`, `3日前`, then the date.
    #[must_use]
    pub fn day_ago(&self, date: &str) -> String {
        let Some(d) = format::parse_date(date) else { return date.to_owned() };
        format::days_ago(d, self.today(), self.lang).unwrap_or_else(|| format::date_short(d, self.today(), self.lang))
    }

    /// Days since a business date, for tints.
    #[must_use]
    pub fn quiet_days(&self, date: &str) -> i64 {
        format::parse_date(date).map_or(0, |d| format::days_between(d, self.today()))
    }

    /// Heading of a day in the history: `11月20日(金)・今日`.
    #[must_use]
    pub fn day_heading(&self, date: &str) -> String {
        let Some(d) = format::parse_date(date) else { return date.to_owned() };
        let heading = format::date_weekday(d, self.today(), self.lang);
        match format::days_between(d, self.today()) {
            days @ 0..=1 => {
                let word = self.t(if days == 0 { "time.today" } else { "time.yesterday" });
                self.f2("time.heading", heading, word)
            }
            _ => heading,
        }
    }

    fn local(&self, at: Timestamp) -> jiff::Zoned {
        at.zoned(&self.zone)
    }

    fn exact(&self, at: Timestamp) -> String {
        let local = self.local(at);
        let date = format::date_full(local.date(), self.lang);
        format!("{date} {} {}", local.strftime("%H:%M:%S"), local.strftime("%Z"))
    }

    fn time_element(&self, at: Timestamp, text: &str) -> Markup {
        Markup::new(format!(
            "<time datetime=\"{}\" title=\"{}\">{}</time>",
            at.rfc3339(),
            escape(&self.exact(at)),
            escape(text)
        ))
    }

    /// `2分前`, then the date; the exact instant is its title.
    #[must_use]
    pub fn ago(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        let text = format::ago(at, self.now, self.lang)
            .unwrap_or_else(|| format::date_short(self.local(at).date(), self.today(), self.lang));
        self.time_element(at, &text)
    }

    /// Recent enough for [`Self::ago`] to say more than the date.
    #[must_use]
    pub fn recent(&self, at: impl Instant) -> bool {
        format::ago(at.instant(), self.now, self.lang).is_some()
    }

    /// `3分後`.
    #[must_use]
    pub fn until(&self, at: impl Instant) -> Markup {
        self.time_element(at.instant(), &format::until(at.instant(), self.now, self.lang))
    }

    /// `09:42`.
    #[must_use]
    pub fn clock(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        self.time_element(at, &self.local(at).strftime("%H:%M").to_string())
    }

    /// `10:00` today, `11/18 10:00` on other days.
    #[must_use]
    pub fn when(&self, at: impl Instant) -> Markup {
        self.clock_and_day(at.instant(), "%H:%M")
    }

    /// `10:00:12` today, `11/18 10:00:12` on other days: for lists in which seconds count.
    #[must_use]
    pub fn exact_short(&self, at: impl Instant) -> Markup {
        self.clock_and_day(at.instant(), "%H:%M:%S")
    }

    fn clock_and_day(&self, at: Timestamp, clock: &str) -> Markup {
        self.time_element(at, &self.clock_and_day_text(at, clock))
    }

    fn clock_and_day_text(&self, at: Timestamp, clock: &str) -> String {
        let local = self.local(at);
        let clock = local.strftime(clock).to_string();
        if local.date() == self.today() {
            return clock;
        }
        format!("{} {clock}", format::date_short(local.date(), self.today(), self.lang))
    }

    /// As [`Self::when`], for the middle of a sentence.
    #[must_use]
    pub fn when_text(&self, at: impl Instant) -> String {
        self.clock_and_day_text(at.instant(), "%H:%M")
    }

    /// As [`Self::at`], for the middle of a sentence.
    #[must_use]
    pub fn at_text(&self, at: impl Instant) -> String {
        let local = self.local(at.instant());
        format!("{} {}", format::date_full(local.date(), self.lang), local.strftime("%H:%M"))
    }

    /// `2026-11-20T10:14` in the organisation's zone, for a field that takes date and time.
    #[must_use]
    pub fn local_minute(&self, at: impl Instant) -> String {
        self.local(at.instant()).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// Date, time with seconds, and zone.
    #[must_use]
    pub fn exact_time(&self, at: impl Instant) -> Markup {
        let at = at.instant();
        self.time_element(at, &self.exact(at))
    }

    /// Date and time in full.
    #[must_use]
    pub fn at(&self, at: impl Instant) -> Markup {
        self.time_element(at.instant(), &self.at_text(at.instant()))
    }

    /// The day of an instant, in full.
    #[must_use]
    pub fn date_of(&self, at: impl Instant) -> String {
        format::date_full(self.local(at.instant()).date(), self.lang)
    }

    /// `30分`, `26時間`.
    #[must_use]
    pub fn length(&self, micros: impl Num) -> String {
        format::length(micros.num(), self.lang)
    }

    /// `9:00`, for axes.
    #[must_use]
    pub fn hour(&self, at: impl Instant) -> String {
        self.local(at.instant()).strftime("%-H:%M").to_string()
    }

    /// Now, with its weekday: `2026/11/20(金) 10:14`.
    #[must_use]
    pub fn moment(&self) -> String {
        let local = self.local(self.now);
        let day = format::date_weekday(local.date(), local.date(), self.lang);
        format!("{day} {}", local.strftime("%H:%M"))
    }

    #[must_use]
    pub fn duration(&self, micros: impl Num) -> String {
        format::duration(micros.num(), self.lang)
    }

    /// Length of time between two instants.
    #[must_use]
    pub fn span(&self, from: impl Instant, to: impl Instant) -> String {
        format::duration(to.instant().since(from.instant()), self.lang)
    }
}
