//! What analysts read: customers and their documents as entity sets, page by page, filtered and sorted in the
//! database. `analytics::odata` speaks the protocol, this room has the SQL.
//!
//! Invariants: every question takes the reader's [`View`]; a row outside of it is not there, and a value that the
//! reader may not see is null before it is shown, filtered or sorted by. A page begins after a place in the order,
//! not at a number, so that nothing is lost or doubled while rows come and go. Both databases answer alike.

pub mod decimal;
pub mod expr;
mod read;
mod render;
pub mod shape;

pub use expr::{Comparison, Expr, Function, Literal, Order, Type};
pub use read::{Children, Place, Question, Row, children, count, page};
pub use shape::{Kind, Navigation, Property, SETS, Set};
