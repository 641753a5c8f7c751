//! Makes it so: chunk by chunk through the committer, as every other source.

use musubi_files::Limits;

use super::{
    ImportError, Job, Report,
    check::{Chunk, Step, before_of, walk},
};
use crate::{
    model::{Id, ids},
    store::{
        import::{self, Touched},
        run,
    },
    sync::committer::{CommitError, Work},
};

/// Applies an import; again from its start where it was cut off.
pub(super) async fn apply(job: &Job<'_>, limits: &Limits) -> Result<Report, ImportError> {
    let run_id = run_of(job, "import").await?;
    let mut tx = job.engine.db.begin().await?;
    import::clear_rejects(&mut tx, &job.import.id).await?;
    tx.commit().await?;
    let mut report = Report::default();
    let walked = walk(job, limits, &mut report, Step::Apply(&run_id)).await;
    close(job, &run_id, &walked, report.counts.rejected > 0).await?;
    walked.map(|()| report)
}

pub(super) async fn one(job: &Job<'_>, run_id: &str, chunk: Chunk) -> Result<(), ImportError> {
    let stream = job.plan.stream();
    let befores = before_of(&chunk.ready);
    let touched: Vec<Touched> = chunk
        .ready
        .iter()
        .filter(|r| r.what() != "unchanged")
        .map(|r| Touched {
            stream: stream.to_owned(),
            external_id: r.draft.key.clone(),
            label: r.label().chars().take(200).collect(),
            before_body: befores.get(r.draft.key.as_str()).copied().flatten().map(str::to_owned),
            after_hash: r.incoming.hash.clone(),
            undone: None,
        })
        .collect();
    let mut tx = job.engine.db.begin().await?;
    import::touch(&mut tx, &job.import.id, &touched).await?;
    tx.commit().await?;
    let kind = job.live.kind_of(stream).ok_or(ImportError::Connection)?;
    let mut work = Work::of(&job.live, stream, kind, run_id, job.engine.currency);
    // A record that was taken back and comes again is news.
    work.back = true;
    work.records = chunk.ready.into_iter().map(|r| r.incoming).collect();
    work.rejected = chunk.failures;
    if work.is_empty() {
        return Ok(());
    }
    commit(job, work, run_id).await
}

pub(super) async fn commit(job: &Job<'_>, work: Work, run_id: &str) -> Result<(), ImportError> {
    let outcome = job.engine.committer.apply(work).await.map_err(|error| match error {
        CommitError::Refused(_) | CommitError::Full => ImportError::Store(crate::store::StoreError::Away),
        CommitError::Outage => ImportError::Store(crate::store::StoreError::Away),
        CommitError::Stopping => ImportError::Interrupted,
    })?;
    job.engine.announce(&outcome, run_id);
    Ok(())
}

/// The run of a step: the one that was begun, or a new one.
pub(super) async fn run_of(job: &Job<'_>, trigger: &'static str) -> Result<String, ImportError> {
    if let (Some(id), "import") = (&job.import.run_id, trigger) {
        return Ok(id.clone());
    }
    let id = Id::new(ids::Noun::Run).into_string();
    let new = run::New {
        id: &id,
        connection_id: &job.import.connection_id,
        trigger,
        actor: Some(&job.import.actor),
        state: "running",
        mapping_version: job.live.row.mapping_version,
        now: job.engine.clock.now(),
    };
    let mut tx = job.engine.db.begin().await?;
    run::insert(&mut tx, &new).await?;
    if trigger == "import" {
        import::set_run(&mut tx, &job.import.id, &id).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Ends the run, unless the step goes on on another node.
pub(super) async fn close(
    job: &Job<'_>,
    run_id: &str,
    done: &Result<(), ImportError>,
    partly: bool,
) -> Result<(), ImportError> {
    let (state, cause) = match done {
        Err(ImportError::Interrupted | ImportError::Overtaken) => return Ok(()),
        Err(error) => ("failed", Some(error.code())),
        Ok(()) if partly => ("partial", None),
        Ok(()) => ("succeeded", None),
    };
    let now = job.engine.clock.now();
    let finish = run::Finish { id: run_id, state, requests: 0, throttled: 0, cause, detail: None, now };
    let mut tx = job.engine.db.begin().await?;
    run::finish(&mut tx, &finish).await?;
    tx.commit().await?;
    job.engine.announce(&crate::master::Outcome::default(), run_id);
    Ok(())
}
