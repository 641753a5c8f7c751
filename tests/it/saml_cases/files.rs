//! The cases as files, for programs that are not part of the tests: the fuzz targets begin with them, and another
//! SAML library is asked about each. `./x fuzz` and `./x second-opinion` have them written.

mod beside;

use std::{collections::HashSet, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use musubi::{
    clock::Clock,
    identity::federation::saml::{
        Settings,
        apart::{Bench, Said, judge},
    },
    model::Timestamp,
};
use serde_json::json;

use super::{
    all,
    case::{At, Case, Expect, Way},
    pen::{Draft, Site, response},
    scene::entity_id,
};
use crate::issuer::keys;

const HUB: &str = "https://hub.example/auth/saml/1";
const LEEWAY: i64 = Timestamp::MINUTE;

/// What the hub knows, without a hub.
struct Place {
    key: Vec<u8>,
    now: Timestamp,
    /// Where the assertion itself has to be signed, and where a signed response is enough.
    strict: Settings,
    whole: Settings,
}

impl Place {
    fn new() -> Self {
        let (strict, whole) = (settings(false), settings(true));
        Self { key: keys().sealing.private_der(), now: Clock::System.now(), strict, whole }
    }

    /// As a case of this name sees it.
    fn site_of(&self, case: &'static str, request: &str) -> Site {
        Site {
            case,
            entity_id: entity_id("strict"),
            audience: format!("{HUB}/metadata"),
            acs: format!("{HUB}/acs"),
            request: request.to_owned(),
            certificate: keys().sealing.certificate(),
            outside: "https://outside.example".to_owned(),
            now: self.now.0 / Timestamp::SECOND,
        }
    }

    fn site(&self, case: &Case) -> Site {
        self.site_of(case.name, if case.way == Way::Unasked { "" } else { "_request-of-the-hub" })
    }

    fn judge(&self, bytes: &[u8], settings: &Settings) -> Result<Said, &'static str> {
        let (audience, acs) = (format!("{HUB}/metadata"), format!("{HUB}/acs"));
        let (key, now) = (&self.key[..], self.now);
        judge(bytes, &Bench { settings, key, audience: &audience, acs: &acs, now, leeway: LEEWAY })
    }

    /// The document of a case; `None`: what is posted stands for none.
    fn document(&self, case: &Case) -> Option<Vec<u8>> {
        let (site, mut draft) = (self.site(case), Draft::default());
        (case.draft)(&mut draft);
        let text = draft.write(&site);
        match case.post {
            Some(post) => BASE64_STANDARD.decode(post(&site, text)).ok(),
            None => Some(text.into_bytes()),
        }
    }

    /// Everything that the trusted key vouches for in a case, whatever the case does with it afterwards: the case
    /// with each set of its later edits left out, and each assertion of it by itself.
    fn genuine(&self, case: &Case) -> Vec<Said> {
        let site = self.site(case);
        let texts = (0_u8..16).filter_map(|left_out| {
            let (mut draft, honest) = (Draft::default(), Draft::default());
            (case.draft)(&mut draft);
            let edits = [&mut draft.after, &mut draft.signature, &mut draft.response, &mut draft.seal];
            for (n, edit) in edits.into_iter().enumerate() {
                if left_out & (1 << n) != 0 {
                    *edit = honest.after;
                }
            }
            // An edit may look for what another one made.
            std::panic::catch_unwind(|| draft.write(&site)).ok()
        });
        let documents = texts.flat_map(|text| {
            let alone: Vec<String> = assertions(&text).map(|assertion| response(&site, assertion)).collect();
            std::iter::once(text).chain(alone)
        });
        documents.filter_map(|text| self.judge(text.as_bytes(), &self.whole).ok()).collect()
    }
}

/// The innermost assertions of a text.
fn assertions(text: &str) -> impl Iterator<Item = &str> {
    let begins = text.match_indices("<saml:Assertion ").map(|(at, _)| &text[at..]);
    begins.filter_map(|rest| rest.split_inclusive("</saml:Assertion>").next())
}

fn settings(response_signed: bool) -> Settings {
    Settings {
        entity_id: entity_id("strict"),
        certificates: vec![keys().main.certificate()],
        redirect: Some("https://strict.id.example/sso".to_owned()),
        post: None,
        certificate: keys().sealing.certificate(),
        subject_attribute: None,
        groups_attribute: "groups".to_owned(),
        roles: [("staff".to_owned(), musubi::identity::Role::Employee)].into(),
        default_role: None,
        departments: Default::default(),
        unsolicited: false,
        response_signed,
        metadata_url: None,
        private: false,
        ..Settings::default()
    }
}

/// What the table expects of the document alone; `None`: the way it takes decides.
fn alone(case: &Case) -> Option<Result<(), &'static str>> {
    match (case.way, case.expect) {
        (Way::ToAnother, _) => None,
        (_, Expect::In) => Some(Ok(())),
        (_, Expect::Refused("RESPONSE_FORM" | "RESPONSE_BINDING" | "ASSERTION_AGAIN" | "ROLE_NONE")) => Some(Ok(())),
        (_, Expect::Refused(code)) if code.starts_with("REQUEST_") || code.starts_with("BROWSER_") => Some(Ok(())),
        (_, Expect::Refused(code)) => Some(Err(code)),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a parameter of this run, not of the hub")]
#[ignore = "writes files: `./x fuzz` and `./x second-opinion` run it"]
fn written() {
    let folder = std::env::var("MUSUBI_SAML_FILES").expect("MUSUBI_SAML_FILES names the folder to write to");
    let folder = Path::new(&folder);
    for inside in ["cases", "clear", "sealed", "opened", "logout", "metadata", "token"] {
        std::fs::create_dir_all(folder.join(inside)).unwrap();
    }
    let place = Place::new();
    let (mut genuine, mut rows) = (HashSet::new(), Vec::new());
    for case in all() {
        genuine.extend(place.genuine(case).into_iter().map(|said| serde_json::to_string(&said).unwrap()));
        let Some(bytes) = place.document(case) else { continue };
        let verdict = place.judge(&bytes, if case.at == At::Whole { &place.whole } else { &place.strict });
        if let Some(expected) = alone(case) {
            assert_eq!(verdict.as_ref().map(drop).map_err(|code| *code), expected, "{}", case.name);
        }
        let name = format!("{}.xml", case.name);
        std::fs::write(folder.join("cases").join(&name), &bytes).unwrap();
        let holds = |what: &str| bytes.windows(what.len()).any(|at| at == what.as_bytes());
        // Larger ones are refused for that, and nothing in them is ever looked at.
        if bytes.len() <= 64 * 1024 {
            let seeds = if holds("EncryptedAssertion") { "sealed" } else { "clear" };
            std::fs::write(folder.join(seeds).join(&name), &bytes).unwrap();
            // What somebody could encrypt to us.
            let text = String::from_utf8_lossy(&bytes);
            for (n, assertion) in assertions(&text).enumerate() {
                std::fs::write(folder.join("opened").join(format!("{n}-{name}")), assertion).unwrap();
            }
        }
        let (said, code) = (verdict.as_ref().ok(), verdict.as_ref().err());
        let whole = case.at == At::Whole;
        rows.push(json!({"name": case.name, "meaning": case.meaning, "whole": whole, "said": said, "code": code}));
    }
    let genuine: Vec<Said> = genuine.iter().map(|said| serde_json::from_str(said).unwrap()).collect();
    let mut written = json!({
        "strict": place.strict, "whole": place.whole, "key": hex::encode(&place.key),
        "audience": format!("{HUB}/metadata"), "acs": format!("{HUB}/acs"), "now": place.now.0, "leeway": LEEWAY,
        "genuine": genuine, "cases": rows,
    });
    for more in [beside::sealing(&place), beside::partings(&place, folder), beside::described(&place, folder)] {
        written.as_object_mut().unwrap().extend(more);
    }
    written["oidc"] = beside::tokens(&place, folder);
    // Goes last: with it, the files are all there.
    std::fs::write(folder.join("place.json"), serde_json::to_string_pretty(&written).unwrap()).unwrap();
}
