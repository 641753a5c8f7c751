//! `musubi connection target`: how fresh a system's data has to be.

use serde_json::json;

use crate::{
    cli::{CliError, CliResult, Context, Outcome, installation::Installation},
    config::{Percent, Period},
    connection::freshness,
    model::Timestamp,
    store,
};

#[derive(clap::Args)]
pub struct Args {
    /// Id or name
    connection: String,
    /// How old its data may get, such as 30m or 6h; plan: as the schedule has it; none
    #[arg(long)]
    freshness: Option<String>,
    /// Share of the time in which it has to be that fresh, such as 99.5%; default: as configured
    #[arg(long)]
    objective: Option<String>,
}

/// `None`: from the schedule; 0: none.
fn target(text: &str) -> Result<Option<i64>, CliError> {
    match text {
        "plan" => Ok(None),
        "none" => Ok(Some(0)),
        text => {
            let length = text.parse::<Period>().map_err(CliError::Usage)?.micros();
            let fits = (Timestamp::MINUTE..=freshness::LONGEST).contains(&length);
            fits.then_some(Some(length))
                .ok_or_else(|| CliError::Usage("a target is 1m to 31d long, plan or none".into()))
        }
    }
}

/// Hundredths of a percent; `None`: as configured.
fn objective(text: &str) -> Result<Option<i64>, CliError> {
    if text == "default" {
        return Ok(None);
    }
    let share = text.parse::<Percent>().map_err(CliError::Usage)?.hundredths();
    let fits = freshness::OBJECTIVES.contains(&share);
    fits.then_some(Some(share)).ok_or_else(|| CliError::Usage("an objective is 50% to 99.99%, or default".into()))
}

pub async fn run(context: &Context, args: &Args) -> CliResult {
    let here = Installation::open(context).await?;
    let mut row = here.connection(&args.connection).await?;
    if args.freshness.is_some() || args.objective.is_some() {
        if let Some(text) = &args.freshness {
            row.freshness_target = target(text)?;
        }
        if let Some(text) = &args.objective {
            row.freshness_objective = objective(text)?;
        }
        let (target, objective) = (row.freshness_target, row.freshness_objective);
        let mut tx = here.begin().await?;
        store::freshness::set_target(&mut tx, &row.id, target, objective, here.now()).await?;
        here.record(&mut tx, "connection.watch", ("connection", &row.id)).await?;
        tx.commit().await?;
    }
    let holds = freshness::target(&row).map(|target| target / Timestamp::SECOND);
    let objective = context.config.health.objective_of(row.freshness_objective);
    let length = |seconds: i64| Period(std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0))).to_string();
    let shown = holds.map_or_else(
        || "no freshness target".to_owned(),
        |seconds| {
            format!("fresh within {} for {}.{:02}% of the time", length(seconds), objective / 100, objective % 100)
        },
    );
    let document = json!({"id": row.id, "target_seconds": holds, "objective_hundredths": objective});
    context.output.result(&document, &format!("{}: {shown}", row.name));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_lengths_or_words() {
        for (text, wanted) in [
            ("plan", Some(None)),
            ("none", Some(Some(0))),
            ("30m", Some(Some(30 * Timestamp::MINUTE))),
            ("30s", None),
            ("32d", None),
            ("x", None),
        ] {
            assert_eq!(target(text).ok(), wanted, "{text}");
        }
        for (text, wanted) in [("default", Some(None)), ("99.5%", Some(Some(9_950))), ("100%", None), ("12%", None)] {
            assert_eq!(objective(text).ok(), wanted, "{text}");
        }
    }
}
