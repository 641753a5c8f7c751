//! Watches what pulled records look like, and holds on to the values of fields that their source has lost.
//!
//! A new field is taken note of, nothing more. A field that is gone, or of another kind, and that the mapping reads is
//! **held**: what the hub has of it stays, the other fields go on being taken. It ends by itself when the field is
//! back, or when a mapping is published that does not read it.
//!
//! Held fields stand in [`Live::held`], so that every way by which records come heeds them; [`values`] is what is kept.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use super::engine::Engine;
use crate::{
    connection::{
        Live,
        shape::{self, Look, Shape, What},
    },
    model::Timestamp,
    store::{self, Db, StoreError, shape::Change},
};

/// How long a new field is told of.
const NEWS: i64 = 14 * Timestamp::DAY;

/// What is kept of records, by key.
pub type Held = HashMap<String, Map<String, Value>>;

/// What the hub has of held fields for these records. Asks nothing where no field is held.
pub async fn values<'a>(
    db: &Db,
    live: &Live,
    stream: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Held, StoreError> {
    let fields = live.held(stream);
    if fields.is_empty() {
        return Ok(Held::new());
    }
    let rows = store::shape::mapped(db, &live.row.id, stream, keys).await?;
    let kept = |text: &str| -> Map<String, Value> {
        let Ok(Value::Object(mut record)) = serde_json::from_str(text) else { return Map::new() };
        fields.iter().filter_map(|name| record.remove(name).map(|value| (name.clone(), value))).collect()
    };
    Ok(rows.into_iter().map(|(key, text)| (key, kept(&text))).collect())
}

/// The shape of a stream while it is pulled.
pub(super) struct Watch {
    stream: String,
    shape: Shape,
    stored: Shape,
}

impl Watch {
    pub async fn open(engine: &Engine, live: &Live, stream: &str) -> Result<Self, StoreError> {
        let stored = store::shape::get(&engine.db, &live.row.id, stream).await?;
        // What cannot be read is learned anew.
        let shape: Shape = stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        settle(engine, live, stream).await?;
        Ok(Self { stream: stream.to_owned(), stored: shape.clone(), shape })
    }

    /// Looks at a page before it is mapped. `Some`: the connection is another one from now on.
    pub async fn look<'a>(
        &mut self,
        engine: &Engine,
        live: &Live,
        bodies: impl Iterator<Item = &'a Value>,
    ) -> Result<Option<Arc<Live>>, StoreError> {
        let mut look = Look::default();
        bodies.for_each(|body| look.add(body));
        let changes = self.shape.learn(&look);
        if changes.is_empty() {
            return Ok(None);
        }
        let now = engine.clock.now();
        let spec = live.manifest.stream(&self.stream).map(|stream| stream.mapping.clone()).unwrap_or_default();
        let mut tx = engine.db.begin().await?;
        let mut another = false;
        for change in changes {
            let fields = shape::filled_from(&spec, &change.path, change.what.as_str());
            match change.what {
                What::Back => {
                    another |= store::shape::end(&mut tx, &live.row.id, &self.stream, &change.path, now).await?;
                }
                // Nobody reads it: nobody misses it.
                What::Gone | What::Kind if fields.is_empty() => {}
                what => {
                    let noted = Change {
                        connection_id: live.row.id.clone(),
                        stream: self.stream.clone(),
                        path: change.path,
                        change: what.as_str().to_owned(),
                        fields: serde_json::json!(fields).to_string(),
                        at: now.0,
                    };
                    another |= noted.is_breaking();
                    store::shape::note(&mut tx, &noted).await?;
                }
            }
        }
        store::shape::put(&mut tx, &live.row.id, &self.stream, &written(&self.shape), now).await?;
        tx.commit().await?;
        self.stored = self.shape.clone();
        if !another {
            return Ok(None);
        }
        tracing::warn!(connection.id = %live.row.id, stream = %self.stream, "the source has changed its fields");
        engine.registry.reload(&engine.db, &engine.keys).await?;
        Ok(engine.registry.get(&live.row.id))
    }

    /// Keeps what was learned.
    pub async fn close(self, engine: &Engine, live: &Live) -> Result<(), StoreError> {
        if self.shape == self.stored {
            return Ok(());
        }
        let mut tx = engine.db.begin().await?;
        store::shape::put(&mut tx, &live.row.id, &self.stream, &written(&self.shape), engine.clock.now()).await?;
        tx.commit().await
    }
}

/// Ends what the mapping in force does not read any more, and what was new for long enough.
async fn settle(engine: &Engine, live: &Live, stream: &str) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let spec = live.manifest.stream(stream).map(|stream| &stream.mapping);
    let is_over = |change: &Change| match change.is_breaking() {
        true => spec.is_none_or(|spec| shape::filled_from(spec, &change.path, &change.change).is_empty()),
        false => now.0 - change.at > NEWS,
    };
    let open = store::shape::open(&engine.db, Some(&live.row.id)).await?;
    let over: Vec<Change> = open.into_iter().filter(|change| change.stream == stream && is_over(change)).collect();
    if over.is_empty() {
        return Ok(());
    }
    let mut tx = engine.db.begin().await?;
    for change in over {
        store::shape::end(&mut tx, &change.connection_id, stream, &change.path, now).await?;
    }
    tx.commit().await
}

fn written(shape: &Shape) -> String {
    serde_json::json!(shape).to_string()
}
