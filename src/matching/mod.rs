//! Pure rules about records: folding text, comparing, survivorship. No input or output happens here.

pub mod fold;
pub mod survivorship;
//! Comparing records: pure functions over plain text, no input or output.
//!
//! `fold` makes spellings of the same name equal; search and linking build on it.

pub mod fold;
pub mod place;
