//! A proof by SAML: the provider is told to ask again, and has to say that it did.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::person::Person;
use crate::{
    issuer::{Page, Visitor},
    oidc_cases::scene::SESSION,
    real::TestDatabase as Database,
    saml_cases::{
        pen::{Draft, Edit, of_one, request_of},
        scene::Saml,
    },
};

const FORCED: &str = " ForceAuthn=\"true\"";

/// Goes to the provider; what it was asked.
async fn ask(person: &Person<'_>) -> String {
    let start = person.open("/me/prove/start?next=%2Fme%2Ftokens").await;
    assert_eq!(start.status, 303, "{}", start.body);
    assert!(start.location().starts_with("https://strict.id.example/sso?SAMLRequest="), "{}", start.location());
    request_of(start.location())
}

/// To the provider, and back with what it says then.
async fn prove(saml: &Saml, person: &Person<'_>, case: &'static str, assertion: Edit) -> Page {
    let text = ask(person).await;
    assert!(text.contains(FORCED), "{text}");
    back(saml, person, (case, &text), assertion).await
}

/// Back from the provider with an answer to a request.
async fn back(saml: &Saml, person: &Person<'_>, (case, text): (&'static str, &str), assertion: Edit) -> Page {
    let request = text.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let idp = saml.idps["strict"].as_str();
    let site = saml.site(case, ("strict", idp), request);
    let value = BASE64_STANDARD.encode(Draft { assertion, ..Draft::default() }.write(&site));
    saml.bring(&person.v, &site.acs, &[("SAMLResponse", value)]).await
}

async fn code_of(saml: &Saml, page: &Page) -> String {
    let rows = musubi::store::sql::sql("SELECT detail FROM audit WHERE request_id = $1 AND outcome = 'refused'");
    let row: Option<(String,)> = rows.bind(page.header("x-request-id")).optional(&saml.scene.t.hub().db).await.unwrap();
    let detail: serde_json::Value = serde_json::from_str(&row.map_or("{}".into(), |(detail,)| detail)).unwrap();
    detail["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_told_to_ask_again_and_has_to_have_done_it() {
    for database in Database::both().await {
        let saml = Saml::new(&database).await;
        let person = Person::new(&saml.scene);
        let start = person.v.get(&saml.address(&saml.idps["strict"], "start")).await;
        let text = request_of(start.location());
        assert!(!text.contains("ForceAuthn"), "a sign-in may go by what the provider knows: {text}");
        let end = back(&saml, &person, ("first", &text), |s, t| of_one(s, &t)).await;
        assert!(end.status == 303 && end.sets(SESSION).is_some(), "{}", end.body);

        person.grows_old().await;
        let dangerous = format!("/me/identities/add/{}", saml.idps["open"]);
        assert!(person.open(&dangerous).await.location().starts_with("/me/prove?next="), "{}", database.name);
        let before = person.v.cookie(&person.at("/"), SESSION).unwrap();
        for (case, code, assertion) in [
            (
                "remembered",
                "PROOF_OLD",
                (|s, t| {
                    let at = |seconds| format!("AuthnInstant=\"{}\"", s.at(seconds));
                    of_one(s, &t).replace(&at(0), &at(-3_600))
                }) as Edit,
            ),
            ("somebody-else", "PROOF_OTHER", |_, t| t),
            ("no-time", "ASSERTION_AUTHENTICATION", |s, t| {
                of_one(s, &t).replace(&format!(" AuthnInstant=\"{}\"", s.at(0)), "")
            }),
        ] {
            let end = prove(&saml, &person, case, assertion).await;
            assert!(end.status == 403 && end.sets(SESSION).is_none(), "{case}: {} {}", end.status, end.body);
            assert_eq!(code_of(&saml, &end).await, code, "{}", database.name);
            assert!(
                person.open(&dangerous).await.location().starts_with("/me/prove?next="),
                "{case}: still not proved"
            );
        }
        assert_eq!(person.v.cookie(&person.at("/"), SESSION).unwrap(), before, "and nobody else was signed in");

        // An answer to this browser's request, brought by a browser with another session.
        let text = ask(&person).await;
        let other = Person { scene: &saml.scene, v: Visitor::new() };
        let end = back(&saml, &other, ("carried-off", &text), |s, t| of_one(s, &t)).await;
        assert!(end.status == 403 && end.sets(SESSION).is_none(), "{}", end.body);

        let end = prove(&saml, &person, "proved", |s, t| of_one(s, &t)).await;
        assert_eq!((end.status, end.location()), (303, "/me/tokens?done=proved"), "{}", end.body);
        assert_ne!(person.v.cookie(&person.at("/"), SESSION).unwrap(), before, "another cookie");
        let away = person.open(&dangerous).await;
        assert!(away.location().starts_with("https://open.id.example/sso?"), "fresh now: {}", away.location());
        assert!(request_of(away.location()).contains(FORCED), "linking asks again as well");
        let people = "SELECT COUNT(*) FROM external_identity";
        assert_eq!(saml.scene.t.count(people).await, 1, "{}", database.name);
        saml.scene.t.stop().await;
    }
}
