use super::*;
use crate::identity::testing::{Bench, TestResult, form};

fn codes(result: Result<SignedIn, SetupError>) -> Vec<&'static str> {
    match result {
        Ok(_) => vec!["created"],
        Err(SetupError::Refused(fields)) => fields.into_iter().map(|field| field.code).collect(),
        Err(other) => vec![other.code()],
    }
}

#[tokio::test]
async fn the_owner_is_created_with_the_settings() -> TestResult {
    let bench = Bench::new().await?;
    let identity = bench.identity();
    assert!(!identity.has_owner().await?);
    let code = identity.open_setup().await?.ok_or("no code")?;
    // As a person with a Japanese keyboard types it.
    let typed: String =
        code.to_lowercase().chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c)).collect();
    let signed_in = identity.create_owner(form(&format!(" {typed} ")), &Origin::default()).await?;
    assert!(identity.has_owner().await?);
    assert_eq!(identity.open_setup().await?, None);
    let settings = Settings::load(&bench.db).await?;
    assert_eq!((settings.company.as_str(), settings.fiscal_year_start), ("ひのき精機株式会社", 4));
    assert!(matches!(
        identity.session(signed_in.token.expose_secret()).await?,
        crate::identity::Found::Active(session) if session.principal.role == Role::Owner
    ));
    let trail: Vec<String> = crate::store::audit::list(&bench.db, &Default::default(), 10)
        .await?
        .into_iter()
        .map(|row| row.action)
        .collect();
    assert_eq!(trail, ["session.start", "setup.owner"]);
    Ok(())
}

#[tokio::test]
async fn every_field_says_what_is_wrong() -> TestResult {
    let bench = Bench::new().await?;
    let identity = bench.identity();
    let code = identity.open_setup().await?.ok_or("no code")?;
    let good = form(&code);
    let cases: [(SetupForm, &[&str]); 7] = [
        (SetupForm { mail: "mina".into(), ..good.clone() }, &["MAIL_INVALID"]),
        (SetupForm { passphrase: "elevenchars".into(), ..good.clone() }, &["PASSPHRASE_SHORT"]),
        (SetupForm { passphrase: "mina@hinoki.example".into(), ..good.clone() }, &["PASSPHRASE_COMMON"]),
        (SetupForm { name: " ".into(), company: String::new(), ..good.clone() }, &["NAME_EMPTY", "COMPANY_EMPTY"]),
        (SetupForm { language: "fr".into(), ..good.clone() }, &["LANGUAGE_UNKNOWN"]),
        (SetupForm { zone: "Mars/Base".into(), ..good.clone() }, &["ZONE_UNKNOWN"]),
        (SetupForm { fiscal_year_start: "13".into(), ..good.clone() }, &["FISCAL_YEAR_INVALID"]),
    ];
    for (form, expected) in cases {
        assert_eq!(codes(identity.create_owner(form, &Origin::default()).await), expected);
    }
    assert_eq!(codes(identity.create_owner(good, &Origin::default()).await), ["created"]);
    Ok(())
}

#[tokio::test]
async fn five_wrong_tries_void_the_code() -> TestResult {
    let bench = Bench::new().await?;
    let identity = bench.identity();
    let code = identity.open_setup().await?.ok_or("no code")?;
    for n in 0..5 {
        assert!(bench.announced().is_empty(), "try {n}");
        assert_eq!(codes(identity.create_owner(form("WRONG234"), &Origin::default()).await), ["SETUP_CODE_WRONG"]);
    }
    let announced = bench.announced();
    assert_eq!(announced.len(), 1);
    assert_eq!(codes(identity.create_owner(form(&code), &Origin::default()).await), ["SETUP_CODE_WRONG"], "void");
    assert_eq!(codes(identity.create_owner(form(&announced[0]), &Origin::default()).await), ["created"]);
    Ok(())
}

#[tokio::test]
async fn a_stranger_cannot_renew_the_code_for_ever() -> TestResult {
    let bench = Bench::new().await?;
    let identity = bench.identity();
    identity.open_setup().await?;
    let stranger = Origin { ip: Some([203, 0, 113, 9].into()), ..Origin::default() };
    for _ in 0..100 {
        let _ = identity.create_owner(form("WRONG234"), &stranger).await;
    }
    assert_eq!(bench.announced().len(), 1);
    Ok(())
}

#[tokio::test]
async fn only_one_of_two_browsers_becomes_the_owner() -> TestResult {
    let bench = Bench::new().await?;
    // Two nodes, each with its own code, and two browsers on each.
    let (one, two) = (bench.identity(), bench.identity());
    let code_one = one.open_setup().await?.ok_or("no code")?;
    let code_two = two.open_setup().await?.ok_or("no code")?;
    let other = |code: &str| SetupForm { mail: "ken@hinoki.example".into(), ..form(code) };
    let origin = Origin::default();
    let (a, b, c, d) = tokio::join!(
        one.create_owner(form(&code_one), &origin),
        one.create_owner(other(&code_one), &origin),
        two.create_owner(form(&code_two), &origin),
        two.create_owner(other(&code_two), &origin),
    );
    let mut ends: Vec<&str> = [a, b, c, d].into_iter().flat_map(codes).collect();
    ends.sort_unstable();
    assert_eq!(ends[0], "SETUP_DONE");
    assert_eq!(ends.iter().filter(|end| **end == "created").count(), 1, "{ends:?}");
    assert_eq!(user::list(&bench.db).await?.len(), 1);
    Ok(())
}

#[test]
fn mail_addresses() {
    for good in ["a@b", "mina.saeki@hinoki-seiki.example", "営業@hinoki.example"] {
        assert!(is_mail(good), "{good}");
    }
    for bad in ["", "a", "@b", "a@", "a@@b", "a b@c", "a@b..c", "a@b.", "a@b\n", "<a@b>"] {
        assert!(!is_mail(bad), "{bad:?}");
    }
}
