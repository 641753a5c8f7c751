//! The sample systems stand for systems of somebody else: they have a clock of their own.

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "the one place where the sample systems look at the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
