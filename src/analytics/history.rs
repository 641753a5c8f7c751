//! Loading the timeline: every kind is read newest first from its own index, then merged.
//!
//! Order: day, instant (none is the oldest of its day), id; all descending. The cursor is that
//! triple of the last event, so a page never repeats or loses one while new events arrive.

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::{
    customer::Source,
    overview::shown,
    timeline::{Counts, Detail, Event, Filter, Kind, Timeline},
};
use crate::{
    matching::fold::fold,
    model::{Money, Shown, Timestamp, money::Currency},
    store::{
        Db, InView, StoreError,
        read_timeline::{self as rows, CountRow, EventRow, Range},
    },
};

const LIMIT_MAX: usize = 200;
const FIRST_DAY: &str = "0000-01-01";
const LAST_DAY: &str = "9999-12-31";

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    day: String,
    at: i64,
    id: String,
}

impl Place {
    fn start() -> Self {
        Self { day: "9999-99-99".into(), at: i64::MAX, id: String::new() }
    }

    fn of(event: &Event) -> Self {
        Self { day: event.date.clone(), at: event.at.map_or(0, |at| at.0), id: event.id.clone() }
    }

    /// `2026-11-20~1732000000000000~ord_…`; anything else starts from the top.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '~');
        let day = crate::model::Date::parse(parts.next()?)?.to_string();
        Some(Self { day, at: parts.next()?.parse().ok()?, id: parts.next()?.to_owned() })
    }

    fn text(&self) -> String {
        format!("{}~{}~{}", self.day, self.at, self.id)
    }
}

/// Whether a text is a place that [`Timeline::next`] could have told.
#[must_use]
pub fn is_place(text: &str) -> bool {
    Place::parse(text).is_some()
}

/// One page of the history of one customer. The organisation's zone decides under which day a master
/// change is listed; business dates stand as their source wrote them.
pub async fn load(db: &Db, seen: &InView, filter: &Filter, zone: &TimeZone) -> Result<Timeline, StoreError> {
    let limit = filter.limit.clamp(1, LIMIT_MAX);
    let (count_rows, connections) = tokio::try_join!(rows::counts(db, seen), rows::connections(db))?;
    let reader = Reader {
        db,
        seen,
        filter,
        zone,
        sources: connections
            .into_iter()
            .map(|(id, name, kind)| (id.clone(), Source { connection_id: Some(id), name, kind }))
            .collect(),
    };
    let mut place = filter.after.as_deref().and_then(Place::parse).unwrap_or_else(Place::start);
    let needle = filter.text.as_deref().map(fold).filter(|t| !t.is_empty());
    let mut events = Vec::new();
    loop {
        // One more than the page says whether there is a next one.
        let batch = if needle.is_some() { LIMIT_MAX } else { limit + 1 };
        let read = reader.read(&place, batch).await?;
        let exhausted = read.len() < batch;
        if let Some(last) = read.last() {
            place = Place::of(last);
        }
        match &needle {
            None => events.extend(read),
            Some(needle) => events.extend(reader.matching(read, needle).await?),
        }
        if exhausted || events.len() > limit {
            break;
        }
    }
    let more = events.len() > limit;
    events.truncate(limit);
    let next = if more { events.last().map(|e| Place::of(e).text()) } else { None };
    Ok(Timeline { events, next, counts: counts(&count_rows), since: since(&count_rows, zone) })
}

struct Reader<'a> {
    db: &'a Db,
    seen: &'a InView,
    filter: &'a Filter,
    zone: &'a TimeZone,
    sources: FxHashMap<String, Source>,
}

impl Reader<'_> {
    /// The newest `limit` events behind a place.
    async fn read(&self, place: &Place, limit: usize) -> Result<Vec<Event>, StoreError> {
        let found = rows::events(self.db, &self.range(place, limit)).await?;
        let mut events: Vec<Event> = found.into_iter().map(|row| self.event(row)).collect();
        let at = |e: &Event| e.at.map_or(0, |at| at.0);
        events.sort_by(|a, b| b.date.cmp(&a.date).then_with(|| at(b).cmp(&at(a))).then_with(|| b.id.cmp(&a.id)));
        events.truncate(limit);
        self.add_numbers(&mut events).await?;
        Ok(events)
    }

    fn range(&self, place: &Place, limit: usize) -> Range<'_> {
        let wanted = |kind: Kind| self.filter.kinds.is_empty() || self.filter.kinds.contains(&kind);
        let limit_of = |wanted: bool| if wanted { limit as i64 } else { 0 };
        let from = self.filter.from.clone().unwrap_or_else(|| FIRST_DAY.into());
        let to = self.filter.to.clone().unwrap_or_else(|| LAST_DAY.into());
        Range {
            customer: self.seen,
            instants: [
                self.midnight(&from, 0).unwrap_or(i64::MIN),
                self.midnight(&to, 1).unwrap_or(i64::MAX),
                self.midnight(&place.day, 0).unwrap_or(i64::MAX),
                self.midnight(&place.day, 1).unwrap_or(i64::MAX),
            ],
            from,
            // The narrower bound lets the index do the work.
            to: to.min(place.day.clone()),
            day: place.day.clone(),
            at: place.at,
            id: place.id.clone(),
            connection_id: self.filter.connection_id.as_deref(),
            actor: self.filter.owner.as_deref(),
            limits: [
                limit_of(wanted(Kind::Order)),
                limit_of(wanted(Kind::Invoice) || wanted(Kind::CreditNote)),
                limit_of(wanted(Kind::Payment)),
                limit_of(wanted(Kind::Activity)),
                limit_of(wanted(Kind::MasterChange)),
                limit_of(wanted(Kind::Shipment)),
                limit_of(wanted(Kind::Deal)),
                limit_of(wanted(Kind::Quote)),
                limit_of(wanted(Kind::Contract)),
                limit_of(wanted(Kind::Inquiry)),
            ],
            invoice_kinds: [
                if wanted(Kind::Invoice) { "invoice" } else { "" },
                if wanted(Kind::CreditNote) { "credit_note" } else { "" },
            ],
        }
    }

    /// The first instant of a day in the zone.
    fn midnight(&self, day: &str, plus: i64) -> Option<i64> {
        let date: Date = crate::model::Date::parse(day)?.0.checked_add(plus.days()).ok()?;
        Some(date.to_zoned(self.zone.clone()).ok()?.timestamp().as_microsecond())
    }

    fn event(&self, row: EventRow) -> Event {
        let kind = match row.kind.as_str() {
            "order" => Kind::Order,
            "shipment" => Kind::Shipment,
            "credit_note" => Kind::CreditNote,
            "payment" => Kind::Payment,
            "deal" => Kind::Deal,
            "quote" => Kind::Quote,
            "contract" => Kind::Contract,
            "inquiry" => Kind::Inquiry,
            "activity" => Kind::Activity,
            "version" => Kind::MasterChange,
            _ => Kind::Invoice,
        };
        let at = row.at.map(Timestamp);
        let date = if kind == Kind::MasterChange {
            at.map_or_else(String::new, |at| crate::model::Date(at.zoned(self.zone).date()).to_string())
        } else {
            row.date
        };
        let source = match &row.connection_id {
            Some(id) => self.sources.get(id).cloned().unwrap_or_else(|| Source {
                connection_id: Some(id.clone()),
                name: String::new(),
                kind: "generic".into(),
            }),
            None => Source { connection_id: None, name: String::new(), kind: "hub".into() },
        };
        let currency = row.currency.as_deref().and_then(|c| c.parse().ok()).unwrap_or(Currency::JPY);
        let EventRow { id, title, amount, a, b, c, d, e, n, .. } = row;
        Event {
            id,
            kind,
            date,
            at,
            source,
            title,
            amount,
            currency,
            detail: detail(self.seen, kind, [a, b, c, d, e], n),
        }
    }

    /// Which invoices the payments of a page cover, and which orders its shipments fulfil, in one statement.
    async fn add_numbers(&self, events: &mut [Event]) -> Result<(), StoreError> {
        let refers = |e: &&Event| matches!(e.kind, Kind::Payment | Kind::Shipment);
        let documents: Vec<String> = events.iter().filter(refers).map(|e| e.id.clone()).collect();
        if documents.is_empty() {
            return Ok(());
        }
        let mut numbers: FxHashMap<String, Vec<String>> = FxHashMap::default();
        for row in rows::numbers(self.db, &documents).await? {
            numbers.entry(row.id).or_default().push(row.value);
        }
        for event in events {
            if let Detail::Payment { invoices: found, .. } | Detail::Shipment { orders: found, .. } = &mut event.detail
            {
                *found = numbers.remove(&event.id).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Those events in which the folded text stands.
    async fn matching(&self, events: Vec<Event>, needle: &str) -> Result<Vec<Event>, StoreError> {
        let ids: Vec<String> = events
            .iter()
            .filter(|e| matches!(e.kind, Kind::Order | Kind::Quote | Kind::Shipment | Kind::Invoice | Kind::CreditNote))
            .map(|e| e.id.clone())
            .collect();
        let mut lines: FxHashMap<String, String> = FxHashMap::default();
        if !ids.is_empty() {
            for row in rows::line_texts(self.db, &ids).await? {
                let text = lines.entry(row.id).or_default();
                text.push('\u{1}');
                text.push_str(&fold(&row.value));
            }
        }
        Ok(events
            .into_iter()
            .filter(|e| lines.get(&e.id).is_some_and(|text| text.contains(needle)) || stands_in(e, needle))
            .collect())
    }
}

/// What the columns `a` to `e` hold for each kind stands in the statement.
fn detail(seen: &InView, kind: Kind, [a, b, c, d, e]: [Option<String>; 5], n: i64) -> Detail {
    match kind {
        Kind::Order => Detail::Order {
            first_line: c.or(e),
            quantity: d,
            more_lines: (n - 1).max(0),
            delivery_date: b,
            status: a.unwrap_or_default(),
        },
        Kind::Shipment => Detail::Shipment {
            first_line: c.or(e),
            quantity: d,
            more_lines: (n - 1).max(0),
            carrier: b.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            status: a.unwrap_or_default(),
            orders: Vec::new(),
        },
        Kind::Invoice | Kind::CreditNote => Detail::Invoice {
            closing_date: b,
            due_date: c,
            qualified: e.is_some(),
            status: a.unwrap_or_default(),
            corrects: d,
        },
        Kind::Payment => Detail::Payment { method: a, invoices: Vec::new() },
        Kind::Deal => Detail::Deal {
            status: a.unwrap_or_default(),
            stage: b,
            probability: c.and_then(|text| text.parse().ok()),
            expected_date: d,
            moved: n > 0,
        },
        Kind::Quote => Detail::Quote {
            first_line: c.or(e),
            quantity: d,
            more_lines: (n - 1).max(0),
            valid_until: b,
            status: a.unwrap_or_default(),
        },
        Kind::Contract => {
            Detail::Contract { number: c.unwrap_or_default(), end_date: b, status: a.unwrap_or_default() }
        }
        Kind::Inquiry => {
            Detail::Inquiry { channel: b.unwrap_or_default(), status: a.unwrap_or_default(), note: c, owner: d }
        }
        Kind::Activity => Detail::Activity { activity: a.unwrap_or_default(), note: b, actor: c.unwrap_or_default() },
        Kind::MasterChange => Detail::MasterChange {
            created: c.is_none(),
            changes: differences(c.as_deref(), b.as_deref())
                .into_iter()
                .map(|(field, before, after)| {
                    let as_seen = |value: Option<String>| value.map(|value| shown(seen, &field, value));
                    let (before, after) = (as_seen(before), as_seen(after));
                    (field, before, after)
                })
                .collect(),
            reason: a.unwrap_or_default(),
        },
    }
}

fn stands_in(event: &Event, needle: &str) -> bool {
    let has = |text: &str| fold(text).contains(needle);
    if has(&event.title) {
        return true;
    }
    match &event.detail {
        Detail::Order { first_line, .. } => first_line.as_deref().is_some_and(has),
        Detail::Shipment { first_line, carrier, orders, .. } => {
            first_line.as_deref().is_some_and(has)
                || carrier.as_deref().is_some_and(has)
                || orders.iter().any(|number| has(number))
        }
        Detail::Invoice { corrects, .. } => corrects.as_deref().is_some_and(has),
        Detail::Payment { method, invoices } => {
            method.as_deref().is_some_and(has) || invoices.iter().any(|number| has(number))
        }
        Detail::Deal { stage, .. } => stage.as_deref().is_some_and(has),
        Detail::Quote { first_line, .. } => first_line.as_deref().is_some_and(has),
        Detail::Contract { number, .. } => has(number),
        Detail::Inquiry { note, owner, .. } => [note, owner].into_iter().flatten().any(|text| has(text)),
        Detail::Activity { note, actor, .. } => note.as_deref().is_some_and(has) || has(actor),
        Detail::MasterChange { changes, .. } => changes
            .iter()
            .any(|(_, before, after)| [before, after].into_iter().flatten().filter_map(Shown::clear).any(has)),
    }
}

/// Fields whose values differ between two bodies: field, before, after. Nothing for the first body.
fn differences(before: Option<&str>, after: Option<&str>) -> Vec<(String, Option<String>, Option<String>)> {
    let read = |text: Option<&str>| -> Option<Map<String, Value>> { serde_json::from_str(text?).ok() };
    let (Some(before), Some(after)) = (read(before), read(after)) else { return Vec::new() };
    let mut fields: Vec<&String> = after.keys().collect();
    fields.extend(before.keys().filter(|k| !after.contains_key(*k)));
    fields
        .into_iter()
        .filter(|field| !matches!(field.as_str(), "id" | "seq" | "updated_at" | "created_at" | "provenance"))
        .filter_map(|field| {
            let (old, new) = (as_text(&before, field), as_text(&after, field));
            (old != new).then(|| (field.strip_suffix("_minor").unwrap_or(field).to_owned(), old, new))
        })
        .collect()
}

/// A value as text; amounts in major units of the body's currency.
pub(super) fn as_text(body: &Map<String, Value>, field: &str) -> Option<String> {
    match body.get(field)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|t| !t.is_empty()),
        Value::Number(minor) if field.ends_with("_minor") => {
            let currency = body.get("currency").and_then(Value::as_str).and_then(|c| c.parse().ok());
            let currency = currency.unwrap_or(Currency::JPY);
            Some(minor.as_i64().map_or_else(|| minor.to_string(), |minor| Money { minor, currency }.to_major()))
        }
        other => Some(other.to_string()),
    }
}

fn counts(rows: &[CountRow]) -> Counts {
    let of = |kind: &str| rows.iter().filter(|r| r.kind == kind).map(|r| r.n).sum::<i64>();
    Counts {
        orders: of("order"),
        shipments: of("shipment"),
        billing: of("invoice") + of("payment"),
        deals: of("deal") + of("quote"),
        contracts: of("contract"),
        inquiries: of("inquiry"),
        activities: of("activity"),
        changes: of("version"),
    }
}

fn since(rows: &[CountRow], zone: &TimeZone) -> Option<String> {
    let first_change =
        rows.iter().find_map(|r| r.first_at).map(|at| crate::model::Date(Timestamp(at).zoned(zone).date()));
    rows.iter().filter_map(|r| r.first_date.clone()).chain(first_change.map(|d| d.to_string())).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_a_round_trip() {
        let place = Place { day: "2026-11-20".into(), at: 17, id: "ord_1".into() };
        assert_eq!(Place::parse(&place.text()), Some(place));
        for bad in ["", "2026-11-20", "2026-13-20~1~x", "2026-11-20~x~y"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn differences_of_bodies() {
        let old = r#"{"name":"朝凪","phone":null,"credit_limit_minor":1000,"currency":"JPY","seq":1,"gone":"x"}"#;
        let new = r#"{"name":"朝凪電装","phone":"03-0001-2345","credit_limit_minor":2000,"currency":"JPY","seq":2}"#;
        let text = |t: &str| Some(t.to_owned());
        assert_eq!(
            differences(Some(old), Some(new)),
            [
                ("name".to_owned(), text("朝凪"), text("朝凪電装")),
                ("phone".to_owned(), None, text("03-0001-2345")),
                ("credit_limit".to_owned(), text("1000"), text("2000")),
                ("gone".to_owned(), text("x"), None),
            ]
        );
        assert_eq!(differences(None, Some(new)), []);
    }
}
