//! What signing in was asked to withstand, by number, and what proves each: the tables of cases and tests of other
//! files. `docs/security.md` shows all of it, as it is printed here.
//!
//! Numbers: R of OpenID Connect, S of SAML, K of sessions, B of people and mail domains.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{oidc_cases, saml_cases};

mod wanted;

struct Asked {
    number: &'static str,
    what: &'static str,
    /// `oidc/…` and `saml/…` are cases of the tables, the others tests, with the module they are in. SAML cases that
    /// begin with the number count as well.
    by: &'static [&'static str],
}

const fn asked(number: &'static str, what: &'static str, by: &'static [&'static str]) -> Asked {
    Asked { number, what, by }
}

use wanted::WANTED;

fn cases() -> BTreeSet<String> {
    let oidc = oidc_cases::table::all().map(|case| format!("oidc/{}", case.name));
    oidc.chain(saml_cases::all().map(|case| format!("saml/{}", case.name))).collect()
}

/// Everything that proves one: what it names, and SAML cases that name it.
fn proofs(asked: &Asked) -> Vec<String> {
    let named = asked.by.iter().map(|name| (*name).to_owned());
    let naming = saml_cases::all().filter(|case| numbers(case.meaning).any(|number| number == asked.number));
    named.chain(naming.map(|case| format!("saml/{}", case.name))).collect()
}

/// The numbers at the beginning of a meaning, and the meaning without them.
fn split(meaning: &str) -> (&str, &str) {
    match meaning.split_once(": ") {
        Some((numbers, what)) if numbers.split(", ").all(is_number) => (numbers, what),
        _ => ("", meaning),
    }
}

fn numbers(meaning: &str) -> impl Iterator<Item = &str> {
    split(meaning).0.split(", ").filter(|number| !number.is_empty())
}

fn is_number(word: &str) -> bool {
    word.len() == 3 && word.starts_with(['R', 'S', 'K', 'B']) && word[1..].bytes().all(|b| b.is_ascii_digit())
}

/// Every source file of the project that may have tests.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
}

fn markdown() -> String {
    let mut text = "### By number\n\n| | what was asked | proven by |\n|---|---|---|\n".to_owned();
    for asked in WANTED {
        let proofs = proofs(asked).iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        text += &format!("| {} | {} | {proofs} |\n", asked.number, asked.what);
    }
    text += "\n### OpenID Connect\n\n| | what the provider or the browser does | outcome | why, where it is open |\n|---|---|---|---|\n";
    for case in oidc_cases::table::all() {
        let why = case.because.unwrap_or_default();
        text += &format!("| `{}` | {} | {} | {why} |\n", case.name, case.meaning, case.outcome());
    }
    text += "\n### SAML 2.0\n\n| | what the provider or the browser does | outcome | why, where it is open |\n|---|---|---|---|\n";
    for case in saml_cases::all() {
        let why = case.because.unwrap_or_default();
        text += &format!("| `{}` | {} | {} | {why} |\n", case.name, split(case.meaning).1, case.outcome());
    }
    text
}

/// Where the tables stand in docs/security.md.
const MARKS: [&str; 2] = ["<!-- every case, as the tests print it -->\n\n", "\n<!-- end of the cases -->"];

#[test]
fn the_documentation_shows_every_case() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let text = fs::read_to_string(path).unwrap();
    let shown = text.split_once(MARKS[0]).and_then(|(_, rest)| rest.split_once(MARKS[1]));
    let shown = shown.map(|(tables, _)| tables).expect("docs/security.md has no place for the tables");
    let differ = || markdown().lines().zip(shown.lines()).find(|(is, was)| is != was).map(|(is, _)| is.to_owned());
    assert!(shown == markdown(), "print it again (below); the first line that differs: {:?}", differ());
}

#[test]
fn every_number_has_a_proof_that_is_there() {
    let mut expected: Vec<String> = Vec::new();
    for (letter, last) in [('R', 41), ('S', 52), ('K', 12), ('B', 11)] {
        expected.extend((1..=last).map(|n| format!("{letter}{n:02}")));
    }
    assert_eq!(WANTED.iter().map(|asked| asked.number).collect::<Vec<_>>(), expected);
    let (cases, mut files) = (cases(), Vec::new());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["src", "tests/it", "connectors/sdk/src"].iter().for_each(|folder| sources(&root.join(folder), &mut files));
    for asked in WANTED {
        let proofs = proofs(asked);
        assert!(!proofs.is_empty(), "{} has no proof", asked.number);
        for proof in proofs {
            let there = match proof.rsplit_once("::") {
                Some((_, test)) => files.iter().any(|text| text.contains(&format!("fn {test}("))),
                None => cases.contains(&proof),
            };
            assert!(there, "{}: there is no {proof}", asked.number);
        }
    }
}

#[test]
fn scripts_keep_nothing_in_the_browser() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/console/static/js");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for store in ["localStorage", "sessionStorage", "indexedDB", "document.cookie"] {
            assert!(!text.contains(store), "{}: {store}", path.display());
        }
    }
}

#[test]
#[ignore = "prints the tables for docs/security.md: cargo test --test it -- --ignored --nocapture the_tables_for"]
#[expect(clippy::print_stdout, reason = "that is what it is for")]
fn the_tables_for_the_documentation() {
    print!("{}", markdown());
}
