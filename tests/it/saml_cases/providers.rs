//! Providers as administrators add them, change their keys, switch them off.

use std::sync::{Arc, atomic::AtomicI64};

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::clock::Clock;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::{
    case::At,
    pen::{Draft, metadata, request_of},
    scene::{Saml, entity_id},
};
use crate::{
    issuer::{Sign, Visitor, keys},
    oidc_cases::scene::Scene,
    real::TestDatabase as Database,
    sender,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_taken_only_with_a_key_that_can_be_trusted() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let good = |name: &str| metadata(&entity_id(name), "https://new.id.example/sso", &[&keys().main]);
    let without_use = good("s23-no-use").replace(" use=\"signing\"", "");
    for (case, document, code) in [
        ("s23-no-use", without_use, None),
        ("s23-encryption-only", good("x1").replace("use=\"signing\"", "use=\"encryption\""), Some("IDP_KEYS")),
        ("s23-no-keys", metadata(&entity_id("x2"), "https://x.example/sso", &[]), Some("IDP_KEYS")),
        ("s25-weak-key", metadata(&entity_id("x3"), "https://x.example/sso", &[&keys().weak]), Some("IDP_KEYS")),
        ("not-metadata", "<a/>".to_owned(), Some("IDP_METADATA")),
        ("not-xml", "no XML".to_owned(), Some("IDP_METADATA")),
        ("doctype", format!("<!DOCTYPE a>{}", good("x4")), Some("IDP_METADATA")),
        ("http-address", good("x5").replace("https://new", "http://new"), Some("IDP_ADDRESS")),
        ("private-address", good("x6").replace("https://new.id.example", "https://127.0.0.1"), Some("IDP_ADDRESS")),
        ("no-binding", good("x7").replace("bindings:HTTP-Redirect", "bindings:SOAP"), Some("IDP_BINDING")),
        (
            "s49-out-of-date",
            good("x8").replace("<md:EntityDescriptor ", "<md:EntityDescriptor validUntil=\"2020-01-01T00:00:00Z\" "),
            Some("IDP_METADATA_OLD"),
        ),
        ("same-entity", good("strict"), Some("IDP_ENTITY_TAKEN")),
    ] {
        let added = saml.add_described(case, &document, &[]).await;
        match code {
            None => assert!(added.is_ok(), "{case}: {added:?}"),
            Some(code) => assert!(added.clone().is_err_and(|said| said.contains(code)), "{case}: {added:?}"),
        }
    }
    saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_requests_are_signed_by_the_key_of_our_metadata() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let (_, idp) = saml.idp(At::Strict);
    let start = Visitor::new().get(&saml.address(idp, "start")).await;
    let location = start.location().to_owned();
    let text = request_of(&location);
    let ours = saml.address(idp, "metadata");
    for part in [format!(">{ours}<"), format!("\"{}\"", saml.address(idp, "acs")), "Version=\"2.0\"".to_owned()] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    let described = Visitor::new().get(&ours).await;
    assert_eq!((described.status, described.header("content-type")), (200, "application/samlmetadata+xml"));
    let certificate = described.body.split("X509Certificate>").nth(1).unwrap().trim_end_matches("</ds:");
    let der = BASE64_STANDARD.decode(certificate).unwrap();
    let certificate: x509_cert::Certificate = x509_cert::der::Decode::from_der(&der).unwrap();
    let key = certificate.tbs_certificate.subject_public_key_info.subject_public_key;
    let (signed, value) = location.split_once('?').unwrap().1.split_once("&Signature=").unwrap();
    let value: Vec<u8> = url::form_urlencoded::parse(format!("v={value}").as_bytes())
        .map(|(_, value)| BASE64_STANDARD.decode(value.as_bytes()).unwrap())
        .next()
        .unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.raw_bytes());
    assert!(key.verify(signed.as_bytes(), &value).is_ok());
    assert!(key.verify(b"something else", &value).is_err());
    saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_key_count_while_both_are_published() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let idp = saml.add("both", &[&keys().main, &keys().next], &[]).await;
    for (case, sign) in [
        ("s50-old", (|| crate::issuer::Sign::Rs256(&keys().main)) as fn() -> crate::issuer::Sign),
        ("s50-new", || crate::issuer::Sign::Rs256(&keys().next)),
    ] {
        let visitor = Visitor::new();
        let request = saml.ask(&visitor, &idp).await;
        let site = saml.site(case, ("both", &idp), request);
        let text = Draft { sign, ..Draft::default() }.write(&site);
        let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", BASE64_STANDARD.encode(text))]).await;
        assert_eq!(end.status, 303, "{case}: {}", end.body);
    }
    saml.scene.t.stop().await;
}

/// S21: the dates of a certificate say nothing of the key, which is pinned.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_though_its_certificate_has_ended() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let document = metadata(&entity_id("ended"), "https://new.id.example/sso", &[&keys().main]);
    let document = document.replace(&keys().main.certificate(), &keys().main.certificate_that_ended());
    let idp = saml.add_described("ended", &document, &[]).await.unwrap();
    let visitor = Visitor::new();
    let request = saml.ask(&visitor, &idp).await;
    let site = saml.site("s21", ("ended", &idp), request);
    let text = Draft::default().write(&site);
    let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", BASE64_STANDARD.encode(text))]).await;
    assert_eq!(end.status, 303, "{}", end.body);
    saml.scene.t.stop().await;
}

/// Old and new together, then the new alone; metadata that is not the provider's changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_is_read_again_brings_keys_and_takes_them() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let idp = saml.add("rolling", &[&keys().main], &[]).await;
    let described =
        |of: &str, signing: &[&crate::issuer::Rsa]| metadata(&entity_id(of), "https://new.id.example/sso", signing);
    let all = [
        (described("another", &[&keys().forger]), Some("IDP_ENTITY_CHANGED"), [true, false]),
        (described("rolling", &[]), Some("IDP_KEYS"), [true, false]),
        (described("rolling", &[&keys().main, &keys().next]), None, [true, true]),
        (described("rolling", &[&keys().next]), None, [false, true]),
    ];
    let names = [["s49-1", "s49-2"], ["s49-3", "s49-4"], ["s49-5", "s49-6"], ["s49-7", "s49-8"]];
    for ((document, code, signs), names) in all.into_iter().zip(names) {
        let words = ["idp", "refresh", "rolling", "--saml-metadata", "-", "--json"];
        let ran = saml.scene.shell(&words, &document).await;
        match code {
            None => assert_eq!(ran.code, 0, "{}", ran.err),
            Some(code) => assert!(ran.code == 2 && ran.err.contains(code), "{code}: {}", ran.err),
        }
        let pens = [(|| Sign::Rs256(&keys().main)) as fn() -> Sign, || Sign::Rs256(&keys().next)];
        for (case, (sign, right)) in names.into_iter().zip(pens.into_iter().zip(signs)) {
            let visitor = Visitor::new();
            let request = saml.ask(&visitor, &idp).await;
            let site = saml.site(case, ("rolling", &idp), request);
            let text = Draft { sign, ..Draft::default() }.write(&site);
            let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", BASE64_STANDARD.encode(text))]).await;
            assert_eq!(end.status, if right { 303 } else { 403 }, "{case} {code:?}");
        }
    }
    saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_off_or_gone_signs_nobody_in() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let idp = saml.add("leaving", &[&keys().main], &["--idp-initiated"]).await;
    let visitor = Visitor::new();
    let request = saml.ask(&visitor, &idp).await;
    let site = saml.site("s48-off", ("leaving", &idp), request);
    let value = BASE64_STANDARD.encode(Draft::default().write(&site));
    for (order, code, status) in [("disable", Some("IDP_OFF"), 403), ("remove", None, 404)] {
        assert_eq!(saml.scene.shell(&["idp", order, "leaving"], "").await.code, 0);
        let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", value.clone())]).await;
        assert_eq!(end.status, status, "{order}");
        let row = saml.scene.count_of(
            "SELECT COUNT(*) FROM audit WHERE outcome = 'refused' AND request_id = $1",
            end.header("x-request-id"),
        );
        assert_eq!(row.await, i64::from(code.is_some()), "{order}");
        assert_eq!(visitor.get(&saml.address(&idp, "start")).await.status, 404, "{order}: B10");
    }
    assert_eq!(saml.scene.t.count("SELECT COUNT(*) FROM external_identity").await, 0);
    saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_openid_provider_is_none_of_saml_and_the_other_way_round() {
    let database = Database::sqlite().await;
    let saml = Saml::new(&database).await;
    let (_, idp) = saml.idp(At::Strict);
    let oidc = saml.scene.added("an-openid-provider").await;
    for path in
        [format!("/auth/oidc/{idp}/start"), format!("/auth/saml/{oidc}/start"), format!("/auth/saml/{oidc}/metadata")]
    {
        let page = Visitor::new().get(&format!("{}{path}", saml.scene.t.address())).await;
        assert_eq!(page.status, 404, "{path}");
    }
    saml.scene.t.stop().await;
}

/// Two browsers bring what was sent once, at the same moment: one is in.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_bring_the_same_at_once_one_is_in() {
    let database = Database::postgres().await;
    let saml = Saml::new(&database).await;
    let connection = saml.idp(At::Strict);
    let visitor = Visitor::new();
    let request = saml.ask(&visitor, connection.1).await;
    let site = saml.site("s39-race", connection, request);
    let value = BASE64_STANDARD.encode(Draft::default().write(&site));
    let pairs = [("SAMLResponse", value)];
    let bring = || saml.bring(&visitor, &site.acs, &pairs);
    let ends = futures::future::join_all([bring(), bring(), bring(), bring()]).await;
    let mut codes: Vec<u16> = ends.iter().map(|end| end.status).collect();
    codes.sort_unstable();
    assert_eq!(codes, [303, 403, 403, 403]);
    assert_eq!(saml.scene.t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await, 1);
    saml.scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_only_knocks_waits_and_an_office_does_not() {
    let database = Database::sqlite().await;
    let clock = Clock::Manual(Arc::new(AtomicI64::new(sender::now())));
    let saml = Saml::within(Scene::paced(&database, clock, 9).await).await;
    let connection = saml.idp(At::Strict);
    for case in ["office-1", "office-2", "office-3", "office-4", "office-5", "office-6", "office-7", "office-8"] {
        let visitor = Visitor::new();
        let site = saml.site(case, connection, saml.ask(&visitor, connection.1).await);
        let text = Draft::default().write(&site);
        let end = saml.bring(&visitor, &site.acs, &[("SAMLResponse", BASE64_STANDARD.encode(text))]).await;
        assert_eq!(end.status, 303, "{}", end.body);
    }
    let acs = saml.address(connection.1, "acs");
    let knocks = [("SAMLResponse".to_owned(), BASE64_STANDARD.encode("<a/>"))];
    let waits = async || Visitor::new().post(&acs, &knocks).await.status == 429;
    let mut tries = 0;
    while !waits().await {
        tries += 1;
        assert!(tries < 40, "an address may knock for ever");
    }
    let (audit, kept) = ("SELECT COUNT(*) FROM audit", "SELECT COUNT(*) FROM saml_response");
    let before = (saml.scene.t.count(audit).await, saml.scene.t.count(kept).await);
    for page in ["start", "acs", "finish?response=x"] {
        let seen = Visitor::new().get(&saml.address(connection.1, page)).await;
        assert_eq!(seen.status, 429, "{page}");
    }
    assert_eq!((saml.scene.t.count(audit).await, saml.scene.t.count(kept).await), before);
    saml.scene.t.stop().await;
}
