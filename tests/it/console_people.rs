//! People, their rights and their devices at the console, in real browsers.

use musubi::store::sql;

use crate::{
    cli_ops::Shell,
    console_desk::{Desk, VIEWER, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_changes_a_role_and_switches_a_person_off() {
    let desk = Desk::new().await;
    let colleague = desk.colleague("employee").await;
    the_list_finds_people(&desk).await;
    a_role_changes(&desk).await;
    desk.open("/admin/users/permissions").await;
    desk.b.wait_for_text("table.perms", "取込エラーを再処理する").await;
    desk.looks("permissions").await;

    // What the role does not allow says so, and is in the trail with who tried.
    colleague.goto(&format!("{}/admin/users", desk.t.address())).await;
    until(&colleague, "document.querySelector('main h1').textContent.includes('許可されていません')").await;
    let tried = "SELECT COUNT(*) FROM audit WHERE action = 'access.refuse' AND object_id = 'view_users'
                   AND actor = 'usr_colleague' AND outcome = 'refused'";
    desk.t.until(tried, |n| n == 1).await;
    assert_eq!(colleague.accessibility_problems().await, Vec::<String>::new());

    the_person_is_out_and_comes_back(&desk, &colleague).await;
    the_owner_is_safe(&desk).await;
    colleague.close().await;
    desk.close().await;
}

async fn the_list_finds_people(desk: &Desk) {
    desk.open("/").await;
    desk.b.click("nav.side a[href='/admin/users']").await;
    desk.b.wait_for_text("[data-region=rows]", "岸 由美").await;
    desk.b.wait_for_text("[data-region=rows]", "あなた").await;
    desk.looks("users").await;
    desk.b.fill("form.fbar input[name=q]", "KISHI@").await;
    desk.b.click("form.fbar button").await;
    desk.until(
        "location.search.includes('q=KISHI') && document.querySelectorAll('[data-region=rows] tbody tr').length === 1",
    )
    .await;
    desk.open("/admin/users?role=auditor").await;
    desk.b.wait_for_text("[data-region=rows]", "条件に合う人はいません").await;
    desk.sound("no people").await;
    desk.open("/admin/users?q=%25").await;
    desk.b.wait_for_text("[data-region=rows]", "条件に合う人はいません").await;
}

async fn a_role_changes(desk: &Desk) {
    desk.open("/admin/users").await;
    desk.b.click("a[href='/admin/users/usr_colleague']").await;
    desk.b.wait_for_text("[data-region=sessions]", "Chrome").await;
    desk.looks("user").await;
    desk.b.click("input[name=role][value=steward]").await;
    desk.b.click("form[action$='/role'] .btn.pri").await;
    desk.b.wait_for_text("main [role=status]", "役割を変更しました").await;
    desk.b.wait_for_text("main", "社員 → データ管理者").await;
    let statement = "SELECT role FROM app_user WHERE id = 'usr_colleague'";
    assert_eq!(desk.t.text(statement).await, "steward");
    // Back, by hand, so that the rest of the test has a person without rights.
    desk.b.click("input[name=role][value=viewer]").await;
    desk.b.click("form[action$='/role'] .btn.pri").await;
    desk.b.wait_for_text("main", "データ管理者 → 閲覧のみ").await;
}

async fn the_person_is_out_and_comes_back(desk: &Desk, colleague: &crate::real::Browser) {
    desk.open("/admin/users/usr_colleague").await;
    desk.b.click("aside details summary").await;
    desk.b.click("form[action$='/deactivate'] button").await;
    desk.b.wait_for_text("main [role=status]", "1台の端末からサインアウト").await;
    desk.b.wait_for_text("main", "利用を停止しています").await;
    desk.looks("user-off").await;
    colleague.goto(&format!("{}/customers", desk.t.address())).await;
    until(colleague, "location.pathname === '/signin'").await;
    colleague.fill("#mail", VIEWER).await;
    colleague.fill("#passphrase", "hinoki-no-kaori-2026").await;
    colleague.click("main form button").await;
    until(colleague, "document.querySelector('[role=alert]')").await;
    desk.open("/admin/users?state=inactive").await;
    desk.b.wait_for_text("[data-region=rows]", "停止中").await;
    desk.b.click("a[href='/admin/users/usr_colleague']").await;
    desk.b.click("form[action$='/reactivate'] button").await;
    desk.b.wait_for_text("main [role=status]", "利用を再開しました").await;
    let acts = "SELECT COUNT(DISTINCT action) FROM audit WHERE object_id = 'usr_colleague' AND action LIKE 'user.%'";
    assert_eq!(desk.t.count(acts).await, 3);
}

/// The last owner has no forms, and a form made by hand changes nothing.
async fn the_owner_is_safe(desk: &Desk) {
    let owner = desk.t.text("SELECT id FROM app_user WHERE role = 'owner'").await;
    desk.open(&format!("/admin/users/{owner}")).await;
    desk.b.wait_for_text("main", "この端末").await;
    assert!(!desk.b.exists("form[action$='/role'], form[action$='/deactivate']").await);
    desk.looks("user-self").await;
    let script = format!(
        "const f = document.createElement('form'); f.method = 'post'; f.action = '/admin/users/{owner}/role';
         const token = document.querySelector('input[name=csrf]').value;
         for (const [n, v] of [['csrf', token], ['role', 'viewer']]) {{
           const i = document.createElement('input'); i.name = n; i.value = v; f.append(i); }}
         document.body.append(f); f.submit()"
    );
    desk.b.execute(&script, vec![]).await;
    desk.b.wait_for_text("main [role=alert]", "自分の役割").await;
    desk.refused(422).await;
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell { folder: folder.path(), url: &desk.database.url };
    let ran = tokio::task::block_in_place(|| shell.run(&["user", "deactivate", &owner], 2));
    assert!(ran.err.contains("USER_LAST_OWNER"), "{}", ran.err);
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM app_user WHERE role = 'owner' AND disabled_at IS NULL").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_and_signs_out_their_own_devices() {
    let desk = Desk::new().await;
    let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.1 Mobile/15E148 Safari/604.1";
    add_session(&desk, "ses_phone", agent, Some("idp_1")).await;
    add_session(&desk, "ses_other", "", None).await;
    desk.b.click("details.menu summary").await;
    desk.b.click(".pop a[href='/me']").await;
    for said in ["この端末", "Safari・iPhone", "社員アカウント", "192.0.2.7", "不明なブラウザー"] {
        desk.b.wait_for_text("[data-region=sessions]", said).await;
    }
    desk.looks("me").await;
    // Without scripts, by forms alone.
    desk.b.scripts(false).await;
    desk.open("/me?lang=en").await;
    desk.b.wait_for_text("[data-region=sessions]", "This device").await;
    desk.b.click("form[action='/me/sessions/ses_phone/end'] button").await;
    desk.b.wait_for_text("main [role=status]", "1 device was signed out").await;
    // The other one, and the one that first run opened.
    desk.b.click("form[action='/me/sessions/end-others'] button").await;
    desk.b.wait_for_text("main [role=status]", "2 devices were signed out").await;
    assert_eq!(desk.b.count("[data-region=sessions] tbody tr").await, 1);
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM session").await, 1);
    let acts = "SELECT COUNT(*) FROM audit WHERE action IN ('session.revoke', 'session.revoke_others')";
    assert_eq!(desk.t.count(acts).await, 2);
    desk.close().await;
}

/// A session of the owner's, as another browser would have begun it, and the provider that vouched for it.
async fn add_session(desk: &Desk, id: &str, agent: &str, idp: Option<&str>) {
    let mut tx = desk.t.hub().db.begin().await.unwrap();
    sql("INSERT INTO idp (id, name, kind, settings, enabled, created_at, updated_at)
         VALUES ('idp_1', '社員アカウント', 'oidc', '{}', TRUE, 0, 0) ON CONFLICT (id) DO NOTHING")
    .execute(&mut tx)
    .await
    .unwrap();
    sql("INSERT INTO session (token_hash, id, user_id, csrf, created_at, seen_at, expires_at, ip, agent, idp_id)
         SELECT $1, $2, user_id, 'x', created_at, seen_at, expires_at, '192.0.2.7', $3, $4 FROM session
         ORDER BY created_at LIMIT 1")
    .bind(id.as_bytes())
    .bind(id)
    .bind(agent)
    .bind(idp)
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
