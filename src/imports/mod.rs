//! Imports: files that people bring, from the first look to taking the whole of it back.
//!
//! ```text
//! stage -> draft -> check -> ready -> apply -> applied -> undo -> undone
//! ```
//!
//! | part | does |
//! |---|---|
//! | [`stage`] | keeps a file, looks at it, proposes a [`Plan`] |
//! | [`plan`] | which column is what, by what a record is known again |
//! | `feed` | the rows of a kept file, piece by piece |
//! | `gather` | rows to records: one each, or those of one number together |
//! | `resolve` | whom a row means: customers by code, id or name |
//! | `check` | what would happen, without anything happening |
//! | `apply` | makes it so, in chunks, through the mapping and the door of every other source |
//! | `edits` | a sheet of the hub's own that comes back: edits of a person, conflicts shown |
//! | `undo` | brings back what stood before |
//! | [`worker`] | does these steps on some node, whoever left the page |
//!
//! Invariant: every row of a file is in its [`Report`]: taken, rejected with line, column and cause, or skipped.
//! Invariant: what is about to be touched is noted with what stood there before it is touched; a step that is cut
//! off is done again from its start and changes nothing twice (content hash).
//! Invariant: undoing never overwrites what somebody else changed since; it is listed instead.

mod apply;
mod check;
mod feed;
mod gather;
pub mod plan;
mod report;
mod resolve;
pub mod stage;
mod undo;
pub mod worker;

pub use plan::{Match, Plan};
pub use report::{Change, Counts, Report, Shown, Undone};

use std::sync::Arc;

use crate::{
    connection::Live,
    store::{StoreError, import::Import},
    sync::engine::Engine,
};

/// Why a step cannot be done. Codes stand in the catalogues.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    File(#[from] musubi_files::FileError),
    #[error("the import is not there, or its file is gone")]
    Gone,
    #[error("the column for \"{0}\" is missing")]
    Role(String),
    #[error("rows of one number stand too far apart: sort the file by number")]
    Scattered,
    #[error("somebody else was first")]
    Overtaken,
    #[error("the connection cannot be used")]
    Connection,
    #[error("the work was cut off")]
    Interrupted,
    #[error("the plan cannot be read")]
    Plan(#[from] serde_json::Error),
    #[error("a file cannot be kept")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(error) => error.code(),
            Self::Gone => "IMPORT_GONE",
            Self::Role(_) => "IMPORT_ROLE",
            Self::Scattered => "IMPORT_SCATTERED",
            Self::Overtaken => "IMPORT_OVERTAKEN",
            Self::Connection => "IMPORT_CONNECTION",
            Self::Interrupted => "RUN_INTERRUPTED",
            Self::Plan(_) => "IMPORT_PLAN",
            Self::Io(_) => "IMPORT_DISK",
            Self::Store(_) => "DB_UNAVAILABLE",
        }
    }
}

/// An import in hand.
pub(crate) struct Job<'a> {
    pub engine: &'a Engine,
    pub import: &'a Import,
    pub plan: Plan,
    pub live: Arc<Live>,
}

impl<'a> Job<'a> {
    pub async fn open(engine: &'a Engine, import: &'a Import) -> Result<Self, ImportError> {
        if engine.registry.get(&import.connection_id).is_none() {
            engine.registry.reload(&engine.db, &engine.keys).await?;
        }
        let live = engine.registry.get(&import.connection_id).ok_or(ImportError::Connection)?;
        Ok(Self { engine, import, plan: serde_json::from_str(&import.plan)?, live })
    }

    /// Says how far the step is. `false`: nobody wants it any more.
    pub async fn progress(&self, rows: u64) -> Result<(), ImportError> {
        let until = self.engine.clock.now().plus(worker::LEASE);
        let mut tx = self.engine.db.begin().await?;
        let wanted = crate::store::import::progress(&mut tx, &self.import.id, rows as i64, until).await?;
        tx.commit().await?;
        self.engine.moved();
        if wanted { Ok(()) } else { Err(ImportError::Overtaken) }
    }
}

/// The rows that are not taken, as a CSV file that can be mended and brought again: the columns of the file, then
/// line, cause, column and value.
pub async fn rejects_csv(db: &crate::store::Db, kept: &Import, plan: &Plan) -> Result<Vec<u8>, ImportError> {
    use musubi_files::write::{Charset, Column, Csv, Kind};
    let own = plan.layout.columns.iter().cloned();
    let titles = own.chain(REJECT_COLUMNS.map(str::to_owned)).map(|title| Column::new(title, Kind::Text, 16));
    let mut csv = Csv::new(Charset::Utf8Bom, titles.collect());
    let mut after = 0;
    loop {
        let rows = crate::store::import::rejects(db, &kept.id, after, 1000).await?;
        let Some(last) = rows.last() else { break };
        after = last.line;
        for reject in rows {
            let mut cells: Vec<String> = serde_json::from_str(&reject.cells)?;
            // What stood beyond the last heading goes behind the causes: nothing of a row is lost.
            let beyond = cells.split_off(plan.layout.columns.len().min(cells.len()));
            cells.resize(plan.layout.columns.len(), String::new());
            let line = reject.line.to_string();
            cells.extend([
                line,
                reject.cause,
                reject.column_name.unwrap_or_default(),
                reject.value.unwrap_or_default(),
            ]);
            cells.extend(beyond);
            csv.row(&cells);
        }
    }
    Ok(csv.take())
}

/// Headings of what is added to rejected rows; a mended file may keep them.
pub const REJECT_COLUMNS: [&str; 4] = ["取込エラー:行", "取込エラー:原因", "取込エラー:列", "取込エラー:値"];
