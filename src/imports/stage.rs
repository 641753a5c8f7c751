//! A file is kept and looked at.

use musubi_files::{FileError, Input, Inspection, Limits, Wishes, roles};
use musubi_sdk::noun::Noun;
use serde_json::Map;
use sha2::{Digest, Sha256};

use super::{ImportError, Plan, feed};
use crate::{
    connection::{create, schedule},
    model::{Id, Timestamp, ids},
    store::{
        connection,
        import::{self, Import},
    },
    sync::engine::Engine,
};

/// Bytes in one row of the database.
const PART: usize = 1 << 20;
/// The connector whose connections files belong to.
pub const CONNECTOR: &str = "sheet";

/// A file as a person brings it.
pub struct Brought<'a> {
    /// Its name, without a path.
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// Where it comes from: name of a connection, made where there is none.
    pub source: &'a str,
    pub noun: Option<Noun>,
    pub wishes: Wishes,
    pub actor: &'a str,
}

/// Limits of the files of this installation.
#[must_use]
pub fn limits(max: u64) -> Limits {
    Limits { bytes: max, ..Limits::default() }
}

/// Looks at a file: how it is read, and what it is taken for.
pub fn look(
    input: &mut dyn Input,
    name: &str,
    noun: Option<Noun>,
    wishes: &Wishes,
    limits: &Limits,
) -> Result<(Inspection, Plan), FileError> {
    let found = musubi_files::inspect(input, wishes, limits)?;
    let guessed = roles::guess(&found.layout.columns, &found.sample, name, noun);
    let plan = Plan::new(found.layout.clone(), guessed.noun, guessed.columns);
    Ok((found, plan))
}

/// Keeps a file with a proposed plan. Returns the import's id.
pub async fn stage(engine: &Engine, limits: &Limits, brought: Brought<'_>) -> Result<String, ImportError> {
    let Brought { name, bytes, source, noun, wishes, actor } = brought;
    let (_, plan) = look(&mut std::io::Cursor::new(bytes), name, noun, &wishes, limits)?;
    let connection_id = source_of(engine, source).await?;
    let id = Id::new(ids::Noun::Import).into_string();
    let name: String =
        name.rsplit(['/', '\\']).next().unwrap_or(name).chars().filter(|c| !c.is_control()).take(200).collect();
    let mut tx = engine.db.begin().await?;
    let new = import::New {
        id: &id,
        connection_id: &connection_id,
        name: &name,
        size: bytes.len() as i64,
        digest: &hex::encode(Sha256::digest(bytes)),
        plan: &serde_json::to_string(&plan)?,
        actor,
        now: engine.clock.now(),
    };
    import::insert(&mut tx, &new).await?;
    for (no, part) in bytes.chunks(PART).enumerate() {
        import::put_part(&mut tx, &id, no as i64, part).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// The connection of a name, made where there is none.
pub async fn source_of(engine: &Engine, name: &str) -> Result<String, ImportError> {
    let name = name.trim();
    let known = connection::all(&engine.db).await?.into_iter().find(|row| row.name == name || row.id == name);
    if let Some(row) = known {
        return if row.connector == CONNECTOR { Ok(row.id) } else { Err(ImportError::Connection) };
    }
    let new = create::NewConnection {
        connector: CONNECTOR.to_owned(),
        name: name.to_owned(),
        settings: Map::new(),
        plan: schedule::Plan::Manual,
        streams: None,
        sample: false,
        start_now: false,
    };
    create::create(&engine.db, &engine.registry, &engine.keys, &engine.clock, &engine.zone, new)
        .await
        .map_err(|_| ImportError::Connection)
}

/// Looks at a kept file again, as somebody wants it read.
pub async fn again(
    engine: &Engine,
    limits: &Limits,
    kept: &Import,
    noun: Option<Noun>,
    wishes: Wishes,
) -> Result<(Inspection, Plan), ImportError> {
    let mut file = feed::file(engine, kept).await?;
    let (limits, name) = (*limits, kept.name.clone());
    let looked = tokio::task::spawn_blocking(move || look(&mut file, &name, noun, &wishes, &limits));
    Ok(looked.await.map_err(|_| ImportError::Interrupted)??)
}

/// Stores a plan and begins to check it.
pub async fn plan(engine: &Engine, kept: &Import, plan: &Plan, source: &str) -> Result<(), ImportError> {
    if let Some(role) = plan.missing().into_iter().next() {
        return Err(ImportError::Role(role));
    }
    let connection_id = source_of(engine, source).await?;
    let now: Timestamp = engine.clock.now();
    let mut tx = engine.db.begin().await?;
    import::set_plan(&mut tx, &kept.id, &serde_json::to_string(plan)?, &connection_id, now).await?;
    if !import::go(&mut tx, &kept.id, &["draft", "ready", "failed"], "checking", now).await? {
        return Err(ImportError::Overtaken);
    }
    tx.commit().await?;
    Ok(())
}
