//! Making what is configured as a plan says.

use serde_json::json;

use crate::{
    connection::{
        change,
        create::CreateError,
        mapping::{self, MappingError},
    },
    model::Timestamp,
    store::{self, StoreError, Tx},
};

use super::{Alteration, Creation, Plan, PlanError, Rest, Step, Work, compare::Here};

/// What was done to one connection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Made {
    pub id: String,
    pub name: String,
    pub created: bool,
    pub changes: Vec<String>,
}

/// Does every step, each connection in one transaction. `trail` writes what was done into the audit trail of that
/// transaction. What was done before a step that cannot be done stays done; planning again says what is left.
///
/// # Errors
/// [`PlanError::Overtaken`] where somebody else changed a connection since it was planned.
pub async fn apply<T>(here: Here<'_>, plan: Plan, actor: &str, mut trail: T) -> Result<Vec<Made>, PlanError>
where
    T: AsyncFnMut(&mut Tx, &Made, serde_json::Value) -> Result<(), StoreError>,
{
    let mut done = Vec::with_capacity(plan.steps.len());
    for step in plan.steps {
        let now = here.clock.now();
        let mut tx = here.db.begin().await?;
        let id = one(here, &mut tx, &step, actor, now).await?;
        let made = Made { id, created: step.id.is_none(), name: step.name, changes: step.changes };
        trail(&mut tx, &made, json!({"changed": made.changes})).await?;
        tx.commit().await?;
        done.push(made);
    }
    here.registry.reload(here.db, here.keys).await?;
    Ok(done)
}

async fn one(here: Here<'_>, tx: &mut Tx, step: &Step, actor: &str, now: Timestamp) -> Result<String, PlanError> {
    let refused = |source: CreateError| match source {
        CreateError::Overtaken | CreateError::NameTaken | CreateError::NotFound => {
            PlanError::Overtaken(step.name.clone())
        }
        source => PlanError::Connection { name: step.name.clone(), source },
    };
    let (id, rest) = match &step.work {
        Work::Create(creation) => {
            let Creation { draft, rest } = creation.as_ref();
            draft.store(tx).await.map_err(refused)?;
            (draft.id().to_owned(), rest)
        }
        Work::Change(alteration) => {
            let Alteration { draft, rest } = alteration.as_ref();
            if let Some(draft) = draft {
                let draft: &change::Draft = draft;
                draft.store(tx, None, here.zone, now).await.map_err(refused)?;
            }
            (step.id.clone().unwrap_or_default(), rest)
        }
    };
    let Rest { paused, push, mappings } = rest;
    if let Some(paused) = paused {
        store::connection::set_paused(tx, &id, *paused, now).await?;
    }
    if let Some(push) = push {
        store::connection::set_push(tx, &id, push, now).await?;
    }
    for (stream, spec) in mappings {
        mapping::put(tx, &id, stream, spec, actor, now).await.map_err(|source| match source {
            MappingError::Overtaken => PlanError::Overtaken(step.name.clone()),
            source => PlanError::Mapping { name: step.name.clone(), source },
        })?;
    }
    Ok(id)
}
