//! Asks samael, which verifies with xmlsec1, about every case that the hub was asked about, and prints a table of
//! what differs.
//!
//! Whatever the hub believes, samael must find signed, and read the same from it. What samael believes and the hub
//! does not is in the table with a reason (`reasons`), and so is what it cannot read. A difference without a reason,
//! and a reason without a difference, end the program with an error.

mod reasons;

use std::{fmt::Write as _, panic::AssertUnwindSafe, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, anyhow};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Duration, Utc};
use openssl::pkey::PKey;
use samael::{crypto::ReduceMode, metadata::EntityDescriptor, schema::Assertion, service_provider::ServiceProvider};
use serde::Deserialize;

#[derive(Deserialize)]
struct Settings {
    entity_id: String,
    certificates: Vec<String>,
}

/// What `tests/it/saml_cases/files.rs` wrote.
#[derive(Deserialize)]
struct Written {
    strict: Settings,
    key: String,
    audience: String,
    acs: String,
    /// When the answers were written, in microseconds since 1970.
    now: i64,
    leeway: i64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    meaning: String,
    /// What the hub read, if it believed it.
    said: Option<Said>,
    /// Why not, if it did not.
    code: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Said {
    assertion_id: String,
    in_response_to: Option<String>,
    subject: String,
    name: String,
    mail: Option<String>,
    groups: Vec<String>,
    sid: Option<String>,
}

impl Said {
    fn of(assertion: &Assertion) -> Option<Self> {
        let subject = assertion.subject.as_ref()?;
        let data =
            subject.subject_confirmations.iter().flatten().find_map(|one| one.subject_confirmation_data.as_ref());
        let values = |name: &str| -> Vec<String> {
            let all = assertion.attribute_statements.iter().flatten().flat_map(|statement| &statement.attributes);
            let named = all.filter(|attribute| attribute.name.as_deref() == Some(name));
            named.flat_map(|attribute| &attribute.values).filter_map(|value| value.value.clone()).collect()
        };
        let subject = subject.name_id.as_ref()?.value.trim().to_owned();
        Some(Self {
            assertion_id: assertion.id.clone(),
            in_response_to: data.and_then(|data| data.in_response_to.clone()),
            name: values("displayName").pop().unwrap_or_else(|| subject.clone()),
            mail: values("mail").pop(),
            subject,
            groups: values("groups"),
            sid: assertion.authn_statements.iter().flatten().find_map(|statement| statement.session_index.clone()),
        })
    }
}

/// samael as a service provider in the hub's place, with its own defaults but for times and for the algorithms, of which
/// it advises a list.
fn provider(written: &Written) -> Result<ServiceProvider> {
    use samael::crypto::AllowedSignatureAlgorithm::{EcdsaSha256, EcdsaSha384, RsaSha256, RsaSha384, RsaSha512};
    let certificate = written.strict.certificates.first().context("a certificate")?;
    let metadata = format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{}\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\
         </md:IDPSSODescriptor></md:EntityDescriptor>",
        written.strict.entity_id
    );
    let metadata: EntityDescriptor = metadata.parse().map_err(|error| anyhow!("metadata: {error}"))?;
    // It looks at the machine's clock. As much later as it is by now it may be, and as much apart as for the hub.
    let written_at = DateTime::from_timestamp_micros(written.now).context("a time")?;
    let leeway = Utc::now() - written_at + Duration::microseconds(written.leeway);
    anyhow::ensure!(leeway < Duration::minutes(30), "these answers are too old: have them written again");
    Ok(ServiceProvider {
        entity_id: Some(written.audience.clone()),
        acs_url: Some(written.acs.clone()),
        key: Some(PKey::private_key_from_pkcs8(&hex::decode(&written.key)?)?),
        idp_metadata: metadata,
        allowed_signature_algorithms: Some(vec![RsaSha256, RsaSha384, RsaSha512, EcdsaSha256, EcdsaSha384]),
        // The hub looks at requests later, and for both it is the document that is judged here.
        allow_idp_initiated: true,
        max_clock_skew: leeway,
        max_issue_delay: leeway + Duration::minutes(2),
        ..ServiceProvider::default()
    })
}

const PANICS: &str = "it panics";

/// How far samael goes with an answer.
enum Opinion {
    Believed(Said),
    Refused(String),
}

fn opinion(provider: &ServiceProvider, bytes: &[u8]) -> Opinion {
    let refused = |error: &dyn std::error::Error| {
        let mut whole = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let _ = write!(whole, ": {next}");
            cause = next.source();
        }
        Opinion::Refused(whole.lines().next().unwrap_or_default().chars().take(110).collect())
    };
    let encoded = BASE64_STANDARD.encode(bytes);
    let asked = || provider.parse_base64_response_with_mode(&encoded, None, ReduceMode::default());
    let Ok(answer) = std::panic::catch_unwind(AssertUnwindSafe(asked)) else {
        return Opinion::Refused(PANICS.to_owned());
    };
    match answer {
        Ok(assertion) => match Said::of(&assertion) {
            Some(said) => Opinion::Believed(said),
            None => Opinion::Refused("no subject".to_owned()),
        },
        Err(error) => refused(error.as_ref()),
    }
}

/// A row of the table, where the two differ. A panic is one, whatever the hub said.
fn compared(case: &Case, opinion: &Opinion) -> Option<String> {
    let ours = case.code.as_deref().unwrap_or("believed");
    match (opinion, &case.said) {
        (Opinion::Believed(theirs), Some(said)) if theirs == said => None,
        (Opinion::Refused(why), None) if why == PANICS => Some(format!("{ours} | panics")),
        (Opinion::Refused(_), None) => None,
        (Opinion::Believed(theirs), Some(said)) => Some(format!("believed | reads {theirs:?}, not {said:?}")),
        (Opinion::Believed(theirs), None) => Some(format!("{ours} | believes `{:.40}`", theirs.subject)),
        (Opinion::Refused(why), Some(_)) => Some(format!("believed | refuses: {why}")),
    }
}

fn run() -> Result<bool> {
    let folder = PathBuf::from(std::env::args().nth(1).context("usage: second-opinion FOLDER")?);
    let written: Written = serde_json::from_slice(&std::fs::read(folder.join("place.json"))?)?;
    let provider = provider(&written)?;
    let (mut table, mut wrong, mut agreed, mut believed) = (String::new(), Vec::new(), 0, 0);
    for case in &written.cases {
        let bytes = std::fs::read(folder.join("cases").join(format!("{}.xml", case.name)))?;
        let opinion = opinion(&provider, &bytes);
        believed += usize::from(matches!(opinion, Opinion::Believed(_)) && case.said.is_some());
        // Whom the forger would like to be: no reason is good enough for that.
        let forged = matches!(&opinion, Opinion::Believed(said) if said.subject == "sub-evil");
        let reason = reasons::of(&case.name).filter(|_| !forged);
        match (compared(case, &opinion), reason) {
            (None, None) => agreed += 1,
            (Some(row), Some(reason)) => writeln!(table, "| {} | {} | {row} | {reason} |", case.name, case.meaning)?,
            (Some(row), None) => wrong.push(format!("{}: {row}: no reason is good enough", case.name)),
            (None, Some(_)) => wrong.push(format!("{}: agrees now: its reason can go", case.name)),
        }
    }
    println!("| case | what it is | hub | samael | reason |\n|---|---|---|---|---|\n{table}");
    println!(
        "{} cases: {agreed} agreed, {believed} of them believed by both with the same person",
        written.cases.len()
    );
    for line in &wrong {
        println!("differs: {line}");
    }
    Ok(wrong.is_empty())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("second-opinion: {error:#}");
            ExitCode::FAILURE
        }
    }
}
