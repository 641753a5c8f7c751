//! The whole check of an answer: no panic, no end of time, and nothing is believed that the provider did not sign.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use musubi_fuzz::Place;

fuzz_target!(|bytes: &[u8]| {
    Place::get().check(bytes);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    musubi_fuzz::mutated(data, size, max_size, seed, fuzzer_mutate)
});
