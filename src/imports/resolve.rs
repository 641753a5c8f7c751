//! Whom a row means: the customers that it names, by key, id, code or name.
//!
//! Nothing is guessed: what fits two customers is rejected and says so.

use std::collections::{BTreeSet, HashMap};

use musubi_files::roles::HUB_ID;
use musubi_sdk::{mapping, noun::Noun};

use super::{ImportError, Job, Match, gather::Draft};
use crate::{
    matching::fold,
    store::import::{self, Named},
};

/// Customers by what rows call them.
#[derive(Default)]
struct Known(HashMap<String, Vec<Named>>);

impl Known {
    fn of(rows: Vec<Named>) -> Self {
        let mut known: HashMap<String, Vec<Named>> = HashMap::new();
        for row in rows {
            let of = known.entry(row.wanted.clone()).or_default();
            if !of.iter().any(|other| other.id == row.id) {
                of.push(row);
            }
        }
        Self(known)
    }

    fn get(&self, wanted: &str) -> &[Named] {
        self.0.get(wanted).map_or(&[], Vec::as_slice)
    }
}

fn text<'d>(draft: &'d Draft, field: &str) -> Option<&'d str> {
    draft.body.get(field).and_then(serde_json::Value::as_str)
}

fn usual(text: &str) -> String {
    mapping::usual_width(text).trim().to_owned()
}

/// Sets the references of drafts. Gives for each the customer that it means or belongs to, or the cause for which
/// it cannot be taken.
pub async fn resolve(
    job: &Job<'_>,
    drafts: &mut [Draft],
) -> Result<Vec<Result<Option<Named>, &'static str>>, ImportError> {
    match job.plan.noun {
        Noun::Customer => customers(job, drafts).await,
        Noun::Product => Ok(drafts.iter().map(|_| Ok(None)).collect()),
        _ => belonging(job, drafts).await,
    }
}

async fn customers(
    job: &Job<'_>,
    drafts: &mut [Draft],
) -> Result<Vec<Result<Option<Named>, &'static str>>, ImportError> {
    let db = &job.engine.db;
    let all = |field: &str| -> BTreeSet<String> { drafts.iter().filter_map(|d| text(d, field)).map(usual).collect() };
    let by = |column, values: BTreeSet<String>| async move {
        let rows = import::by(db, column, values.iter().map(String::as_str)).await?;
        Ok::<_, ImportError>(Known::of(rows))
    };
    let ids = by("id", all(HUB_ID)).await?;
    let corporate = by("corporate_number", all("corporate_number")).await?;
    let registered = by("registration_number", all("registration_number")).await?;
    let codes = match job.plan.matching {
        Match::Numbers => Known::default(),
        _ => Known::of(import::by_code(db, all("code").iter().map(String::as_str)).await?),
    };
    let keys = drafts.iter().map(|d| d.key.as_str());
    let here = import::states(db, &job.import.connection_id, job.plan.stream(), keys).await?;
    let linked: BTreeSet<&str> = here.values().map(|s| s.record_id.as_str()).collect();
    let mine = Known::of(import::by(db, "id", linked.into_iter()).await?);
    let mut out = Vec::with_capacity(drafts.len());
    for draft in drafts {
        // What this source brought before is that record, whatever the row says now.
        if let Some(state) = here.get(&draft.key).filter(|state| state.deleted_at.is_none()) {
            draft.body.remove(HUB_ID);
            out.push(Ok(mine.get(&state.record_id).first().cloned()));
            continue;
        }
        if let Some(id) = text(draft, HUB_ID).map(usual) {
            match ids.get(&id) {
                [one] => out.push(Ok(Some(one.clone()))),
                _ => out.push(Err("REF_HUB_ID")),
            }
            continue;
        }
        let name_key = text(draft, "name").map(|name| fold::name_key(&usual(name))).unwrap_or_default();
        let same_name = |found: &[Named]| {
            let fits: Vec<Named> = found.iter().filter(|c| c.name_key == name_key).cloned().collect();
            (fits.len() == 1).then(|| fits[0].clone())
        };
        let number =
            |known: &Known, field: &str| text(draft, field).and_then(|value| same_name(known.get(&usual(value))));
        let coded = text(draft, "code").map(usual).map(|code| codes.get(&code)).unwrap_or_default();
        let found = match (job.plan.matching, coded) {
            (Match::Code, [one]) => Some(one.clone()),
            (Match::Code, [_, _, ..]) => {
                out.push(Err("REF_CUSTOMER_AMBIGUOUS"));
                continue;
            }
            _ => same_name(coded),
        };
        let found = found
            .or_else(|| number(&corporate, "corporate_number"))
            .or_else(|| number(&registered, "registration_number"));
        if let Some(customer) = &found {
            draft.body.insert(HUB_ID.to_owned(), customer.id.clone().into());
        }
        out.push(Ok(found));
    }
    Ok(out)
}

async fn belonging(
    job: &Job<'_>,
    drafts: &mut [Draft],
) -> Result<Vec<Result<Option<Named>, &'static str>>, ImportError> {
    let db = &job.engine.db;
    let wanted: BTreeSet<String> = drafts.iter().filter_map(|d| text(d, "customer")).map(usual).collect();
    let list = || wanted.iter().map(String::as_str);
    let here = import::states(db, &job.import.connection_id, "customers", list()).await?;
    let linked: BTreeSet<&str> = here.values().map(|s| s.record_id.as_str()).collect();
    let mine = Known::of(import::by(db, "id", linked.into_iter()).await?);
    let ids = Known::of(import::by(db, "id", list()).await?);
    let codes = Known::of(import::by_code(db, list()).await?);
    let keys: Vec<String> = wanted.iter().map(|name| fold::name_key(name)).filter(|key| !key.is_empty()).collect();
    let names = Known::of(import::by(db, "name_key", keys.iter().map(String::as_str)).await?);
    let mut out = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let Some(said) = text(draft, "customer").map(usual).filter(|said| !said.is_empty()) else {
            // The mapping says that it is missing, with its column.
            out.push(Ok(None));
            continue;
        };
        let alive = here.get(&said).filter(|state| state.deleted_at.is_none());
        if let Some(customer) = alive.and_then(|state| mine.get(&state.record_id).first()) {
            out.push(Ok(Some(customer.clone())));
            continue;
        }
        let by_name = names.get(&fold::name_key(&said));
        let ways = [ids.get(&said), codes.get(&said), by_name];
        match ways.into_iter().find(|found| !found.is_empty()).unwrap_or_default() {
            [one] => {
                draft.body.insert("customer".to_owned(), one.id.clone().into());
                out.push(Ok(Some(one.clone())));
            }
            [] => out.push(Err("REF_CUSTOMER_UNKNOWN")),
            _ => out.push(Err("REF_CUSTOMER_AMBIGUOUS")),
        }
    }
    Ok(out)
}
