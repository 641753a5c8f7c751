//! A schedule as people write it: `every 15m`, `daily 08:00`, `cron */15 8-18 * * 1-5`, `manual`.

use musubi_sdk::manifest::parse_duration;

use crate::connection::schedule::Plan;

/// Reads one; the message says how to write it.
///
/// # Errors
/// What cannot be a schedule.
pub fn read(text: &str) -> Result<Plan, String> {
    let (word, rest) = text.trim().split_once(' ').map_or((text.trim(), ""), |(word, rest)| (word, rest.trim()));
    let plan = match (word, rest) {
        ("manual", "") => Plan::Manual,
        ("every", span) => match parse_duration(span).map(|span| span.as_secs()).filter(|seconds| *seconds > 0) {
            Some(seconds) => Plan::Every(seconds),
            None => return Err(format!("「{text}」 is no schedule: write a span such as every 15m")),
        },
        ("daily", time) => Plan::Daily(time.to_owned()),
        ("cron", fields) => Plan::Cron(fields.to_owned()),
        _ => {
            return Err(format!(
                "「{text}」 is no schedule: write every 15m, daily 08:00, cron */15 8-18 * * 1-5 or manual"
            ));
        }
    };
    plan.validate().map_err(|error| error.to_string())?;
    Ok(plan)
}

/// Writes one as [`read`] reads it.
#[must_use]
pub fn write(plan: &Plan) -> String {
    match plan {
        Plan::Manual => "manual".to_owned(),
        Plan::Every(seconds) => {
            let (amount, unit) = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")]
                .into_iter()
                .find(|(size, _)| seconds % size == 0)
                .map_or((*seconds, "s"), |(size, unit)| (seconds / size, unit));
            format!("every {amount}{unit}")
        }
        Plan::Daily(time) => format!("daily {time}"),
        Plan::Cron(fields) => format!("cron {fields}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let table = [
            (Plan::Every(900), "every 15m"),
            (Plan::Every(7200), "every 2h"),
            (Plan::Every(86_400), "every 1d"),
            (Plan::Every(61), "every 61s"),
            (Plan::Daily("08:00".into()), "daily 08:00"),
            (Plan::Cron("*/15 8-18 * * 1-5".into()), "cron */15 8-18 * * 1-5"),
            (Plan::Manual, "manual"),
        ];
        for (plan, text) in table {
            assert_eq!(write(&plan), text);
            assert_eq!(read(text), Ok(plan));
        }
        for wrong in ["", "every", "every x", "every 0s", "daily 25:00", "cron x", "hourly", "manual now"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
