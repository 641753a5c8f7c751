//! Mail domains lead people to their provider, and say nothing about anybody.

use serde_json::{Value, json};

use crate::{
    cli::{Ran, musubi},
    console_desk::{Desk, MAIL, until},
    hub::TestHub,
    issuer::{Page, Visitor},
    mail::{owned, provider},
    process::KEY,
    real::{Browser, Dns, OidcProvider, PASSWORD, TestDatabase},
};

const SECRET: &str = "aClientSecretOfTheTests";

fn run(url: &str, dns: &str, words: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("MUSUBI_DATABASE__URL", url),
        ("MUSUBI_SECRETS__KEY", KEY),
        ("MUSUBI_LOG__FILTER", "error"),
        ("MUSUBI_SIGNIN__DNS", dns),
    ];
    tokio::task::block_in_place(|| musubi(folder.path(), &variables, &[words, &["--json"]].concat()))
}

/// Types an address on the sign-in page. The answer without what was typed and the form's own value.
async fn asked(t: &TestHub, mail: &str) -> (Page, String) {
    let visitor = Visitor::new();
    let page = visitor.click(&format!("{}/signin?next=/customers", t.address())).await;
    let csrf = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let pairs = [("mail", mail), ("next", "/customers"), ("csrf", &csrf)];
    let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let answer = visitor.press(&format!("{}/signin/where", t.address()), &pairs).await;
    let bare = answer.body.replace(&csrf, "CSRF").replace(mail, "MAIL");
    (answer, bare)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_leads_only_when_dns_says_so_and_answers_tell_nothing_of_anybody() {
    for database in TestDatabase::both().await {
        let dns = Dns::start();
        let t = TestHub::start(&database).await;
        owned(&t).await;
        provider(&t).await;
        let command = |words: &[&str]| run(&database.url, &dns.address, &[&["idp", "domain"], words].concat());
        let added = command(&["add", "社員アカウント", "@Kakou.Hinoki-Seiki.EXAMPLE"]);
        assert_eq!(added.code, 0, "{}", added.err);
        let (domain, record) = (added.json()["domain"].clone(), added.json()["record"].as_str().unwrap().to_owned());
        assert_eq!(domain, "kakou.hinoki-seiki.example");
        assert!(record.starts_with("musubi-verification=") && record.len() > 60, "{record}");
        assert!(command(&["add", "社員アカウント", "kakou.hinoki-seiki.example"]).err.contains("DOMAIN_TAKEN"));
        assert!(command(&["add", "社員アカウント", "localhost"]).err.contains("DOMAIN_INVALID"));

        // Noted is not verified: nobody is led.
        let page = Visitor::new().click(&format!("{}/signin", t.address())).await;
        assert!(page.body.contains("id=\"passphrase\""));
        let domain = domain.as_str().unwrap();
        for zone in [
            json!({}),
            json!({domain: ["musubi-verification=other", &record[..60]]}),
            json!({"hinoki-seiki.example": [record]}),
        ] {
            dns.zone(&zone);
            let checked = command(&["check", domain]);
            assert_eq!((checked.code, &checked.json()["verified"]), (1, &json!(false)), "{zone}: {}", checked.err);
        }
        dns.zone(&json!({domain: ["v=spf1 -all", record]}));
        assert_eq!(command(&["check", domain]).json()["verified"], true);

        let page = Visitor::new().click(&format!("{}/signin", t.address())).await;
        assert!(!page.body.contains("id=\"passphrase\""), "the address first");
        let local = Visitor::new().click(&format!("{}/signin?local=1", t.address())).await;
        assert!(local.body.contains("id=\"passphrase\""));
        let (led, _) = asked(&t, "nobody+x@KAKOU.hinoki-seiki.example").await;
        assert_eq!((led.status, led.header("refresh")), (200, "0;url=/auth/oidc/idp_1/start?next=%2Fcustomers"));
        assert!(led.sets("__Host-musubi-hint").unwrap().starts_with("__Host-musubi-hint=nobody%2Bx%40"));

        // Known and unknown, another domain and a part of ours, and no address at all: one and the same answer.
        let (known, wanted) = asked(&t, MAIL).await;
        assert!(known.status == 200 && known.body.contains("id=\"passphrase\""));
        for other in ["nobody@hinoki-seiki.example", "a@b.kakou.hinoki-seiki.example", "a@example", "nobody", "@"] {
            let (answer, bare) = asked(&t, other).await;
            assert_eq!((answer.status, answer.header("refresh")), (200, ""), "{other}");
            assert!(answer.sets("__Host-musubi-hint").is_none(), "{other}");
            if other.len() > 1 {
                assert_eq!(bare, wanted, "{other}");
            }
        }
        let forged = [("mail", "a@b.example"), ("csrf", "x")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(Visitor::new().press(&format!("{}/signin/where", t.address()), &forged).await.status, 403);

        // A name server that is silent proves nothing; a record that is gone does.
        let silent = run(&database.url, "127.0.0.1:1", &["idp", "domain", "check", domain]);
        assert!(silent.code == 1 && silent.err.contains("DOMAIN_DNS"), "{} {}", silent.code, silent.err);
        assert_eq!(t.count("SELECT COUNT(*) FROM idp_domain WHERE verified_at IS NOT NULL").await, 1);
        dns.zone(&json!({}));
        assert_eq!(command(&["check", domain]).code, 1);
        assert_eq!(t.count("SELECT COUNT(*) FROM idp_domain WHERE verified_at IS NULL").await, 1);
        assert_eq!(command(&["remove", domain]).code, 0);
        assert_eq!(command(&["check", domain]).code, 3);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_proves_a_domain_and_its_people_go_straight_to_the_provider() {
    let dns = Dns::start();
    let database = TestDatabase::sqlite().await;
    let t = TestHub::start_with(&database, |config| config.signin.dns.clone_from(&dns.address)).await;
    let (desk, there) = (Desk::at(t, database).await, OidcProvider::fresh().await);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
    let shell = crate::cli_ops::Shell { folder: folder.path(), url: &desk.database.url };
    let words = ["idp", "add", "社員アカウント", "--issuer", &there.issuer, "--client-id", "hub", "--private"];
    let more = ["--role", "営業=employee", "--secret-file", "secret"];
    let added: Value = tokio::task::block_in_place(|| shell.json(&[&words[..], &more].concat()));
    let idp = added["id"].as_str().unwrap().to_owned();
    there.client("hub", SECRET, &format!("{}/auth/oidc/{idp}/callback", desk.t.address()), json!({})).await;
    there.person("aoi", "青井 みどり", &["営業"]).await;

    desk.open(&format!("/admin/idp/{idp}")).await;
    desk.b.fill("#domain", "hinoki").await;
    desk.b.click("[data-region=domains] form.form button").await;
    desk.b.wait_for_text("[data-region=domains]", "example.co.jp」の形で").await;
    desk.refused(422).await;
    desk.b.fill("#domain", "hinoki-seiki.example").await;
    desk.b.click("[data-region=domains] form.form button").await;
    desk.b.wait_for_text("[data-region=domains]", "招待のみ").await;
    desk.b.click("[data-region=domains] form[action$='/check'] button").await;
    desk.b.wait_for_text("main [role=status]", "TXT レコードが見つかりません").await;
    desk.looks("idp-domain").await;
    let record = desk.b.text("[data-region=domains] code").await;
    dns.zone(&json!({"hinoki-seiki.example": [record]}));
    desk.b.click("[data-region=domains] form[action$='/check'] button").await;
    desk.b.wait_for_text("[data-region=domains]", "確認済み").await;

    let b = Browser::open().await;
    b.look(1280, 900, false).await;
    b.goto(&format!("{}/signin?next=/customers&lang=ja", desk.t.address())).await;
    for (width, dark) in [(1280, false), (390, true)] {
        b.look(width, 900, dark).await;
        b.screenshot(&format!("signin-mail-{width}")).await;
        assert_eq!(b.accessibility_problems().await, Vec::<String>::new());
    }
    b.look(1280, 900, false).await;
    b.fill("#mail", "aoi@hinoki-seiki.example").await;
    b.click("main form button").await;
    until(&b, &format!("location.origin === '{}' && document.querySelector('#go')", there.issuer)).await;
    b.fill("#login", "aoi").await;
    b.fill("#password", PASSWORD).await;
    b.click("#go").await;
    until(&b, "location.pathname === '/customers' && document.querySelector('nav.side')").await;
    assert_eq!(b.console_problems().await, Vec::<String>::new());
    b.close().await;
    desk.close().await;
}
