//! People sign in with a real SAML provider, in a real browser.

use crate::{
    cli_ops::Shell,
    console_desk::{Desk, until},
    real::{Browser, PASSWORD, SimpleSaml},
};

const WISH: &str = "/customers?q=%E6%9C%9D%E5%87%AA";

/// An office whose people sign in with the company's provider.
struct Office {
    desk: Desk,
    provider: SimpleSaml,
    idp: String,
}

impl Office {
    async fn new(sealed: bool) -> Self {
        let (desk, provider) = (Desk::new().await, tokio::task::block_in_place(SimpleSaml::shared));
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &desk.database.url };
        let words = ["idp", "add", "社員アカウント", "--saml-metadata", &provider.metadata, "--private"];
        let roles = ["--role", "営業=employee", "--role", "経理=steward"];
        let added = tokio::task::block_in_place(|| shell.json(&[&words[..], &roles].concat()));
        let idp = added["id"].as_str().unwrap().to_owned();
        assert_eq!(added["entity_id"], format!("{}/idp", provider.base));
        let ours = format!("{}/auth/saml/{idp}/metadata", desk.t.address());
        let described = reqwest::Client::builder().no_proxy().build().unwrap().get(ours).send().await.unwrap();
        provider.service(&described.text().await.unwrap(), sealed);
        Self { desk, provider, idp }
    }

    /// To a page, from there to the sign-in page, and its button pressed.
    async fn come(&self, b: &Browser) {
        b.goto(&format!("{}{WISH}", self.desk.t.address())).await;
        until(b, "location.pathname === '/signin'").await;
        b.click(&format!("a[href*='/auth/saml/{}/']", self.idp)).await;
    }

    /// At the provider.
    async fn say(&self, b: &Browser, login: &str) {
        let there = format!("location.origin === '{}' && document.querySelector('#username')", self.provider.base);
        until(b, &there).await;
        b.fill("#username", login).await;
        b.fill("#password", PASSWORD).await;
        b.execute("document.querySelector('#password').form.requestSubmit()", vec![]).await;
    }

    /// Back on the page that was asked for, signed in.
    async fn arrived(&self, b: &Browser) {
        until(b, "location.pathname === '/customers' && document.querySelector('nav.side')").await;
        assert_eq!(b.url().await, format!("{}{WISH}", self.desk.t.address()));
    }

    async fn leave(&self, b: &Browser) {
        b.execute("document.querySelector(\"form[action='/signout'] button\").click()", vec![]).await;
        until(b, "location.pathname === '/signin'").await;
    }

    async fn role(&self, name: &'static str) -> String {
        let statement = "SELECT role FROM app_user WHERE name = $1";
        let found = musubi::store::sql::sql(statement).bind(name).optional::<(String,)>(&self.desk.t.hub().db).await;
        found.unwrap().map(|(role,)| role).unwrap_or_default()
    }
}

async fn browser() -> Browser {
    let b = Browser::open().await;
    b.look(1280, 900, false).await;
    b
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_saml_and_has_the_role_of_the_group_of_that_day() {
    let office = Office::new(true).await;
    office.provider.person("saml-aoi", "青井 みどり", &["営業", "野球部"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-aoi").await;
    office.arrived(&b).await;
    assert_eq!(office.role("青井 みどり").await, "employee");
    let ours = |problem: &String| !problem.contains(&office.provider.base);
    assert_eq!(b.console_problems().await.into_iter().filter(ours).collect::<Vec<_>>(), Vec::<String>::new());
    office.leave(&b).await;

    // The provider says what it knew when the person signed in there: another browser, another group.
    office.provider.person("saml-aoi", "青井 みどり", &["経理"]);
    let second = browser().await;
    office.come(&second).await;
    office.say(&second, "saml-aoi").await;
    office.arrived(&second).await;
    assert_eq!(office.role("青井 みどり").await, "steward");
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM external_identity").await, 1, "the same person");
    b.close().await;
    second.close().await;
    office.desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_no_mapped_group_reads_why_and_stays_outside() {
    let office = Office::new(false).await;
    office.provider.person("saml-mori", "森 はるか", &["野球部"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-mori").await;
    until(&b, "location.pathname.endsWith('/finish') && document.querySelector('main h1')").await;
    let said = b.text("main").await;
    let request = "SELECT request_id FROM audit WHERE action = 'session.start' AND outcome = 'refused'";
    let request = office.desk.t.text(request).await;
    assert!(!request.is_empty() && said.contains(&request), "{said}");
    assert_eq!(office.role("森 はるか").await, "");
    assert_eq!(b.accessibility_problems().await, Vec::<String>::new());
    b.close().await;
    office.desk.close().await;
}

/// From the hub to the provider and back; then the provider knows nobody any more, and asks again.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_here_and_there_is_asked_for_a_password_again() {
    let office = Office::new(true).await;
    office.provider.person("saml-kishi", "岸 由美", &["営業"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-kishi").await;
    office.arrived(&b).await;
    office.leave(&b).await;
    b.click("a[href='/auth/oidc/leave']").await;
    until(&b, "location.search === '?why=out_there'").await;
    let said = b.text("main").await;
    assert!(said.contains("認証基盤からもサインアウトしました"), "{said}");
    assert_eq!(b.accessibility_problems().await, Vec::<String>::new());
    office.come(&b).await;
    office.say(&b, "saml-kishi").await;
    office.arrived(&b).await;
    b.close().await;
    office.desk.close().await;
}

/// From the provider: what it opened here ends, and it hears so.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_at_the_provider_is_signed_out_here() {
    let office = Office::new(false).await;
    office.provider.person("saml-tani", "谷 つばさ", &["営業"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-tani").await;
    office.arrived(&b).await;
    let base = &office.provider.base;
    b.goto(&format!("{base}/saml2/idp/SingleLogoutService.php?ReturnTo={base}/resources/default-rtl.css")).await;
    until(&b, "location.pathname === '/resources/default-rtl.css'").await;
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await, 0);
    let ended = "SELECT COUNT(*) FROM audit WHERE action = 'session.end' AND outcome = 'ok'";
    assert_eq!(office.desk.t.count(ended).await, 1);
    b.goto(&format!("{}{WISH}", office.desk.t.address())).await;
    until(&b, "location.pathname === '/signin'").await;
    b.close().await;
    office.desk.close().await;
}
