//! Named points at which a test can end the process as a power cut would.
//!
//! Only debug builds have them. `arm("commit.before:3")` aborts at the third passage.

/// Every point of what comes in, so that tests can walk all of them.
pub const POINTS: [&str; 10] = [
    "commit.before_write",
    "commit.after_inbox",
    "commit.after_ingest",
    "commit.before_commit",
    "commit.after_commit",
    "inbox.before_submit",
    "inbox.after_submit",
    "pull.after_page",
    "pull.after_chunk",
    "pull.before_finish",
];

/// The same of what goes out.
pub const PUSH_POINTS: [&str; 4] =
    ["push.before_send", "push.after_send", "push.before_record", "push.before_acknowledge"];

/// The same of telling what happened.
pub const EVENT_POINTS: [&str; 3] = ["events.before_send", "events.after_send", "events.before_settle"];

#[cfg(debug_assertions)]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    };

    static ARMED: OnceLock<(String, AtomicI64)> = OnceLock::new();

    pub fn arm(text: &str) {
        let (name, passage) = text.split_once(':').unwrap_or((text, "1"));
        let _ = ARMED.set((name.to_owned(), AtomicI64::new(passage.parse().unwrap_or(1))));
    }

    pub fn pass(name: &str) {
        if let Some((armed, left)) = ARMED.get()
            && armed == name
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}

/// Arms one point for this process. Without effect in release builds.
pub fn arm(text: &str) {
    #[cfg(debug_assertions)]
    armed::arm(text);
    #[cfg(not(debug_assertions))]
    let _ = text;
}

/// Passes a point.
pub fn pass(name: &'static str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}
