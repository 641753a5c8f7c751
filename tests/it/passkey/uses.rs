//! What a passkey is good for, on both databases.

use super::{Authenticator, answer, asked, codes, half, register, sign_in};
use crate::{
    oidc_cases::{
        people::owner,
        scene::{SESSION, Scene},
    },
    real::TestDatabase as Database,
    signing::person::{MAIL, PASSPHRASE, Person},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_proves_and_goes() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let boss = Person::local(&scene, "/signin").await;
        let mut key = Authenticator::new(&scene.t.address());
        let codes = codes(&register(&boss, &key, "会社のノートPC").await);
        assert_eq!(codes.len(), 10, "{}", database.name);
        let page = boss.open("/me/second-factor").await.body;
        assert!(page.contains("会社のノートPC") && page.contains("まだ使っていません"), "{page}");
        let again = register(&boss, &key, "once more").await;
        assert_eq!(again.status, 422, "an authenticator is registered once: {}", again.body);

        let other = Person::new(&scene);
        sign_in(&other, "/signin", &mut key).await;
        assert!(other.is_in().await);
        let stored = "SELECT COUNT(*) FROM passkey WHERE counter = 2 AND used_at IS NOT NULL AND NOT backed_up";
        assert_eq!(scene.t.count(stored).await, 1, "{}", database.name);
        // A recovery code instead.
        let lost = Person::new(&scene);
        half(&lost, "/signin", MAIL).await;
        let end = lost.code(&codes[0]).await;
        assert!(end.status == 303 && end.sets(SESSION).is_some(), "{}", end.body);

        boss.grows_old().await;
        assert!(boss.done("/admin/sso/release", &[]).await.starts_with("/me/prove?"), "asked first");
        let before = boss.v.cookie(&boss.at("/"), SESSION);
        let token = boss.token("/me").await;
        let options = asked(&boss, "/me/prove/passkey/ask", &token).await;
        let proof = key.get(&options);
        let end = boss.done("/me/prove/passkey", &[("passkey", &proof), ("next", "/admin/idp")]).await;
        assert_eq!(end, "/admin/idp?done=proved");
        assert_ne!(boss.v.cookie(&boss.at("/"), SESSION), before, "another cookie");
        assert!(boss.done("/admin/sso/release", &[]).await.contains("sso_released"));

        let ran = scene.shell(&["user", "show", MAIL], "").await;
        assert!(ran.code == 0 && ran.out.contains("会社のノートPC"), "{}{}", ran.out, ran.err);
        let id = scene.t.text("SELECT id FROM passkey").await;
        let end = boss.done(&format!("/me/second-factor/passkeys/{id}/remove"), &[]).await;
        assert!(end.contains("passkey_removed"), "{end}");
        let acts = "SELECT COUNT(*) FROM audit WHERE outcome = 'ok' AND
            action IN ('user.passkey_add', 'user.passkey_remove', 'user.recovery_code', 'session.prove')";
        assert_eq!(scene.t.count(acts).await, 4, "{}", database.name);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM alert WHERE kind = 'factor_removed'").await, 1);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM recovery_code").await, 0, "they went with the last factor");
        Person::local(&scene, "/signin").await;
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_and_passkeys_stand_beside_each_other() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let boss = Person::local(&scene, "/signin").await;
        let codes = boss.second_factor().await;
        let mut key = Authenticator::new(&scene.t.address());
        // With the passphrase alone nobody adds what stands in for the code.
        boss.grows_old().await;
        let token = boss.token("/me").await;
        let page = boss.v.press(&boss.at("/me/second-factor/passkeys/ask"), &[("csrf", token.as_str())]).await;
        assert!(page.status == 303 && page.location().starts_with("/me/prove?"), "{}", page.body);
        let proof = [("passphrase", PASSPHRASE), ("code", codes[0].as_str()), ("next", "/me")];
        boss.done("/me/prove", &proof).await;
        let end = register(&boss, &key, "Phone").await;
        assert_eq!((end.status, end.location()), (303, "/me/second-factor?done=passkey_added"), "{}", end.body);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM recovery_code").await, 10, "they stay as they are");
        sign_in(&Person::new(&scene), "/signin", &mut key).await;

        assert!(boss.done("/me/second-factor/remove", &[("code", &codes[1])]).await.contains("factor_removed"));
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM alert WHERE kind = 'factor_removed'").await, 0);
        sign_in(&Person::new(&scene), "/signin", &mut key).await;
        // Somebody else helps who lost everything.
        let ran = scene.shell(&["user", "reset-factor", MAIL], "").await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM passkey").await, 0, "{}", database.name);
        Person::local(&scene, "/signin").await;
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_glass_account_may_have_a_passkey_only() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        owner(&scene, MAIL).await;
        let idp = scene.added("sso").await;
        Person::of_provider(&scene, &idp).await;
        let boss = Person::local(&scene, "/signin").await;
        let mut key = Authenticator::new(&scene.t.address());
        assert_eq!(register(&boss, &key, "Key in the safe").await.status, 200);
        let me = scene.t.text("SELECT id FROM app_user WHERE role = 'owner' AND password_hash IS NOT NULL").await;
        boss.done(&format!("/admin/users/{me}/break-glass"), &[("on", "true")]).await;
        assert_eq!(boss.post("/admin/sso/require", &[]).await.status, 422, "not tested yet");
        sign_in(&Person::new(&scene), "/signin/local", &mut key).await;
        assert!(boss.done("/admin/sso/require", &[]).await.contains("sso_required"), "{}", database.name);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM alert WHERE kind = 'break_glass'").await, 1);

        let id = scene.t.text("SELECT id FROM passkey").await;
        let last = boss.post(&format!("/me/second-factor/passkeys/{id}/remove"), &[]).await;
        assert_eq!(last.status, 422, "{}", last.body);
        let mut second = Authenticator::new(&scene.t.address());
        register(&boss, &second, "Another").await;
        boss.done(&format!("/me/second-factor/passkeys/{id}/remove"), &[]).await;
        sign_in(&Person::new(&scene), "/signin/local", &mut second).await;
        let person = Person::new(&scene);
        let token = half(&person, "/signin/local", MAIL).await;
        let options = asked(&person, "/signin/passkey/ask", &token).await;
        assert_eq!(answer(&person, &token, &key.get(&options)).await.status, 401, "it is removed");
        scene.t.stop().await;
    }
}
