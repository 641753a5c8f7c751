//! How long to wait before trying again.

use std::time::Duration;

use crate::{config, model::time::micros};

/// Exponential delay with jitter: `first * 2^(attempt-1)`, at most `max`, spread over ±20 % so that
/// connections that failed together do not come back together. A source's own `Retry-After` is
/// honoured as a lower bound.
#[must_use]
pub fn delay(attempt: u32, first: Duration, max: Duration, retry_after: Option<Duration>) -> Duration {
    let plain = first.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1).min(20)).unwrap_or(u32::MAX)).min(max);
    let spread = plain.mul_f64(0.8 + 0.4 * rand::random::<f64>());
    spread.max(retry_after.unwrap_or_default())
}

/// Microseconds until a system that failed so many times in a row is tried again. From
/// `sync.circuit_after` failures on the circuit is open, at least for `sync.circuit_pause`.
#[must_use]
pub fn wait(settings: &config::Sync, failures: i64, retry_after: Option<Duration>) -> i64 {
    let attempt = u32::try_from(failures).unwrap_or(u32::MAX);
    let mut wait = delay(attempt, settings.backoff_first.0, settings.backoff_max.0, retry_after);
    if attempt >= settings.circuit_after {
        wait = wait.max(settings.circuit_pause.0);
    }
    micros(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_limit_and_never_undercuts_retry_after() {
        let first = Duration::from_secs(5);
        let max = Duration::from_secs(900);
        for attempt in 1..64 {
            let d = delay(attempt, first, max, None);
            let plain = first.as_secs_f64() * 2f64.powi(attempt as i32 - 1);
            assert!(d.as_secs_f64() >= plain.min(900.0) * 0.79 && d <= max.mul_f64(1.21), "{attempt} {d:?}");
        }
        assert!(delay(1, first, max, Some(Duration::from_secs(60))) >= Duration::from_secs(60));
    }
}
