//! First run, sign-in and sign-out.

use super::*;

#[tokio::test]
async fn first_run_makes_the_owner_and_leads_on() -> TestResult {
    let site = site().await?;
    let start = site.ask(&format!("GET /\n{HTML}"), "").await?;
    assert_eq!((start.status, start.header("location")), (StatusCode::SEE_OTHER, "/setup"));
    let (cookie_line, csrf) = open_form(&site, "/setup").await?;
    let filled = |code: &str, passphrase: &str| {
        encode(&[
            ("code", code),
            ("mail", MAIL),
            ("passphrase", passphrase),
            ("name", "高梨 美奈"),
            ("company", "ひのき精機株式会社"),
            ("language", "ja"),
            ("zone", "Asia/Tokyo"),
            ("fiscal_year_start", "4"),
            ("csrf", &csrf),
        ])
    };
    let head = format!("POST /setup\n{HTML}\n{cookie_line}");
    let wrong = site.ask(&head, &filled("WRONG234", PASSPHRASE)).await?;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("SETUP_CODE_WRONG") && wrong.body.contains("ひのき精機株式会社"));
    let short = site.ask(&head, &filled(&site.code, "short")).await?;
    assert!(short.body.contains("PASSPHRASE_SHORT") && !short.body.contains("\"short\""), "{}", short.body);
    let made = site.ask(&head, &filled(&site.code, PASSPHRASE)).await?;
    assert_eq!((made.status, made.header("location")), (StatusCode::SEE_OTHER, "/setup/data"));
    let (session, attributes) = made.cookie(cookie::SESSION).ok_or("no session")?;
    assert_eq!(attributes, "Path=/; Secure; HttpOnly; SameSite=Lax");
    let home = site.ask(&format!("GET /\ncookie: {}={session}", cookie::SESSION), "").await?;
    assert_eq!(home.body, "高梨 美奈");
    let again = site.ask(&head, &filled(&site.code, PASSPHRASE)).await?;
    assert_eq!(again.header("location"), "/signin?why=setup_done");
    assert_eq!(site.ask("GET /setup", "").await?.header("location"), "/");
    Ok(())
}

#[tokio::test]
async fn signing_in_returns_to_the_page_and_out_ends_it() -> TestResult {
    let site = site().await?;
    site.signed_in().await?;
    let sent = site.ask(&format!("GET /customers?q=a%20b\n{HTML}"), "").await?;
    let signin = sent.header("location").to_owned();
    assert_eq!(signin, "/signin?next=%2Fcustomers%3Fq%3Da%2520b");
    let (cookie_line, csrf) = open_form(&site, &signin).await?;
    let fields = [("mail", MAIL), ("passphrase", PASSPHRASE), ("next", "/customers?q=a%20b"), ("csrf", &csrf)];
    let done = post_sign_in(&site, &cookie_line, &fields).await?;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/customers?q=a%20b"));
    assert_eq!(done.header("cache-control"), "no-store");
    let (session, _) = done.cookie(cookie::SESSION).ok_or("no session")?;
    assert_eq!(done.cookie(cookie::FORM).map(|(value, _)| value), Some(String::new()));
    let line = format!("cookie: {}={session}", cookie::SESSION);

    // The form sent a second time, after its cookie is gone: no error page.
    let twice = post_sign_in(&site, &line, &fields).await?;
    assert_eq!(twice.header("location"), "/customers?q=a%20b");
    assert_eq!(site.ask(&format!("GET /signin\n{line}"), "").await?.header("location"), "/");

    let refused = site.ask(&format!("POST /signout\n{line}"), "").await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "signing somebody out needs the token, too");
    let found = site.hub.identity.session(&session).await?;
    let crate::identity::Found::Active(active) = found else { return Err("ended".into()) };
    let out = site.ask(&format!("POST /signout\n{line}"), &encode(&[("csrf", &active.principal.csrf)])).await?;
    assert_eq!(out.header("location"), "/signin?why=signed_out");
    assert!(
        out.cookie(cookie::SESSION)
            .is_some_and(|(value, attributes)| value.is_empty() && attributes.contains("Max-Age=0"))
    );
    let after = site.ask(&format!("GET /\n{HTML}\n{line}"), "").await?;
    assert_eq!(after.header("location"), "/signin?why=ended");
    Ok(())
}

#[tokio::test]
async fn wrong_tries_are_neutral_and_wait() -> TestResult {
    let site = site().await?;
    site.signed_in().await?;
    let (cookie_line, csrf) = open_form(&site, "/signin").await?;
    let mut bodies = Vec::new();
    for mail in [MAIL, "nobody@hinoki.example"] {
        let fields =
            [("mail", mail), ("passphrase", "not the passphrase"), ("next", "//attacker.example"), ("csrf", &csrf)];
        let wrong = post_sign_in(&site, &cookie_line, &fields).await?;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
        assert!(wrong.cookie(cookie::SESSION).is_none() && !wrong.body.contains("attacker"));
        bodies.push(wrong.body.replace(mail, ""));
        let early = post_sign_in(&site, &cookie_line, &fields).await?;
        assert_eq!((early.status, early.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    }
    assert_eq!(bodies[0], bodies[1]);
    Ok(())
}

#[tokio::test]
async fn forms_before_a_session_need_their_own_cookie() -> TestResult {
    let site = site().await?;
    site.signed_in().await?;
    let (cookie_line, csrf) = open_form(&site, "/signin").await?;
    let right = [("mail", MAIL), ("passphrase", PASSPHRASE), ("csrf", csrf.as_str())];
    let other = format!("cookie: {}={}", cookie::FORM, "A".repeat(43));
    for cookie_line in ["", other.as_str()] {
        let answer = post_sign_in(&site, cookie_line, &right).await?;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("FORM_EXPIRED") && answer.cookie(cookie::SESSION).is_none());
    }
    let foreign =
        site.ask(&format!("POST /signin\norigin: https://attacker.example\n{cookie_line}"), &encode(&right)).await?;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert!(foreign.body.contains("CROSS_SITE"));
    Ok(())
}

#[tokio::test]
async fn plain_http_elsewhere_refuses_sign_in_and_says_why() -> TestResult {
    let site = Site::new(rooms(), |edge| {
        if let Ok(url) = "https://hub.example".parse() {
            edge.public_url = url;
        }
    })
    .await?;
    let (session, _) = site.signed_in().await?;
    let page = site.ask(&format!("GET /signin\n{HTML}\nhost: hub.example\nx-forwarded-proto: https"), "").await?;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("INSECURE_TRANSPORT") && page.cookie(cookie::FORM).is_none());
    let post = site
        .ask(
            &format!("POST /signin\n{HTML}\nhost: hub.example"),
            &encode(&[("mail", MAIL), ("passphrase", PASSPHRASE)]),
        )
        .await?;
    assert!(post.body.contains("INSECURE_TRANSPORT") && post.cookie(cookie::SESSION).is_none());
    let line = format!("cookie: {}={session}", cookie::SESSION);
    assert_eq!(site.ask(&format!("GET /maybe\nhost: hub.example\n{line}"), "").await?.body, "out");
    assert_eq!(site.ask(&format!("GET /maybe\n{line}"), "").await?.body, "in");
    Ok(())
}

#[tokio::test]
async fn https_is_believed_from_a_trusted_proxy_only() -> TestResult {
    let site = Site::new(rooms(), |edge| {
        if let (Ok(url), Ok(proxies)) = ("https://hub.example".parse(), Proxies::parse(&["10.0.0.0/8"])) {
            edge.public_url = url;
            edge.proxies = proxies;
        }
    })
    .await?;
    site.signed_in().await?;
    let forwarded = "host: hub.example\nx-forwarded-proto: https\nx-forwarded-for: 203.0.113.5";
    let page = site.ask(&format!("GET /signin\n{HTML}\n{forwarded}\npeer: 10.0.0.1"), "").await?;
    assert_eq!((page.status, page.header("strict-transport-security")), (StatusCode::OK, "max-age=31536000"));
    let (csrf, _) = page.cookie(cookie::FORM).ok_or("no form cookie")?;
    let fields = encode(&[("mail", MAIL), ("passphrase", PASSPHRASE), ("csrf", &csrf)]);
    let head = format!("POST /signin\n{forwarded}\ncookie: {}={csrf}\norigin: https://hub.example", cookie::FORM);
    let spoofed = site.ask(&format!("{head}\npeer: 203.0.113.5"), &fields).await?;
    assert!(spoofed.body.contains("INSECURE_TRANSPORT") && spoofed.header("strict-transport-security").is_empty());
    let done = site.ask(&format!("{head}\npeer: 10.0.0.1"), &fields).await?;
    assert!(done.status == StatusCode::SEE_OTHER && done.cookie(cookie::SESSION).is_some());
    let trail = crate::store::audit::list(&site.bench.db, &Default::default(), 1).await?;
    assert_eq!(trail[0].ip.as_deref(), Some("203.0.113.5"));
    assert_eq!(trail[0].request_id.as_deref(), Some(done.header("x-request-id")));
    Ok(())
}
