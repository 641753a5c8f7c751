//! Plain data: the nouns of the hub. No input or output happens here.

pub mod custom;
pub mod date;
pub mod event;
pub mod ids;
pub mod lag;
pub mod money;
pub mod record;
pub mod time;
pub mod view;

pub use date::Date;
pub use ids::Id;
pub use money::{Currency, Money};
pub use time::Timestamp;
pub use view::{Class, Shown, View};
