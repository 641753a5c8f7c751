//! `/customers/{id}`: one customer with figures, charts, history and master record.

use url::form_urlencoded;

use super::{
    activity::ActivityForm,
    customer_relation,
    event_text::{event_line, event_title, master_value},
    format,
};
use crate::{
    analytics::{
        Basis,
        customer::{MasterValue, Overview, Relation},
        timeline::{Event, Filter, Kind, Timeline},
    },
    http::console::{
        Lang, Shell,
        chart::{self, Bar, Frame},
        markup::Markup,
    },
    model::{Shown, Timestamp, custom},
};

/// Chip above the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chip {
    #[default]
    All,
    Orders,
    Shipments,
    Billing,
    Deals,
    Contracts,
    Inquiries,
    Activities,
    Changes,
}

impl Chip {
    pub const EVERY: [Self; 9] = [
        Self::All,
        Self::Orders,
        Self::Shipments,
        Self::Billing,
        Self::Deals,
        Self::Contracts,
        Self::Inquiries,
        Self::Activities,
        Self::Changes,
    ];

    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Orders => "orders",
            Self::Shipments => "shipments",
            Self::Billing => "billing",
            Self::Deals => "deals",
            Self::Contracts => "contracts",
            Self::Inquiries => "inquiries",
            Self::Activities => "activities",
            Self::Changes => "changes",
        }
    }

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::All => "timeline.all",
            Self::Orders => "timeline.orders",
            Self::Shipments => "timeline.shipments",
            Self::Billing => "timeline.billing",
            Self::Deals => "timeline.deals",
            Self::Contracts => "timeline.contracts",
            Self::Inquiries => "timeline.inquiries",
            Self::Activities => "timeline.activities",
            Self::Changes => "timeline.changes",
        }
    }

    fn is_rare(self) -> bool {
        matches!(self, Self::Deals | Self::Contracts | Self::Inquiries)
    }

    fn kinds(self) -> Vec<Kind> {
        match self {
            Self::All => vec![],
            Self::Orders => vec![Kind::Order],
            Self::Shipments => vec![Kind::Shipment],
            Self::Billing => vec![Kind::Invoice, Kind::CreditNote, Kind::Payment],
            Self::Deals => vec![Kind::Deal, Kind::Quote],
            Self::Contracts => vec![Kind::Contract],
            Self::Inquiries => vec![Kind::Inquiry],
            Self::Activities => vec![Kind::Activity],
            Self::Changes => vec![Kind::MasterChange],
        }
    }
}

/// The filter of the history as it stands in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    pub chip: Chip,
    pub from: String,
    pub to: String,
    pub source: String,
    pub q: String,
    pub after: String,
}

impl HistoryQuery {
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        let mut query = Self::default();
        for (key, value) in form_urlencoded::parse(raw.as_bytes()) {
            let value: String = value.trim().chars().take(200).collect();
            match key.as_ref() {
                "t" => query.chip = Chip::EVERY.into_iter().find(|chip| chip.value() == value).unwrap_or_default(),
                "from" if format::parse_date(&value).is_some() => query.from = value,
                "to" if format::parse_date(&value).is_some() => query.to = value,
                "source" => query.source = value,
                "h" => query.q = value,
                "after" => query.after = value,
                _ => {}
            }
        }
        query
    }

    /// The question to the timeline, 50 events at a time.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Filter {
            kinds: self.chip.kinds(),
            from: some(&self.from),
            to: some(&self.to),
            connection_id: some(&self.source),
            owner: None,
            text: some(&self.q),
            after: some(&self.after),
            limit: 50,
        }
    }

    fn href(&self, id: &str) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (key, value) in [
            ("t", self.chip.value()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
            ("source", self.source.as_str()),
            ("h", self.q.as_str()),
            ("after", self.after.as_str()),
        ] {
            if !value.is_empty() {
                out.append_pair(key, value);
            }
        }
        let query = out.finish();
        if query.is_empty() { format!("/customers/{id}") } else { format!("/customers/{id}?{query}") }
    }

    /// Something narrows the history.
    #[must_use]
    pub fn narrowed(&self) -> bool {
        *self != Self { after: self.after.clone(), ..Self::default() }
    }

    /// A period or word is set, so that the form stands open.
    #[must_use]
    pub fn detailed(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty() || !self.source.is_empty() || !self.q.is_empty()
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct CustomerPage {
    pub overview: Overview,
    pub timeline: Timeline,
    pub query: HistoryQuery,
    /// The three-point guide after the first run.
    pub guide: bool,
    /// The code in the address belonged to a customer merged into this one.
    pub merged_from: Option<String>,
    pub activity: ActivityForm,
    /// Typed values that a source contradicts.
    pub conflicts: Vec<Conflict>,
}

/// A typed value and a source's that mean different things, until somebody has looked.
#[derive(Clone, Debug)]
pub struct Conflict {
    pub field: String,
    /// `None`: there is none.
    pub typed: Option<Shown>,
    pub actor: String,
    pub typed_at: Timestamp,
    /// `None`: there is none.
    pub said: Option<Shown>,
    /// Kind and name of the connection.
    pub source: Option<(String, String)>,
    pub at: Timestamp,
    /// The typed value stands (it is pinned), else the source's.
    pub typed_won: bool,
}

impl Conflict {
    /// The reader may not see what is at odds, and does not decide it.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        [&self.typed, &self.said].into_iter().flatten().any(Shown::is_hidden)
    }
}

/// The events of one day.
#[derive(Clone, Copy, Debug)]
pub struct Day<'a> {
    pub date: &'a str,
    pub events: &'a [Event],
}

impl CustomerPage {
    #[must_use]
    pub fn href(&self) -> String {
        format!("/customers/{}", self.overview.id)
    }

    #[must_use]
    pub fn chips(&self) -> Vec<(Chip, i64, String)> {
        let counts = self.timeline.counts;
        Chip::EVERY
            .into_iter()
            .map(|chip| {
                let count = match chip {
                    Chip::All => counts.all(),
                    Chip::Orders => counts.orders,
                    Chip::Shipments => counts.shipments,
                    Chip::Billing => counts.billing,
                    Chip::Deals => counts.deals,
                    Chip::Contracts => counts.contracts,
                    Chip::Inquiries => counts.inquiries,
                    Chip::Activities => counts.activities,
                    Chip::Changes => counts.changes,
                };
                let query = HistoryQuery { chip, after: String::new(), ..self.query.clone() };
                (chip, count, query.href(&self.overview.id))
            })
            // What few customers have takes no place where there is none of it.
            .filter(|(chip, count, _)| *count > 0 || *chip == self.query.chip || !chip.is_rare())
            .collect()
    }

    /// The chosen period as it stands on its chip.
    #[must_use]
    pub fn period(&self, s: &Shell) -> Option<String> {
        let HistoryQuery { from, to, .. } = &self.query;
        let day = |date: &str| if date.is_empty() { String::new() } else { s.day_full(date) };
        (!from.is_empty() || !to.is_empty()).then(|| s.f2("timeline.period", day(from), day(to)))
    }

    /// The address of the next, older events.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        let after = self.timeline.next.clone()?;
        Some(HistoryQuery { after, ..self.query.clone() }.href(&self.overview.id))
    }

    #[must_use]
    pub fn days(&self) -> Vec<Day<'_>> {
        self.timeline
            .events
            .chunk_by(|a, b| a.date == b.date)
            .map(|events| Day { date: &events[0].date, events })
            .collect()
    }

    /// Second line of the head: kana, code, city, 担当.
    #[must_use]
    pub fn sub(&self, s: &Shell) -> String {
        let o = &self.overview;
        let who = [o.department.as_deref(), o.owner.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let owner = (!who.is_empty()).then(|| s.f1("customer.owner_is", &who));
        let lead = o.master.iter().find(|m| o.prospect && m.field == "lead_source").and_then(|m| m.value.clear());
        let lead = lead.map(|source| s.f1("life_stage.lead", source));
        let parts = [o.name_kana.clone(), o.code.clone(), o.city.clone(), owner, lead];
        parts.into_iter().flatten().collect::<Vec<_>>().join(s.t("sep"))
    }

    #[must_use]
    pub fn sales_key(&self) -> &'static str {
        match self.overview.figures.basis {
            Basis::Invoiced => "kpi.sales",
            Basis::Ordered => "kpi.sales_ordered",
        }
    }

    #[must_use]
    pub fn sales_change(&self) -> Option<(bool, String)> {
        format::change(self.overview.figures.sales_12m, self.overview.figures.sales_prev_12m)
    }

    #[must_use]
    pub fn relation(&self, s: &Shell) -> Option<String> {
        let first = format::parse_date(self.overview.figures.first_order.as_deref()?)?;
        Some(format::years_months(first, s.today(), s.lang))
    }

    /// Word for the sum of the three quintiles.
    #[must_use]
    pub fn rfm_key(&self) -> &'static str {
        match self.overview.figures.rfm.map(|(r, f, m)| r + f + m) {
            Some(13..) => "kpi.rfm_best",
            Some(10..=12) => "kpi.rfm_good",
            Some(7..=9) => "kpi.rfm_middle",
            Some(_) => "kpi.rfm_low",
            None => "kpi.rfm_none",
        }
    }

    #[must_use]
    pub fn sales_chart(&self, s: &Shell) -> Markup {
        let figures = &self.overview.figures;
        let bars: Vec<Bar> = figures
            .months
            .iter()
            .enumerate()
            .map(|(index, month)| Bar {
                label: format::month_label(&month.month, with_year(index, &month.month, s.lang), s.lang),
                value: month.sales,
                before: Some(month.sales_last_year),
                class: "bar",
            })
            .collect();
        let frame = Frame { width: 470.0, height: 196.0, left: 50.0, every: 1, extremes: true };
        chart::bars(&bars, frame, s.t("customer.chart_sales"), &self.sales_summary(s), |value| {
            format::axis(value, figures.currency, s.lang)
        })
    }

    fn sales_summary(&self, s: &Shell) -> String {
        let figures = &self.overview.figures;
        let (Some(last), Some(best)) = (figures.months.last(), figures.months.iter().max_by_key(|m| m.sales)) else {
            return String::new();
        };
        let month = |m: &str| format::month_label(m, true, s.lang);
        let best_text = s.f2("customer.chart_point", month(&best.month), s.money(best.sales, figures.currency));
        let last_text = s.f2("customer.chart_point", month(&last.month), s.money(last.sales, figures.currency));
        s.f2("customer.chart_sales_summary", best_text, last_text)
    }

    #[must_use]
    pub fn orders_chart(&self, s: &Shell) -> Markup {
        let months = &self.overview.figures.months;
        let bars: Vec<Bar> = months
            .iter()
            .map(|month| Bar {
                label: format::month_label(&month.month, false, s.lang),
                value: month.orders,
                before: None,
                class: "bar2",
            })
            .collect();
        let frame = Frame { width: 216.0, height: 196.0, left: 22.0, every: 3, extremes: false };
        let low = months.iter().map(|m| m.orders).min().unwrap_or(0);
        let high = months.iter().map(|m| m.orders).max().unwrap_or(0);
        let summary = s.f2("customer.chart_orders_summary", low, high);
        chart::bars(&bars, frame, s.t("customer.chart_orders"), &summary, format::group)
    }

    #[must_use]
    pub fn month_name(&self, s: &Shell, month: &str) -> String {
        format::month_label(month, true, s.lang)
    }

    #[must_use]
    pub fn title(&self, s: &Shell, event: &Event) -> String {
        event_title(s, event)
    }

    #[must_use]
    pub fn line(&self, s: &Shell, event: &Event) -> String {
        event_line(s, event)
    }

    #[must_use]
    pub fn value(&self, s: &Shell, value: &MasterValue) -> Option<String> {
        Some(master_value(s, &value.field, value.value.clear()?, self.overview.figures.currency))
    }

    #[must_use]
    pub fn losing(&self, s: &Shell, field: &str, value: &str) -> String {
        master_value(s, field, value, self.overview.figures.currency)
    }

    /// From when to when somebody looked after the customer.
    #[must_use]
    pub fn span(&self, s: &Shell, relation: &Relation) -> String {
        customer_relation::span(s, relation)
    }

    /// Retired fields keep their values, and no page shows them.
    #[must_use]
    pub fn master(&self, s: &Shell) -> Vec<&MasterValue> {
        self.overview.master.iter().filter(|m| is_shown(s, &m.field)).collect()
    }

    /// A reason for the health state in words.
    #[must_use]
    pub fn reason(&self, s: &Shell, reason: &(String, i64)) -> String {
        let key = format!("health_reason.{}", reason.0);
        if s.lang.find(&key).is_none() {
            return reason.0.clone();
        }
        let money = matches!(reason.0.as_str(), "overdue" | "overdue_amount");
        if money { s.f1(&key, s.money(reason.1, self.overview.figures.currency)) } else { s.n(&key, reason.1) }
    }
}

/// The year stands at January and at the start of the axis; English labels are too wide for both.
fn with_year(index: usize, month: &str, lang: Lang) -> bool {
    month.ends_with("-01") || (index == 0 && (lang == Lang::Ja || !month.ends_with("-12")))
}

/// One of the hub's own fields, or one that the administrator added and did not retire.
#[must_use]
pub fn is_shown(s: &Shell, field: &str) -> bool {
    custom::key_of(field).is_none() || s.fields.of_field(field).is_some_and(|added| !added.retired)
}
