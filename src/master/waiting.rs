//! Records that waited for customers of a chunk: applied in the commit that brings them.

use crate::{
    model::record::{Canonical, Kind},
    store::{StoreError, Tx, failure, late_reference, parked, parked::Parked},
};

use super::ingest::{self, Chunk, Incoming, Outcome};

pub(super) async fn release(tx: &mut Tx, chunk: &Chunk<'_>, outcome: &mut Outcome) -> Result<(), StoreError> {
    let origin = chunk.origin;
    if chunk.records.is_empty() {
        return Ok(());
    }
    let mut keys: Vec<&str> = chunk.records.iter().map(|r| r.external_id.as_str()).collect();
    keys.extend(chunk.records.iter().filter_map(|r| match &r.record {
        Some(Canonical::Customer(c)) => c.get("code"),
        _ => None,
    }));
    let streams = origin.streams_of(Kind::Customer);
    let payers = late_reference::fill_bill_to(tx, &origin.connection_id, &streams, &keys).await?;
    outcome.customers.extend(payers);
    if !parked::any(tx, &origin.connection_id).await? {
        return Ok(());
    }
    let waiting = parked::release(tx, &origin.connection_id, keys.into_iter()).await?;
    let mut by_stream: Vec<(Kind, String, Vec<Incoming>)> = Vec::new();
    let mut unreadable = Vec::new();
    for row in waiting {
        let Some((kind, record)) = read(chunk, &row) else {
            unreadable.push(failure_of(chunk, row));
            continue;
        };
        let incoming = Incoming {
            external_id: row.external_id,
            version: row.source_version,
            record: Some(record),
            hash: Incoming::hash_of(&row.canonical),
            canonical: row.canonical,
            payload: row.payload,
        };
        match by_stream.iter_mut().find(|(_, stream, _)| *stream == row.stream) {
            Some((_, _, records)) => records.push(incoming),
            None => by_stream.push((kind, row.stream, vec![incoming])),
        }
    }
    outcome.failed += unreadable.len() as i64;
    failure::put(tx, chunk.now, unreadable.into_iter()).await?;
    by_stream.sort_by_key(|(kind, _, _)| *kind);
    for (kind, stream, records) in &by_stream {
        let inner = Chunk { stream, kind: *kind, records, rejected: &[], ..chunk.clone() };
        let mut applied = Outcome::default();
        ingest::apply_records(tx, &inner, &[], &mut applied).await?;
        outcome.released += applied.new + applied.updated;
        outcome.customers.extend(applied.customers);
        outcome.missing.extend(applied.missing);
    }
    Ok(())
}

/// `None`: parked by a mapping or connector whose records this program does not understand any more.
fn read(chunk: &Chunk<'_>, row: &Parked) -> Option<(Kind, Canonical)> {
    let kind = chunk.origin.kind_of(&row.stream)?;
    let map = serde_json::from_str(&row.canonical).ok()?;
    Some((kind, Canonical::read(kind, &map, chunk.currency).ok()?))
}

fn failure_of(chunk: &Chunk<'_>, row: Parked) -> failure::NewFailure {
    failure::NewFailure {
        connection_id: chunk.origin.connection_id.clone(),
        stream: row.stream,
        cause: "PARKED_UNREADABLE".to_owned(),
        field: None,
        source_path: None,
        value: None,
        label: row.external_id.clone(),
        external_id: row.external_id,
        payload: row.payload,
        source_version: row.source_version,
        run_id: row.run_id,
    }
}
