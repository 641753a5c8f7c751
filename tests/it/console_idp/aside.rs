//! What was typed is never lost: a draft is put aside as it is, and a page that somebody else changed says so.

use super::admin::Admin;
use crate::{
    issuer::{CLIENT, keys},
    real::TestDatabase as Database,
    saml_cases::pen::metadata,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_put_aside_as_it_was_typed_and_gone_on_with() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let id = a.draft("later", "oidc").await;
        let (page, take) = (format!("/admin/idp/{id}"), format!("/admin/idp/{id}/take"));
        assert!(a.open(&take).await.body.contains("form=\"step\""), "a button of the form, not a link");

        // Nothing is there yet, then a half of it; the provider is not asked.
        for pairs in [vec![], vec![("client_id", CLIENT), ("secret", "kept for later"), ("max_age", "600")]] {
            let pairs = [&[("action", "later")], &pairs[..]].concat();
            assert_eq!(a.done(&take, &pairs).await, "/admin/idp?done=idp_aside", "{}", database.name);
        }
        assert_eq!(a.open(&page).await.location(), take, "where it was put aside");
        let shown = a.open(&take).await.body;
        assert!(shown.contains(&format!("value=\"{CLIENT}\"")) && shown.contains("value=\"600\""), "{shown}");
        assert!(shown.contains("保存済みです") && !shown.contains("kept for later"), "{shown}");

        // What cannot be right is said, and nothing of it is stored.
        for (name, value, said) in [
            ("issuer", "not a URL", "接続しません"),
            ("max_age", "soon", "数字だけ"),
            ("tenants", "company", "8-4-4-4-12"),
            ("algorithms", "none", "RS256 か ES256"),
        ] {
            let wrong = a.post(&take, &[("action", "later"), ("client_id", "another"), (name, value)]).await;
            assert!(wrong.status == 422 && wrong.body.contains(said), "{name}: {} {}", wrong.status, wrong.body);
            assert!(a.scene.t.text("SELECT settings FROM idp").await.contains(CLIENT), "{name}");
        }

        // What nobody read is not taken for read, even when it looks complete.
        let site = a.scene.issuers.site("later");
        let values = [("issuer", site.issuer.as_str()), ("client_id", CLIENT), ("private", "true")];
        let whole = [&values[..], &[("algorithms", "RS256"), ("action", "later")]].concat();
        a.done(&take, &whole).await;
        assert_eq!(a.open(&page).await.location(), take);
        a.done(&take, &[&values[..], &[("secret", site.secret)]].concat()).await;

        // Roles: a group without a role for anybody else, then none at all.
        let roles = format!("/admin/idp/{id}/roles");
        a.done(&roles, &[("groups_claim", ""), ("action", "later")]).await;
        assert_eq!(a.open(&page).await.location(), roles);
        let kept = [("groups_claim", "teams"), ("group", "staff"), ("role", "employee"), ("action", "later")];
        a.done(&roles, &kept).await;
        let shown = a.open(&roles).await.body;
        assert!(shown.contains("value=\"teams\"") && shown.contains("value=\"staff\""), "{shown}");
        a.done(&format!("/admin/idp/{id}/method"), &[("preset", "keycloak"), ("name", ""), ("action", "later")]).await;
        assert_eq!(a.scene.t.text("SELECT name || ' ' || preset FROM idp").await, "later keycloak");
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_put_aside_too() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.draft("later", "saml").await;
    let take = format!("/admin/idp/{id}/take");
    let url = "https://id.company.example/metadata";
    a.done(&take, &[("metadata_url", url), ("subject_attribute", "uid"), ("action", "later")]).await;
    let shown = a.open(&take).await.body;
    assert!(shown.contains(url) && shown.contains("value=\"uid\""), "{shown}");
    assert_eq!(a.open(&format!("/admin/idp/{id}")).await.location(), take, "it was not read");
    for (name, value, said) in
        [("metadata_url", "here", "接続しません"), ("metadata", "no XML", "メタデータを読めません")]
    {
        let wrong = a.post(&take, &[(name, value), ("action", "later")]).await;
        assert!(wrong.status == 422 && wrong.body.contains(said), "{}", wrong.body);
    }
    let document = metadata("https://later.id.example/saml", "https://later.id.example/sso", &[&keys().main]);
    a.done(&take, &[("metadata", &document), ("action", "later")]).await;
    assert!(a.open(&take).await.body.contains("https://later.id.example/saml"), "what is pasted is read at once");
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_overtaken_is_told_and_loses_nothing() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.draft("two", "oidc").await;
    let take = format!("/admin/idp/{id}/take");
    let seen = |body: &str| body.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mine = seen(&a.open(&take).await.body);
    a.done(&take, &[("client_id", "theirs"), ("action", "later")]).await;
    let page = a.post(&take, &[("client_id", "mine"), ("seen", &mine), ("action", "later")]).await;
    assert!(page.status == 422 && page.body.contains("開いている間に設定が変わりました"), "{}", page.body);
    assert!(page.body.contains("value=\"mine\""), "what was typed is still there: {}", page.body);
    let again = seen(&page.body);
    a.done(&take, &[("client_id", "mine"), ("seen", &again), ("action", "later")]).await;

    // The next one of the same preset has a name of its own.
    a.draft("社員アカウント", "entra").await;
    a.draft("社員アカウント 2", "entra").await;
    assert!(a.open("/admin/idp/new").await.body.contains("value=\"社員アカウント 3\""));
    a.scene.t.stop().await;
}
