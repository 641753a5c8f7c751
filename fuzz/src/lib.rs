//! What the fuzz targets share: the place that answers come to, as `./x fuzz` had it written, the check of a
//! believed answer, and a way to change documents that leaves them documents.

#![expect(dead_code, reason = "of the hub's files only the reading of answers is used")]

mod identity;
mod markup;
mod model;
mod place;

pub use identity::federation::saml::apart::admit;
pub use markup::changed;
pub use place::Place;

/// Changes what stands in the first `size` bytes of `data`: its markup mostly, else its bytes, as the fuzzer does.
/// Returns the new size.
pub fn mutated(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    bytes: impl Fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    if seed % 4 != 0
        && let Ok(text) = std::str::from_utf8(&data[..size])
        && let Some(new) = changed(text, seed)
        && new.len() <= max_size
    {
        data[..new.len()].copy_from_slice(new.as_bytes());
        return new.len();
    }
    bytes(data, size, max_size)
}
