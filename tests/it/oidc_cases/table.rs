//! Every case there is, and how people read them.

use super::{
    asked, callback,
    case::{Case, Expect},
    claims, endpoints, signature,
};

pub fn all() -> impl Iterator<Item = &'static Case> {
    [claims::CASES, signature::CASES, endpoints::CASES, callback::CASES, asked::CASES].into_iter().flatten()
}

/// The table as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text =
        "| what the provider or the browser does | outcome | why, where it is open |\n|---|---|---|\n".to_owned();
    for case in all() {
        let outcome = match case.expect {
            Expect::In => "signed in".to_owned(),
            Expect::Refused("") => "refused".to_owned(),
            Expect::Refused(code) => format!("refused: `{code}`"),
            Expect::NotAdded(code) => format!("not added: `{code}`"),
        };
        text += &format!("| {} | {outcome} | {} |\n", case.meaning, case.because.unwrap_or_default());
    }
    text
}

#[test]
fn every_case_has_its_own_name() {
    let mut names: Vec<&str> = all().map(|case| case.name).collect();
    let every = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), every);
    assert_eq!(markdown().lines().count(), every + 2);
}

#[test]
#[ignore = "prints the table for docs/security.md: cargo test --test it -- --ignored --nocapture the_table"]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn the_table_for_the_documentation() {
    println!("{}", markdown());
}
