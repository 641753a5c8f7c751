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

/// Where the table stands in docs/security.md.
const MARKS: [&str; 2] = ["<!-- every case, as the tests print it -->\n\n", "\n<!-- end of the cases -->"];

#[test]
fn the_documentation_shows_every_case() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let text = std::fs::read_to_string(path).unwrap();
    let shown = text.split_once(MARKS[0]).and_then(|(_, rest)| rest.split_once(MARKS[1]));
    let shown = shown.map(|(table, _)| table).expect("docs/security.md has no place for the table");
    let differ = || markdown().lines().zip(shown.lines()).find(|(is, was)| is != was).map(|(is, _)| is.to_owned());
    assert!(shown == markdown(), "print it again (below); the first line that differs: {:?}", differ());
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
