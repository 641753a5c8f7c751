//! A draft signs nobody in, and a trial never becomes a session, whatever is tried.

use super::admin::Admin;
use crate::{
    issuer::Visitor,
    oidc_cases::scene::{LOGIN, SESSION},
    real::TestDatabase as Database,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_signs_nobody_in() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let id = a.ready("draft").await;
        let stranger = Visitor::new();
        assert_eq!(stranger.get(&a.scene.start_url(&id)).await.status, 404, "no way to it");
        let ran = a.scene.shell(&["idp", "enable", "draft"], "").await;
        assert!(ran.code != 0 && ran.err.contains("set up"), "{}", ran.err);
        assert_eq!(a.post(&format!("/admin/idp/{id}/enable"), &[]).await.status, 409);
        assert!(!a.change("UPDATE idp SET enabled = TRUE").await, "the database itself refuses");

        // Begun while it was on, come back when it is a draft.
        assert!(a.change("UPDATE idp SET draft = FALSE, enabled = TRUE").await);
        let (_, callback) = a.scene.begin(&stranger, &id).await;
        assert!(!callback.is_empty());
        assert!(a.change("UPDATE idp SET enabled = FALSE, draft = TRUE").await);
        let end = stranger.get(&callback).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none(), "{}", end.status);
        a.nobody_came().await;
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_never_becomes_a_session() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let id = a.ready("trial").await;
        let found = "SELECT COUNT(*) FROM idp_trial";

        // In another browser, and in one that has the cookie of the way but no session.
        let callback = a.callback(&id).await;
        let other = Visitor::new();
        assert_eq!(other.get(&callback).await.status, 403);
        other.put(&callback, LOGIN, &a.v.cookie(&callback, LOGIN).unwrap());
        let end = other.get(&callback).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none(), "{}", end.status);
        assert_eq!(a.v.get(&callback).await.status, 403, "and it was used up");

        // Twice.
        let callback = a.callback(&id).await;
        assert_eq!(a.v.get(&callback).await.status, 303);
        assert_eq!(a.v.get(&callback).await.status, 403);
        assert_eq!(a.scene.t.count(found).await, 1);
        assert!(a.change("DELETE FROM idp_trial").await);

        // Also of a provider that is on.
        assert!(a.change("UPDATE idp SET draft = FALSE, enabled = TRUE").await);
        let callback = a.callback(&id).await;
        let end = a.v.get(&callback).await;
        assert!(end.status == 303 && end.sets(SESSION).is_none() && end.location().ends_with("/test"));
        a.nobody_came().await;
        assert!(a.change("DELETE FROM idp_trial").await);

        // By somebody who may no more, and by one who is signed out.
        let callback = a.callback(&id).await;
        assert!(a.change("UPDATE app_user SET role = 'employee'").await);
        assert_eq!(a.v.get(&callback).await.status, 403);
        assert!(a.change("UPDATE app_user SET role = 'owner'").await);
        let callback = a.callback(&id).await;
        a.done("/signout", &[]).await;
        let end = a.v.get(&callback).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none());
        assert_eq!(a.scene.t.count(found).await, 0);
        assert_eq!(a.scene.t.count("SELECT COUNT(*) FROM session").await, 0);
        assert_eq!(a.scene.t.count("SELECT COUNT(*) FROM external_identity").await, 0);
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_set_providers_up_and_no_other_site_begins_a_trial() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.ready("guarded").await;
    let start = a.at(&format!("/admin/idp/{id}/test/start"));
    assert_eq!(a.v.get(&start).await.status, 403, "a link of another site");
    let away = a.v.stranger().click(&start).await;
    assert!(away.status == 303 && away.location().starts_with("/signin"), "{}", away.location());
    for path in ["take", "roles", "activate", "remove", "secret", "change/apply", "change/remove"] {
        let page = a.v.press(&a.at(&format!("/admin/idp/{id}/{path}")), &[("secret", "x")]).await;
        assert_eq!(page.status, 403, "{path} without the token");
    }
    for role in ["employee", "viewer", "steward", "auditor"] {
        let statement = musubi::store::sql("UPDATE app_user SET role = $1").bind(role);
        let mut tx = a.scene.t.hub().db.begin().await.unwrap();
        statement.execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        a.forget();
        for path in ["", "/new", &format!("/{id}"), &format!("/{id}/take"), &format!("/{id}/test/start")] {
            assert_eq!(a.open(&format!("/admin/idp{path}")).await.status, 403, "{role} {path}");
        }
        for path in ["remove", "change/apply", "change/remove"] {
            assert_eq!(a.post(&format!("/admin/idp/{id}/{path}"), &[]).await.status, 403, "{role} {path}");
        }
    }
    assert_eq!(a.scene.t.count("SELECT COUNT(*) FROM idp").await, 1);
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_beside_its_field_and_nothing_is_stored() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = a.draft("fields", "oidc").await;
    let site = a.scene.issuers.site("fields");
    let take = format!("/admin/idp/{id}/take");
    let right =
        |issuer: &str| vec![("issuer".to_owned(), issuer.to_owned()), ("private".to_owned(), "true".to_owned())];
    a.scene.issuers.plays("slash", |p| {
        p.discovery = |document, site| document["issuer"] = format!("{}/", site.issuer).into();
    });
    let slash = a.scene.issuers.site("slash").issuer;
    for (issuer, client, secret, field, code) in [
        // First: a secret that stood beside something wrong is kept.
        (site.issuer.as_str(), "hub", "", "secret", "シークレット"),
        ("http://127.0.0.1:9/x", "hub", "s", "issuer", "拒否されました"),
        ("not a URL", "hub", "s", "issuer", "接続しません"),
        (site.issuer.as_str(), "", "s", "client_id", "クライアント ID"),
    ] {
        let mut pairs = right(issuer);
        pairs.extend([("client_id".to_owned(), client.to_owned()), ("secret".to_owned(), secret.to_owned())]);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let page = a.post(&take, &pairs).await;
        assert_eq!(page.status, 422, "{field}: {}", page.body);
        let error = page.body.split(&format!("id=\"{field}-e\"")).nth(1).unwrap_or_else(|| panic!("{field}"));
        assert!(error.split("</p>").next().unwrap().contains(code), "{field}: {code}");
    }
    let nobody = a.post(&format!("/admin/idp/{id}/roles"), &[("groups_claim", "groups")]).await;
    assert!(nobody.status == 422 && nobody.body.contains("だれもサインインできません"));
    // The address of the description, of a provider whose name ends with a slash.
    let pasted = format!("{slash}/.well-known/openid-configuration");
    let values = [("issuer", pasted.as_str()), ("client_id", "hub"), ("secret", "s"), ("private", "true")];
    a.done(&take, &values).await;
    assert!(a.scene.t.text("SELECT settings FROM idp").await.contains(&format!("\"{slash}/\"")));
    let page = a.open(&take).await.body;
    assert!(!page.contains("value=\"s\""), "the secret does not come back");
    assert!(page.contains("保存済みです"));
    a.scene.t.stop().await;
}
