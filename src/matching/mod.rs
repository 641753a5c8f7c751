//! Pure rules about records: folding text, comparing, survivorship. No input or output happens here.

pub mod custom;
pub mod fold;
pub mod place;
pub mod survivorship;
pub mod tenure;
