//! Keeps a connection inside the number of requests its source allows.

use std::{num::NonZeroU32, time::Duration};

use governor::{DefaultDirectRateLimiter, Quota as Rate, RateLimiter};

/// One per connection and process. Nodes do not share it: only one node pulls a connection at a time.
pub struct Quota(Option<DefaultDirectRateLimiter>);

impl Quota {
    /// `requests` in each `per`; `None`: no limit known.
    #[must_use]
    pub fn new(limit: Option<(u32, Duration)>) -> Self {
        Self(limit.and_then(|(requests, per)| {
            let requests = NonZeroU32::new(requests)?;
            let rate = Rate::with_period(per / requests.get())?.allow_burst(requests);
            Some(RateLimiter::direct(rate))
        }))
    }

    /// Waits until one more request is allowed.
    pub async fn acquire(&self) {
        if let Some(limiter) = &self.0 {
            limiter.until_ready().await;
        }
    }
}
