//! Single logout from either end: a forged word ends nothing, an honest one exactly what it names.

use std::sync::{Arc, atomic::AtomicI64};

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::clock::Clock;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::{
    case::At,
    pen::{Draft, Edit, RSA_SHA256, Site, metadata},
    scene::{Saml, entity_id},
    slo_words::{EVERY, Expect, PROTOCOL, SAML, Word, query, request, slo, word},
};
use crate::{
    issuer::{Page, Sign, Visitor, keys},
    oidc_cases::{
        people::owner,
        scene::{NEXT, Scene},
    },
    real::TestDatabase as Database,
    sender,
};

/// A provider that lets people out, and its site for a case.
async fn provider(saml: &Saml, name: &str, post: bool) -> String {
    let binding = if post { "HTTP-POST" } else { "HTTP-Redirect" };
    let out = format!(
        "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:{binding}\" \
         Location=\"https://{name}.id.example/slo\" ResponseLocation=\"https://{name}.id.example/out\"/>"
    );
    let document = metadata(&entity_id(name), &format!("https://{name}.id.example/sso"), &[&keys().main]);
    let document = document.replace("<md:SingleSignOnService", &format!("{out}<md:SingleSignOnService"));
    saml.add_described(name, &document, &[]).await.unwrap_or_else(|said| panic!("{name}: {said}"))
}

/// Somebody whom the provider vouched for.
pub async fn somebody(saml: &Saml, case: &'static str, idp: (&str, &str), draft: Draft) -> (Visitor, Site) {
    let visitor = Visitor::new();
    let site = saml.site(case, idp, saml.ask(&visitor, idp.1).await);
    let value = BASE64_STANDARD.encode(draft.write(&site));
    let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", value)]).await;
    assert_eq!(end.status, 303, "{case}: {}", end.body);
    (visitor, site)
}

async fn is_in(saml: &Saml, visitor: &Visitor) -> bool {
    visitor.get(&format!("{}{NEXT}", saml.scene.t.address())).await.status == 200
}

/// Brings a message as a browser without cookies does.
async fn bring(site: &Site, word: &Word) -> Page {
    let text = (word.text)(site, request(site, "sub-slo", "_s-slo"));
    if !word.post {
        let query = (word.after)(site, query("SAMLRequest", &text, word.method, &(word.sign)()));
        return Visitor::new().get(&format!("{}?{query}", slo(site))).await;
    }
    let signed = Draft { sign: word.sign, method: word.method, ..Draft::default() }.signed(site, text, "_l1");
    let value = BASE64_STANDARD.encode((word.after)(site, signed));
    Visitor::new().post(&slo(site), &[("SAMLRequest".into(), value), ("RelayState".into(), "back".into())]).await
}

/// Why it was refused, by the number on the page.
async fn code_of(saml: &Saml, page: &Page) -> String {
    let rows = musubi::store::sql::sql(
        "SELECT detail FROM audit WHERE request_id = $1 AND outcome = 'refused' AND action = 'session.end'",
    );
    let row: Option<(String,)> = rows.bind(page.header("x-request-id")).optional(&saml.scene.t.hub().db).await.unwrap();
    let detail: serde_json::Value = serde_json::from_str(&row.map_or("{}".into(), |(detail,)| detail)).unwrap();
    detail["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_providers_own_word_signs_out() {
    let mut wrong = Vec::new();
    for database in Database::both().await {
        let saml = Saml::new(&database).await;
        let idp = provider(&saml, "slo", false).await;
        let certificate = saml.certificate(&idp).await;
        let mut inside: Option<Visitor> = None;
        for (n, word) in EVERY.iter().enumerate() {
            let visitor = match inside.take() {
                Some(visitor) => visitor,
                None => fresh(&saml, &idp, n).await,
            };
            // Every message has an ID of its own.
            let site = saml.site("slo", ("slo", &idp), String::new());
            let site = Site { case: names(n), certificate: certificate.clone(), ..site };
            let page = bring(&site, word).await;
            let (stays, code) = (is_in(&saml, &visitor).await, code_of(&saml, &page).await);
            let right = match word.expect {
                Expect::Ends => page.status == 303 && !stays && answers(&page, &site),
                Expect::Stays => page.status == 303 && stays && answers(&page, &site),
                Expect::Refused(expected) => page.status == 403 && stays && code == expected,
            };
            if !right {
                wrong.push(format!("{}, {}: {} {code:?}, stays: {stays}", database.name, word.name, page.status));
            }
            inside = stays.then_some(visitor);
        }
        assert_eq!(saml.scene.issuers.all_strays(), Vec::<String>::new());
        saml.scene.t.stop().await;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The same person again, with an assertion of its own.
async fn fresh(saml: &Saml, idp: &str, n: usize) -> Visitor {
    let visitor = Visitor::new();
    let site = saml.site("slo", ("slo", idp), saml.ask(&visitor, idp).await);
    let site = Site { case: names(n + EVERY.len()), ..site };
    let draft = Draft {
        assertion: |site, text| {
            text.replace(&format!(">{}<", site.subject()), ">sub-slo<")
                .replace(&format!("_s-{}\"", site.case), "_s-slo\"")
        },
        ..Draft::default()
    };
    let value = BASE64_STANDARD.encode(draft.write(&site));
    let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", value)]).await;
    assert_eq!(end.status, 303, "{}", end.body);
    visitor
}

/// Names of cases live as long as the tests.
pub fn names(n: usize) -> &'static str {
    static NAMES: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| (0..3 * EVERY.len()).map(|n| format!("slo-{n}")).collect());
    &NAMES[n]
}

/// Sends the browser back with an answer to exactly this.
fn answers(page: &Page, site: &Site) -> bool {
    let there = page.location().starts_with("https://slo.id.example/out?SAMLResponse=");
    let text = if there { message_of(page.location(), "SAMLResponse") } else { String::new() };
    there
        && page.location().contains("&RelayState=back&SigAlg=")
        && text.contains(&format!("InResponseTo=\"{}\"", site.id("_l1")))
        && text.contains("status:Success\"")
        && text.contains("Destination=\"https://slo.id.example/out\"")
}

fn message_of(location: &str, field: &str) -> String {
    let (head, rest) = location.split_once('?').unwrap();
    super::pen::request_of(&format!("{head}?{}", rest.replacen(&format!("{field}="), "SAMLRequest=", 1)))
}

/// Whether a key of our metadata signed the query of an address.
fn is_ours(location: &str, described: &str) -> bool {
    let certificate = described.split("X509Certificate>").nth(1).unwrap().trim_end_matches("</ds:");
    let certificate = BASE64_STANDARD.decode(certificate).unwrap();
    let certificate: x509_cert::Certificate = x509_cert::der::Decode::from_der(&certificate).unwrap();
    let key = certificate.tbs_certificate.subject_public_key_info.subject_public_key;
    let (signed, value) = location.split_once('?').unwrap().1.split_once("&Signature=").unwrap();
    let value = url::form_urlencoded::parse(format!("v={value}").as_bytes()).next().unwrap().1.into_owned();
    let value = BASE64_STANDARD.decode(value).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.raw_bytes());
    key.verify(signed.as_bytes(), &value).is_ok() && key.verify(b"else", &value).is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_counts_once_at_its_own_provider_and_for_its_own_sessions() {
    for database in Database::both().await {
        let saml = Saml::new(&database).await;
        let (ours, other) = (provider(&saml, "slo", false).await, provider(&saml, "elsewhere", true).await);
        let here = fresh(&saml, &ours, 0).await;
        let (there, _) = somebody(&saml, "slo", ("elsewhere", &other), Draft::default()).await;
        let (colleague, _) = somebody(&saml, "colleague", ("slo", &ours), Draft::default()).await;
        let site = Site { case: "again", ..saml.site("slo", ("slo", &ours), String::new()) };
        let honest = word("honest", false, Expect::Ends);
        let page = bring(&site, &honest).await;
        let described = Visitor::new().get(&saml.address(&ours, "metadata")).await.body;
        assert!(page.status == 303 && is_ours(page.location(), &described), "{} {}", page.status, page.location());
        assert!(described.contains(&format!("Location=\"{}\"", slo(&site))));
        assert!(!is_in(&saml, &here).await && is_in(&saml, &there).await && is_in(&saml, &colleague).await);
        let again = fresh(&saml, &ours, 1).await;
        let page = bring(&site, &honest).await;
        assert_eq!((page.status, code_of(&saml, &page).await.as_str()), (403, "LOGOUT_AGAIN"));
        assert!(is_in(&saml, &again).await, "{}", database.name);
        assert_eq!(
            saml.scene.t.count("SELECT COUNT(*) FROM audit WHERE action = 'session.end' AND outcome = 'ok'").await,
            1
        );

        // A provider that takes answers by a form gets them by one.
        let site = Site { case: "by-form", ..saml.site("slo", ("elsewhere", &other), String::new()) };
        let page = bring(&site, &word("form", true, Expect::Ends)).await;
        assert!(page.status == 200 && page.body.contains("name=\"SAMLResponse\""), "{}", page.body);
        assert!(
            page.body.contains("name=\"RelayState\" value=\"back\"") && page.body.contains("elsewhere.id.example/out")
        );
        assert!(page.header("content-security-policy").contains("form-action https://elsewhere.id.example;"));
        assert!(!is_in(&saml, &there).await);

        assert_eq!(saml.scene.shell(&["idp", "disable", "slo"], "").await.code, 0);
        let site = Site { case: "off", ..saml.site("slo", ("slo", &ours), String::new()) };
        assert_eq!(bring(&site, &honest).await.status, 404, "a provider that is off");
        saml.scene.t.stop().await;
    }
}

async fn leave(saml: &Saml, visitor: &Visitor) -> Page {
    let hub = saml.scene.t.address();
    let csrf = musubi::store::sql::sql("SELECT csrf FROM session WHERE idp_id IS NOT NULL");
    let csrf = csrf.one::<(String,)>(&saml.scene.t.hub().db).await.unwrap().0;
    let done = visitor.press(&format!("{hub}/signout"), &[("csrf".to_owned(), csrf)]).await;
    assert_eq!((done.status, done.location()), (303, "/signin?why=signed_out"));
    visitor.click(&format!("{hub}/signin?why=signed_out")).await
}

pub fn response(site: &Site, to: &str, status: &str) -> String {
    format!(
        "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" Destination=\"{}\" ID=\"_o-{to}\" InResponseTo=\"{to}\" \
         IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer {SAML}>{}</saml:Issuer><samlp:Status>{status}\
         </samlp:Status></samlp:LogoutResponse>",
        slo(site),
        site.at(0),
        site.entity_id
    )
}

/// Signed out everywhere, not everywhere, not at all.
pub const STATUSES: [&str; 3] = [
    "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>",
    "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
     Value=\"urn:oasis:names:tc:SAML:2.0:status:PartialLogout\"></samlp:StatusCode></samlp:StatusCode>",
    "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Requester\"></samlp:StatusCode>",
];

/// Who signs out here may sign out there, and reads what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_here_may_sign_out_at_the_provider() {
    for database in Database::both().await {
        let saml = Saml::new(&database).await;
        owner(&saml.scene, "takanashi@hinoki-seiki.example").await;
        let idp = provider(&saml, "slo", false).await;
        let described = Visitor::new().get(&saml.address(&idp, "metadata")).await.body;
        let link = format!("{}/auth/oidc/leave", saml.scene.t.address());
        for (n, (status, why)) in STATUSES.into_iter().zip(["out_there", "out_partly", "out_here_only"]).enumerate() {
            let visitor = fresh(&saml, &idp, n).await;
            let page = leave(&saml, &visitor).await;
            assert!(page.body.contains("/auth/oidc/leave"), "{}", page.body);
            let away = visitor.click(&link).await.location().to_owned();
            assert!(
                away.starts_with("https://slo.id.example/slo?SAMLRequest=") && is_ours(&away, &described),
                "{away}"
            );
            let text = message_of(&away, "SAMLRequest");
            for said in [">sub-slo<", ">_s-slo<", "nameid-format:persistent", "NotOnOrAfter="] {
                assert!(text.contains(said), "{said} in {text}");
            }
            assert_eq!(visitor.click(&link).await.location(), "/signin", "once");
            let to = text.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let site = saml.site("slo", ("slo", &idp), String::new());
            let told = |text: &str, sign: Sign| {
                let query = query("SAMLResponse", text, RSA_SHA256, &sign);
                format!("{}?{query}", slo(&site))
            };
            let honest = response(&site, &to, status);
            let forged = visitor.get(&told(&honest, Sign::Rs256(&keys().forger))).await;
            assert_eq!(code_of(&saml, &forged).await, "SIGNATURE_WRONG");
            let stray = visitor.get(&told(&response(&site, "_nobody", status), Sign::Rs256(&keys().main))).await;
            assert_eq!(code_of(&saml, &stray).await, "LOGOUT_UNASKED");
            let end = visitor.get(&told(&honest, Sign::Rs256(&keys().main))).await;
            assert_eq!((end.status, end.location()), (303, format!("/signin?why={why}").as_str()), "{}", database.name);
            let again = visitor.get(&told(&honest, Sign::Rs256(&keys().main))).await;
            assert_eq!(code_of(&saml, &again).await, "LOGOUT_UNASKED", "an answer counts once");
        }
        let page = Visitor::new().get(&format!("{}/signin?why=out_partly", saml.scene.t.address())).await;
        assert!(page.body.contains("some other program"), "{}", page.body);

        // A provider that says nowhere: nothing is offered, nothing kept.
        let (visitor, _) = somebody(&saml, "silent", ("strict", &saml.idps["strict"]), Draft::default()).await;
        assert!(!leave(&saml, &visitor).await.body.contains("/auth/oidc/leave"));
        saml.scene.t.stop().await;
    }
}

/// An assertion whose session ends so many seconds from now.
fn ending(site: &Site, text: &str, seconds: i64) -> String {
    let index = format!(" SessionIndex=\"_s-{}\"", site.case);
    text.replace(&index, &format!("{index} SessionNotOnOrAfter=\"{}\"", site.at(seconds)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_providers_and_never_later_than_ours() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let connection = saml.idp(At::Strict);
    let ends = |site: &Site| {
        let subject = site.subject();
        let hub = saml.scene.t.hub();
        async move {
            let row = musubi::store::sql::sql("SELECT expires_at, created_at FROM session WHERE subject = $1");
            let (end, begin): (i64, i64) = row.bind(&subject).one(&hub.db).await.unwrap();
            (end - begin) / musubi::model::Timestamp::MINUTE
        }
    };
    let (_, site) = somebody(&saml, "usual", connection, Draft::default()).await;
    let usual = ends(&site).await;
    let sooner: Edit = |site, t| ending(site, &t, 1_800);
    let (_, site) = somebody(&saml, "sooner", connection, Draft { assertion: sooner, ..Draft::default() }).await;
    let left = ends(&site).await;
    assert!((28..=30).contains(&left), "{left}");
    let later: Edit = |site, t| ending(site, &t, 90 * 24 * 3_600);
    let (_, site) = somebody(&saml, "later", connection, Draft { assertion: later, ..Draft::default() }).await;
    assert_eq!(ends(&site).await, usual);
    saml.scene.t.stop().await;
}

/// Checking signatures is dear: whoever only knocks waits, and nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_only_knocks_waits() {
    let database = Database::sqlite().await;
    let clock = Clock::Manual(Arc::new(AtomicI64::new(sender::now())));
    let saml = Saml::within(Scene::paced(&database, clock, 9).await).await;
    let (_, idp) = saml.idp(At::Strict);
    let knock = format!("{}?SAMLRequest=YQ%3D%3D&SigAlg={RSA_SHA256}&Signature=YQ%3D%3D", saml.address(idp, "slo"));
    let mut tries = 0;
    while Visitor::new().get(&knock).await.status != 429 {
        tries += 1;
        assert!(tries < 40, "an address may knock for ever");
    }
    let refusals = "SELECT COUNT(*) FROM audit WHERE action = 'session.end' AND outcome = 'refused'";
    assert_eq!(saml.scene.t.count(refusals).await, tries);
    assert_eq!(Visitor::new().get(&knock).await.status, 429);
    assert_eq!(saml.scene.t.count(refusals).await, tries);
    saml.scene.t.stop().await;
}
