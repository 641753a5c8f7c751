//! The targets under libFuzzer, one a run: `MUSUBI_FUZZ` names it.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
    musubi_fuzz::named().judge(bytes);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    musubi_fuzz::mutated(data, size, max_size, seed, fuzzer_mutate)
});
