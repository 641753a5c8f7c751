//! Every case there is.

use super::{asked, callback, case::Case, claims, endpoints, signature};

pub fn all() -> impl Iterator<Item = &'static Case> {
    [claims::CASES, signature::CASES, endpoints::CASES, callback::CASES, asked::CASES].into_iter().flatten()
}

#[test]
fn every_case_has_its_own_name() {
    let mut names: Vec<&str> = all().map(|case| case.name).collect();
    let every = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), every);
}
