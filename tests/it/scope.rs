//! Who sees which customers and which of their fields: departments and masks, on every page, in search and in
//! forms, for each role.

mod crawl;
mod groups;
mod matrix;
pub mod scene;
