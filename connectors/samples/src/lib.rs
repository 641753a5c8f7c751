//! The sample company and its sample systems (見本).
mod company;
pub mod numbers;
mod rng;
pub use company::*;
