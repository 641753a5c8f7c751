//! A real browser without a window, driven through WebDriver.
//!
//! The page's content security policy stays in force: scripts that a test runs come through the
//! driver, not through the page.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

use base64::Engine;
use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::watchdog::{self, Watched};

const WAIT: Duration = Duration::from_secs(60);

struct Driver {
    url: String,
    /// Everything the driver and its browsers write; removed at the end of the run.
    folder: PathBuf,
    _server: Watched,
}

impl Driver {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Driver> = OnceLock::new();
        SHARED.get_or_init(|| {
            let program = find(&["chromedriver"]).expect("chromedriver is not installed: `./x test` installs it");
            let port = watchdog::free_port();
            let folder = tempfile::Builder::new().prefix("musubi-chrome-").tempdir().unwrap().keep();
            let log = folder.join("chromedriver.log");
            let command = vec![
                "env".into(),
                format!("TMPDIR={}", folder.display()),
                program.display().to_string(),
                format!("--port={port}"),
                "--log-level=SEVERE".into(),
            ];
            let server =
                watchdog::start(watchdog::Plan { wrap: &[], signal: "TERM", folder: &folder, command, log: &log });
            watchdog::wait_until("chromedriver", &log, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
            Self { url: format!("http://127.0.0.1:{port}"), folder, _server: server }
        })
    }
}

/// One browser window with a profile of its own.
pub struct Browser {
    client: Client,
}

impl Browser {
    pub async fn open() -> Self {
        let binary = find(&["chromium", "chromium-browser", "google-chrome"])
            .expect("chromium is not installed: `./x test` installs it");
        let driver = Driver::shared();
        let profile = tempfile::Builder::new().prefix("profile-").tempdir_in(&driver.folder).unwrap().keep();
        let mut args: Vec<String> = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            // Nothing but this machine can be reached, so a page that loads from elsewhere shows.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.*",
        ]
        .map(str::to_owned)
        .to_vec();
        args.push(format!("--user-data-dir={}", profile.display()));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": binary.display().to_string(), "args": args},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!() };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url)
            .await
            .expect("the browser starts");
        Self { client }
    }

    /// For what has no helper here.
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// Waits for an element and clicks it.
    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|e| panic!("{css}: {e}"));
    }

    /// Replaces what a field holds, key by key as a person does.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    pub async fn exists(&self, css: &str) -> bool {
        self.count(css).await > 0
    }

    /// Waits until an element shows the text.
    pub async fn wait_for_text(&self, css: &str, wanted: &str) {
        let script = "const e = document.querySelector(arguments[0]); return e ? e.innerText : null";
        let mut last = Value::Null;
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            last = self.execute(script, vec![json!(css)]).await;
            if last.as_str().is_some_and(|text| text.contains(wanted)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{css} never showed {wanted:?}, but {last}; at {}", self.url().await);
    }

    pub async fn execute(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap()
    }

    /// Size and colour scheme of the window.
    pub async fn look(&self, width: u32, height: u32, dark: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Pages must work without scripts, too. Takes effect with the next page.
    pub async fn scripts(&self, on: bool) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": !on})).await;
    }

    /// Gives the browser an authenticator that says yes: what passkeys are made of.
    pub async fn authenticator(&self) {
        let kind = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        self.command("/webauthn/authenticator", kind).await;
    }

    /// The whole page as `target/screenshots/NAME.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let answer =
            self.devtools("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true})).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Errors and policy violations on the console since the last call.
    pub async fn console_problems(&self) -> Vec<String> {
        let entries = self.command("/se/log", json!({"type": "browser"})).await;
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["level"].as_str().unwrap_or(""), entry["message"].as_str().unwrap_or("")))
            .filter(|(level, message)| *level == "SEVERE" || message.contains("Content Security Policy"))
            .map(|(level, message)| format!("{level}: {message}"))
            .collect()
    }

    /// Accessibility violations as axe sees them: rule, impact and the elements.
    pub async fn accessibility_problems(&self) -> Vec<String> {
        let path = target().join("axe/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}; `./x test` installs axe-core", path.display()));
        self.execute(&axe, vec![]).await;
        let script = "const done = arguments[arguments.length - 1];
            axe.run(document).then(r => done(r.violations), e => done([{id: 'axe failed', impact: String(e), nodes: []}]))";
        let found = self.client.execute_async(script, vec![]).await.unwrap();
        let line = |violation: &Value| {
            let nodes: Vec<String> =
                violation["nodes"].as_array().unwrap().iter().map(|n| n["target"].to_string()).collect();
            format!("{} ({}): {}", violation["id"], violation["impact"], nodes.join(" "))
        };
        found.as_array().unwrap().iter().map(line).collect()
    }

    pub async fn close(self) {
        self.client.close().await.unwrap();
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(WAIT).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(e) => panic!("no {css} at {}: {e}", self.url().await),
        }
    }

    /// A command of the browser's own debugging protocol.
    async fn devtools(&self, name: &str, params: Value) -> Value {
        self.command("/goog/cdp/execute", json!({"cmd": name, "params": params})).await
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Extension { path, body }).await.unwrap()
    }
}

/// A WebDriver command that the standard does not have.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// The build folder, found from the test binary itself (`target/debug/deps/it-…`).
fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(3).map(Path::to_path_buf).unwrap()
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.exists()))
}
