//! People sign in with a real OpenID Provider, in a real browser.

use serde_json::json;

use crate::{
    cli_ops::Shell,
    console_desk::{Desk, until},
    office::{Office, WISH, browser},
    real::{Browser, OidcProvider, PASSWORD},
};

const SECRET: &str = "aClientSecretOfTheTests";

impl Office<OidcProvider> {
    async fn new() -> Self {
        let (desk, provider) = (Desk::new().await, OidcProvider::fresh().await);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let shell = Shell { folder: folder.path(), url: &desk.database.url };
        let words = ["idp", "add", "社員アカウント", "--issuer", &provider.issuer, "--client-id", "hub", "--private"];
        let roles = ["--role", "営業=employee", "--role", "経理=steward", "--role", "情シス=admin"];
        let roles = [&roles[..], &["--secret-file", "secret"]].concat();
        let added = tokio::task::block_in_place(|| shell.json(&[&words[..], &roles].concat()));
        let idp = added["id"].as_str().unwrap().to_owned();
        let hub = desk.t.address();
        let logout = json!({
            "post_logout_redirect_uris": [format!("{hub}/signin")],
            "backchannel_logout_uri": format!("{hub}/auth/oidc/{idp}/backchannel-logout"),
            "backchannel_logout_session_required": true,
        });
        provider.client("hub", SECRET, &format!("{hub}/auth/oidc/{idp}/callback"), logout).await;
        provider.person("aoi", "青井 みどり", &["営業", "野球部"]).await;
        provider.person("tani", "谷 しずか", &["経理"]).await;
        provider.person("mori", "森 はるか", &["野球部"]).await;
        Self { desk, provider, idp }
    }

    /// At the provider.
    async fn say(&self, b: &Browser, login: &str) {
        until(b, &format!("location.origin === '{}' && document.querySelector('#go')", self.provider.issuer)).await;
        b.fill("#login", login).await;
        b.fill("#password", PASSWORD).await;
        b.click("#go").await;
    }
}

async fn sound(b: &Browser, page: &str) {
    assert_eq!(b.accessibility_problems().await, Vec::<String>::new(), "{page}: accessibility");
    assert_eq!(b.console_problems().await, Vec::<String>::new(), "{page}: console");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_the_provider_and_lands_on_the_page_asked_for() {
    let office = Office::<OidcProvider>::new().await;
    let (first, second) = (browser().await, browser().await);
    first.goto(&format!("{}/signin?lang=ja", office.desk.t.address())).await;
    for (width, dark) in [(1280, false), (390, true)] {
        first.look(width, 900, dark).await;
        first.screenshot(&format!("signin-provider-{width}")).await;
        sound(&first, "sign-in page with a provider").await;
    }
    first.look(1280, 900, false).await;
    office.come(&first).await;
    office.say(&first, "aoi").await;
    office.arrived(&first).await;
    sound(&first, "the page asked for").await;
    assert_eq!(office.role("青井 みどり").await, "employee");
    assert!(first.execute("return document.body.innerText", vec![]).await.as_str().unwrap().contains("青井 みどり"));

    office.come(&second).await;
    office.say(&second, "tani").await;
    office.arrived(&second).await;
    assert_eq!(office.role("谷 しずか").await, "steward");
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM external_identity").await, 2);
    office.close(vec![first, second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_group_is_another_role_at_the_next_sign_in_also_with_another_key() {
    let office = Office::<OidcProvider>::new().await;
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "aoi").await;
    office.arrived(&b).await;
    office.leave(&b).await;

    // The provider still knows the browser: it asks nothing, and says the new group.
    office.provider.person("aoi", "青井 みどり", &["経理"]).await;
    office.come(&b).await;
    office.arrived(&b).await;
    assert_eq!(office.role("青井 みどり").await, "steward");
    office.leave(&b).await;

    office.provider.rotate(false).await;
    office.provider.person("aoi", "青井 みどり", &["営業"]).await;
    office.come(&b).await;
    office.arrived(&b).await;
    assert_eq!(office.role("青井 みどり").await, "employee");
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM app_user").await, 2, "the owner and one person");
    office.close(vec![b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_at_the_provider_is_signed_out_here_in_that_browser() {
    let office = Office::<OidcProvider>::new().await;
    let (first, second) = (browser().await, browser().await);
    for b in [&first, &second] {
        office.come(b).await;
        office.say(b, "aoi").await;
        office.arrived(b).await;
    }
    first.goto(&format!("{}/session/end", office.provider.issuer)).await;
    first.click("#yes").await;
    until(&first, "document.body.innerText.includes('Signed out here.')").await;
    office.desk.t.until("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL", |n| n == 1).await;
    first.goto(&format!("{}{WISH}", office.desk.t.address())).await;
    until(&first, "location.pathname === '/signin'").await;
    second.reload().await;
    office.arrived(&second).await;
    office.close(vec![first, second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_here_is_offered_to_sign_out_at_the_provider_and_comes_back() {
    let office = Office::<OidcProvider>::new().await;
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "aoi").await;
    office.arrived(&b).await;
    office.leave(&b).await;
    for (width, dark) in [(1280, false), (390, true)] {
        b.look(width, 900, dark).await;
        b.screenshot(&format!("signin-leaving-{width}")).await;
        sound(&b, "sign-in page with the offer").await;
    }
    b.click("a[href='/auth/oidc/leave']").await;
    until(&b, &format!("location.origin === '{}' && document.querySelector('#yes')", office.provider.issuer)).await;
    b.click("#yes").await;
    // The provider knows our address and sends the browser back to it.
    until(&b, "location.pathname === '/signin' && document.querySelector('#passphrase')").await;
    assert_eq!(b.url().await, format!("{}/signin?state=out_there", office.desk.t.address()));
    b.wait_for_text("main", "You are signed out of the provider as well").await;
    office.come(&b).await;
    // Signed out there as well: it asks for the password again.
    office.say(&b, "aoi").await;
    office.arrived(&b).await;
    office.close(vec![b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_proves_itself_by_a_key_of_its_own() {
    let mut office = Office::<OidcProvider>::new().await;
    let (folder, hub) = (tempfile::tempdir().unwrap(), office.desk.t.address());
    let shell = Shell { folder: folder.path(), url: &office.desk.database.url };
    let words = ["idp", "add", "鍵で証明", "--issuer", &office.provider.issuer, "--client-id", "signed", "--private"];
    let added = tokio::task::block_in_place(|| {
        shell.json(&[&words[..], &["--auth", "key", "--role", "営業=employee"]].concat())
    });
    added["id"].as_str().unwrap().clone_into(&mut office.idp);
    let keys = format!("{hub}/auth/oidc/{}/jwks.json", office.idp);
    let keys: serde_json::Value =
        reqwest::Client::builder().no_proxy().build().unwrap().get(keys).send().await.unwrap().json().await.unwrap();
    let by_key = json!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256", "jwks": keys,
    });
    office.provider.client("signed", SECRET, &format!("{hub}/auth/oidc/{}/callback", office.idp), by_key).await;
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "aoi").await;
    office.arrived(&b).await;
    office.close(vec![b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dangerous_makes_the_provider_ask_again() {
    let office = Office::new().await;
    office.provider.person("kado", "門 まこと", &["情シス"]).await;
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "kado").await;
    office.arrived(&b).await;
    let mut tx = office.desk.t.hub().db.begin().await.unwrap();
    musubi::store::sql::sql("UPDATE session SET proved_at = NULL").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    office.desk.t.hub().identity.forget(&office.desk.t.text("SELECT user_id FROM external_identity").await);

    let page = format!("{}/admin/idp/{}", office.desk.t.address(), office.idp);
    b.goto(&page).await;
    let disable = "document.querySelector(\"form[action$='/disable']\").submit()";
    b.execute(disable, vec![]).await;
    until(&b, "location.pathname === '/me/prove'").await;
    for (width, dark) in [(1280, false), (390, true)] {
        b.look(width, 900, dark).await;
        b.screenshot(&format!("prove-provider-{width}")).await;
        sound(&b, "proof by a provider").await;
    }
    b.look(1280, 900, false).await;
    b.click("a[href^='/me/prove/start']").await;
    // It knows the browser, and still wants the password.
    office.say(&b, "kado").await;
    until(&b, "location.pathname.startsWith('/admin/idp/')").await;
    assert_eq!(b.url().await, format!("{page}?done=proved"));
    b.execute(disable, vec![]).await;
    // The provider is off, and with it whoever came by it.
    office.desk.t.until("SELECT COUNT(*) FROM idp WHERE enabled", |n| n == 0).await;
    office.close(vec![b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_no_mapped_group_reads_why_and_stays_outside() {
    let office = Office::<OidcProvider>::new().await;
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "mori").await;
    until(&b, "location.pathname.endsWith('/callback') && document.querySelector('main h1')").await;
    let said = b.text("main").await;
    let statement = "SELECT request_id FROM audit WHERE action = 'session.start' AND outcome = 'refused'";
    let request = office.desk.t.text(statement).await;
    assert!(!request.is_empty() && said.contains(&request), "{said}");
    assert_eq!(office.role("森 はるか").await, "");
    assert_eq!(b.accessibility_problems().await, Vec::<String>::new());
    for (width, dark) in [(1280, false), (390, true)] {
        b.look(width, 900, dark).await;
        b.screenshot(&format!("signin-refused-{width}")).await;
    }
    b.goto(&format!("{}{WISH}", office.desk.t.address())).await;
    until(&b, "location.pathname === '/signin'").await;
    office.close(vec![b]).await;
}
