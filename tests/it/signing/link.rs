//! Another way in is added by who is signed in and signs in there as well, and by nothing else.

use super::person::{MAIL, PASSPHRASE, Person};
use crate::{
    issuer::Visitor,
    oidc_cases::{
        case::Way,
        people::owner,
        scene::{LOGIN, SESSION, Scene},
    },
    real::TestDatabase as Database,
};

const LINKED: &str = "SELECT COUNT(*) FROM external_identity";

/// To the provider and through its pages; where it sends the browser back to.
async fn leave(person: &Person<'_>, idp: &str) -> String {
    let start = person.open(&format!("/me/identities/add/{idp}")).await;
    assert!(start.location().contains("prompt=login"), "{} {}", start.status, start.location());
    person.v.get(start.location()).await.location().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_links_the_company_account_signs_in_by_it_and_takes_it_away() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, &scene.issuers.site("mine").mail()).await;
        let idp = scene.added("mine").await;
        // Before: the address is somebody's, and that is said.
        let trip = scene.sign_in(&Visitor::new(), &idp, Way::Straight).await;
        assert!(trip.end.status == 403 && trip.end.body.contains("Ways to sign in"), "{}", trip.end.body);

        let boss = Person::new(&scene);
        assert_eq!(boss.knock("/signin", &scene.issuers.site("mine").mail(), PASSPHRASE).await.status, 303);
        let callback = leave(&boss, &idp).await;
        let end = boss.v.get(&callback).await;
        assert_eq!((end.status, end.location()), (303, "/me?done=linked"), "{}", end.body);
        assert!(end.sets(SESSION).is_none());
        let by_it = Person::of_provider(&scene, &idp).await;
        assert!(by_it.open("/me").await.body.contains("高梨 拓") || by_it.is_in().await);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM app_user").await, 1, "{}: the same person", database.name);
        assert_eq!(scene.t.text("SELECT role FROM app_user").await, "owner");
        let page = boss.open("/me").await.body;
        let id = page.split("/me/identities/").nth(1).unwrap().split('/').next().unwrap().to_owned();
        boss.done(&format!("/me/identities/{id}/remove"), &[]).await;
        assert!(!by_it.is_in().await, "what it opened ends");
        assert!(boss.is_in().await);
        assert_eq!(scene.t.count(LINKED).await, 0);
        let acts = "SELECT COUNT(*) FROM audit WHERE action IN ('user.link', 'user.unlink')";
        assert_eq!(scene.t.count(acts).await, 2);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_links_what_is_somebody_elses_or_for_somebody_else() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let (theirs, free) = (scene.added("theirs").await, scene.added("free").await);
        let other = Person::of_provider(&scene, &theirs).await;
        let boss = Person::local(&scene, "/signin").await;
        // An identity by which another person signs in.
        let callback = leave(&boss, &theirs).await;
        let end = boss.v.get(&callback).await;
        assert!(end.status == 403 && end.body.contains("belongs to somebody else"), "{}", end.body);
        assert_eq!(scene.t.count(LINKED).await, 1);

        // Another site sends the browser off.
        let start = boss.at(&format!("/me/identities/add/{free}"));
        assert_eq!(boss.v.get(&start).await.status, 403);
        // The attacker begins it, and the victim's browser comes back with it: with and without the cookie.
        let callback = leave(&other, &free).await;
        let end = boss.v.get(&callback).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none());
        let callback = leave(&other, &free).await;
        boss.v.put(&callback, LOGIN, &other.v.cookie(&callback, LOGIN).unwrap());
        assert_eq!(boss.v.get(&callback).await.status, 403, "another session");
        // A sign-in's callback links nothing, and a link's signs nobody in.
        let stranger = Visitor::new();
        let callback = leave(&boss, &free).await;
        stranger.put(&callback, LOGIN, &boss.v.cookie(&callback, LOGIN).unwrap());
        let end = stranger.get(&callback).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none());
        assert_eq!(boss.v.get(&callback).await.status, 403, "it was used up");
        assert_eq!(scene.t.count(LINKED).await, 1, "{}", database.name);

        // A provider that did not ask, and one that is switched off meanwhile.
        scene.issuers.plays("free", |p| p.token = |t| t.claim("auth_time", t.now - 3_600));
        let callback = leave(&boss, &free).await;
        assert_eq!(boss.v.get(&callback).await.status, 403);
        scene.issuers.plays("free", |p| p.token = |_| {});
        let callback = leave(&boss, &free).await;
        boss.done(&format!("/admin/idp/{free}/disable"), &[]).await;
        assert_eq!(boss.v.get(&callback).await.status, 403);
        assert_eq!(scene.t.count(LINKED).await, 1);

        // The only way in stays.
        let page = other.open("/me").await.body;
        let id = page.split("/me/identities/").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let page = other.post(&format!("/me/identities/{id}/remove"), &[]).await;
        assert!(page.status == 422 && page.body.contains("外せません"), "{}", page.body);
        // Nor does somebody else take it away.
        assert_eq!(boss.post(&format!("/me/identities/{id}/remove"), &[]).await.status, 404);
        scene.t.stop().await;
    }
}
