//! What must hold when the same, older, wrong or unlucky data comes: each on both databases.

mod deals;
mod deliveries;
mod linking;
mod prospects;
mod records;
mod running;
mod shipments;
pub mod world;
