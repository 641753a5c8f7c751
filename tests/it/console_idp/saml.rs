//! SAML providers in the console: metadata by paste, a trial, and keys that nobody but an owner changes under an
//! owner.

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::store::sql;

use super::admin::Admin;
use crate::{
    issuer::{Page, Visitor, keys},
    oidc_cases::scene::SESSION,
    real::TestDatabase as Database,
    saml_cases::pen::{Draft, Site, metadata, request_of},
};

const ENTITY: &str = "https://console.id.example/saml";

async fn ready(a: &Admin) -> String {
    let id = a.draft("saml", "saml").await;
    let give = a.open(&format!("/admin/idp/{id}/give")).await.body;
    assert!(give.contains(&format!("/auth/saml/{id}/acs")), "{give}");
    let described = Visitor::new().get(&a.at(&format!("/auth/saml/{id}/metadata"))).await;
    assert!(described.status == 200 && described.body.contains("X509Certificate"), "ready before theirs is known");
    let document = metadata(ENTITY, "https://console.id.example/sso", &[&keys().main]);
    a.done(&format!("/admin/idp/{id}/take"), &[("metadata", &document), ("action", "check")]).await;
    let page = a.open(&format!("/admin/idp/{id}/take")).await.body;
    assert!(page.contains(ENTITY) && page.contains("SHA-256") && page.contains(" まで"), "{page}");
    let roles = [("groups_claim", "groups"), ("group", "staff"), ("role", "employee")];
    a.done(&format!("/admin/idp/{id}/roles"), &roles).await;
    id
}

/// A trial whose response is drawn as `draft` says.
async fn tried(a: &Admin, id: &str, case: &'static str, draft: Draft) -> Page {
    let start = a.open(&format!("/admin/idp/{id}/test/start")).await;
    let text = request_of(start.location());
    let request = text.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let site = Site {
        case,
        entity_id: ENTITY.into(),
        audience: a.at(&format!("/auth/saml/{id}/metadata")),
        acs: a.at(&format!("/auth/saml/{id}/acs")),
        request,
        outside: String::new(),
        certificate: String::new(),
        now: a.scene.t.hub().clock.now().0 / musubi::model::Timestamp::SECOND,
    };
    let value = BASE64_STANDARD.encode(draft.write(&site));
    let kept = Visitor::new().post(&site.acs, &[("SAMLResponse".into(), value)]).await;
    assert_eq!(kept.status, 303, "{}", kept.body);
    let end = a.v.get(&a.at(kept.location())).await;
    assert!(end.sets(SESSION).is_none(), "a trial sets no session");
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saml_provider_is_set_up_tried_and_switched_on() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let id = ready(&a).await;
        let test = format!("/admin/idp/{id}/test");
        let wrong =
            Draft { assertion: |site, text| text.replace(&site.audience, "https://other.example"), ..Draft::default() };
        assert_eq!(tried(&a, &id, "aud", wrong).await.location(), test);
        let page = a.open(&test).await.body;
        assert!(page.contains("アサーションの宛先") && page.contains("エンティティ ID を"), "{page}");

        let unsigned = Draft { sign_assertion: false, sign_response: true, ..Draft::default() };
        assert_eq!(tried(&a, &id, "whole", unsigned).await.location(), test);
        let page = a.open(&test).await.body;
        assert!(page.contains("アサーションに署名がない") && page.contains("アサーションに署名する設定"), "{page}");

        assert_eq!(tried(&a, &id, "good", Draft::default()).await.location(), test);
        let page = a.open(&test).await.body;
        for said in ["すべて確認できました", "sub-good", "good@staff.example", "架空 花子"] {
            assert!(page.contains(said), "{}: {said} in {page}", database.name);
        }
        // What came is shown also where the identifier is no lasting one.
        let passing = Draft {
            assertion: |_, text| text.replace("nameid-format:persistent", "nameid-format:transient"),
            ..Draft::default()
        };
        assert_eq!(tried(&a, &id, "passing", passing).await.location(), test);
        let page = a.open(&test).await.body;
        for said in ["毎回変わる識別子", "persistent にするか", "sub-passing", "passing@staff.example", "staff"]
        {
            assert!(page.contains(said), "{}: {said} in {page}", database.name);
        }
        assert_eq!(tried(&a, &id, "well", Draft::default()).await.location(), test);
        a.nobody_came().await;

        // A draft takes no response but those of trials that are on their way.
        assert!(a.change("DELETE FROM login_attempt").await);
        let acs = a.at(&format!("/auth/saml/{id}/acs"));
        let late = Visitor::new().post(&acs, &[("SAMLResponse".into(), "eA==".into())]).await;
        assert_eq!(late.status, 403);
        a.done(&format!("/admin/idp/{id}/activate"), &[]).await;
        assert!(a.open("/signin").await.status == 303, "the administrator is signed in");
        assert!(Visitor::new().get(&a.at("/signin")).await.body.contains(&format!("/auth/saml/{id}/start")));
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saml_provider_in_use_is_changed_beside_what_holds() {
    for database in Database::both().await {
        let a = Admin::new(&database).await;
        let id = ready(&a).await;
        assert!(a.change("UPDATE idp SET draft = FALSE, enabled = TRUE").await);
        let (page, test) = (format!("/admin/idp/{id}"), format!("/admin/idp/{id}/test"));
        let holds = a.scene.t.text("SELECT settings FROM idp").await;
        a.done(&format!("{page}/take"), &[("subject_attribute", "employeeNumber")]).await;
        assert_eq!(a.scene.t.text("SELECT settings FROM idp").await, holds, "{}", database.name);
        assert!(a.open(&format!("{page}/roles")).await.body.contains("employeeNumber"), "what names a person is said");
        assert_eq!(tried(&a, &id, "none", Draft::default()).await.location(), test);
        let shown = a.open(&test).await.body;
        assert!(shown.contains("識別子の属性が1つではない") && shown.contains("none@staff.example"), "{shown}");
        assert_eq!(a.post(&format!("{page}/change/apply"), &[]).await.status, 422, "{}", database.name);

        // Meanwhile our key is rolled over: the change does not take that back.
        for step in ["next", "switch"] {
            a.done(&format!("{page}/key"), &[("step", step)]).await;
        }
        a.done(&format!("{page}/take"), &[("subject_attribute", "mail")]).await;
        assert_eq!(tried(&a, &id, "good", Draft::default()).await.location(), test);
        let shown = a.open(&test).await.body;
        assert!(shown.contains("すべて確認できました"), "{}: {shown}", database.name);
        let rolled = a.scene.t.text("SELECT settings FROM idp").await;
        a.done(&format!("{page}/change/apply"), &[]).await;
        let expected = rolled.replace(r#""subject_attribute":null"#, r#""subject_attribute":"mail""#);
        assert_eq!(a.scene.t.text("SELECT settings FROM idp").await, expected, "{}", database.name);

        // Another provider's metadata is another provider.
        let other = metadata("https://other.id.example/saml", "https://other.id.example/sso", &[&keys().main]);
        let refused = a.post(&format!("{page}/take"), &[("metadata", &other)]).await;
        assert!(refused.status == 422 && refused.body.contains("別の認証基盤のメタデータです"), "{}", refused.body);
        let give = a.open(&format!("{page}/give")).await.body;
        for said in ["NameID", "属性として送ります", "Musubi の証明書"] {
            assert!(give.contains(said), "{said} in {give}");
        }
        let start = a.open(&format!("{test}/start?person=another")).await;
        assert!(request_of(start.location()).contains("ForceAuthn=\"true\""), "{}", start.location());
        a.scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_brings_no_keys_for_a_provider_of_an_owner() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = ready(&a).await;
    assert!(a.change("UPDATE idp SET draft = FALSE, enabled = TRUE").await);
    let mut tx = a.scene.t.hub().db.begin().await.unwrap();
    for statement in [
        "INSERT INTO app_user (id, mail, mail_key, name, role, language, theme, created_at)
         VALUES ('usr_saml', 'o@staff.example', 'o@staff.example', '岸 由美', 'owner', 'ja', 'system', 0)",
        "INSERT INTO external_identity (issuer, subject, idp_id, user_id, created_at, seen_at)
         VALUES ('saml:https://console.id.example/saml', 'sub', 'idp', 'usr_saml', 0, 0)",
        "UPDATE app_user SET role = 'admin' WHERE id <> 'usr_saml'",
    ] {
        sql(statement).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    a.forget();
    let mine = metadata(ENTITY, "https://console.id.example/sso", &[&keys().next]);
    let before = a.scene.t.text("SELECT settings FROM idp").await;
    let page = a.post(&format!("/admin/idp/{id}/refresh"), &[("metadata", &mine)]).await;
    assert!(page.status == 422 && page.body.contains("変更できるのはオーナーだけです"), "{}", page.body);
    assert_eq!(a.scene.t.text("SELECT settings FROM idp").await, before);
    // Nor another way to tell who somebody is.
    let page = a.post(&format!("/admin/idp/{id}/take"), &[("subject_attribute", "nickname")]).await;
    assert!(page.status == 422 && page.body.contains("変更できるのはオーナーだけです"), "{}", page.body);
    // Nor by a provider of the same name beside or in place of it.
    a.done(&format!("/admin/idp/{id}/remove"), &[]).await;
    let again = a.draft("again", "saml").await;
    let page = a.post(&format!("/admin/idp/{again}/take"), &[("metadata", &mine)]).await;
    assert!(page.status == 422 && page.body.contains("変更できるのはオーナーだけです"), "{}", page.body);
    assert!(a.change("UPDATE app_user SET role = 'owner' WHERE id <> 'usr_saml'").await);
    a.done(&format!("/admin/idp/{again}/take"), &[("metadata", &mine)]).await;
    a.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_key_is_replaced_on_the_page_step_by_step() {
    let database = Database::sqlite().await;
    let a = Admin::new(&database).await;
    let id = ready(&a).await;
    assert!(a.change("UPDATE idp SET draft = FALSE, enabled = TRUE").await);
    let (page, key) = (format!("/admin/idp/{id}"), format!("/admin/idp/{id}/key"));
    for (step, said) in [("next", "次の鍵(公開済み)"), ("switch", "前の鍵(復号だけに使用)"), ("retire", "次の鍵を作る")]
    {
        a.done(&key, &[("step", step)]).await;
        let shown = a.open(&page).await.body;
        assert!(shown.contains(said), "{step}: {said} in {shown}");
    }
    let wrong = a.post(&key, &[("step", "switch")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("この手順はいま行えません"), "{} {}", wrong.status, wrong.body);

    // What could not be read by itself is said on both pages.
    let failed = "INSERT INTO saml_reading (idp_id, due_at, failures, failed_at, code, detail)
         SELECT id, 0, 1, 0, 'IDP_METADATA_SIGNATURE', 'signed by another' FROM idp";
    assert!(a.change(failed).await);
    let shown = a.open(&page).await.body;
    assert!(shown.contains("要確認") && shown.contains("メタデータの署名がないか"), "{shown}");
    assert!(a.open("/admin/idp").await.body.contains("要確認"));
    a.scene.t.stop().await;
}
