#[path = "../../src/model/time.rs"]
mod time;

pub use time::Timestamp;
