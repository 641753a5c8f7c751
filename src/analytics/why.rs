//! Why a value is here: what stands, who else offers something, by which rule, and what was there before.

use serde_json::{Map, Value};

use super::{
    customer::{MasterValue, Source},
    history::as_text,
    overview::{origin_source, shown, source},
};
use crate::{
    matching::{
        custom::sort_out,
        survivorship::{Candidate, Group, Rule, Rules, ranked},
    },
    model::{
        Currency, Shown, Timestamp,
        custom::Definitions,
        record::{Canonical, CustomerFields, Kind},
    },
    store::{
        Db, InView, StoreError, customer_value,
        read_customer::{self, SourceRow},
        version,
    },
};

/// Versions that a history looks at.
const VERSIONS: i64 = 2_000;

/// One source's value for the field.
#[derive(Clone, Debug)]
pub struct Offer {
    pub source: Source,
    pub value: Shown,
    /// The source's own change time, else when the hub saw it.
    pub at: Timestamp,
    /// Its key in the source.
    pub external_id: String,
    /// Its place in the order of the rule, from 0; sources that the order does not name share the last one.
    pub rank: usize,
    /// This is what stands.
    pub stands: bool,
}

/// What a person typed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// `None`: that there is none.
    pub value: Option<Shown>,
    pub actor: String,
    pub at: Timestamp,
    pub pinned: bool,
}

/// A value that the field had, or has.
#[derive(Clone, Debug)]
pub struct Moment {
    pub value: Option<Shown>,
    pub from: Timestamp,
    /// `None`: it stands.
    pub to: Option<Timestamp>,
    /// The source whose news it came with; `None`: a person or a rule.
    pub source: Option<Source>,
    pub actor: Option<String>,
    /// As [`version::State::reason`].
    pub reason: String,
    pub run_id: Option<String>,
    pub seq: i64,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Why {
    pub field: String,
    pub group: Group,
    pub rule: Rule,
    /// What stands; `None`: nothing.
    pub stands: Option<MasterValue>,
    /// What sources offer, the best first by the rule.
    pub offers: Vec<Offer>,
    pub typed: Option<Typed>,
    /// What the field was, the newest first.
    pub history: Vec<Moment>,
    /// Before the oldest of them there is more.
    pub cut: bool,
}

/// By what a value is explained.
pub struct Means<'a> {
    pub rules: &'a Rules,
    pub definitions: &'a Definitions,
    /// The organisation's.
    pub currency: Currency,
}

/// One field of a customer as its reader sees it. `stands`: its line in the overview.
pub async fn why(
    db: &Db,
    seen: &InView,
    field: &str,
    stands: Option<MasterValue>,
    means: &Means<'_>,
) -> Result<Why, StoreError> {
    let known = Known::load(db, seen).await?;
    Ok(known.explain(seen, field.to_owned(), stands, means))
}

/// Several fields of a customer. `master`: its overview's lines.
pub async fn every(
    db: &Db,
    seen: &InView,
    fields: Vec<String>,
    mut master: Vec<MasterValue>,
    means: &Means<'_>,
) -> Result<Vec<Why>, StoreError> {
    let known = Known::load(db, seen).await?;
    let explain = |field: String| {
        let stands = master.iter().position(|value| value.field == field).map(|at| master.swap_remove(at));
        known.explain(seen, field, stands, means)
    };
    Ok(fields.into_iter().map(explain).collect())
}

/// What is known of one customer.
struct Known {
    sources: Vec<SourceRow>,
    typed: Vec<customer_value::Row>,
    states: Vec<version::State>,
}

impl Known {
    async fn load(db: &Db, seen: &InView) -> Result<Self, StoreError> {
        let (sources, mut typed, states) = tokio::try_join!(
            read_customer::sources(db, seen, 0),
            customer_value::of(db, std::iter::once(seen.id())),
            version::last_of(db, seen, VERSIONS)
        )?;
        Ok(Self { sources, typed: typed.remove(seen.id()).unwrap_or_default(), states })
    }

    fn explain(&self, seen: &InView, field: String, stands: Option<MasterValue>, means: &Means<'_>) -> Why {
        let group = Group::of(&field);
        let typed = self.typed.iter().find(|row| row.field == field);
        Why {
            offers: offers(&self.sources, seen, &field, stands.as_ref(), means),
            history: history(&self.states, &self.sources, seen, &field),
            cut: self.states.last().is_some_and(|oldest| oldest.seq > 1),
            typed: typed.map(|row| Typed {
                value: row.value.clone().map(|value| shown(seen, &field, value)),
                actor: row.actor.clone(),
                at: Timestamp(row.at),
                pinned: row.pinned,
            }),
            rule: means.rules.of(group).clone(),
            field,
            group,
            stands,
        }
    }
}

/// What a source says of a customer, with the fields of the administrator in the form of their kind.
fn fields_of(row: &SourceRow, means: &Means<'_>) -> Option<CustomerFields> {
    let map = serde_json::from_str(row.body.as_deref()?).ok()?;
    let Ok(Canonical::Customer(fields)) = Canonical::read(Kind::Customer, &map, means.currency) else { return None };
    let (custom, _) = sort_out(means.definitions, &row.connection_id, &fields.custom, means.currency);
    Some(CustomerFields { custom, ..*fields })
}

fn offers(
    sources: &[SourceRow],
    seen: &InView,
    field: &str,
    stands: Option<&MasterValue>,
    means: &Means<'_>,
) -> Vec<Offer> {
    let said: Vec<(&SourceRow, CustomerFields)> =
        sources.iter().filter_map(|row| Some((row, fields_of(row, means)?))).collect();
    let candidates: Vec<Candidate<'_>> = said
        .iter()
        .map(|(row, fields)| Candidate {
            connection_id: &row.connection_id,
            kind: &row.kind,
            at: row.source_version.unwrap_or(row.seen_at),
            fields,
        })
        .collect();
    let of = |candidate: &Candidate<'_>| {
        let place = candidates.iter().position(|one| std::ptr::eq(one, candidate))?;
        said.get(place).map(|(row, _)| *row)
    };
    let winner = stands.and_then(|stands| stands.source.connection_id.as_deref());
    let ranked = ranked(&candidates, means.rules, field);
    let first = |id: &str| ranked.iter().position(|offer| offer.source.connection_id == id);
    ranked
        .iter()
        .enumerate()
        .filter_map(|(place, offer)| {
            let row = of(offer.source)?;
            let wins = winner == Some(row.connection_id.as_str()) && first(&row.connection_id) == Some(place);
            Some(Offer {
                source: source(row),
                value: shown(seen, field, offer.value.to_owned()),
                at: Timestamp(offer.source.at),
                external_id: row.external_id.clone(),
                rank: offer.rank,
                stands: wins,
            })
        })
        .collect()
}

/// The values that a field had, the newest first, from states of which the newest is first.
fn history(states: &[version::State], sources: &[SourceRow], seen: &InView, field: &str) -> Vec<Moment> {
    let stored = if field == "credit_limit" { "credit_limit_minor" } else { field };
    let mut moments: Vec<(Option<String>, Moment)> = Vec::new();
    for state in states.iter().rev() {
        let body: Map<String, Value> = serde_json::from_str(&state.body).unwrap_or_default();
        let value = as_text(&body, stored);
        match moments.last_mut() {
            Some((before, _)) if *before == value => continue,
            Some((_, before)) => before.to = Some(Timestamp(state.valid_from)),
            // It was never there: its history begins with its first value.
            None if value.is_none() => continue,
            None => {}
        }
        let moment = Moment {
            value: value.clone().map(|value| shown(seen, field, value)),
            from: Timestamp(state.valid_from),
            to: None,
            source: state.connection_id.clone().map(|id| origin_source(Some(id), sources)),
            actor: state.actor.clone(),
            reason: state.reason.clone(),
            run_id: state.run_id.clone(),
            seq: state.seq,
        };
        moments.push((value, moment));
    }
    moments.into_iter().rev().map(|(_, moment)| moment).collect()
}

/// Since when fields are as they are, and who made them so: for who typed meanwhile.
pub async fn last_changes(db: &Db, seen: &InView, fields: &[String]) -> Result<Vec<Option<Moment>>, StoreError> {
    let (sources, states) =
        tokio::try_join!(read_customer::sources(db, seen, 0), version::last_of(db, seen, VERSIONS))?;
    Ok(fields.iter().map(|field| history(&states, &sources, seen, field).into_iter().next()).collect())
}

/// One source record of a customer, as far as the reader sees it.
#[derive(Clone, Debug)]
pub struct SourceRecord {
    pub source: Source,
    pub stream: String,
    pub external_id: String,
    pub at: Timestamp,
    pub seen_at: Timestamp,
    /// Field and value, as the source says it; hidden ones without value.
    pub values: Vec<(String, Shown)>,
}

/// Everything that sources say of a customer.
pub async fn sources(db: &Db, seen: &InView) -> Result<Vec<SourceRecord>, StoreError> {
    let rows = read_customer::sources(db, seen, 0).await?;
    let read = |row: &SourceRow| {
        let body: Map<String, Value> = serde_json::from_str(row.body.as_deref()?).ok()?;
        let values = body.keys().filter_map(|field| {
            let value = as_text(&body, field)?;
            Some((field.clone(), shown(seen, field, value)))
        });
        Some(SourceRecord {
            source: source(row),
            stream: row.stream.clone(),
            external_id: row.external_id.clone(),
            at: Timestamp(row.source_version.unwrap_or(row.seen_at)),
            seen_at: Timestamp(row.seen_at),
            values: values.collect(),
        })
    };
    Ok(rows.iter().filter_map(read).collect())
}
