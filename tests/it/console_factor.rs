//! The second factor of a local account, set up and used in a real browser.

use musubi::{clock::Clock, model::Timestamp};
use totp_rs::{Builder, Secret};

use crate::{
    console_desk::{Desk, MAIL, until},
    real::Browser,
};

const PASSPHRASE: &str = "hinoki-no-kaori-2026";

/// An authenticator app.
pub struct App(totp_rs::Totp);

impl App {
    pub fn read(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
        Self(Builder::new().with_secret(secret).build().unwrap())
    }

    pub fn code(&self) -> String {
        let now = Clock::System.now().0 / Timestamp::SECOND;
        self.0.generate(u64::try_from(now).unwrap()).to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sets_it_up_signs_in_with_it_and_with_a_recovery_code() {
    let desk = Desk::new().await;
    let app = set_up(&desk).await;
    let codes = the_codes(&desk, &app).await;
    desk.open("/me/second-factor").await;
    desk.b.wait_for_text("main", "残り10個").await;
    desk.looks("second-factor-on").await;

    let other = Browser::open().await;
    other.look(1280, 900, false).await;
    sign_in(&desk, &other).await;
    other.wait_for_text("main h1", "確認コードの入力").await;
    for (width, dark) in [(1280, false), (390, true)] {
        other.look(width, 900, dark).await;
        other.screenshot(&format!("signin-code-{width}")).await;
        assert_eq!(other.accessibility_problems().await, Vec::<String>::new());
    }
    other.look(1280, 900, false).await;
    other.fill("#code", "000000").await;
    other.click("main form button").await;
    until(&other, "document.querySelector('[role=alert]')").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM audit WHERE detail LIKE '%CODE_WRONG%'").await, 1);
    // The next try is taken after a second.
    loop {
        other.fill("#code", &codes[0]).await;
        other.execute("window.before = true", vec![]).await;
        other.click("main form button").await;
        until(&other, "!window.before && document.readyState === 'complete'").await;
        if other.exists("nav.side").await {
            break;
        }
        assert!(other.text("[role=alert]").await.contains("秒"), "only the wait is in the way");
    }
    assert!(other.url().await.ends_with("/customers"), "{}", other.url().await);
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM recovery_code WHERE used_at IS NOT NULL").await, 1);
    other.close().await;

    desk.open("/me/second-factor").await;
    desk.b.wait_for_text("main", "残り9個").await;
    desk.b.click("main details summary").await;
    desk.b.fill("#code", &codes[1]).await;
    desk.b.click("form[action$='/remove'] button").await;
    desk.b.wait_for_text("main [role=status]", "認証アプリを外しました").await;
    assert_eq!(desk.t.count("SELECT COUNT(*) FROM second_factor").await, 0);
    let acts = "SELECT COUNT(*) FROM audit
        WHERE action IN ('user.factor_on', 'user.recovery_code', 'user.factor_off')";
    assert_eq!(desk.t.count(acts).await, 3);
    desk.close().await;
}

pub async fn set_up(desk: &Desk) -> App {
    desk.open("/me").await;
    desk.b.click("a[href='/me/second-factor']").await;
    desk.looks("second-factor-off").await;
    desk.b.fill("#passphrase", PASSPHRASE).await;
    desk.b.click("form[action$='/begin'] button").await;
    desk.b.wait_for_text("main", "認証アプリで読み取る").await;
    until(&desk.b, "document.querySelector('svg.qr path')").await;
    desk.looks("second-factor-begun").await;
    App::read(&desk.value("document.querySelector('dd code').textContent").await)
}

pub async fn the_codes(desk: &Desk, app: &App) -> Vec<String> {
    desk.b.fill("#code", &app.code()).await;
    desk.b.click("form[action$='/confirm'] .btn.pri").await;
    desk.b.wait_for_text("main", "予備コード").await;
    desk.looks("second-factor-codes").await;
    let codes = desk.value("[...document.querySelectorAll('.codes li')].map(li => li.textContent).join(' ')").await;
    let codes: Vec<String> = codes.split(' ').map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    codes
}

async fn sign_in(desk: &Desk, b: &Browser) {
    b.goto(&format!("{}/signin?lang=ja&next=%2Fcustomers", desk.t.address())).await;
    b.fill("#mail", MAIL).await;
    b.fill("#passphrase", PASSPHRASE).await;
    b.click("main form button").await;
}
