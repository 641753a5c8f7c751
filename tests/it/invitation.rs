//! Invitations: the link, whoever follows it, and whoever should not.

use std::sync::{Arc, atomic::AtomicI64};

use musubi::{
    clock::Clock,
    identity::{By, Origin, Role},
    model::Timestamp,
};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::{
    cli_ops::Shell,
    console_desk::{Desk, MAIL, until},
    hub::TestHub,
    issuer::{Page, Visitor},
    mail::{invite, owned},
    real::{Browser, OidcProvider, PASSWORD, Smtp, TestDatabase},
};

const CLI: By<'static> = By { actor: "cli", role: None };
const GOOD: &str = "hinoki-wo-kezuru-oto";
const SECRET: &str = "aClientSecretOfTheTests";

/// The value of a field of the page's form.
fn field(page: &Page, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    let rest = page.body.split(&marker).nth(1).unwrap_or_else(|| panic!("no {name} in {}", page.body));
    rest.split('"').next().unwrap().to_owned()
}

/// Follows the link to its page.
async fn follow(t: &TestHub, visitor: &Visitor, link: &str) -> Page {
    let first = visitor.get(link).await;
    assert_eq!((first.status, first.location()), (303, "/invitation"), "the link does not stay in the address");
    visitor.click(&format!("{}/invitation", t.address())).await
}

async fn join(t: &TestHub, visitor: &Visitor, page: &Page, name: &str, passphrase: &str) -> Page {
    let pairs = [("name", name), ("passphrase", passphrase), ("csrf", &field(page, "csrf"))];
    let pairs: Vec<(String, String)> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    visitor.press(&format!("{}/invitation", t.address()), &pairs).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_from_a_mail_lets_one_person_in_once() {
    for database in TestDatabase::both().await {
        let smtp = Smtp::plain();
        let t = TestHub::start_with(&database, |config| smtp.configure(config)).await;
        let owner = owned(&t).await;
        let by = By { actor: &owner, role: Some(Role::Owner) };
        invite(&t, by, "Kishi@hinoki-seiki.example", Role::Steward).await;
        let link = smtp.mail(1).await.link();
        assert!(link.starts_with(&format!("{}/invitation?token=", t.address())), "{link}");
        let token = link.rsplit('=').next().unwrap().to_owned();

        // A mail program looks, another browser looks: nothing is used up, and there is no session in it.
        let (scanner, kishi) = (Visitor::new(), Visitor::new());
        let seen = follow(&t, &scanner, &link).await;
        assert_eq!(seen.status, 200);
        let page = follow(&t, &kishi, &link).await;
        assert!(page.status == 200 && page.body.contains("Kishi@hinoki-seiki.example"), "{}", page.body);
        assert!(!page.body.contains(&token), "the link stands on no page");
        let weak = join(&t, &kishi, &page, "岸 由美", "short").await;
        assert!(weak.status == 422 && !weak.body.contains("short\""), "{}", weak.body);
        let common = join(&t, &kishi, &page, "", "kishi@hinoki-seiki.example").await;
        assert_eq!(common.status, 422);
        let foreign = Visitor::new();
        follow(&t, &foreign, &link).await;
        let forged = [("name", "x"), ("passphrase", GOOD), ("csrf", "x")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(foreign.press(&format!("{}/invitation", t.address()), &forged).await.status, 403);

        let joined = join(&t, &kishi, &page, "岸 由美", GOOD).await;
        assert_eq!((joined.status, joined.location()), (303, "/"), "{}", joined.body);
        assert_eq!(kishi.cookie(&t.address(), "__Host-musubi-invitation"), None);
        assert_eq!(kishi.click(&format!("{}/me", t.address())).await.status, 200);
        let there = "SELECT COUNT(*) FROM app_user WHERE mail_key = 'kishi@hinoki-seiki.example' AND role = 'steward'
                       AND language = 'ja' AND invited_role IS NULL";
        assert_eq!(t.count(there).await, 1);

        // Used, and never there: the same answer to both.
        let made_up = format!("{}/invitation?token={}", t.address(), "x".repeat(43));
        assert_eq!(join(&t, &scanner, &seen, "x", GOOD).await.status, 410);
        let (used, never) = (follow(&t, &foreign, &link).await, follow(&t, &foreign, &made_up).await);
        assert_eq!((used.status, never.status), (410, 410));
        assert_eq!(used.body, never.body);

        let acts = "SELECT COUNT(*) FROM audit WHERE action IN ('user.invite', 'user.invite_accept') AND object_kind = 'invitation'";
        assert_eq!(t.count(acts).await, 2);
        assert_eq!(t.count("SELECT COUNT(*) FROM audit WHERE detail LIKE '%@%' OR detail LIKE '%token%'").await, 0);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_links_die_when_there_is_a_new_one_or_none_or_three_days_are_over() {
    let begin = 1_790_000_000_000_000;
    for database in TestDatabase::both().await {
        let now = Arc::new(AtomicI64::new(begin));
        let t = TestHub::start_at(&database, Clock::Manual(now.clone()), |_| {}).await;
        owned(&t).await;
        let shown = async |mail: &str| {
            let made = invite(&t, CLI, mail, Role::Viewer).await;
            (made.link.expect("there is no mail, so it is shown").expose_secret().to_owned(), made.again)
        };
        let opens = async |link: &str| follow(&t, &Visitor::new(), link).await.status;
        let (first, again) = shown("tani@hinoki-seiki.example").await;
        assert_eq!((opens(&first).await, again), (200, false));
        let (second, again) = shown("TANI@hinoki-seiki.example").await;
        assert_eq!((opens(&first).await, opens(&second).await, again), (410, 200, true));
        assert_eq!(t.count("SELECT COUNT(*) FROM invitation").await, 1);

        // Two browsers with one link at the same moment: one account.
        let (one, two) = (Visitor::new(), Visitor::new());
        let pages = (follow(&t, &one, &second).await, follow(&t, &two, &second).await);
        let (a, b) = tokio::join!(join(&t, &one, &pages.0, "谷", GOOD), join(&t, &two, &pages.1, "谷", GOOD));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 410]);

        let (third, _) = shown("mori@hinoki-seiki.example").await;
        let identity = &t.hub().identity;
        identity.withdraw_invitation(CLI, "mori@hinoki-seiki.example", &Origin::default()).await.unwrap();
        assert_eq!(opens(&third).await, 410);
        let (fourth, _) = shown("mori@hinoki-seiki.example").await;
        let visitor = Visitor::new();
        let page = follow(&t, &visitor, &fourth).await;
        now.fetch_add(3 * Timestamp::DAY - Timestamp::SECOND, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(opens(&fourth).await, 200);
        now.fetch_add(Timestamp::SECOND, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(opens(&fourth).await, 410);
        assert_eq!(join(&t, &visitor, &page, "森", GOOD).await.status, 410, "the page was open before");
        assert_eq!(t.count("SELECT COUNT(*) FROM app_user").await, 2, "the owner and one");
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_invites_beyond_their_own_rights() {
    for database in TestDatabase::both().await {
        let t = TestHub::start(&database).await;
        owned(&t).await;
        let identity = &t.hub().identity;
        let wish = |mail: &str, role| musubi::identity::invitation::Wish { mail: mail.into(), role, language: "ja" };
        let steward = By { actor: "usr_x", role: Some(Role::Steward) };
        let admin = By { actor: "usr_y", role: Some(Role::Admin) };
        for (by, mail, role, wanted) in [
            (steward, "a@hinoki-seiki.example", Role::Viewer, "Denied"),
            (admin, "a@hinoki-seiki.example", Role::Owner, "Denied"),
            (CLI, "a@hinoki-seiki.example", Role::Owner, "INVITE_OWNER"),
            (admin, "a@hinoki-seiki.example\r\nBcc: b@c.example", Role::Viewer, "MAIL_INVALID"),
            (admin, "a b@hinoki-seiki.example", Role::Viewer, "MAIL_INVALID"),
            (admin, MAIL, Role::Viewer, "MAIL_TAKEN"),
        ] {
            let refused = identity.invite(by, wish(mail, role), &t.address(), &Origin::default()).await.err();
            let refused = format!("{refused:?}");
            assert!(refused.contains(wanted), "{mail:?}: {refused}");
        }
        assert_eq!(t.count("SELECT COUNT(*) FROM invitation").await, 0);
        t.stop().await;
    }
}

/// An office whose people sign in with the company's provider.
struct Office {
    desk: Desk,
    provider: OidcProvider,
    idp: String,
}

impl Office {
    async fn new() -> Self {
        let (desk, provider) = (Desk::new().await, OidcProvider::fresh().await);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let shell = Shell { folder: folder.path(), url: &desk.database.url };
        let words = ["idp", "add", "社員アカウント", "--issuer", &provider.issuer, "--client-id", "hub", "--private"];
        let roles = ["--role", "営業=employee", "--secret-file", "secret"];
        let added = tokio::task::block_in_place(|| shell.json(&[&words[..], &roles].concat()));
        let idp = added["id"].as_str().unwrap().to_owned();
        let callback = format!("{}/auth/oidc/{idp}/callback", desk.t.address());
        provider.client("hub", SECRET, &callback, json!({})).await;
        Self { desk, provider, idp }
    }

    async fn link(&self, mail: &str, role: Role) -> String {
        let made = invite(&self.desk.t, CLI, mail, role).await;
        made.link.unwrap().expose_secret().to_owned()
    }

    /// Presses the provider's button on the page that is open, and signs in there.
    async fn sign_in(&self, b: &Browser, login: &str) {
        b.click(&format!("a[href*='/auth/oidc/{}/']", self.idp)).await;
        until(b, &format!("location.origin === '{}' && document.querySelector('#go')", self.provider.issuer)).await;
        b.fill("#login", login).await;
        b.fill("#password", PASSWORD).await;
        b.click("#go").await;
        until(b, &format!("location.origin === '{}'", self.desk.t.address())).await;
    }

    async fn open(&self, b: &Browser, link: &str) {
        b.goto(link).await;
        until(b, "location.pathname === '/invitation' && !location.search").await;
    }

    async fn refused(&self, code: &'static str) {
        let last =
            "SELECT detail FROM audit WHERE action = 'session.start' AND outcome = 'refused' ORDER BY id DESC LIMIT 1";
        let said = self.desk.t.text(last).await;
        assert!(said.contains(code), "{code}: {said}");
    }
}

async fn browser() -> Browser {
    let b = Browser::open().await;
    b.look(1280, 900, false).await;
    b
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_and_a_provider_that_vouches_for_the_address_let_somebody_in() {
    let office = Office::new().await;
    office.provider.person("mori", "森 はるか", &["野球部"]).await;
    office.provider.person("hara", "原 なつみ", &["野球部"]).await;
    office.provider.stranger("thief", "mori@hinoki-seiki.example").await;
    let link = office.link("mori@hinoki-seiki.example", Role::Steward).await;

    // Somebody else at the provider, and somebody who only calls themselves so there.
    for login in ["hara", "thief"] {
        let b = browser().await;
        office.open(&b, &link).await;
        office.sign_in(&b, login).await;
        until(&b, "document.querySelector('main h1')").await;
        office.refused("INVITATION_ADDRESS").await;
        b.close().await;
    }
    // Without the link in this browser the address is worth nothing.
    let b = browser().await;
    b.goto(&format!("{}/signin", office.desk.t.address())).await;
    office.sign_in(&b, "mori").await;
    until(&b, "document.querySelector('main h1')").await;
    office.refused("ROLE_NONE").await;
    b.close().await;

    let b = browser().await;
    office.open(&b, &link).await;
    for (width, dark) in [(1280, false), (390, true)] {
        b.look(width, 900, dark).await;
        b.screenshot(&format!("invitation-{width}")).await;
        assert_eq!(b.accessibility_problems().await, Vec::<String>::new());
        assert_eq!(b.console_problems().await, Vec::<String>::new());
    }
    b.look(1280, 900, false).await;
    office.sign_in(&b, "mori").await;
    until(&b, "document.querySelector('nav.side')").await;
    let mori =
        "SELECT COUNT(*) FROM app_user WHERE name = '森 はるか' AND role = 'steward' AND invited_role = 'steward'";
    assert_eq!(office.desk.t.count(mori).await, 1);
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM invitation WHERE state = 'used'").await, 1);

    // From now on without it: the role of the invitation stands in for the groups.
    b.execute("document.querySelector(\"form[action='/signout'] button\").click()", vec![]).await;
    until(&b, "location.pathname === '/signin'").await;
    b.click(&format!("a[href*='/auth/oidc/{}/']", office.idp)).await;
    until(&b, "document.querySelector('nav.side')").await;
    assert_eq!(office.desk.t.count(mori).await, 1);
    b.close().await;
    office.desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_there_is_linked_by_an_invitation_only() {
    let office = Office::new().await;
    office.provider.person("takanashi", "高梨 拓", &["営業"]).await;
    let b = browser().await;
    b.goto(&format!("{}/signin", office.desk.t.address())).await;
    office.sign_in(&b, "takanashi").await;
    until(&b, "document.querySelector('main h1')").await;
    office.refused("PERSON_LOCAL").await;
    b.close().await;

    let link = office.link(MAIL, Role::Viewer).await;
    let b = browser().await;
    office.open(&b, &link).await;
    assert!(!b.exists("input[name=passphrase]").await, "the account keeps its passphrase");
    office.sign_in(&b, "takanashi").await;
    until(&b, "document.querySelector('nav.side')").await;
    let one = "SELECT COUNT(*) FROM app_user WHERE role = 'owner' AND password_hash IS NOT NULL AND id =
                 (SELECT user_id FROM external_identity WHERE subject = 'sub-takanashi')";
    assert_eq!(office.desk.t.count(one).await, 1);
    assert_eq!(office.desk.t.count("SELECT COUNT(*) FROM app_user").await, 1);
    b.close().await;
    office.desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_invites_at_the_console() {
    // Without mail: the link is shown once.
    let desk = Desk::new().await;
    desk.open("/admin/users").await;
    desk.b.click("a[href='/admin/users/invite']").await;
    desk.b.wait_for_text("main", "メールが設定されていない").await;
    desk.looks("invite").await;
    desk.b.fill("#mail", MAIL).await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "もう追加されています").await;
    desk.refused(422).await;
    desk.b.fill("#mail", "kishi@hinoki-seiki.example").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main", "/invitation?token=").await;
    desk.looks("invite-link").await;
    desk.open("/admin/users").await;
    desk.b.wait_for_text("[data-region=invitations]", "kishi@hinoki-seiki.example").await;
    desk.looks("users-invitations").await;
    desk.b.click("[data-region=invitations] form[action$='/withdraw'] button").await;
    desk.b.wait_for_text("main", "招待を取り消しました").await;
    assert!(!desk.b.exists("[data-region=invitations]").await);
    desk.open("/settings").await;
    desk.b.wait_for_text("[data-region=mail]", "メールは設定されていません").await;
    desk.close().await;

    // With mail: it goes out, and a test says so.
    let (smtp, database) = (Smtp::plain(), TestDatabase::sqlite().await);
    let t = TestHub::start_with(&database, |config| smtp.configure(config)).await;
    let desk = Desk::at(t, database).await;
    desk.open("/admin/users/invite").await;
    desk.b.fill("#mail", "kishi@hinoki-seiki.example").await;
    desk.b.click("main form .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "招待のメールを送ります").await;
    assert!(smtp.mail(1).await.text().contains("高梨 拓さんが"));
    desk.t.until("SELECT COUNT(*) FROM mail WHERE state = 'sent'", |n| n == 1).await;
    desk.open("/admin/users").await;
    desk.b.wait_for_text("[data-region=invitations]", "送信済み").await;
    desk.b.click("[data-region=invitations] form[action$='/again'] button").await;
    desk.b.wait_for_text("main [role=status]", "前のリンクは使えません").await;
    assert_ne!(smtp.mail(2).await.link(), smtp.mail(1).await.link());
    desk.open("/settings").await;
    desk.b.click("form[action='/settings/mail/test'] button").await;
    desk.b.wait_for_text("main [role=status]", "テストメールを送りました").await;
    assert_eq!(smtp.mail(3).await.header("To"), MAIL);
    smtp.refuse(&json!({"rcpt": "550 5.1.1 No such user"}));
    desk.b.click("form[action='/settings/mail/test'] button").await;
    desk.b.wait_for_text("[data-region=mail]", "No such user").await;
    desk.refused(422).await;
    desk.looks("settings-mail").await;
    desk.open("/me").await;
    desk.b.click("form[action='/me/alerts'] button").await;
    desk.b.wait_for_text("main [role=status]", "通知のメールを止めました").await;
    desk.looks("me-alerts").await;
    desk.close().await;
}
