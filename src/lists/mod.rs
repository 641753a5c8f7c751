//! Lists: how people work with many records at once.
//!
//! | part | does |
//! |---|---|
//! | [`query`] | the address of the customers list as a value: what narrows and orders it, which columns it has |
//! | [`views`] | addresses that people saved under a name, for themselves or for everybody |
//! | [`bulk`] | the same change for many customers, done in the background and taken back as a whole |
//! | [`search`] | one box over every noun of the hub |
//!
//! Invariant: a saved view holds a question, never an answer: what it shows is read with its reader's own
//! [`crate::model::View`].
//! Invariant: what is done to many customers is done to each as a person would have done it: with the rights that
//! the person has at that moment, as a version with its actor, and noted with what stood before.
//!
//! To add a column: a variant of [`query::Column`], its word in both catalogues (`[column]`), its cell in
//! `templates/customers_cell.html`. To add a noun to the search: an entry of [`search::NOUNS`].

pub mod bulk;
pub mod query;
pub mod search;
pub mod views;

/// The customers list, where choices and views are kept by list.
pub const CUSTOMERS: &str = "customers";
