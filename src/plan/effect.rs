//! What a plan would do to records: each mapping that changes, tried with records of its system and taken back.

use crate::sync::{
    engine::Engine,
    rehearse::{self, Rehearsal, RehearseError},
};

use super::{Alteration, Plan, Work};

/// Records that each mapping is tried with.
pub const TRIED: usize = 100;

/// What one mapping of a plan would do.
pub struct Effect {
    /// Name of the connection.
    pub connection: String,
    pub stream: String,
    /// Or the stable code of why nobody knows: the system does not answer, or there is no way to ask it yet.
    pub seen: Result<Rehearsal, &'static str>,
}

/// Asks the systems of connections that are there for a few records. A connection that is yet to be made has none:
/// everything that its system has comes in. Nothing is kept.
pub async fn effects(engine: &Engine, plan: &Plan, actor: &str) -> Vec<Effect> {
    let mut all = Vec::new();
    for step in &plan.steps {
        let (Some(id), Work::Change(alteration)) = (&step.id, &step.work) else { continue };
        let Alteration { rest, .. } = alteration.as_ref();
        for (stream, spec) in &rest.mappings {
            let seen = match engine.registry.get(id) {
                None => Err("CONNECTION_UNUSABLE"),
                Some(live) => match rehearse::take(&live, stream, TRIED).await {
                    Err(error) => Err(error.code()),
                    Ok(records) => {
                        let tried = rehearse::rehearse(engine, &live, stream, spec.clone(), records, actor).await;
                        tried.map_err(|error| {
                            tracing::warn!(
                                connection = id,
                                stream,
                                error = &error as &dyn std::error::Error,
                                "mapping could not be tried"
                            );
                            match error {
                                RehearseError::Invalid(_) => "MAP_INVALID",
                                RehearseError::UnknownStream => "PLAN_STREAM",
                                RehearseError::Live(_) => "CONNECTION_UNUSABLE",
                                RehearseError::Store(_) => "STORE",
                            }
                        })
                    }
                },
            };
            all.push(Effect { connection: step.name.clone(), stream: stream.clone(), seen });
        }
    }
    all
}
