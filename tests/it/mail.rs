//! Mails on their way to a real server: as bytes, with its moods, once.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use musubi::{
    clock::Clock,
    config::MailTls,
    identity::{
        By, Origin, Role, SetupForm,
        invitation::{Invited, Wish},
    },
    model::Timestamp,
    store::sql,
};
use serde_json::json;

use crate::{
    cli::{Ran, musubi},
    hub::TestHub,
    process::KEY,
    real::{Smtp, TestDatabase, free_port},
};

const CLI: By<'static> = By { actor: "cli", role: None };
pub const OWNER: &str = "takanashi@hinoki-seiki.example";
pub const PASSPHRASE: &str = "hinoki-no-kaori-2026";

/// First run, by somebody whose company has a name that no mail server expects.
pub async fn owned(t: &TestHub) -> String {
    let code = t.hub().identity.open_setup().await.unwrap().unwrap();
    let form = SetupForm {
        code,
        mail: OWNER.into(),
        passphrase: PASSPHRASE.to_owned().into(),
        name: "髙梨 \"拓\" <Bcc>".into(),
        company: "ひのき精機株式会社\r\nBcc: all@hinoki-seiki.example".into(),
        language: "ja".into(),
        zone: "Asia/Tokyo".into(),
        fiscal_year_start: "4".into(),
    };
    t.hub().identity.create_owner(form, &Origin::default()).await.unwrap().user_id
}

pub async fn invite(t: &TestHub, by: By<'_>, mail: &str, role: Role) -> Invited {
    let wish = Wish { mail: mail.into(), role, language: "ja" };
    let made = t.hub().identity.invite(by, wish, &t.address(), &Origin::default()).await;
    made.unwrap_or_else(|error| panic!("{error:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_one_mail_whatever_stands_in_it() {
    for (database, tls) in TestDatabase::both().await.into_iter().zip([MailTls::Starttls, MailTls::Implicit]) {
        let smtp = Smtp::start(tls, Some(("hub", "a+b/c d=秘密")).filter(|_| tls == MailTls::Starttls), free_port());
        let t = TestHub::start_with(&database, |config| smtp.configure(config)).await;
        let owner = owned(&t).await;
        let by = By { actor: &owner, role: Some(Role::Owner) };
        assert!(invite(&t, by, "kishi@hinoki-seiki.example", Role::Employee).await.link.is_none(), "it goes by mail");
        let mail = smtp.mail(1).await;

        assert_eq!(mail.about["to"], json!(["kishi@hinoki-seiki.example"]));
        assert_eq!(mail.about["from"], "hub@hinoki-seiki.example");
        assert_eq!((&mail.about["tls"], &mail.about["defects"]), (&json!(true), &json!([])));
        assert_eq!(mail.about["user"].as_str(), (tls == MailTls::Starttls).then_some("hub"));
        assert!(
            mail.raw.is_ascii() && mail.raw.split(|b| *b == b'\n').all(|line| line.len() < 1_000),
            "7 bit, short lines"
        );
        let mut names: Vec<&str> =
            mail.about["headers"].as_array().unwrap().iter().map(|pair| pair[0].as_str().unwrap()).collect();
        names.sort_unstable();
        let wanted = [
            "Auto-Submitted",
            "Content-Transfer-Encoding",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Subject",
            "To",
        ];
        assert_eq!(names, wanted, "and no Bcc");
        assert_eq!(mail.header("From"), "結び連携 <hub@hinoki-seiki.example>");
        assert_eq!(mail.header("To"), "kishi@hinoki-seiki.example");
        let subject = "ひのき精機株式会社  Bcc: all@hinoki-seiki.example: 結び Musubi への招待";
        assert_eq!(mail.header("Subject"), subject);
        assert_eq!(mail.about["kind"], "text/plain");
        assert!(mail.text().starts_with("髙梨 \"拓\" <Bcc>さんが、"), "{}", mail.text());

        // What it said is nowhere any more, and nowhere in the clear before.
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'sent' AND letter IS NULL", |n| n == 1).await;
        assert_eq!(t.count("SELECT attempts FROM mail").await, 1);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_take_is_sent_later_or_never_and_nothing_twice() {
    for database in TestDatabase::both().await {
        let smtp = Smtp::plain();
        let t = TestHub::start_with(&database, |config| smtp.configure(config)).await;
        owned(&t).await;
        smtp.refuse(&json!({"rcpt": "450 4.2.1 Mailbox busy"}));
        invite(&t, CLI, "later@hinoki-seiki.example", Role::Viewer).await;
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'waiting' AND attempts >= 2 AND cause = 'MAIL_LATER'", |n| {
            n == 1
        })
        .await;
        smtp.refuse(&json!({}));
        assert_eq!(smtp.mail(1).await.header("To"), "later@hinoki-seiki.example");
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'sent' AND cause IS NULL", |n| n == 1).await;

        smtp.refuse(&json!({"data": "554 5.7.1 Not \u{7}wanted here"}));
        invite(&t, CLI, "never@hinoki-seiki.example", Role::Viewer).await;
        let dead = "SELECT COUNT(*) FROM mail WHERE state = 'dead' AND cause = 'MAIL_REFUSED' AND letter IS NULL
                      AND attempts = 1 AND answer LIKE '%5.7.1%'";
        t.until(dead, |n| n == 1).await;

        // The server took it and fell silent: nobody can know. It goes again, as the same message.
        smtp.refuse(&json!({"cut": true}));
        invite(&t, CLI, "cut@hinoki-seiki.example", Role::Viewer).await;
        let first = smtp.mail(2).await;
        smtp.refuse(&json!({}));
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'sent'", |n| n == 2).await;
        let last = smtp.mail(smtp.count()).await;
        assert_eq!(first.header("Message-ID"), last.header("Message-ID"));
        assert_eq!(first.link(), last.link());
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_wait_for_a_server_that_is_away_until_they_are_too_old() {
    let begin = 1_790_000_000_000_000;
    for database in TestDatabase::both().await {
        let (port, now) = (free_port(), Arc::new(AtomicI64::new(begin)));
        let clock = Clock::Manual(now.clone());
        let change = |config: &mut musubi::config::Config| {
            config.mail.host = "127.0.0.1".into();
            (config.mail.port, config.mail.tls) = (port, MailTls::None);
            config.mail.from = "hub@hinoki-seiki.example".into();
            config.mail.retry_first.0 = Duration::from_millis(50);
            config.mail.retry_max.0 = Duration::from_millis(50);
        };
        let t = TestHub::start_at(&database, clock, change).await;
        owned(&t).await;
        invite(&t, CLI, "old@hinoki-seiki.example", Role::Viewer).await;
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'waiting' AND cause = 'MAIL_UNREACHABLE'", |n| n == 1).await;
        now.fetch_add(3 * Timestamp::DAY, std::sync::atomic::Ordering::SeqCst);
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'dead' AND cause = 'MAIL_EXPIRED'", |n| n == 1).await;
        invite(&t, CLI, "fresh@hinoki-seiki.example", Role::Viewer).await;
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'waiting' AND attempts > 0", |n| n == 1).await;
        let smtp = Smtp::start(MailTls::None, None, port);
        now.fetch_add(Timestamp::MINUTE, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(smtp.mail(1).await.header("To"), "fresh@hinoki-seiki.example");
        t.until("SELECT COUNT(*) FROM mail WHERE state = 'sent'", |n| n == 1).await;
        assert_eq!(smtp.count(), 1);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_send_each_mail_once() {
    let (database, smtp) = (TestDatabase::postgres().await, Smtp::plain());
    let here = TestHub::start_with(&database, |config| smtp.configure(config)).await;
    let there = TestHub::start_with(&database, |config| smtp.configure(config)).await;
    owned(&here).await;
    for n in 0..20 {
        invite(&here, CLI, &format!("person{n}@hinoki-seiki.example"), Role::Viewer).await;
    }
    here.until("SELECT COUNT(*) FROM mail WHERE state = 'sent'", |n| n == 20).await;
    let mut to = Vec::new();
    for n in 1..=smtp.count() {
        to.push(smtp.mail(n).await.header("To").to_owned());
    }
    assert_eq!(to.len(), 20);
    to.sort_unstable();
    to.dedup();
    assert_eq!(to.len(), 20);
    there.stop().await;
    here.stop().await;
}

fn run(folder: &std::path::Path, url: &str, more: &[(&str, String)], words: &[&str]) -> Ran {
    let mut variables =
        vec![("MUSUBI_DATABASE__URL", url), ("MUSUBI_SECRETS__KEY", KEY), ("MUSUBI_LOG__FILTER", "warn")];
    variables.extend(more.iter().map(|(name, value)| (*name, value.as_str())));
    tokio::task::block_in_place(|| musubi(folder, &variables, words))
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_say_whether_mail_works_and_what_the_server_says() {
    let (database, folder) = (TestDatabase::sqlite().await, tempfile::tempdir().unwrap());
    let smtp = Smtp::start(MailTls::Starttls, Some(("hub", "right")), free_port());
    let with = smtp.variables();
    let ran = run(folder.path(), &database.url, &with, &["mail", "test", "aoi@hinoki-seiki.example"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(smtp.mail(1).await.header("Subject"), "テストメール");
    let ran = run(folder.path(), &database.url, &with, &["mail", "test", "aoi@hinoki-seiki.example, b@c.example"]);
    assert_eq!((ran.code, smtp.count()), (2, 1), "{}", ran.err);
    let doctor = |with: &[(&str, String)]| {
        let ran = run(folder.path(), &database.url, with, &["doctor", "--json"]);
        let found = ran.json().as_array().unwrap().iter().find(|check| check["name"] == "mail").cloned().unwrap();
        (found["state"].as_str().unwrap().to_owned(), found["finding"].as_str().unwrap().to_owned())
    };
    assert_eq!(doctor(&with).0, "ok");
    assert_eq!(doctor(&[]).0, "note");
    let change = |name: &str, value: &str| -> Vec<(&'static str, String)> {
        let swapped = with.iter().map(|(n, v)| (*n, if *n == name { value.to_owned() } else { v.clone() }));
        swapped.collect()
    };
    for (name, value, cause) in [
        ("MUSUBI_MAIL__PASSWORD", "wrong", "MAIL_SIGNIN"),
        ("MUSUBI_MAIL__CA_FILE", "", "MAIL_TLS"),
        ("MUSUBI_MAIL__TLS", "implicit", "MAIL_"),
    ] {
        let (state, finding) = doctor(&change(name, value));
        assert!(state == "wrong" && finding.contains(cause), "{name}: {state} {finding}");
        assert!(!finding.contains("right"), "{finding}");
        let ran = run(folder.path(), &database.url, &change(name, value), &["mail", "test", "a@b.example"]);
        assert!(ran.code == 1 && ran.err.contains(cause), "{}", ran.err);
    }
    let open = change("MUSUBI_MAIL__TLS", "none");
    let far: Vec<_> = open
        .iter()
        .map(|(n, v)| (*n, if *n == "MUSUBI_MAIL__HOST" { "mail.hinoki-seiki.example".into() } else { v.clone() }))
        .collect();
    let ran = run(folder.path(), &database.url, &far, &["config", "check"]);
    assert!(ran.code == 2 && ran.err.contains("mail.tls"), "an open wire to another machine: {}", ran.err);
    let ran = run(folder.path(), &database.url, &with, &["config", "check"]);
    assert!(ran.code == 0 && !ran.out.contains("right"), "{}", ran.out);
    assert_eq!(smtp.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_hear_of_it_once_a_day_in_one_mail() {
    for database in TestDatabase::both().await {
        let smtp = Smtp::plain();
        // Told when the test says so, not when a slow machine is in the middle of it.
        let patience = |config: &mut musubi::config::Config| {
            smtp.configure(config);
            config.mail.gather.0 = Duration::from_hours(1);
        };
        let t = TestHub::start_with(&database, patience).await;
        let mut soon = t.hub().config.mail.clone();
        soon.gather.0 = Duration::from_micros(1);
        let owner = owned(&t).await;
        provider(&t).await;
        let identity = &t.hub().identity;
        for _ in 0..3 {
            identity.sign_in(OWNER, PASSPHRASE.to_owned().into(), None, &Origin::default()).await.unwrap();
        }
        let mut tx = t.hub().db.begin().await.unwrap();
        musubi::identity::federation::manage::switch_off(&mut tx, "idp_1", "cli", t.hub().clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        identity.tell(&t.hub().config.mail).await.unwrap();
        assert_eq!(t.count("SELECT COUNT(*) FROM mail").await, 0, "what comes within an hour goes together");
        identity.tell(&soon).await.unwrap();
        let mail = smtp.mail(1).await;
        assert_eq!(mail.header("To"), OWNER);
        assert!(mail.header("Subject").ends_with("確認が必要なことが2件あります"), "{}", mail.header("Subject"));
        for said in ["髙梨 \"拓\" <Bcc>", &format!("/admin/users/{owner}"), "3回", "社員アカウント", "/admin/idp/idp_1"]
        {
            assert!(mail.text().contains(said), "{said}: {}", mail.text());
        }
        t.until("SELECT COUNT(*) FROM alert WHERE told_at IS NOT NULL", |n| n == 2).await;

        // Again on the same day: counted, not told.
        identity.sign_in(OWNER, PASSPHRASE.to_owned().into(), None, &Origin::default()).await.unwrap();
        identity.tell(&soon).await.unwrap();
        assert_eq!(t.count("SELECT COUNT(*) FROM mail").await, 1);

        // A connection that fails, for long enough.
        broken_connection(&t).await;
        identity.look(&soon).await.unwrap();
        assert_eq!(t.count("SELECT COUNT(*) FROM alert WHERE kind = 'connection_stopped'").await, 0, "30 minutes");
        soon.stopped_after.0 = Duration::from_micros(1);
        identity.look(&soon).await.unwrap();
        identity.look(&soon).await.unwrap();
        identity.tell(&soon).await.unwrap();
        let mail = smtp.mail(2).await;
        assert!(mail.header("Subject").ends_with("連携先が止まったままです"), "{}", mail.header("Subject"));

        // Whoever does not want to hear of it does not.
        identity.choose_alerts(&owner, &owner, false, &Origin::default()).await.unwrap();
        let mut tx = t.hub().db.begin().await.unwrap();
        musubi::identity::alert::raise(&mut tx, musubi::identity::alert::Kind::OwnerNew, &owner, t.hub().clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        identity.tell(&soon).await.unwrap();
        assert_eq!(t.count("SELECT COUNT(*) FROM alert WHERE told_at IS NULL").await, 0);
        assert_eq!(t.count("SELECT COUNT(*) FROM mail").await, 2);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_hear_of_new_devices_and_passphrases_and_owners_of_providers_that_go() {
    let chrome = |version: u8| {
        format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/{version}.0.0.0 Safari/537.36"
        )
    };
    for database in TestDatabase::both().await {
        let smtp = Smtp::plain();
        let patience = |config: &mut musubi::config::Config| {
            smtp.configure(config);
            config.mail.gather.0 = Duration::from_hours(1);
        };
        let t = TestHub::start_with(&database, patience).await;
        let owner = owned(&t).await;
        let identity = &t.hub().identity;
        let sign_in = async |agent: &str| {
            let ip = Some([192, 0, 2, 7].into());
            let from = Origin { agent: Some(agent.to_owned()).filter(|a| !a.is_empty()), ip, ..Origin::default() };
            identity.sign_in(OWNER, PASSPHRASE.to_owned().into(), None, &from).await.unwrap();
        };
        sign_in("Mozilla/5.0 (Macintosh) Version/18.1 Safari/605.1.15").await;
        assert_eq!(t.count("SELECT COUNT(*) FROM mail").await, 0, "the first one is no news");
        sign_in(&chrome(140)).await;
        let mail = smtp.mail(1).await;
        assert!(mail.header("Subject").ends_with("新しい端末でサインインしました"), "{}", mail.header("Subject"));
        for said in ["Chrome", "Windows", "192.0.2.7", "Asia/Tokyo", "/me"] {
            assert!(mail.text().contains(said), "{said}: {}", mail.text());
        }
        // An update, and the browser of first run.
        sign_in(&chrome(141)).await;
        sign_in("").await;
        assert_eq!(t.count("SELECT COUNT(*) FROM mail").await, 1, "{}", database.name);
        let mut tx = t.hub().db.begin().await.unwrap();
        sql("UPDATE app_user SET language = 'en'").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        sign_in("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0").await;
        let mail = smtp.mail(2).await;
        assert!(mail.header("Subject").ends_with("A new device signed in"), "{}", mail.header("Subject"));
        assert!(mail.text().contains("Firefox"), "{}", mail.text());

        let other = "another passphrase of the owner".to_owned().into();
        identity.set_passphrase(CLI, (&owner, ""), other, &Origin::default()).await.unwrap();
        let mail = smtp.mail(3).await;
        assert_eq!(mail.header("To"), OWNER);
        assert!(mail.header("Subject").ends_with("Your passphrase was changed"), "{}", mail.header("Subject"));

        provider(&t).await;
        let mut tx = t.hub().db.begin().await.unwrap();
        sql("INSERT INTO idp (id, name, kind, settings, enabled, draft, created_at, updated_at)
             VALUES ('idp_2', '下書き', 'oidc', '{}', FALSE, TRUE, 0, 0)")
        .execute(&mut tx)
        .await
        .unwrap();
        for id in ["idp_1", "idp_2"] {
            musubi::identity::federation::manage::forget(&mut tx, id, "cli", t.hub().clock.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut soon = t.hub().config.mail.clone();
        soon.gather.0 = Duration::from_micros(1);
        identity.tell(&soon).await.unwrap();
        let mail = smtp.mail(4).await;
        let subject = mail.header("Subject");
        assert!(subject.ends_with("An identity provider was removed"), "and no draft: {subject}");
        assert!(mail.text().contains("社員アカウント"), "what is gone has its name: {}", mail.text());
        t.stop().await;
    }
}

/// A provider of the id `idp_1` that is on and that nobody can ask.
pub async fn provider(t: &TestHub) {
    let mut tx = t.hub().db.begin().await.unwrap();
    sql("INSERT INTO idp (id, name, kind, settings, enabled, created_at, updated_at)
         VALUES ('idp_1', '社員アカウント', 'oidc', '{}', TRUE, 0, 0)")
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

async fn broken_connection(t: &TestHub) {
    let settings = json!({"base_url": format!("http://127.0.0.1:{}", free_port()), "api_key": "x", "webhook_secret": "whsec_Zmlyc3Qtc2VjcmV0LW9mLXRoZS10ZXN0"});
    t.connect_with("sample-sales", settings, musubi::connection::schedule::Plan::Every(3_600)).await;
    t.until("SELECT COUNT(*) FROM connection WHERE failures > 0 AND leased_by IS NULL", |n| n == 1).await;
}
