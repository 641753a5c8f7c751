//! Who is calling and what they may do: first owner, local sign-in, sessions, roles, audit.
//!
//! Invariant: every handler gets a [`Principal`]; what a role may do is decided in `access` only.

pub mod principal;
pub use principal::{Principal, Role};
