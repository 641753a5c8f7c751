//! Another passphrase of one's own.

use super::person::{MAIL, PASSPHRASE, Person};
use crate::{
    console_desk::Desk,
    oidc_cases::{people::owner, scene::Scene},
    real::TestDatabase as Database,
};

const NEW: &str = "sugi-no-namiki-wo-aruku";

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_a_fresh_proof_and_ends_what_the_old_one_opened() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let me = Person::local(&scene, "/signin").await;
        let elsewhere = Person::local(&scene, "/signin").await;

        me.grows_old().await;
        let asked = me.post("/me/passphrase", &[("passphrase", NEW)]).await;
        assert_eq!((asked.status, asked.location()), (303, "/me/prove?next=%2Fme%2Fpassphrase&back=%2Fme"));
        assert!(me.open("/me/prove?next=%2Fme%2Fpassphrase&back=%2Fme").await.body.contains("href=\"/me\""));
        assert_eq!(me.knock_again(PASSPHRASE).await.status, 303, "nothing changed");
        let proved = [("passphrase", PASSPHRASE), ("next", "/me/passphrase"), ("back", "/me")];
        assert_eq!(me.done("/me/prove", &proved).await, "/me/passphrase?done=proved");

        for (weak, says) in [("short", "12"), ("password1234", "推測"), ("takanashi@hinoki-seiki", "推測")] {
            let page = me.post("/me/passphrase", &[("passphrase", weak)]).await;
            assert_eq!(page.status, 422, "{weak}");
            assert!(page.body.contains("role=\"alert\"") && page.body.contains(says), "{weak}: {}", page.body);
        }
        assert!(elsewhere.is_in().await);
        // Of the setup, elsewhere, and the one just now.
        assert_eq!(me.done("/me/passphrase", &[("passphrase", NEW)]).await, "/me?done=passphrase_ended&n=3");
        assert!(me.is_in().await && !elsewhere.is_in().await, "only this browser stays");
        assert_eq!(me.knock_again(NEW).await.status, 303);
        assert_eq!(me.knock_again(PASSPHRASE).await.status, 401);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM audit WHERE action = 'user.passphrase'").await, 1);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_by_a_provider_only_has_none_to_change() {
    let [sqlite, _] = Database::both().await;
    let scene = Scene::new(&sqlite).await;
    owner(&scene, MAIL).await;
    let idp = scene.added("no-passphrase").await;
    let person = Person::of_provider(&scene, &idp).await;
    assert_eq!(person.open("/me/passphrase").await.status, 404);
    assert!(!person.open("/me").await.body.contains("/me/passphrase"));
    scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_in_a_browser() {
    let desk = Desk::new().await;
    desk.open("/me").await;
    desk.b.click("a[href='/me/passphrase']").await;
    desk.looks("passphrase").await;
    desk.b.fill("#passphrase", "password1234").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("[role=alert]", "推測").await;
    desk.refused(422).await;
    desk.looks("passphrase-weak").await;
    desk.b.fill("#passphrase", NEW).await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "パスフレーズを変更し、ほかの1台").await;
    desk.close().await;
}
