use secrecy::ExposeSecret;

use super::*;
use crate::identity::{
    Found, Offer, SignInError, SignedIn,
    testing::{Bench, MAIL, PASSPHRASE, TestResult},
};

fn keys() -> Keys {
    Keys::new([7; 32], None)
}

fn here() -> Origin {
    Origin::default()
}

/// RFC 6238 appendix B, the last six digits of SHA-1's eight.
#[test]
fn codes_are_those_of_the_standard() -> TestResult {
    let totp = totp(b"12345678901234567890".to_vec()).ok_or("no code")?;
    for (seconds, code) in
        [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
    {
        let now = Timestamp(seconds * Timestamp::SECOND);
        assert_eq!(step(&totp, code, now), Some(seconds / 30));
        assert_eq!(step(&totp, code, now.plus(30 * Timestamp::SECOND)), Some(seconds / 30), "a step late");
        assert_eq!(step(&totp, code, now.plus(90 * Timestamp::SECOND)), None, "three steps late");
        assert_eq!(step(&totp, "123456", now), None);
    }
    Ok(())
}

/// An owner with a second factor: the secret, and the recovery codes.
struct Enrolled {
    bench: Bench,
    identity: Identity,
    me: Principal,
    secret: String,
    codes: Vec<String>,
}

impl Enrolled {
    async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let bench = Bench::new().await?;
        let (identity, first) = bench.owned().await?;
        let Found::Active(session) = identity.session(first.token.expose_secret()).await? else {
            return Err("not signed in".into());
        };
        let me = session.principal.clone();
        let wrong = identity.begin_factor(&keys(), &me, "not the passphrase".into(), &here()).await;
        assert!(matches!(wrong, Err(FactorError::Passphrase)));
        bench.advance(Timestamp::SECOND);
        identity.begin_factor(&keys(), &me, PASSPHRASE.into(), &here()).await?;
        assert_eq!(identity.factors(&me.user_id).await?.app, Factor::Begun);
        let enrolment = identity.enrolment(&keys(), &me).await?.ok_or("nothing begun")?;
        assert!(enrolment.url.starts_with("otpauth://totp/Musubi:") && enrolment.url.contains(&enrolment.secret));
        let mut own = Self { bench, identity, me, secret: enrolment.secret, codes: Vec::new() };
        let refused = own.identity.confirm_factor(&keys(), &own.me, "000000", &here()).await;
        assert!(matches!(refused, Err(FactorError::Wrong)));
        own.bench.advance(Timestamp::SECOND);
        // Not in force before it was confirmed.
        own.identity.sign_in(MAIL, PASSPHRASE.into(), None, &here()).await?;
        own.codes = own.identity.confirm_factor(&keys(), &own.me, &own.code()?, &here()).await?;
        own.bench.advance(30 * Timestamp::SECOND);
        Ok(own)
    }

    fn code(&self) -> Result<String, Box<dyn std::error::Error>> {
        let secret = Secret::try_from_base32(&self.secret).map_err(|_| "no secret")?;
        let totp = totp(secret.as_ref().to_vec()).ok_or("no code")?;
        Ok(totp.generate(u64::try_from(self.bench.clock().now().0 / Timestamp::SECOND)?).to_string())
    }

    /// The passphrase; what the browser keeps until the code.
    async fn half(&self) -> Result<String, Box<dyn std::error::Error>> {
        match self.identity.sign_in(MAIL, PASSPHRASE.into(), None, &here()).await {
            Err(SignInError::Code(cookie)) => Ok(cookie.expose_secret().to_owned()),
            other => Err(format!("{other:?}").into()),
        }
    }

    async fn finish(&self, cookie: &str, code: &str) -> Result<SignedIn, FactorError> {
        self.identity.finish_sign_in(Offer::Code(&keys(), code), cookie, None, &here()).await
    }
}

#[tokio::test]
async fn a_code_signs_in_once() -> TestResult {
    let own = Enrolled::new().await?;
    let (first, second) = (own.half().await?, own.half().await?);
    let code = own.code()?;
    let signed_in = own.finish(&first, &code).await?;
    assert!(matches!(own.identity.session(signed_in.token.expose_secret()).await?, Found::Active(_)));
    assert!(matches!(own.finish(&first, &code).await, Err(FactorError::Over)), "this half is used up");
    assert!(matches!(own.finish(&second, &code).await, Err(FactorError::Wrong)), "and so is the code");
    let early = own.finish(&second, &own.code()?).await;
    assert!(matches!(early, Err(FactorError::Wait(_))));
    own.bench.advance(30 * Timestamp::SECOND);
    own.finish(&second, &own.code()?).await?;
    assert!(matches!(own.finish("nobody", &code).await, Err(FactorError::Over)));
    Ok(())
}

#[tokio::test]
async fn knowing_the_passphrase_does_not_speed_up_guessing() -> TestResult {
    let own = Enrolled::new().await?;
    let cookie = own.half().await?;
    assert!(matches!(own.finish(&cookie, "000000").await, Err(FactorError::Wrong)));
    for _ in 0..3 {
        let again = own.half().await?;
        assert!(matches!(own.finish(&again, "000001").await, Err(FactorError::Wait(_))));
    }
    let refused = "SELECT COUNT(*) FROM audit WHERE outcome = 'refused' AND detail LIKE '%CODE_WRONG%'";
    let (count,): (i64,) = crate::store::sql(refused).one(&own.bench.db).await?;
    assert_eq!(count, 1, "a try that had to wait is not a try");
    // Five tries, right or not, and the passphrase is asked for again.
    for _ in 0..4 {
        own.bench.advance(Timestamp::MINUTE);
        assert!(matches!(own.finish(&cookie, "000000").await, Err(FactorError::Wrong)));
    }
    own.bench.advance(Timestamp::MINUTE);
    assert!(matches!(own.finish(&cookie, &own.code()?).await, Err(FactorError::Over)));
    let late = own.half().await?;
    own.bench.advance(11 * Timestamp::MINUTE);
    assert!(matches!(own.finish(&late, &own.code()?).await, Err(FactorError::Over)));
    Ok(())
}

#[tokio::test]
async fn recovery_codes_work_once_and_in_any_spelling() -> TestResult {
    let own = Enrolled::new().await?;
    assert_eq!(own.codes.len(), RECOVERY_CODES);
    let typed = own.codes[3].to_lowercase().replace('-', " ");
    own.finish(&own.half().await?, &typed).await?;
    assert!(matches!(own.finish(&own.half().await?, &own.codes[3]).await, Err(FactorError::Wrong)));
    let factors = own.identity.factors(&own.me.user_id).await?;
    assert!(factors.has_app() && factors.codes_left == 9, "{factors:?}");
    own.bench.advance(Timestamp::MINUTE);
    let wrong = own.identity.remove_factor(&keys(), &own.me, "000000", &here()).await;
    assert!(matches!(wrong, Err(FactorError::Wrong)));
    own.bench.advance(Timestamp::MINUTE);
    own.identity.remove_factor(&keys(), &own.me, &own.codes[0], &here()).await?;
    assert_eq!(own.identity.factors(&own.me.user_id).await?.app, Factor::Off);
    own.identity.sign_in(MAIL, PASSPHRASE.into(), None, &here()).await?;
    Ok(())
}

#[tokio::test]
async fn a_lost_phone_is_reset_by_somebody_else() -> TestResult {
    let own = Enrolled::new().await?;
    let half = own.half().await?;
    let me = By::from(&own.me);
    assert!(matches!(own.identity.reset_factor(me, &own.me.user_id, &here()).await, Err(MemberError::Own)));
    let cli = By { actor: "cli", role: None };
    assert!(own.identity.reset_factor(cli, &own.me.user_id, &here()).await?);
    assert!(!own.identity.reset_factor(cli, &own.me.user_id, &here()).await?);
    assert!(matches!(own.finish(&half, &own.code()?).await, Err(FactorError::Over)));
    own.identity.sign_in(MAIL, PASSPHRASE.into(), None, &here()).await?;
    let stored: Vec<(Vec<u8>,)> = crate::store::sql("SELECT code_hash FROM recovery_code").all(&own.bench.db).await?;
    assert!(stored.is_empty());
    Ok(())
}
