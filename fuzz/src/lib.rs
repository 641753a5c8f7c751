//! What the fuzz targets share: the place that documents come to, as `./x fuzz` had it written, the targets, and a way
//! to change documents that leaves them documents.
//!
//! Invariant: whatever a target believes was signed by a key that was known before, in just these words.

mod markup;
mod place;
mod target;

pub use markup::changed;
pub use place::Place;
pub use target::{Target, named};

/// Changes what stands in the first `size` bytes of `data`: its markup mostly, else its bytes, as the fuzzer does.
/// Returns the new size.
pub fn mutated(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    bytes: impl Fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    if !seed.is_multiple_of(4)
        && let Ok(text) = std::str::from_utf8(&data[..size])
        && let Some(new) = changed(text, seed)
        && new.len() <= max_size
    {
        data[..new.len()].copy_from_slice(new.as_bytes());
        return new.len();
    }
    bytes(data, size, max_size)
}
