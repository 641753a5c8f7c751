//! From one page to the next.
//!
//! A pull reads the stream's own model in the order of change, then, for each of its parts, which
//! records changed, and the wholes that these belong to. Every page is one request. The first pull
//! of all brings every record in the first step; for the parts it only notes when it began.

use jiff::Timestamp;
use musubi_sdk::{Page, PageToken, PullRequest, Record, SourceError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Plan, Tryton,
    cursor::{self, Marks, Place, Stand, Times},
    domain::{all, is},
    rest::{Listing, Question},
    shape::truthy,
    source::Part,
};

/// Ids go into the address, and addresses have an end.
const MOST_IDS: u32 = 200;
/// Keys of a page when nothing but keys is asked for.
const KEYS: u32 = 1000;

/// The inside of a [`PageToken`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Position {
    /// Nothing was ever read before this pull.
    initial: bool,
    /// The cursor with which it began.
    start: Stand,
    /// The cursor by now.
    now: Stand,
    /// The server's clock at the first answer.
    began: Option<Timestamp>,
    /// What the first answer said about the number of records.
    total: Option<u64>,
    /// The part being read; `None`: the stream's own model.
    part: Option<String>,
    /// The last record read of this model.
    after: Option<Place>,
    /// More of this model follows.
    more: bool,
    /// Wholes to bring next.
    wanted: Vec<i64>,
}

impl Position {
    fn of(request: &PullRequest<'_>) -> Result<Self, SourceError> {
        // A token knows everything that the pull started from, whatever cursor was stored meanwhile.
        if let Some(token) = request.token {
            return serde_json::from_value(token.0.clone()).map_err(|_| SourceError::Config {
                code: "TOKEN_UNREADABLE",
                detail: "the page token is not one of this connector".to_owned(),
            });
        }
        let Some(cursor) = request.cursor else { return Ok(Self { initial: true, ..Self::default() }) };
        let start = Stand::read(cursor)?;
        Ok(Self { now: start.clone(), start, ..Self::default() })
    }

    /// Leaves the model just read; `false`: there is no other.
    fn turn(&mut self, parts: &[&'static Part]) -> bool {
        let next = match &self.part {
            None => parts.first(),
            Some(done) => parts.iter().skip_while(|part| part.model != done).nth(1),
        };
        self.after = None;
        self.more = false;
        self.part = next.map(|part| part.model.to_owned());
        self.part.is_some() && !self.initial
    }

    fn page(self, records: Vec<Record>, goes_on: bool, is_safe: bool) -> Page {
        Page {
            records,
            cursor: is_safe.then(|| self.now.write()),
            total: self.total,
            next: goes_on.then(|| PageToken(serde_json::to_value(&self).unwrap_or_default())),
        }
    }
}

impl Tryton {
    pub(crate) async fn page(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        let plan = self.plan(request.stream).await?;
        let at = Position::of(&request)?;
        let size = request.page_size.unwrap_or(u32::MAX).min(self.page_size).max(1);
        if !at.wanted.is_empty() {
            return self.wholes(&plan, at, size).await;
        }
        match &at.part {
            None => self.own(&plan, at, size).await,
            Some(model) => {
                let part = plan.parts.iter().find(|part| part.model == model).copied();
                let part = part.ok_or_else(|| SourceError::Config {
                    code: "TOKEN_UNREADABLE",
                    detail: format!("{model} is no part of this stream"),
                })?;
                self.parts(&plan, part, at, size.min(MOST_IDS)).await
            }
        }
    }

    async fn own(&self, plan: &Plan, mut at: Position, size: u32) -> Result<Page, SourceError> {
        let conditions = self.domain(plan);
        let question = plan.question(plan.source.model, &plan.fields, conditions.clone(), Some(size));
        let marks = at.start.own.clone();
        let listing = self.next(question, &marks, &at, size > 1).await?;
        let times = self.times(&mut at, &listing);
        let (records, places) = plan.records(listing.rows)?;
        at.now.own.pass(&places, times);
        if at.initial && at.after.is_none() && at.total.is_none() {
            for part in &plan.parts {
                at.now.parts.insert(part.model.to_owned(), Marks::at(times.began));
            }
            at.total = match listing.total {
                Some(total) => Some(total),
                // Tryton counts no further than some pages ahead. A count that fails fails nothing else.
                None => self.rest.count(plan.source.model, &all(conditions)).await.ok().flatten(),
            };
        }
        at.after = places.last().cloned();
        if listing.more {
            return Ok(at.page(records, true, true));
        }
        at.now.own.end(times);
        let goes_on = at.turn(&plan.parts);
        Ok(at.page(records, goes_on, true))
    }

    /// Which records of a part changed, and so which wholes.
    async fn parts(&self, plan: &Plan, part: &Part, mut at: Position, size: u32) -> Result<Page, SourceError> {
        let (fields, conditions) = plan.way_back(part);
        let question = plan.question(part.model, &fields, conditions, Some(size));
        let marks = at.start.parts.get(part.model).cloned().unwrap_or_default();
        let listing = self.next(question, &marks, &at, size > 1).await?;
        let times = self.times(&mut at, &listing);
        let places = places(&listing.rows)?;
        for owner in listing.rows.iter().flat_map(|row| owners(&row[part.whole])) {
            if !at.start.own.has_passed(&at.now.own, &owner, self.overlap) && !at.wanted.contains(&owner.id) {
                at.wanted.push(owner.id);
            }
        }
        let marks = at.now.parts.entry(part.model.to_owned()).or_default();
        marks.pass(&places, times);
        if !listing.more {
            marks.end(times);
        }
        at.after = places.last().cloned();
        at.more = listing.more;
        if !at.wanted.is_empty() {
            // Their part counts as read when they have come.
            return Ok(at.page(Vec::new(), true, false));
        }
        let goes_on = at.more || at.turn(&plan.parts);
        Ok(at.page(Vec::new(), goes_on, true))
    }

    /// The wholes that changed parts belong to.
    async fn wholes(&self, plan: &Plan, mut at: Position, size: u32) -> Result<Page, SourceError> {
        let later = at.wanted.split_off(at.wanted.len().min(size as usize));
        let wanted = std::mem::replace(&mut at.wanted, later);
        let can_shrink = wanted.len() > 1;
        let mut conditions = self.domain(plan);
        conditions.push(is("id", "in", wanted));
        let question = plan.question(plan.source.model, &plan.fields, conditions, None);
        let listing = self.rest.list(&question, can_shrink).await?;
        let (records, _) = plan.records(listing.rows)?;
        if !at.wanted.is_empty() {
            return Ok(at.page(records, true, false));
        }
        let goes_on = at.more || at.turn(&plan.parts);
        Ok(at.page(records, goes_on, true))
    }

    /// The next records behind marks and place, in an order that was kept.
    async fn next(
        &self,
        mut question: Question<'_>,
        marks: &Marks,
        at: &Position,
        can_shrink: bool,
    ) -> Result<Listing, SourceError> {
        if let Value::Array(conditions) = &mut question.domain {
            conditions.extend(marks.since(self.overlap));
            conditions.extend(at.after.as_ref().map(Place::behind));
        }
        let listing = self.rest.list(&question, can_shrink).await?;
        let seen = places(&listing.rows)?;
        if !at.after.iter().chain(&seen).is_sorted() || at.after.is_some() && at.after.as_ref() == seen.first() {
            return Err(disorder(question.model));
        }
        Ok(listing)
    }

    fn times(&self, at: &mut Position, listing: &Listing) -> Times {
        at.began = at.began.or(listing.date);
        Times { began: at.began, now: listing.date, overlap: self.overlap }
    }

    /// The keys of everything that lives, by id, which never changes.
    pub(crate) async fn ids(&self, request: PullRequest<'_>) -> Result<Page, SourceError> {
        let plan = self.plan(request.stream).await?;
        let after = request.token.and_then(|token| token.0.as_i64());
        let mut conditions = self.domain(&plan);
        conditions.extend((plan.source.living)());
        let total = match request.token {
            None => self.rest.count(plan.source.model, &all(conditions.clone())).await?,
            Some(_) => None,
        };
        conditions.extend(after.map(|id| is("id", ">", id)));
        let question = Question {
            model: plan.source.model,
            fields: vec!["id".to_owned()],
            domain: all(conditions),
            order: json!([["id", "ASC"]]),
            size: Some(request.page_size.unwrap_or(KEYS).clamp(1, KEYS)),
        };
        let listing = self.rest.list(&question, true).await?;
        let ids: Vec<i64> = places(&listing.rows)?.into_iter().map(|place| place.id).collect();
        if !after.iter().chain(&ids).is_sorted_by(|one, next| one < next) {
            return Err(disorder(plan.source.model));
        }
        let next = ids.last().filter(|_| listing.more).map(|id| PageToken((*id).into()));
        let record = |id: i64| Record { external_id: id.to_string(), version: None, body: Value::Null, deleted: false };
        Ok(Page { records: ids.into_iter().map(record).collect(), next, cursor: None, total })
    }

    /// What the hub has no such record of (any more) does not exist for it.
    pub(crate) async fn one(&self, stream: &str, external_id: &str) -> Result<Option<Record>, SourceError> {
        let plan = self.plan(stream).await?;
        let Some(id) = external_id.parse::<i64>().ok().filter(|id| *id > 0) else { return Ok(None) };
        let mut conditions = self.domain(&plan);
        conditions.push(is("id", "=", id));
        let question = plan.question(plan.source.model, &plan.fields, conditions, None);
        let listing = self.rest.list(&question, false).await?;
        let (records, _) = plan.records(listing.rows)?;
        Ok(records.into_iter().find(|record| record.external_id == external_id && !record.deleted))
    }
}

impl Plan {
    fn question<'a>(
        &self,
        model: &'a str,
        fields: &[String],
        conditions: Vec<Value>,
        size: Option<u32>,
    ) -> Question<'a> {
        Question { model, fields: fields.to_vec(), domain: all(conditions), order: cursor::order(), size }
    }

    /// What to ask of a part, and on which conditions, to learn which wholes it belongs to.
    fn way_back(&self, part: &Part) -> (Vec<String>, Vec<Value>) {
        let dates = |prefix: &str| ["write_date", "create_date"].map(|name| format!("{prefix}{name}"));
        let whole = part.whole;
        if self.known.relation(part.model, whole).is_some() {
            return ([dates(""), dates(&format!("{whole}."))].concat(), Vec::new());
        }
        // It may lead to records of several models, so there is nothing to ask of them but which they are.
        let fields = dates("").into_iter().chain([whole.to_owned()]).collect();
        (fields, vec![is(whole, "like", format!("{},%", self.source.model))])
    }

    /// Rows to records, with their places in the order of change.
    fn records(&self, rows: Vec<Value>) -> Result<(Vec<Record>, Vec<Place>), SourceError> {
        let places = places(&rows)?;
        let mut records = Vec::with_capacity(rows.len());
        for (mut row, place) in rows.into_iter().zip(&places) {
            self.known.booleans(self.source.model, &mut row);
            let Value::Object(mut body) = row else { continue };
            let unread = |(name, _): &&(&str, &str)| self.asks(name) && !body.contains_key(*name);
            if let Some((_, model)) = self.source.needed.iter().find(unread) {
                let detail = format!("the key's user may not read {model}: give the right to one of their groups");
                return Err(SourceError::Auth { code: "AUTH_RIGHTS", detail });
            }
            let changed = changed(&body).chain(place.time()).max();
            without_inactive(&mut body);
            let deleted = (self.source.shape)(&mut body);
            records.push(Record {
                external_id: place.id.to_string(),
                version: changed.map(Timestamp::as_microsecond),
                body: Value::Object(body),
                deleted,
            });
        }
        Ok((records, places))
    }
}

fn disorder(model: &str) -> SourceError {
    let detail = format!("Tryton answered {model} in another order than asked for");
    SourceError::Malformed { code: "SRC_NO_PROGRESS", detail }
}

/// When the parts of a record changed, those that are switched off included.
fn changed(body: &Map<String, Value>) -> impl Iterator<Item = Timestamp> {
    body.values().flat_map(each).filter_map(|part| Place::of(part)?.time())
}

/// The records under a field: one or a list of them.
fn each(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice)
}

/// The wholes that a part names: with their places, or as `model,id`, where only the id is known.
fn owners(value: &Value) -> impl Iterator<Item = Place> {
    each(value).iter().filter_map(|one| match one.as_str() {
        Some(reference) => {
            let id = reference.rsplit_once(',')?.1.parse().ok()?;
            Some(Place { written: None, created: None, id })
        }
        None => Place::of(one),
    })
}

/// Addresses and the like that are switched off; the change of switching them off counted.
fn without_inactive(body: &mut Map<String, Value>) {
    for list in body.values_mut().filter_map(Value::as_array_mut) {
        list.retain(|part| part.get("active").is_none_or(truthy));
    }
}

fn places(rows: &[Value]) -> Result<Vec<Place>, SourceError> {
    rows.iter().map(Place::of).collect::<Option<_>>().ok_or_else(|| SourceError::Malformed {
        code: "SRC_NO_KEY",
        detail: "a record of Tryton's answer has no id".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_leads_to_one_whole_to_several_or_to_a_reference() {
        let table = [
            (json!({"id": 3, "write_date": "2026-11-23T01:00:00Z"}), vec![(3, true)]),
            (
                json!([{"id": 4, "write_date": null}, {"id": 5, "write_date": "2026-11-23T01:00:00Z"}]),
                vec![(4, false), (5, true)],
            ),
            (json!("stock.shipment.out,7"), vec![(7, false)]),
            (json!("stock.shipment.out,"), vec![]),
            (json!([]), vec![]),
            (Value::Null, vec![]),
        ];
        for (value, expected) in table {
            let found: Vec<_> = owners(&value).map(|place| (place.id, place.written.is_some())).collect();
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn a_record_is_as_new_as_the_newest_of_its_parts() {
        let body = json!({"id": 1, "name": "x", "empty": null, "lines": [{"id": 2, "write_date": "2026-11-23T03:00:00Z"}],
            "template": {"id": 9, "create_date": "2026-11-23T01:00:00Z", "write_date": "2026-11-23T04:00:00Z"}});
        let newest = changed(body.as_object().unwrap_or(&Map::new())).max();
        assert_eq!(newest.map(|at| at.to_string()).as_deref(), Some("2026-11-23T04:00:00Z"));
    }
}
