//! Secrets at rest: sealed with XChaCha20-Poly1305 under a key from a file or the environment.
//!
//! The additional data names table, row and column, so a sealed value cannot be moved to another
//! place. Every sealed value carries the id of its key, so keys can be rotated.
#[derive(Debug)]
pub struct Keys;
