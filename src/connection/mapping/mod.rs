//! How records of a connection become the hub's: what holds, drafts beside it, versions.
//!
//! A stream is mapped as its connector says until a mapping of the connection's own is published. A draft
//! changes nothing until then. What was published stays, so that a run can be explained and an old mapping
//! taken up again.
//!
//! Invariant: what is published compiles. Invariant: nobody overwrites what somebody else drafted or
//! published meanwhile.

pub mod differ;
pub mod edit;

use std::sync::Arc;

use musubi_sdk::{
    manifest::{Manifest, MappingSpec},
    mapping::{Mapping, MappingProblem},
};

use crate::{
    model::Timestamp,
    store::{
        Db, StoreError, Tx,
        mapping::{self, Draft},
    },
};

use super::Live;

pub use edit::{Edit, Unfit};

/// The version of a stream that is mapped as its connector says.
pub const OF_CONNECTOR: i64 = 1;

/// Why a mapping is not changed or published.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("the connection has no such data")]
    UnknownStream,
    #[error("there is no such version")]
    UnknownVersion,
    #[error("there is no draft")]
    NoDraft,
    #[error("somebody else changed it meanwhile")]
    Overtaken,
    #[error("the change does not fit")]
    Unfit(#[from] Unfit),
    #[error("{} problems stand in the way of publishing", .0.len())]
    Invalid(Vec<MappingProblem>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A mapping with the version it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub version: i64,
    pub spec: MappingSpec,
}

/// A stored mapping. It was written by this program, so what cannot be read is damage.
fn read(text: &str) -> Result<MappingSpec, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("mapping: {error}")))
}

fn write(spec: &MappingSpec) -> Result<String, StoreError> {
    serde_json::to_string(spec).map_err(|error| StoreError::Corrupt(format!("mapping: {error}")))
}

/// A connector with the connection's own mappings in it, or what of these does not fit the connector any more.
///
/// # Errors
/// The database.
pub async fn effective(
    db: &Db,
    connection_id: &str,
    manifest: Arc<Manifest>,
) -> Result<Result<Arc<Manifest>, Vec<(String, MappingProblem)>>, StoreError> {
    let own = mapping::holding(db, connection_id).await?;
    if own.is_empty() {
        return Ok(Ok(manifest));
    }
    let own: Result<Vec<_>, StoreError> = own.into_iter().map(|m| Ok((m.stream, read(&m.spec)?))).collect();
    Ok(manifest.with_mappings(own?).map(Arc::new))
}

/// A published mapping, read.
///
/// # Errors
/// Damage of the store.
pub fn published(row: &mapping::Published) -> Result<Standing, StoreError> {
    Ok(Standing { version: row.version, spec: read(&row.spec)? })
}

/// What holds for a stream.
///
/// # Errors
/// [`MappingError::UnknownStream`].
pub async fn standing(db: &Db, live: &Live, stream: &str) -> Result<Standing, MappingError> {
    let connector = live.manifest.stream(stream).ok_or(MappingError::UnknownStream)?;
    let own = mapping::holding(db, &live.row.id).await?.into_iter().find(|own| own.stream == stream);
    Ok(match own {
        Some(own) => published(&own)?,
        None => Standing { version: OF_CONNECTOR, spec: connector.mapping.clone() },
    })
}

/// What a version of a stream says; version 1 is the connector's.
///
/// # Errors
/// [`MappingError::UnknownStream`] and [`MappingError::UnknownVersion`].
pub async fn version(
    db: &Db,
    connector: &Manifest,
    connection_id: &str,
    stream: &str,
    version: i64,
) -> Result<MappingSpec, MappingError> {
    if version == OF_CONNECTOR {
        return Ok(connector.stream(stream).ok_or(MappingError::UnknownStream)?.mapping.clone());
    }
    let all = mapping::versions(db, connection_id, stream).await?;
    let found = all.iter().find(|m| m.version == version).ok_or(MappingError::UnknownVersion)?;
    Ok(read(&found.spec)?)
}

/// A draft, read.
#[derive(Clone, Debug)]
pub struct Drafted {
    pub row: Draft,
    pub spec: MappingSpec,
}

/// The draft of a stream.
///
/// # Errors
/// The database.
pub async fn drafted(db: &Db, connection_id: &str, stream: &str) -> Result<Option<Drafted>, StoreError> {
    let Some(row) = mapping::draft(db, connection_id, stream).await? else { return Ok(None) };
    Ok(Some(Drafted { spec: read(&row.spec)?, row }))
}

/// Where a change is made and by whom.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Revision of the draft that the person saw; 0: there was none.
    pub revision: i64,
    pub actor: &'a str,
    pub now: Timestamp,
}

/// Changes the draft of a stream, making one from what holds where there is none. All changes or none.
/// The caller commits. Returns the draft's revision.
///
/// # Errors
/// [`MappingError::Unfit`], [`MappingError::Overtaken`], [`MappingError::UnknownStream`].
pub async fn change(
    tx: &mut Tx,
    live: &Live,
    stream: &str,
    standing: &Standing,
    edits: Vec<Edit>,
    by: By<'_>,
) -> Result<i64, MappingError> {
    let noun = live.manifest.stream(stream).ok_or(MappingError::UnknownStream)?.record;
    let before = mapping::draft(&mut *tx, &live.row.id, stream).await?;
    let (base, mut spec) = match &before {
        Some(draft) => (draft.base, read(&draft.spec)?),
        None => (standing.version, standing.spec.clone()),
    };
    for edit in edits {
        edit::apply(noun, &mut spec, edit)?;
    }
    keep(tx, live, stream, base, &spec, before.map_or(0, |draft| draft.revision), by).await
}

/// Takes a mapping as the draft, in place of what was drafted. The caller commits. Returns its revision.
///
/// # Errors
/// [`MappingError::Overtaken`].
pub async fn take_up(
    tx: &mut Tx,
    live: &Live,
    stream: &str,
    (base, spec): (i64, &MappingSpec),
    by: By<'_>,
) -> Result<i64, MappingError> {
    let before = mapping::draft(&mut *tx, &live.row.id, stream).await?;
    keep(tx, live, stream, base, spec, before.map_or(0, |draft| draft.revision), by).await
}

async fn keep(
    tx: &mut Tx,
    live: &Live,
    stream: &str,
    base: i64,
    spec: &MappingSpec,
    revision: i64,
    by: By<'_>,
) -> Result<i64, MappingError> {
    if revision != by.revision {
        return Err(MappingError::Overtaken);
    }
    let draft = Draft {
        connection_id: live.row.id.clone(),
        stream: stream.to_owned(),
        base,
        spec: write(spec)?,
        revision: revision + 1,
        actor: by.actor.to_owned(),
        updated_at: by.now.0,
    };
    if mapping::keep_draft(tx, &draft).await? { Ok(draft.revision) } else { Err(MappingError::Overtaken) }
}

/// Publishes a draft: from the next record on it holds. The caller commits, and reloads the registry. Returns
/// its version.
///
/// # Errors
/// [`MappingError::Invalid`], [`MappingError::Overtaken`] where the draft or what holds is not what the person
/// saw, [`MappingError::NoDraft`].
pub async fn publish(
    tx: &mut Tx,
    live: &Live,
    stream: &str,
    comment: Option<&str>,
    by: By<'_>,
) -> Result<i64, MappingError> {
    let noun = live.manifest.stream(stream).ok_or(MappingError::UnknownStream)?.record;
    let draft = mapping::draft(&mut *tx, &live.row.id, stream).await?.ok_or(MappingError::NoDraft)?;
    if draft.revision != by.revision {
        return Err(MappingError::Overtaken);
    }
    Mapping::compile(noun, &read(&draft.spec)?).map_err(MappingError::Invalid)?;
    let holds = mapping::holding(&mut *tx, &live.row.id).await?;
    let holds = holds.iter().find(|own| own.stream == stream).map_or(OF_CONNECTOR, |own| own.version);
    if holds != draft.base {
        return Err(MappingError::Overtaken);
    }
    let new = mapping::New {
        connection_id: &live.row.id,
        stream,
        seen: live.row.mapping_version,
        spec: &draft.spec,
        comment: comment.map(str::trim).filter(|text| !text.is_empty()),
        actor: by.actor,
        now: by.now,
    };
    let version = mapping::publish(tx, &new).await?.ok_or(MappingError::Overtaken)?;
    mapping::drop_draft(tx, &live.row.id, stream, draft.revision).await?;
    Ok(version)
}

/// Publishes a mapping that was written elsewhere, on top of what holds now. The caller checked that it compiles,
/// and commits. Returns its version.
///
/// # Errors
/// [`MappingError::Overtaken`] where another is published at the same moment.
pub async fn put(
    tx: &mut Tx,
    connection_id: &str,
    stream: &str,
    spec: &MappingSpec,
    actor: &str,
    now: Timestamp,
) -> Result<i64, MappingError> {
    let row = crate::store::connection::get(&mut *tx, connection_id).await?.ok_or(MappingError::UnknownStream)?;
    let spec = write(spec)?;
    let new = mapping::New { connection_id, stream, seen: row.mapping_version, spec: &spec, comment: None, actor, now };
    mapping::publish(tx, &new).await?.ok_or(MappingError::Overtaken)
}
