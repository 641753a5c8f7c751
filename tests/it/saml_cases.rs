//! Signing in by SAML with a provider that is hostile, broken or merely odd: every case of a table, and what a
//! table cannot say.

pub mod case;
mod claims;
mod encryption;
mod files;
mod markup;
pub mod pen;
mod providers;
mod rollover;
pub mod scene;
mod signature;
pub mod slo;
mod slo_words;
mod upkeep;
mod ways;
mod wrapping;

use serde_json::Value;

use self::{
    case::{Case, Expect, Way},
    scene::{Saml, Trip},
};
use crate::{
    oidc_cases::scene::{NEXT, SESSION},
    real::TestDatabase as Database,
};

/// Cases that are played on the second database as well: one of each kind of write and refusal.
const ON_BOTH: [&str; 12] = [
    "enc-ok",
    "enc-name",
    "ok-assertion-signed",
    "ok-hostile-name",
    "unasked-allowed",
    "replay",
    "replay-other-session",
    "login-csrf",
    "unsigned",
    "in-response-to-unknown",
    "role-none",
    "not-xml",
];

pub fn all() -> impl Iterator<Item = &'static Case> {
    [signature::CASES, wrapping::CASES, claims::CASES, markup::CASES, encryption::CASES, ways::CASES]
        .into_iter()
        .flatten()
}

/// Counts of people, identities, sessions, and of refusals.
async fn standing(saml: &Saml) -> [i64; 4] {
    let t = &saml.scene.t;
    [
        t.count("SELECT COUNT(*) FROM app_user").await,
        t.count("SELECT COUNT(*) FROM external_identity").await,
        t.count("SELECT COUNT(*) FROM session").await,
        t.count("SELECT COUNT(*) FROM audit WHERE action = 'session.start' AND outcome = 'refused'").await,
    ]
}

/// Plays a case; what differs from what the table says.
async fn differences(saml: &Saml, case: &Case) -> Vec<String> {
    let before = standing(saml).await;
    let trip = saml.play(case).await;
    let after = standing(saml).await;
    let grown: [i64; 4] = std::array::from_fn(|n| after[n] - before[n]);
    let first = i64::from(matches!(case.way, Way::Twice | Way::AgainElsewhere));
    let mut wrong = Vec::new();
    let mut unless = |right: bool, what: String| {
        if !right {
            wrong.push(what);
        }
    };
    match case.expect {
        Expect::In => {
            let there = trip.end.location().strip_prefix(&saml.scene.t.address()).unwrap_or(trip.end.location());
            let wish = if case.way == Way::Unasked { "/" } else { NEXT };
            unless(trip.end.status == 303 && there == wish, format!("{} {there:?}", trip.end.status));
            unless(trip.end.sets(SESSION).is_some(), "opens no session".into());
            unless(grown == [1, 1, 1, 0], format!("people, identities, sessions, refusals: {grown:?}"));
            let page = trip.visitor.get(&format!("{}{NEXT}", saml.scene.t.address())).await;
            unless(page.status == 200, format!("the page asked for answers {}", page.status));
            unless(!page.body.contains("<script>document"), "the page has a stranger's script".into());
            let statement = "SELECT COUNT(*) FROM external_identity WHERE subject = $1";
            let known = saml.scene.count_of(statement, &trip.site.subject()).await;
            unless(known == 1, "is another person".into());
        }
        Expect::Refused(code) => {
            refused(saml, code, &trip).await.into_iter().for_each(|what| unless(false, what));
            unless(grown == [first, first, first, 1], format!("people, identities, sessions, refusals: {grown:?}"));
        }
    }
    let strays = saml.scene.issuers.strays(case.name);
    unless(strays.is_empty(), format!("called the outside: {strays:?}"));
    if wrong.is_empty() { wrong } else { wrong.into_iter().chain([last_refusal(saml).await]).collect() }
}

/// A page that says what to do and a number, and one row under this number that says why.
async fn refused(saml: &Saml, code: &'static str, trip: &Trip) -> Vec<String> {
    let (end, mut wrong) = (&trip.end, Vec::new());
    let request = end.header("x-request-id");
    if !(400..500).contains(&end.status) || end.sets(SESSION).is_some() {
        wrong.push(format!("answers {} {:?}", end.status, end.location()));
    }
    if request.is_empty() || !end.body.contains(request) || end.body.contains("sub-evil") {
        wrong.push("the page says too little or too much".to_owned());
    }
    let rows = musubi::store::sql::sql("SELECT detail FROM audit WHERE request_id = $1 AND outcome = 'refused'");
    let rows: Vec<(String,)> = rows.bind(request).all(&saml.scene.t.hub().db).await.unwrap();
    let codes: Vec<Value> =
        rows.iter().map(|(detail,)| serde_json::from_str::<Value>(detail).unwrap()["code"].take()).collect();
    if codes != [code] {
        wrong.push(format!("recorded as {codes:?}, not {code}"));
    }
    wrong
}

async fn last_refusal(saml: &Saml) -> String {
    let rows = musubi::store::sql::sql("SELECT detail FROM audit WHERE outcome = 'refused' ORDER BY id DESC LIMIT 1");
    let row: Option<(String,)> = rows.optional(&saml.scene.t.hub().db).await.unwrap();
    format!("last refusal: {}", row.map(|(detail,)| detail).unwrap_or_default())
}

async fn all_as_the_table_says(database: &Database, cases: Vec<&'static Case>) {
    let saml = Saml::new(database).await;
    let mut wrong = Vec::new();
    for case in &cases {
        let differences = differences(&saml, case).await;
        if !differences.is_empty() {
            wrong.push(format!("{}: {}", case.name, differences.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(saml.scene.issuers.all_strays(), Vec::<String>::new());
    saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_ends_as_the_table_says() {
    let database = Database::sqlite().await;
    all_as_the_table_says(&database, all().collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_database_agrees() {
    let database = Database::postgres().await;
    let cases: Vec<&Case> = all().filter(|case| ON_BOTH.contains(&case.name)).collect();
    assert_eq!(cases.len(), ON_BOTH.len());
    all_as_the_table_says(&database, cases).await;
}

#[test]
fn every_case_has_its_own_name_and_policy_has_a_reason() {
    let mut names: Vec<&str> = all().map(|case| case.name).collect();
    let every = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), every);
    assert!(all().all(|case| case.because.is_none_or(|reason| !reason.is_empty()) && !case.meaning.is_empty()));
}
