//! What is no answer: logout messages, metadata, ID tokens and key sets, with what is genuine of them.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::identity::federation::{
    Authentication, Settings as OidcSettings, apart as oidc,
    saml::{
        Came, Settings,
        apart::{Bench, Parting, describe, part},
    },
};
use serde_json::{Map, Value, json};

use super::{super::slo, HUB, LEEWAY, Place, settings};
use crate::{
    issuer::{Draft as Token, Play, Sign, Site as TokenSite, keys},
    oidc_cases::table,
    saml_cases::{
        encryption,
        pen::{Draft, RSA_SHA256, metadata, response},
        scene::entity_id,
        slo_words::{EVERY, Expect, query, request, slo as slo_address},
        upkeep::{described as plain, signed},
    },
};

/// Larger ones are refused for that.
const LARGEST: usize = 64 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

fn seed(folder: &Path, kind: &str, name: &str, text: &str) {
    if text.len() <= LARGEST {
        std::fs::write(folder.join(kind).join(name), text).unwrap();
    }
}

/// The provider's key, and an answer that anything can be put into as somebody does who knows our certificate.
pub fn sealing(place: &Place) -> Map<String, Value> {
    let site = place.site_of("envelope", "_request-of-the-hub");
    let (sealed, key) = encryption::envelope(&site, "CIPHER");
    let fields = json!({
        "provider_key": hex::encode(keys().main.private_der()), "envelope": response(&site, &sealed),
        "content_key": hex::encode(key),
    });
    fields.as_object().unwrap().clone()
}

/// Every word of single logout, as its case leaves it and as it was before.
pub fn partings(place: &Place, folder: &Path) -> Map<String, Value> {
    let strict = Settings { entity_id: entity_id("slo"), ..settings(false) };
    let at = format!("{HUB}/slo");
    let bench = Bench { settings: &strict, key: &place.key, audience: "", acs: &at, now: place.now, leeway: LEEWAY };
    let mut genuine: Vec<Parting> = Vec::new();
    let mut heard = |came: Came<'_>| {
        let said = part(came, &bench);
        if let Ok(said) = &said
            && !genuine.contains(said)
        {
            genuine.push(said.clone());
        }
        said.map(drop)
    };
    for (n, word) in EVERY.iter().enumerate() {
        let mut site = place.site_of(slo::names(n), "");
        site.entity_id = entity_id("slo");
        assert_eq!(slo_address(&site), at);
        let text = (word.text)(&site, request(&site, "sub-slo", "_s-slo"));
        let signed = Draft { sign: word.sign, method: word.method, ..Draft::default() };
        let said = if word.post {
            let before = signed.signed(&site, text, "_l1");
            let after = (word.after)(&site, before.clone());
            seed(folder, "logout", &format!("{n}.xml"), &after);
            [before, after].map(|text| heard(Came::Form { content_type: FORM, body: form_of(&text).as_bytes() }))
        } else {
            seed(folder, "logout", &format!("{n}.xml"), &text);
            // One is signed inside as well, so it counts by a form.
            heard(Came::Form { content_type: FORM, body: form_of(&text).as_bytes() }).ok();
            let before = query("SAMLRequest", &text, word.method, &(word.sign)());
            let after = (word.after)(&site, before.clone());
            seed(folder, "logout", &format!("{n}.query"), &after);
            [before, after].map(|text| heard(Came::Redirect(&text)))
        };
        let expected = match word.expect {
            Expect::Ends | Expect::Stays => Ok(()),
            Expect::Refused(code) => Err(code),
        };
        assert_eq!(said[1], expected, "{}", word.name);
    }
    let mut site = place.site_of("answered", "");
    site.entity_id = entity_id("slo");
    for (n, status) in slo::STATUSES.iter().enumerate() {
        let text = slo::response(&site, "_asked", status);
        seed(folder, "logout", &format!("answer-{n}.xml"), &text);
        let text = query("SAMLResponse", &text, RSA_SHA256, &Sign::Rs256(&keys().main));
        seed(folder, "logout", &format!("answer-{n}.query"), &text);
        assert_eq!(heard(Came::Redirect(&text)), Ok(()));
    }
    json!({"logout": strict, "slo": at, "partings": genuine}).as_object().unwrap().clone()
}

fn form_of(text: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", &BASE64_STANDARD.encode(text))
        .finish()
}

/// Metadata, signed and not.
pub fn described(place: &Place, folder: &Path) -> Map<String, Value> {
    fn main() -> Sign {
        Sign::Rs256(&keys().main)
    }
    fn forger() -> Sign {
        Sign::Rs256(&keys().forger)
    }
    let later = place.now.plus(musubi::model::Timestamp::DAY).rfc3339();
    let dated = format!(" validUntil=\"{later}\"");
    let bare = metadata(&entity_id("strict"), "https://strict.id.example/sso", &[&keys().main, &keys().next]);
    let out = "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
               Location=\"https://strict.id.example/slo\" ResponseLocation=\"https://strict.id.example/out\"/>";
    let leaves = bare.replace("<md:SingleSignOnService", &format!("{out}<md:SingleSignOnService"));
    let listed = format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_all\">{leaves}\
         </md:EntitiesDescriptor>"
    );
    let honest = signed(main, plain("strict", &[&keys().main], ""));
    let documents = [
        bare,
        leaves,
        listed,
        signed(main, plain("strict", &[&keys().main, &keys().next], &dated)),
        signed(forger, plain("strict", &[&keys().forger], "")),
        honest.replace("/sso", "/evil"),
        honest,
    ];
    let pinned = [keys().main.certificate()];
    let mut genuine: Vec<Settings> = Vec::new();
    for (n, document) in documents.iter().enumerate() {
        seed(folder, "metadata", &format!("{n}.xml"), document);
        genuine.extend(describe(document.as_bytes(), &pinned, place.now).ok());
    }
    assert_eq!(genuine.len(), 2, "signed by the key that is pinned");
    json!({ "described": genuine }).as_object().unwrap().clone()
}

/// The tokens and key sets of every case of OpenID Connect.
pub fn tokens(place: &Place, folder: &Path) -> Value {
    let settings = OidcSettings {
        issuer: "https://id.example/realm".to_owned(),
        client_id: "musubi-hub".to_owned(),
        authentication: Authentication::Basic,
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"].map(str::to_owned).into(),
        scopes: vec!["openid".to_owned()],
        groups_claim: "groups".to_owned(),
        roles: Default::default(),
        default_role: None,
        departments: Default::default(),
        private: false,
        max_age: None,
        tenants: Vec::new(),
        unchecked: false,
    };
    let (nonce, access_token, code) = ("nonce-of-the-hub", "access-token", "code");
    let set = json!({"keys": [keys().main.jwk(), keys().ec.jwk(), keys().ed.jwk()]}).to_string();
    let judge = |token: &str| {
        let (settings, now) = (&settings, place.now);
        let bench = oidc::Bench { settings, nonce, access_token, code, now, leeway: LEEWAY };
        oidc::judge(token, set.as_bytes(), &bench)
    };
    let site = TokenSite {
        case: "token".to_owned(),
        issuer: settings.issuer.clone(),
        outside: "https://outside.example".to_owned(),
        client: crate::issuer::CLIENT,
        secret: "",
    };
    let now = place.now.0 / musubi::model::Timestamp::SECOND;
    let draft = || Token::honest(site.clone(), now, nonce, access_token.to_owned(), code.to_owned());
    let honest = draft().compact();
    let mut genuine = vec![judge(&honest).unwrap()];
    seed(folder, "token", "set", &set);
    for case in table::all() {
        let mut play = Play::default();
        (case.play)(&mut play);
        let (mut as_it_is, mut before) = (draft(), draft());
        (play.token)(&mut as_it_is);
        (play.token)(&mut before);
        let clear =
            format!("{}\n{}", as_it_is.header, as_it_is.payload.as_ref().unwrap_or(&as_it_is.claims.to_string()));
        seed(folder, "token", &format!("{}.clear", case.name), &clear);
        before.finish = |token| token;
        let token = as_it_is.compact();
        seed(folder, "token", &format!("{}.compact", case.name), &token);
        genuine.extend([token, before.compact()].iter().filter_map(|token| judge(token).ok()));
        let mut published = vec![keys().main.jwk()];
        (play.jwks)(&mut published);
        seed(folder, "token", &format!("{}.set", case.name), &json!({ "keys": published }).to_string());
    }
    let genuine: Vec<Value> = genuine.iter().map(|said| json!(said)).collect();
    json!({
        "settings": settings, "nonce": nonce, "access_token": access_token, "code": code, "keys": set,
        "honest": honest, "genuine": genuine,
    })
}
