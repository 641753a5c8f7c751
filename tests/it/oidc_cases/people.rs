//! Who a provider's person becomes here, and how providers and people are switched off.

use futures::future::join_all;
use musubi::store::sql;
use serde_json::json;

use super::{
    case::Way,
    scene::{NEXT, Scene},
};
use crate::{issuer::Visitor, real::TestDatabase as Database};

/// The first run's owner, with a mail address of the owner's own.
pub async fn owner(scene: &Scene, mail: &str) {
    scene.t.owner(mail).await;
}

async fn status(scene: &Scene, visitor: &Visitor) -> u16 {
    visitor.get(&format!("{}{NEXT}", scene.t.address())).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_address_is_no_proof_of_being_somebody() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        // The owner has the very address that the provider's person will say.
        owner(&scene, &scene.issuers.site("same-mail").mail().to_uppercase()).await;
        let idp = scene.added("same-mail").await;
        let trip = scene.sign_in(&Visitor::new(), &idp, Way::Straight).await;
        assert!((400..500).contains(&trip.end.status), "{}: {}", database.name, trip.end.status);
        let seen = scene.standing("same-mail", &idp).await;
        assert_eq!(seen.refusals[0].0["code"], "PERSON_LOCAL", "{}", database.name);
        assert_eq!((seen.identities, seen.sessions), (0, 0), "{}", database.name);
        assert_eq!(scene.t.text("SELECT role FROM app_user").await, "owner", "{}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_mail_at_another_provider_is_another_person() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let (first, second) = (scene.added("before").await, scene.added("after").await);
    scene.issuers.plays("after", |p| {
        p.token = |t| t.claim("email", "before@staff.example");
        p.userinfo = |u| u["email"] = json!("before@staff.example");
    });
    assert_eq!(scene.sign_in(&Visitor::new(), &first, Way::Straight).await.end.status, 303);
    let trip = scene.sign_in(&Visitor::new(), &second, Way::Straight).await;
    assert!((400..500).contains(&trip.end.status), "{}", trip.end.status);
    let seen = scene.standing("after", &second).await;
    assert_eq!((seen.identities, seen.sessions), (0, 0));
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM external_identity").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_without_a_mail_address_get_in() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    for case in ["no-mail", "none-either"] {
        let idp = scene.added(case).await;
        scene.issuers.plays(case, |p| {
            p.token = |t| t.without(&["email", "email_verified"]);
            p.userinfo = |u| u.as_object_mut().unwrap().retain(|name, _| !name.starts_with("email"));
        });
        for _ in 0..2 {
            assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303, "{case}");
        }
        assert_eq!(scene.role(&idp).await, "employee");
    }
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM app_user").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_first_comes_with_many_browsers_at_once_is_one_person() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let idp = scene.added("crowd").await;
        let come = || async { scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status };
        let ends = join_all((0..8).map(|_| come())).await;
        assert_eq!(ends, [303; 8], "{}: {:?}", database.name, scene.standing("crowd", &idp).await.refusals);
        let seen = scene.standing("crowd", &idp).await;
        assert_eq!((seen.identities, seen.users, seen.sessions), (1, 1, 8), "{}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_counts_at_its_own_issuer_only() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let (first, second) = (scene.added("first").await, scene.added("second").await);
    for case in ["first", "second"] {
        scene.issuers.plays(case, |p| {
            p.token = |t| t.claim("sub", "the-same");
            p.userinfo = |u| u["sub"] = json!("the-same");
        });
    }
    for idp in [&first, &second] {
        assert_eq!(scene.sign_in(&Visitor::new(), idp, Way::Straight).await.end.status, 303);
    }
    let people = "SELECT COUNT(DISTINCT user_id) FROM external_identity WHERE subject = 'the-same'";
    assert_eq!(scene.t.count(people).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_decide_the_role_at_every_sign_in() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let roles = ["--role", "staff=employee", "--role", "stewards=steward", "--role", "it=admin"];
    let idp = scene.add("groups", &[&roles[..], &["--default-role", "none"]].concat()).await.unwrap_or_default();
    let visitor = Visitor::new();
    let come = || scene.sign_in(&visitor, &idp, Way::Straight);
    assert_eq!((come().await.end.status, scene.role(&idp).await.as_str()), (303, "employee"));
    scene.issuers.plays("groups", |p| p.token = |t| t.claim("groups", json!(["staff", "stewards", "choir"])));
    assert_eq!((come().await.end.status, scene.role(&idp).await.as_str()), (303, "steward"), "the most of several");
    scene.issuers.plays("groups", |p| p.token = |t| t.claim("groups", json!(["Staff", "STEWARDS", "it "])));
    assert!((400..500).contains(&come().await.end.status), "names are compared as they are");
    scene.issuers.plays("groups", |p| p.token = |t| t.claim("groups", json!(["it"])));
    assert_eq!((come().await.end.status, scene.role(&idp).await.as_str()), (303, "admin"));

    // Whoever lost every group has no business here any more, in no tab.
    let elsewhere = Visitor::new();
    assert_eq!(scene.sign_in(&elsewhere, &idp, Way::Straight).await.end.status, 303);
    scene.issuers.plays("groups", |p| p.token = |t| t.claim("groups", json!([])));
    assert!((400..500).contains(&come().await.end.status));
    let open = (status(&scene, &visitor).await, status(&scene, &elsewhere).await);
    assert_eq!(open, (303, 303), "sessions from before still answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_becomes_owner_by_a_group() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    for words in
        [["--role", "it=owner"], ["--default-role", "owner"], ["--default-role", "admin"], ["--role", "it=king"]]
    {
        let ran = scene.add("owners", &words).await.expect_err(&words.join(" "));
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.err);
    }
    // A provider that simply says so gains nothing.
    scene.issuers.plays("owners", |p| {
        p.token = |t| {
            t.claim("role", "owner");
            t.claim("roles", json!(["owner"]));
        }
    });
    let idp = scene.added("owners").await;
    assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303);
    assert_eq!(scene.role(&idp).await, "employee");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_provider_signs_nobody_in_also_who_is_on_the_way() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let idp = scene.added("off").await;
        let (inside, coming) = (Visitor::new(), Visitor::new());
        assert_eq!(scene.sign_in(&inside, &idp, Way::Straight).await.end.status, 303);
        let (_, callback) = scene.begin(&coming, &idp).await;
        let ran = scene.shell(&["idp", "disable", "off"], "").await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        let end = coming.get(&callback).await;
        assert!((400..500).contains(&end.status), "{}: {}", database.name, end.status);
        let start = coming.get(&scene.start_url(&idp)).await;
        assert!((400..500).contains(&start.status), "{}: {}", database.name, start.status);
        let sign_in = coming.get(&format!("{}/signin?lang=en", scene.t.address())).await;
        assert!(!sign_in.body.contains(&idp), "{}: the button is still there", database.name);
        assert_eq!(scene.issuers.times("off", "token"), 1, "{}", database.name);

        assert_eq!(scene.shell(&["idp", "enable", "off"], "").await.code, 0);
        assert_eq!(scene.sign_in(&coming, &idp, Way::Straight).await.end.status, 303, "{}", database.name);
        assert_eq!(scene.shell(&["idp", "remove", "off"], "").await.code, 0);
        assert_eq!(coming.get(&scene.start_url(&idp)).await.status, 404, "{}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_stays_out_whatever_the_provider_says() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let idp = scene.added("gone").await;
    assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303);
    let mut tx = scene.t.hub().db.begin().await.unwrap();
    sql("UPDATE app_user SET disabled_at = 1").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let trip = scene.sign_in(&Visitor::new(), &idp, Way::Straight).await;
    assert!((400..500).contains(&trip.end.status), "{}", trip.end.status);
    assert_eq!(scene.standing("gone", &idp).await.refusals[0].0["code"], "PERSON_OFF");
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM session").await, 1, "the one from before, which opens nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_secret_is_kept_and_never_shown() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let idp = scene.added("secret").await;
    let secret = scene.issuers.site("secret").secret;
    for words in [&["idp", "list"][..], &["idp", "show", "secret"], &["idp", "show", "secret", "--json"]] {
        let ran = scene.shell(words, "").await;
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
        assert!(ran.out.contains("secret") && !ran.out.contains(secret), "{words:?}: {}", ran.out);
    }
    let stored = sql("SELECT settings, secret FROM idp").one::<(String, Vec<u8>)>(&scene.t.hub().db).await.unwrap();
    assert!(!stored.0.contains(secret) && !String::from_utf8_lossy(&stored.1).contains(secret));
    assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303);
    assert_eq!(scene.t.count("SELECT COUNT(*) FROM audit WHERE detail LIKE '%aSecretOf%'").await, 0);
}
