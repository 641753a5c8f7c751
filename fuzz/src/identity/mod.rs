//! The hub's room of this name, as far as answers are read in it. The files are the hub's.

pub mod federation;
#[path = "../../../src/identity/principal.rs"]
mod principal;

pub use principal::Role;
