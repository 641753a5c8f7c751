//! People sign in with a real SAML provider, in a real browser.

use crate::{
    cli_ops::Shell,
    console_desk::{Desk, until},
    office::{Office, browser},
    real::{Browser, PASSWORD, SimpleSaml},
};

impl Office<SimpleSaml> {
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

    /// At the provider.
    async fn say(&self, b: &Browser, login: &str) {
        let there = format!("location.origin === '{}' && document.querySelector('#username')", self.provider.base);
        until(b, &there).await;
        b.fill("#username", login).await;
        b.fill("#password", PASSWORD).await;
        b.execute("document.querySelector('#password').form.requestSubmit()", vec![]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_saml_and_has_the_role_of_the_group_of_that_day() {
    let office = Office::<SimpleSaml>::new(true).await;
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
    office.close(vec![b, second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_no_mapped_group_reads_why_and_stays_outside() {
    let office = Office::<SimpleSaml>::new(false).await;
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
    office.close(vec![b]).await;
}
