//! Bytes and shape, without a signature: no panic, no end of time, and what is let through is what it says.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use musubi_fuzz::admit;

fuzz_target!(|bytes: &[u8]| {
    if admit(bytes).is_err() {
        return;
    }
    let text = std::str::from_utf8(bytes).expect("what is let through is UTF-8");
    let start = if text.starts_with("<?xml") { text.find("?>").expect("a declaration ends") + 2 } else { 0 };
    let rest = &text[start..];
    assert!(!rest.contains("<!") && !rest.contains("<?"), "more than elements and text");
    // Beginnings of tags, whatever stands before the name.
    let tags = |name: &str| {
        let begins =
            rest.match_indices('<').map(|(at, _)| rest[at + 1..].split(['>', '/', ' ', '\t', '\r', '\n']).next());
        begins.flatten().filter(|tag| tag.rsplit(':').next() == Some(name)).count()
    };
    assert_eq!(tags("Response"), 1, "one response");
    assert_eq!(tags("Assertion") + tags("EncryptedAssertion"), 1, "one assertion");
    assert!(tags("Signature") <= 2, "signatures in two places");
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    musubi_fuzz::mutated(data, size, max_size, seed, fuzzer_mutate)
});
