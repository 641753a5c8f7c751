//! People sign in with real SAML providers, in a real browser. Tests that need SimpleSAMLphp say so in their name:
//! where it cannot be had, `./x test` leaves out what is called so.

use crate::{
    cli_ops::Shell,
    console_desk::{Desk, until},
    office::{Office, WISH, browser},
    real::{Browser, Dialect, PASSWORD, SimpleSaml},
};

/// The provider is the address of its pages.
impl Office<String> {
    /// With a provider of a metadata address, which gets to know the hub from the hub's own metadata.
    async fn new(there: &str, metadata: &str, more: &[&str], introduce: impl FnOnce(&str)) -> Self {
        let desk = Desk::new().await;
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &desk.database.url };
        let words = ["idp", "add", "社員アカウント", "--saml-metadata", metadata, "--private"];
        let roles = ["--role", "営業=employee", "--role", "経理=steward"];
        let added = tokio::task::block_in_place(|| shell.json(&[&words[..], &roles, more].concat()));
        let idp = added["id"].as_str().unwrap().to_owned();
        let ours = format!("{}/auth/saml/{idp}/metadata", desk.t.address());
        let described = reqwest::Client::builder().no_proxy().build().unwrap().get(ours).send().await.unwrap();
        introduce(&described.text().await.unwrap());
        assert!(added["entity_id"].as_str().unwrap().starts_with(there), "{added}");
        Self { desk, provider: there.to_owned(), idp }
    }

    /// `sealed`: answers are signed twice and encrypted.
    async fn simple(sealed: bool) -> (Self, SimpleSaml) {
        let provider = tokio::task::block_in_place(SimpleSaml::shared);
        let introduce = |metadata: &str| provider.service(metadata, sealed);
        let office = Self::new(&provider.base, &provider.metadata, &[], introduce).await;
        (office, provider)
    }

    /// At the provider.
    async fn say(&self, b: &Browser, login: &str) {
        let there = format!("location.origin === '{}' && document.querySelector('#username')", self.provider);
        until(b, &there).await;
        b.fill("#username", login).await;
        b.fill("#password", PASSWORD).await;
        b.execute("document.querySelector('#password').form.requestSubmit()", vec![]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_of_simplesamlphp_signs_in_and_has_the_role_of_the_group_of_that_day() {
    let (office, provider) = Office::<String>::simple(true).await;
    provider.person("saml-aoi", "青井 みどり", &["営業", "野球部"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-aoi").await;
    office.arrived(&b).await;
    assert_eq!(office.role("青井 みどり").await, "employee");
    let ours = |problem: &String| !problem.contains(&office.provider);
    assert_eq!(b.console_problems().await.into_iter().filter(ours).collect::<Vec<_>>(), Vec::<String>::new());
    office.leave(&b).await;

    // The provider says what it knew when the person signed in there: another browser, another group.
    provider.person("saml-aoi", "青井 みどり", &["経理"]);
    let second = browser().await;
    office.come(&second).await;
    office.say(&second, "saml-aoi").await;
    office.arrived(&second).await;
    assert_eq!(office.role("青井 みどり").await, "steward");
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM external_identity").await, 1, "the same person");
    office.close(vec![b, second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_no_mapped_group_of_simplesamlphp_reads_why_and_stays_outside() {
    let (office, provider) = Office::<String>::simple(false).await;
    provider.person("saml-mori", "森 はるか", &["野球部"]);
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
    office.close(vec![b]).await;
}

/// Signs in the person of a provider whose groups are in an attribute of another name.
async fn signs_in_by(provider: &Dialect, groups: &str) {
    let acs = |metadata: &str| metadata.rsplit_once(" Location=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let introduce = |metadata: &str| provider.service(metadata, &acs(metadata));
    let office = Office::new(&provider.base, &provider.metadata, &["--groups-claim", groups], introduce).await;
    provider.person("hinata", "日向 蓮", &["野球部", "経理"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "hinata").await;
    office.arrived(&b).await;
    assert_eq!(office.role("日向 蓮").await, "steward");
    let statement = "SELECT subject FROM external_identity";
    assert_eq!(office.desk.t.text(statement).await, "hinata");
    office.close(vec![b]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_samlp() {
    let provider = tokio::task::block_in_place(Dialect::samlp);
    signs_in_by(&provider, "http://schemas.xmlsoap.org/claims/Group").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_pysaml2() {
    let provider = tokio::task::block_in_place(Dialect::pysaml2);
    signs_in_by(&provider, "urn:oid:1.3.6.1.4.1.5923.1.1.1.7").await;
}

/// From the hub to the provider and back; then the provider knows nobody any more, and asks again.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_here_and_at_simplesamlphp_is_asked_for_a_password_again() {
    let (office, provider) = Office::<String>::simple(true).await;
    provider.person("saml-kishi", "岸 由美", &["営業"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-kishi").await;
    office.arrived(&b).await;
    office.leave(&b).await;
    b.click("a[href='/auth/oidc/leave']").await;
    until(&b, "location.search === '?why=out_there'").await;
    let said = b.text("main").await;
    assert!(said.contains("You are signed out of the provider as well."), "{said}");
    assert_eq!(b.accessibility_problems().await, Vec::<String>::new());
    office.come(&b).await;
    office.say(&b, "saml-kishi").await;
    office.arrived(&b).await;
    office.close(vec![b]).await;
}

/// From the provider: what it opened here ends, and it hears so.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_at_simplesamlphp_is_signed_out_here() {
    let (office, provider) = Office::<String>::simple(false).await;
    provider.person("saml-tani", "谷 つばさ", &["営業"]);
    let b = browser().await;
    office.come(&b).await;
    office.say(&b, "saml-tani").await;
    office.arrived(&b).await;
    let base = &office.provider;
    b.goto(&format!("{base}/saml2/idp/SingleLogoutService.php?ReturnTo={base}/resources/default-rtl.css")).await;
    until(&b, "location.pathname === '/resources/default-rtl.css'").await;
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await, 0);
    let ended = "SELECT COUNT(*) FROM audit WHERE action = 'session.end' AND outcome = 'ok'";
    assert_eq!(office.desk.t.count(ended).await, 1);
    b.goto(&format!("{}{WISH}", office.desk.t.address())).await;
    until(&b, "location.pathname === '/signin'").await;
    office.close(vec![b]).await;
}
