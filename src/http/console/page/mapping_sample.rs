//! Records to look at a mapping with, and what it would do with them.

use axum::{
    extract::{RawForm, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use musubi_sdk::connector::Record;
use serde_json::{Value, json};

use super::{
    ShellOf, done,
    mapping::{Asked, SHOWN},
    mapping_form::{Sent, Where},
    outcome::conclude,
};
use crate::{
    app::SharedHub,
    http::{
        AppError,
        console::view::{Page, mapping as view},
    },
    identity::Origin,
    model::Timestamp,
    store::{self, mapping::Sample},
    sync::rehearse::{self, RehearseError},
};

/// Records that a rehearsal takes.
const REHEARSED: usize = 100;
/// Failures shown among the records: what one wants to mend.
const FAILURES: i64 = 5;
/// Bytes of a pasted record.
const LONGEST_RECORD: usize = 256 * 1024;

/// Records to look at: the source's, with what failed before them, or one that is pasted.
pub async fn sample(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let now = hub.clock.now();
    let pasted = sent.posted.get("json");
    let mut records: Vec<Sample> = Vec::new();
    if pasted.is_empty() {
        let taken = match rehearse::take(&sent.desk.live, &sent.desk.stream, SHOWN).await {
            Ok(taken) => taken,
            Err(error) => {
                let mut page = sent.page(&sent.posted.asked()).await?;
                page.trouble = Some((error.code().to_owned(), error.to_string()));
                return Ok((StatusCode::BAD_GATEWAY, page.render(&sent.shell)).into_response());
            }
        };
        let live = &sent.desk.live;
        let failed =
            store::failure::of_stream(&hub.db, &sent.me.view, &live.row.id, &sent.desk.stream, FAILURES).await?;
        records.extend(failed.into_iter().map(|f| Sample {
            external_id: f.external_id,
            source_version: f.source_version,
            body: f.payload,
            taken_at: now.0,
        }));
        records.extend(taken.into_iter().map(|record| kept(&record, now)));
    } else {
        let body = Some(pasted).filter(|text| text.len() <= LONGEST_RECORD);
        let body = body.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let many = match body {
            Some(Value::Array(items)) => items,
            Some(object @ Value::Object(_)) => vec![object],
            _ => Vec::new(),
        };
        if many.is_empty() || !many.iter().all(Value::is_object) {
            return sent.refused("MAP_PASTE", "").await;
        }
        records.extend(many.into_iter().take(SHOWN).enumerate().map(|(index, body)| {
            kept(&Record { external_id: format!("{}", index + 1), version: None, body, deleted: false }, now)
        }));
    }
    let mut seen = std::collections::HashSet::new();
    records.retain(|record| seen.insert(record.external_id.clone()));
    records.truncate(SHOWN);
    let count = i64::try_from(records.len()).unwrap_or(0);
    let mut tx = hub.db.begin().await?;
    store::mapping::keep_sample(&mut tx, &sent.desk.live.row.id, &sent.desk.stream, &records).await?;
    let act = sent.act("mapping.look").detail(json!({"stream": sent.desk.stream, "records": count}));
    conclude(tx, act, now).await?;
    let said = if count == 0 { "mapping_sample_failed" } else { "mapping_sample" };
    Ok(done(&sent.at(sent.posted.get("f"), 1), said, Some(count)))
}

fn kept(record: &Record, now: Timestamp) -> Sample {
    Sample {
        external_id: record.external_id.clone(),
        source_version: record.version,
        body: record.body.to_string(),
        taken_at: now.0,
    }
}

/// Real records through the draft, everything taken back.
pub async fn rehearse(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    place: Where,
    RawForm(body): RawForm,
) -> Result<Response, AppError> {
    let sent = Sent::open(&hub, frame, origin, place, &body).await?;
    let (live, stream) = (&sent.desk.live, &sent.desk.stream);
    let mut page = sent.page(&Asked::default()).await?;
    let records = match rehearse::take(live, stream, REHEARSED).await {
        Ok(records) => records,
        Err(error) => {
            page.trouble = Some((error.code().to_owned(), error.to_string()));
            return Ok((StatusCode::BAD_GATEWAY, page.render(&sent.shell)).into_response());
        }
    };
    let spec = sent.desk.spec().clone();
    match rehearse::rehearse(&hub.engine, live, stream, spec, records, &sent.me.user_id).await {
        Ok(done) => {
            let rehearse::Rehearsal { read, new, updated, unchanged, parked, failed, alike, rejected: _ } = done;
            page.rehearsal = Some(view::Rehearsal { read, new, updated, unchanged, parked, failed, alike });
            Ok(page.render(&sent.shell).into_response())
        }
        // The page says what is open.
        Err(RehearseError::Invalid(_)) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page.render(&sent.shell)).into_response())
        }
        Err(RehearseError::UnknownStream) => Err(AppError::NotFound),
        Err(RehearseError::Store(error)) => Err(error.into()),
        Err(RehearseError::Live(error)) => {
            tracing::error!(connection.id = %live.row.id, %error, "a draft cannot be tried");
            Err(AppError::invalid("MAP_UNUSABLE", "the connection cannot be built with this mapping"))
        }
    }
}
