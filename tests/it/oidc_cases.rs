//! Signing in with a provider that is hostile, broken or merely odd: every case of a table, and what a table
//! cannot say.

mod asked;
mod callback;
pub mod case;
mod claims;
mod ending;
mod endpoints;
mod limits;
mod logout;
mod overage;
mod parting;
pub mod people;
pub mod proof;
pub mod scene;
mod signature;
pub mod table;
mod verdict;

use futures::{StreamExt, stream};

use self::{
    case::{Case, Expect, Way},
    scene::Scene,
};
use crate::{issuer::Visitor, real::TestDatabase as Database};

/// So many at a time: slow providers must not hold up the others.
const AT_A_TIME: usize = 6;

/// Cases that are played on the second database as well: one of each kind of write and refusal.
const ON_BOTH: [&str; 15] = [
    "ok",
    "ok-userinfo",
    "ok-hostile-name",
    "ok-hostile-session",
    "sub-nul",
    "rotation",
    "wrong-iss",
    "payload-duplicate-sub",
    "sub-long",
    "groups-none",
    "alg-none",
    "token-400",
    "cb-replay",
    "cb-other-session",
    "disc-issuer-mismatch",
];

async fn all_as_the_table_says(scene: &Scene, cases: Vec<&'static Case>) {
    let played = stream::iter(cases.iter().copied())
        .map(|case| async move { (case.name, verdict::play(scene, case).await) })
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<_>>()
        .await;
    let mut wrong: Vec<String> = played
        .into_iter()
        .filter(|(_, differences)| !differences.is_empty())
        .map(|(name, differences)| format!("{name}: {}", differences.join("; ")))
        .collect();
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let people = |case: &&&Case| case.expect == Expect::In || case.way == Way::Twice;
    let people = i64::try_from(cases.iter().filter(people).count()).unwrap();
    for statement in ["SELECT COUNT(*) FROM app_user", "SELECT COUNT(*) FROM external_identity"] {
        assert_eq!(scene.t.count(statement).await, people, "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_ends_as_the_table_says() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    all_as_the_table_says(&scene, table::all().collect()).await;
    assert_eq!(scene.issuers.all_strays(), Vec::<String>::new());
    scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_database_agrees() {
    let database = Database::postgres().await;
    let scene = Scene::new(&database).await;
    let cases: Vec<&Case> = table::all().filter(|case| ON_BOTH.contains(&case.name)).collect();
    assert_eq!(cases.len(), ON_BOTH.len());
    all_as_the_table_says(&scene, cases).await;
    scene.t.stop().await;
}

/// A description that goes bad after it was accepted must not lead anybody anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_turns_bad_signs_nobody_in() {
    let database = Database::sqlite().await;
    let scene = &Scene::new(&database).await;
    // What was wrong about the words of the command is not the provider's.
    let bad = table::all().filter(|case| matches!(case.expect, Expect::NotAdded(_)) && case.add.is_empty());
    let wrong = stream::iter(bad)
        .map(|case| async move {
            let idp = scene.added(case.name).await;
            scene.issuers.plays(case.name, case.play);
            let trip = scene.sign_in(&Visitor::new(), &idp, Way::Straight).await;
            let seen = scene.standing(case.name, &idp).await;
            let codes: Vec<&str> = seen.refusals.iter().map(|(detail, _)| detail["code"].as_str().unwrap()).collect();
            let Expect::NotAdded(code) = case.expect else { unreachable!() };
            // A provider that only announces bad algorithms is still asked, and its token refused.
            let token = codes == ["TOKEN_ALGORITHM"] || codes == ["TOKEN_FORM"];
            let right = codes == [code] || token && code == "IDP_ALGORITHM";
            let nobody = (seen.identities, seen.users, seen.sessions) == (0, 0, 0);
            let refused = (400..500).contains(&trip.end.status);
            (!right || !nobody || !refused)
                .then(|| format!("{}: answers {}, recorded as {codes:?}, not {code}", case.name, trip.end.status))
        })
        .buffer_unordered(AT_A_TIME)
        .filter_map(std::future::ready)
        .collect::<Vec<_>>()
        .await;
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(scene.issuers.all_strays(), Vec::<String>::new());
}
