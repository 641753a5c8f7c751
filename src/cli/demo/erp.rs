//! `musubi demo --tryton`: a real ERP with a sample company's books, connected as an admin would.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::{
    app::Hub,
    cli::CliError,
    connection::{
        create::{self, CreateError, NewConnection},
        schedule::Plan,
    },
    store::{connection, delivery},
};

/// Where `./x` has put Tryton and the books, seen from the project.
const HOME: &str = "target/tryton";
const PATIENCE: Duration = Duration::from_secs(60);

/// What the seeding of the books wrote down.
#[derive(Deserialize)]
struct About {
    database: String,
    admin: String,
    password: String,
    key: String,
    /// The hub's own user.
    user: String,
    /// Books that an older version made have none.
    user_password: Option<String>,
}

/// A running Tryton; it ends with the demo.
pub struct Erp {
    about: About,
    url: String,
    _process: Child,
}

fn other(what: &str, error: impl Into<anyhow::Error>) -> CliError {
    CliError::Other(error.into().context(what.to_owned()))
}

impl Erp {
    /// Starts Tryton on loopback with its own copy of the books in `folder`, or with the one there.
    pub async fn start(folder: &Path, port: u16) -> Result<Self, CliError> {
        let home = Path::new(HOME);
        let missing = || CliError::Usage("Tryton is not installed here: `./x demo --tryton` installs it".to_owned());
        // SQLite's addresses, as Tryton makes them, take a relative path for a host.
        let books = std::path::absolute(folder.join("tryton")).map_err(|e| other("cannot use the demo's folder", e))?;
        std::fs::create_dir_all(&books).map_err(|e| other("cannot use the demo's folder", e))?;
        for file in ["hub.sqlite", "hub.json"] {
            // A demo that goes on keeps its own books and their key.
            if !books.join(file).exists() {
                std::fs::copy(home.join("seed").join(file), books.join(file)).map_err(|_| missing())?;
            }
        }
        let text = std::fs::read(books.join("hub.json")).map_err(|_| missing())?;
        let about: About = serde_json::from_slice(&text).map_err(|e| other("the sample books are unreadable", e))?;
        let configuration = books.join("trytond.conf");
        let text =
            format!("[database]\nuri = sqlite://\npath = {}\n[web]\nlisten = 127.0.0.1:{port}\n", books.display());
        std::fs::write(&configuration, text).map_err(|e| other("cannot use the demo's folder", e))?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_err() {
            return Err(CliError::Usage(format!("port {port} is taken: choose another with --tryton-port")));
        }
        let log = std::fs::File::create(books.join("trytond.log")).map_err(|e| other("cannot write a log", e))?;
        let mut process = Command::new(home.join("bin/python"))
            .args(["-m", "trytond.cli", "-c"])
            .arg(&configuration)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|_| missing())?;
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = process.try_wait().map_err(|e| other("Tryton cannot be watched", e))?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = books.join("trytond.log").display().to_string();
                return Err(CliError::Other(anyhow::anyhow!("Tryton does not start; {log} says why")));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(Self { about, url: format!("http://127.0.0.1:{port}"), _process: process })
    }

    /// Connects it to the hub, both ways. Where a demo goes on it is connected already.
    pub async fn connect(&self, hub: &Hub) -> Result<(), CliError> {
        let About { database, key, user, user_password, .. } = &self.about;
        let mut settings = json!({"base_url": self.url, "database": database, "key": key});
        if let Some(password) = user_password {
            settings["user"] = user.as_str().into();
            settings["password"] = password.as_str().into();
        }
        let new = NewConnection {
            connector: "tryton".to_owned(),
            name: "Tryton(見本)".to_owned(),
            settings: settings.as_object().cloned().unwrap_or_default(),
            plan: Plan::Every(60),
            streams: None,
            sample: true,
            start_now: true,
        };
        let id = match create::create(&hub.db, &hub.registry, &hub.keys, &hub.clock, &hub.zone, new).await {
            Ok(id) => id,
            Err(CreateError::NameTaken) => return Ok(()),
            Err(error) => return Err(other("Tryton cannot be connected", error)),
        };
        let written = async {
            let mut tx = hub.db.begin().await?;
            connection::set_push(&mut tx, &id, delivery::CHANGES, hub.clock.now()).await?;
            tx.commit().await?;
            hub.registry.reload(&hub.db, &hub.keys).await
        };
        written.await.map_err(|e| other("Tryton cannot be connected", e))?;
        hub.engine.due_changed.notify_one();
        Ok(())
    }

    /// How a person gets in, for the demo's greeting.
    pub fn greeting(&self) -> String {
        let About { database, admin, password, .. } = &self.about;
        format!(
            "  A real Tryton (見本) runs at {}, database {database}, user {admin}, password {password}: open it with\n  a Tryton client. Its sales are in the history; what you edit here is corrected there.\n",
            self.url
        )
    }
}
