//! Figures and read models computed from the documents: customer history, KPIs, health, the directory.
//!
//! Reads only; everything here can be thrown away and computed again. 売上 is the invoiced amount
//! without tax minus credit notes; where a customer has no invoices at all it is the ordered
//! amount, and [`Basis`] says so.

pub mod customer;
pub mod directory;
pub mod document;
pub mod health;
mod history;
pub mod odata;
mod overview;
pub mod past;
pub mod pipeline;
pub mod refresher;
pub mod stat;
pub mod timeline;
pub mod why;

pub use customer::{Basis, Health};

#[cfg(test)]
mod tests;
