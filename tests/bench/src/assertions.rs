//! SAML answers verified a second on one core, beside `@node-saml/node-saml` with the same answer.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use musubi::{
    clock::Clock,
    identity::federation::saml::{
        Settings,
        apart::{Bench, judge},
    },
    model::Timestamp,
};
use tokio::process::Command;

use crate::{
    issuer::keys,
    load::median,
    pen::{Draft, Site},
    report::Report,
};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let certificate = keys().main.certificate();
    let site = Site {
        case: "bench",
        entity_id: "https://bench.id.example/idp".into(),
        audience: "https://hub.example/metadata".into(),
        acs: "https://hub.example/acs".into(),
        request: String::new(),
        certificate: String::new(),
        outside: String::new(),
        now: now.0 / Timestamp::SECOND,
    };
    let answer = Draft::default().write(&site);
    let settings: Settings = serde_json::from_value(serde_json::json!({
        "entity_id": site.entity_id, "certificates": [certificate], "redirect": null, "post": null, "certificate": "",
        "subject_attribute": null, "groups_attribute": "groups", "roles": {}, "default_role": "employee",
        "unsolicited": true, "response_signed": false, "metadata_url": null, "private": false,
    }))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(judged(&answer, &settings, &site, now)?);
        if let Some(rate) = node(&answer, &certificate, &site).await? {
            theirs.push(rate);
        }
    }
    let (ours, theirs) = (median(ours), (!theirs.is_empty()).then(|| median(theirs)));
    let beside = theirs.map_or("node-saml is not installed".to_owned(), |rate| format!("node-saml {rate:.0}/s"));
    let reached = theirs.map(|rate| ours >= 5.0 * rate);
    report.figure(
        "SAML answers verified on one core",
        "none",
        &format!("{ours:.0}/s"),
        &beside,
        "5 times theirs",
        reached,
    )
}

fn judged(answer: &str, settings: &Settings, site: &Site, now: Timestamp) -> anyhow::Result<f64> {
    let bench =
        Bench { settings, key: &[], audience: &site.audience, acs: &site.acs, now, leeway: 60 * Timestamp::SECOND };
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < ROUND {
        let said = judge(answer.as_bytes(), &bench).map_err(|code| anyhow::anyhow!(code))?;
        anyhow::ensure!(said.subject == site.subject(), "another person");
        done += 1;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// Verified a second by node-saml; `None`: not installed.
async fn node(answer: &str, certificate: &str, site: &Site) -> anyhow::Result<Option<f64>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = folder.join("../../target/bench-node-saml/node_modules");
    if !modules.exists() {
        return Ok(None);
    }
    let script = folder.join("../../target/bench-node-saml/verify.mjs");
    std::fs::copy(folder.join("node_saml.mjs"), &script)?;
    let given = serde_json::json!({
        "answer": BASE64_STANDARD.encode(answer), "certificate": certificate, "audience": site.audience,
        "acs": site.acs, "subject": site.subject(), "seconds": ROUND.as_secs(),
    });
    let output = Command::new("node").arg(script).arg(given.to_string()).output().await?;
    anyhow::ensure!(output.status.success(), "node-saml: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.lines().find_map(|l| l.strip_prefix("verified_per_second ")).context("node-saml said nothing")?;
    Ok(Some(rate.trim().parse()?))
}
