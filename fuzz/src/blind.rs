//! Fuzzing without libFuzzer: changes documents blindly, and what gets further than the form is kept and changed
//! further. It sees less than the guided targets, but without their instruments it is many times as quick.
//!
//!   MUSUBI_SAML_FILES=FOLDER blind TARGET SEEDS EXECUTIONS [SEED]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use musubi_fuzz::{Place, Target, changed};

/// Longest document that is changed further.
const LONGEST: usize = 16_384;
/// Most documents that are kept for that.
const KEPT: usize = 4_096;
const TOO_SLOW: Duration = Duration::from_secs(10);

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let usage = "usage: blind TARGET SEEDS EXECUTIONS [SEED]";
    let target = Target::parse(word(1)).expect(usage);
    let executions: u64 = word(3).parse().expect(usage);
    let seed: u64 = word(4).parse().unwrap_or(1);
    let seeds = Place::get().seeds(word(2));
    let (mut kept, mut verdicts) = (Vec::<String>::new(), BTreeMap::<&str, u64>::new());
    let (begin, mut slowest) = (Instant::now(), Duration::ZERO);
    for n in 0..executions {
        let dice = (n ^ seed << 40).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let (from, new) = ((dice >> 33) as usize, dice as u32);
        // Half of them from what came through before.
        let old: &str = match kept.get(from % KEPT) {
            Some(old) if dice >> 63 == 0 => old,
            _ => &seeds[from % seeds.len()],
        };
        let Some(document) = changed(old, new) else {
            *verdicts.entry("nothing left to change").or_default() += 1;
            continue;
        };
        let start = Instant::now();
        let verdict = target.judge(document.as_bytes());
        slowest = slowest.max(start.elapsed());
        assert!(slowest < TOO_SLOW, "{document}");
        *verdicts.entry(verdict).or_default() += 1;
        if document.len() <= LONGEST && !verdict.starts_with("RESPONSE_") {
            match kept.len() {
                KEPT => kept[from / KEPT % KEPT] = document,
                _ => kept.push(document),
            }
        }
    }
    println!("{executions} executions in {:.0?}, the slowest {slowest:.0?}", begin.elapsed());
    for (verdict, times) in verdicts {
        println!("{times:>10} {verdict}");
    }
}
