//! The audit log at the console and from the shell: what is in it, finding a refusal by its number, files,
//! and tampering that shows.

use musubi::store::sql;
use serde_json::Value;

use crate::{
    cli_ops::Shell,
    console_desk::Desk,
    hub::TestHub,
    real::TestDatabase,
    sender::{SECRET, Sender, customer},
};

/// Sealed within a second.
const OPEN: &str = "SELECT COUNT(*) FROM audit WHERE number IS NULL";

#[tokio::test(flavor = "multi_thread")]
async fn reads_refusals_and_changes_are_found_in_the_log() {
    let desk = Desk::new().await;
    a_customer_is_seen(&desk).await;
    a_refusal_is_found_by_its_number(&desk).await;
    desk.open("/admin/audit").await;
    desk.looks("audit").await;
    desk.open("/admin/audit?kind=customer&who=%E9%AB%98%E6%A2%A8").await;
    desk.b.wait_for_text("[data-region=rows]", "顧客の閲覧").await;
    desk.until("document.querySelectorAll('[data-region=rows] tbody tr').length === 2").await;
    desk.open("/admin/audit?who=%E3%81%A0%E3%82%8C%E3%82%82").await;
    desk.b.wait_for_text("[data-region=rows]", "条件に合う記録はありません").await;
    desk.sound("no entries").await;
    desk.open("/admin/audit?until=2020-01-01").await;
    desk.b.wait_for_text("[data-region=rows]", "条件に合う記録はありません").await;
    the_files(&desk).await;
    an_auditor_sees_nothing_else(&desk).await;
    tampering_shows(&desk).await;
    desk.close().await;
}

async fn a_customer_is_seen(desk: &Desk) {
    let settings = serde_json::json!({"webhook_secret": SECRET});
    let source = Sender::generic(&desk.t.url, &desk.t.connect("webhook", settings).await);
    source.accepted("1", &customer("c", 1)).await;
    desk.t.until("SELECT COUNT(*) FROM customer", |n| n == 1).await;
    desk.t.hub().refresher.settle().await;
    let id = desk.t.text("SELECT id FROM customer").await;
    desk.open(&format!("/customers/{id}")).await;
    let seen = "SELECT COUNT(*) FROM audit a JOIN customer c ON a.object_id = c.id
                 WHERE a.action = 'customer.view' AND a.outcome = 'ok' AND a.ip IS NOT NULL";
    desk.t.until(seen, |n| n == 1).await;
    // A part of the page that loads itself again is no second look.
    let script = "const done = arguments[arguments.length - 1];
        fetch(location.href, {headers: {'x-musubi-refresh': '1'}}).then(r => done(r.status))";
    assert_eq!(desk.b.client().execute_async(script, vec![]).await.unwrap(), 200);
    desk.open(&format!("/customers/{id}/edit")).await;
    desk.t.until(seen, |n| n == 2).await;
}

async fn a_refusal_is_found_by_its_number(desk: &Desk) {
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    sql("INSERT INTO idp (id, name, kind, settings, enabled, created_at, updated_at)
         VALUES ('idp_1', '社員アカウント', 'oidc', '{}', TRUE, 0, 0)")
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let stranger = crate::real::Browser::open().await;
    stranger.goto(&format!("{}/auth/oidc/idp_1/callback?state=forged&code=x", desk.t.address())).await;
    stranger.wait_for_text("main", "Reference").await;
    let said = stranger.text("main").await;
    stranger.close().await;
    let refused = "SELECT request_id FROM audit WHERE action = 'session.start' AND outcome = 'refused'";
    let number = desk.t.text(refused).await;
    assert!(!number.is_empty() && said.contains(&number), "{said}");
    desk.open("/admin/audit").await;
    desk.b.fill("#q", &number).await;
    desk.b.click("form.fbar button").await;
    desk.until(
        "location.search.includes('q=') && document.querySelectorAll('[data-region=rows] tbody tr').length === 1",
    )
    .await;
    desk.b.wait_for_text("[data-region=rows]", "始めたブラウザーの印").await;
    desk.b.wait_for_text("[data-region=rows]", "社員アカウント").await;
    desk.b.click("[data-region=rows] a[data-row]").await;
    desk.b.wait_for_text("main", "BROWSER_UNKNOWN").await;
    desk.t.until(OPEN, |n| n == 0).await;
    desk.b.reload().await;
    desk.b.wait_for_text("aside", "SHA-256").await;
    desk.looks("audit-entry").await;
}

/// A file as the browser of whoever is signed in gets it.
async fn fetched(desk: &Desk, path: &str) -> String {
    let script = "const done = arguments[arguments.length - 1];
        fetch(arguments[0]).then(r => r.text().then(t => done(r.status + ' ' + t)))";
    let answer = desk.b.client().execute_async(script, vec![path.into()]).await.unwrap();
    answer.as_str().unwrap().to_owned()
}

async fn the_files(desk: &Desk) {
    desk.open("/admin/audit?kind=session").await;
    let csv = fetched(desk, "/admin/audit/export/csv?kind=session").await;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].contains("number,id,at,actor,action"), "{csv}");
    assert!(lines.len() > 2 && lines[1..].iter().all(|line| line.contains("\"session.")), "{csv}");
    let json = fetched(desk, "/admin/audit/export/json?outcome=refused").await;
    let entries: Vec<Value> = serde_json::from_str(json.split_once(' ').unwrap().1).unwrap();
    assert!(entries.iter().any(|e| e["detail"]["code"] == "BROWSER_UNKNOWN"), "{json}");
    assert!(fetched(desk, "/admin/audit/export/pdf").await.starts_with("404"));
    desk.refused(404).await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM audit WHERE action = 'audit.export'").await, 2);
}

async fn an_auditor_sees_nothing_else(desk: &Desk) {
    let auditor = desk.colleague("auditor").await;
    let shown = auditor.execute("return [...document.querySelectorAll('nav.side a')].map(a => a.pathname)", vec![]);
    assert_eq!(shown.await, serde_json::json!(["/", "/admin/users", "/admin/audit"]));
    auditor.goto(&format!("{}/admin/audit", desk.t.address())).await;
    auditor.wait_for_text("[data-region=rows]", "サインイン").await;
    auditor.goto(&format!("{}/admin/users", desk.t.address())).await;
    auditor.click("[data-region=rows] a[data-row]").await;
    auditor.wait_for_text("main", "サインイン中の端末").await;
    assert!(!auditor.exists("main form").await, "an auditor changes nothing");
    auditor.goto(&format!("{}/customers", desk.t.address())).await;
    auditor.wait_for_text("main", "許可されていません").await;
    auditor.close().await;
}

async fn tampering_shows(desk: &Desk) {
    desk.t.until(OPEN, |n| n == 0).await;
    desk.open("/admin/audit").await;
    desk.b.click("form[action$='/verify'] button").await;
    desk.b.wait_for_text("main [role=status]", "改ざんはありません").await;
    desk.b.wait_for_text(".chain", "改ざんなし").await;
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    sql("UPDATE audit SET actor = 'usr_somebody' WHERE number = 3").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    desk.b.click("form[action$='/verify'] button").await;
    desk.b.wait_for_text("main [role=alert]", "3番目の記録に問題があります:書き換えられています").await;
    desk.looks("audit-broken").await;
    desk.b.click("main [role=alert] a").await;
    desk.b.wait_for_text("main", "usr_somebody").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_proves_the_chain_and_names_the_first_broken_entry() {
    for database in TestDatabase::both().await {
        let hub = TestHub::start(&database).await;
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &database.url };
        for name in ["aoi", "tani", "mori"] {
            let mail = format!("{name}@hinoki-seiki.example");
            let added = shell.fed(&["user", "add", &mail, "--name", name], "seven quiet lanterns\n");
            assert_eq!(added.code, 0, "{}", added.err);
        }
        shell.run(&["user", "role", "aoi@hinoki-seiki.example", "auditor"], 0);
        shell.run(&["user", "deactivate", "tani@hinoki-seiki.example"], 0);
        shell.run(&["user", "reactivate", "tani@hinoki-seiki.example"], 0);
        shell.run(&["user", "sign-out", "mori@hinoki-seiki.example"], 0);
        shell.run(&["user", "sign-out", "mori@hinoki-seiki.example", "--session", "ses_none"], 3);
        shell.run(&["user", "role", "nobody@hinoki-seiki.example", "viewer"], 3);
        let shown = shell.json(&["user", "show", "aoi@hinoki-seiki.example"]);
        assert_eq!((&shown["role"], &shown["sessions"]), (&"auditor".into(), &serde_json::json!([])));
        hub.until(OPEN, |n| n == 0).await;

        let whole = shell.json(&["audit", "verify"]);
        assert_eq!((&whole["entries"], &whole["broken"]), (&7.into(), &Value::Null), "{}", database.name);
        let head = whole["head"].as_str().unwrap();
        let listed = shell.json(&["audit", "list", "--kind", "user", "--limit", "4"]);
        let acts: Vec<&str> = listed.as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
        assert_eq!(acts, ["user.sign_out", "user.reactivate", "user.deactivate", "user.role"]);
        assert_eq!(listed[3]["detail"], serde_json::json!({"from": "employee", "to": "auditor"}));
        let none = shell.json(&["audit", "list", "--who", "aoi@hinoki-seiki.example"]);
        assert_eq!(none, serde_json::json!([]), "aoi did nothing");
        let csv = shell.run(&["audit", "export"], 0).out;
        assert_eq!(csv.lines().count(), 1 + 8, "{csv}");
        assert_eq!(shell.run(&["audit", "verify", "--head", head], 0).code, 0);
        assert_eq!(shell.run(&["audit", "verify", "--head", "7"], 2).code, 2);

        let mut tx = hub.hub().db.begin().await.unwrap();
        sql("DELETE FROM audit WHERE number = 5").execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let broken = shell.run(&["audit", "verify", "--json"], 1).json();
        assert_eq!((&broken["broken"]["number"], &broken["broken"]["code"]), (&5.into(), &"CHAIN_MISSING".into()));
        let ran = shell.run(&["audit", "verify"], 1);
        assert!(ran.out.contains("Entry 5 was taken away"), "{}", ran.out);
        hub.stop().await;
    }
}
