//! What must hold when the same, older, wrong or unlucky data comes: each on both databases.

mod deliveries;
mod linking;
mod records;
mod running;
mod shipments;
pub mod world;
