//! People who sign in at a hub: by OpenID Connect at a provider of the tests, by SAML with what its pen writes.

use std::{
    io::Write as _,
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use musubi::{clock::Clock, model::Timestamp};
use serde_json::Value;

use crate::{
    hub,
    issuer::{CLIENT, Issuers, Page, Visitor, keys},
    pen::{Draft, Site, metadata, request_of},
    people,
    process::Process,
    target::Target,
};

/// The SAML provider's name.
const ENTITY: &str = "https://bench.id.example/idp";
/// The OpenID provider's case.
const CASE: &str = "bench";
/// How many people the SAML provider knows: each is somebody new.
static PEOPLE: AtomicU64 = AtomicU64::new(0);

/// How somebody signs in.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Oidc,
    Saml,
}

pub struct Office {
    pub hub: Process,
    /// The hub, as browsers know it.
    pub base: String,
    pub saml: String,
    oidc: String,
    /// Its connections serve everybody.
    visitor: Visitor,
    issuers: Issuers,
}

impl Office {
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let issuers = Issuers::start(Clock::System).await;
        issuers.plays(CASE, |play| play.crowd = true);
        let site = issuers.site(CASE);
        let roles = ["--role", "staff=employee", "--private", "--json"];
        let words = ["idp", "add", "oidc", "--issuer", &site.issuer, "--client-id", CLIENT, "--secret"];
        let oidc = added(target, &[&words[..], &roles].concat(), &format!("{}\n", site.secret))?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("idp.xml");
        std::fs::write(&file, metadata(ENTITY, "https://bench.id.example/sso", &[&keys().main]))?;
        let file = file.to_str().context("a folder of the system")?;
        let saml = added(target, &[&["idp", "add", "saml", "--saml-metadata", file][..], &roles].concat(), "")?;
        let mut tx = target.db.begin().await?;
        people::person(&mut tx, "owner@bench.example", "owner").await?;
        tx.commit().await?;
        let more = [("MUSUBI_SIGNIN__PER_ADDRESS", "1000000")];
        let hub = hub::start_with(target, &more).await?;
        let base = format!("http://localhost:{}", hub.port);
        Ok(Self { hub, base, saml, oidc, visitor: Visitor::new(), issuers })
    }

    /// What the pen knows when it answers a request of this hub.
    pub fn site(&self, request: &str) -> Site {
        let n = PEOPLE.fetch_add(1, Ordering::Relaxed);
        Site {
            case: format!("saml-{n}").leak(),
            entity_id: ENTITY.into(),
            audience: format!("{}/auth/saml/{}/metadata", self.base, self.saml),
            acs: format!("{}/auth/saml/{}/acs", self.base, self.saml),
            request: request.to_owned(),
            certificate: String::new(),
            outside: String::new(),
            now: Clock::System.now().0 / Timestamp::SECOND,
        }
    }

    /// One whole sign-in of somebody new; how long the hub took for its part.
    pub async fn sign_in(&self, way: Way) -> anyhow::Result<Duration> {
        let browser = self.visitor.stranger();
        let (end, took) = match way {
            Way::Oidc => {
                let mut took = Duration::ZERO;
                let start = format!("{}/auth/oidc/{}/start", self.base, self.oidc);
                let there = timed(&mut took, browser.get(&start)).await;
                let back = browser.get(there.location()).await;
                (timed(&mut took, browser.get(back.location())).await, took)
            }
            Way::Saml => self.answered(&browser, &Draft::default()).await?,
        };
        anyhow::ensure!(
            end.status == 303 && end.sets("__Host-musubi").is_some(),
            "not in: {} {}",
            end.status,
            end.body
        );
        Ok(took)
    }

    /// The way there and back with an answer as the draft writes it: the last page, and the hub's time.
    pub async fn answered(&self, browser: &Visitor, draft: &Draft) -> anyhow::Result<(Page, Duration)> {
        let (site, took) = self.asked(browser).await?;
        self.brought(browser, draft.write(&site).into_bytes(), took).await
    }

    /// Sets out for the SAML provider: what its pen knows then.
    pub async fn asked(&self, browser: &Visitor) -> anyhow::Result<(Site, Duration)> {
        let mut took = Duration::ZERO;
        let start = timed(&mut took, browser.get(&format!("{}/auth/saml/{}/start", self.base, self.saml))).await;
        anyhow::ensure!(start.status == 303, "no way to the provider: {}", start.body);
        let request = request_of(start.location());
        let id = request.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no ID")?;
        Ok((self.site(id), took))
    }

    /// Comes back with these bytes.
    pub async fn brought(
        &self,
        browser: &Visitor,
        bytes: Vec<u8>,
        so_far: Duration,
    ) -> anyhow::Result<(Page, Duration)> {
        let mut took = so_far;
        let form = [("SAMLResponse".to_owned(), BASE64_STANDARD.encode(bytes))];
        let acs = format!("{}/auth/saml/{}/acs", self.base, self.saml);
        let kept = timed(&mut took, browser.post(&acs, &form)).await;
        if kept.status != 303 {
            return Ok((kept, took));
        }
        let end = timed(&mut took, browser.get(&format!("{}{}", self.base, kept.location()))).await;
        Ok((end, took))
    }

    /// Sets out for the OpenID provider and gets its way back.
    pub async fn callback(&self, browser: &Visitor) -> String {
        let there = browser.get(&format!("{}/auth/oidc/{}/start", self.base, self.oidc)).await;
        browser.get(there.location()).await.location().to_owned()
    }

    pub fn stranger(&self) -> Visitor {
        self.visitor.stranger()
    }

    /// What the hub did wrong at the provider.
    pub fn wrong(&self) -> Vec<String> {
        self.issuers.wrong(CASE)
    }
}

async fn timed<T>(took: &mut Duration, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    *took += begun.elapsed();
    done
}

/// Adds a provider from the shell; its id.
fn added(target: &Target, words: &[&str], input: &str) -> anyhow::Result<String> {
    let program: PathBuf = std::env::current_exe()?.with_file_name("musubi");
    let mut child = std::process::Command::new(program)
        .args(words)
        .envs(target.environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout)?;
    Ok(said["id"].as_str().context("no id")?.to_owned())
}
