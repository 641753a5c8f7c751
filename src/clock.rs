//! Time as a parameter: nothing in the hub asks the system clock by itself.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::model::Timestamp;

/// Where "now" comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// A clock that only moves when told to, for tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp(jiff::Timestamp::now().as_microsecond()),
            Self::Manual(at) => Timestamp(at.load(Ordering::SeqCst)),
        }
    }
}
