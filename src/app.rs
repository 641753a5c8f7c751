//! Composition root: configuration in, a running hub out.

use std::{collections::HashSet, sync::Arc};

use jiff::tz::TimeZone;
use musubi_sdk::guard::{self, Reach};
use tokio::{net::TcpListener, sync::broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    analytics::{
        directory::Directory,
        refresher::{RefreshHandle, Refresher},
    },
    clock::Clock,
    config::{self, Config, ConfigError},
    connection::{Catalogue, Registry, catalogue::CatalogueError},
    http::{self, Edge},
    identity::{Access, Federation, Identity, Limits, Settings},
    imports, lists,
    mail::{self, Carrier, Post, carrier::CarrierError},
    model::{Currency, Id, ids::Noun},
    notices::Watcher,
    samples::SampleSystems,
    secrets::{Keys, SecretError},
    store::{self, Db, StoreError},
    sync::{committer::Committer, engine::Engine, recompute, retention, webhooks::Couriers, worker},
    telemetry::Metrics,
};

/// Everything a request handler or worker may use. One per process.
pub struct Hub {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub zone: TimeZone,
    pub currency: Currency,
    pub keys: Arc<Keys>,
    pub directory: Arc<Directory>,
    pub refresher: RefreshHandle,
    pub identity: Identity,
    pub federation: Federation,
    pub edge: Edge,
    pub registry: Arc<Registry>,
    pub engine: Engine,
    pub samples: SampleSystems,
    /// Does the steps of imports.
    pub importer: imports::worker::Worker,
    /// Wakes this node's worker of changes for many.
    pub bulk: Arc<tokio::sync::Notify>,
    /// The way to the mail server; `None`: there is no mail.
    pub mail: Option<Carrier>,
    pub changes: broadcast::Sender<Change>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

pub type SharedHub = Arc<Hub>;

/// Told to open pages after a commit, so that they can show what is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something in this customer's history or master record is new.
    Customer(String),
    /// Counts or state of this run moved.
    Run(String),
    /// The set of failures, webhook events or connection states changed.
    Operations,
}

/// Why a hub does not start. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("a connector manifest cannot be used:\n{0}")]
    Catalogue(#[from] CatalogueError),
    #[error("the secrets key cannot be used")]
    Secrets(#[from] SecretError),
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    #[error("the HTTP client cannot be built")]
    Client(#[from] reqwest::Error),
    #[error("cannot listen on {address}")]
    Listen { address: String, source: std::io::Error },
    #[error("the server ended")]
    Serve(#[source] std::io::Error),
    #[error("mail cannot be used as it is configured")]
    Mail(#[from] CarrierError),
    #[error("server.public_url is no URL")]
    PublicUrl(#[from] url::ParseError),
}

/// What a hub is made from. Tests replace single parts.
pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub keys: Keys,
    pub identity: Identity,
    pub edge: Edge,
}

impl Parts {
    /// The parts a configuration describes: opens and migrates the database.
    pub async fn from_config(config: Config, metrics: Option<Metrics>) -> Result<Self, StartError> {
        let db = store::open(&config.database.url, config.database.connections).await?;
        store::migrate::run(&db).await?;
        let keys = Keys::load(&config.secrets, config.database.is_sqlite())?;
        let clock = Clock::System;
        let access = Access::from(&config.access);
        let identity = Identity::new(db.clone(), clock.clone(), Limits::from(&config), access);
        let mut edge = Edge::try_from(&config.server)?;
        edge.pages = http::console::page::outside::pages();
        edge.metrics = metrics.map(|m| Arc::new(move || m.render()) as Arc<dyn Fn() -> String + Send + Sync>);
        Ok(Self { config, db, clock, keys, identity, edge })
    }
}

impl Hub {
    /// Puts the parts together. Nothing runs in the background yet but the committer and the
    /// refreshing of figures.
    pub async fn assemble(parts: Parts) -> Result<SharedHub, StartError> {
        let Parts { config, db, clock, keys, identity, edge } = parts;
        let stop = CancellationToken::new();
        let keys = Arc::new(keys);
        // What first run or [設定] chose wins over the file; a change there holds for schedules and figures
        // from the next start on.
        let settings = Settings::load(&db).await?;
        let zone = if settings.company.is_empty() { config.organisation.zone.clone() } else { settings.time_zone() };
        let currency = config.organisation.currency;
        let mail = carrier(&config, &edge)?;
        let identity = identity.posting(Post::new(&config.mail, keys.clone(), edge.public_url.as_str()));
        let registry = Arc::new(Registry::new(Catalogue::load(&config.connectors.dir)?, client()?));
        registry.reload(&db, &keys).await?;
        let directory = Arc::new(Directory::load(&db).await?);
        let refresher =
            Refresher::spawn(db.clone(), directory.clone(), clock.clone(), zone.clone(), stop.child_token());
        let (changes, _) = broadcast::channel(4096);
        let node = node_name(&db);
        let committer =
            Committer::spawn(db.clone(), clock.clone(), node.clone(), config.sync.lease.micros(), config.inbox.queue);
        let lanes = committer.clone();
        refresher.heed(move || lanes.flooded());
        let federation = Federation::new(db.clone(), clock.clone(), keys.clone(), &config.signin)?;
        let engine = Engine {
            db: db.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
            node,
            settings: config.sync.clone(),
            inbox: config.inbox.clone(),
            webhooks: config.webhooks.clone(),
            health: config.health.clone(),
            couriers: Couriers::new(config::proxy_hosts())?,
            told: Arc::default(),
            zone: zone.clone(),
            currency,
            registry: registry.clone(),
            committer,
            refusals: Arc::default(),
            on_commit: on_commit(refresher.clone(), changes.clone()),
            knocks: Arc::default(),
            due_changed: Arc::default(),
        };
        let importer =
            imports::worker::Worker { engine: engine.clone(), max: config.files.max.0, knock: Arc::default() };
        Ok(Arc::new(Self {
            config,
            db,
            clock,
            zone,
            currency,
            keys,
            directory,
            refresher,
            identity,
            federation,
            edge,
            registry,
            engine,
            samples: SampleSystems::default(),
            importer,
            bulk: Arc::default(),
            mail,
            changes,
            tasks: TaskTracker::new(),
            stop,
        }))
    }

    /// Starts the loops of this node.
    pub async fn start_workers(self: &Arc<Self>) -> Result<(), StoreError> {
        if matches!(self.db, Db::Sqlite { .. }) {
            // The only process there is: whatever is leased was leased by one that is gone.
            let mut tx = self.db.begin().await?;
            store::connection::free_leases(&mut tx, self.clock.now()).await?;
            tx.commit().await?;
        }
        self.identity.note_access().await?;
        worker::spawn(self.engine.clone(), self.stop.child_token(), &self.tasks);
        self.start_mail();
        self.tasks.spawn(self.watcher().run(self.stop.child_token()));
        self.tasks.spawn(self.importer.clone().run(self.stop.child_token()));
        let keep = self.config.retention.clone();
        let (hub, every) = (self.clone(), keep.sweep.0);
        self.tasks.spawn(async move { hub.identity.keep_tidy(every, hub.stop.child_token()).await });
        let hub = self.clone();
        self.tasks.spawn(async move { hub.federation.keep_metadata(hub.stop.child_token()).await });
        let hub = self.clone();
        self.tasks.spawn(async move { hub.identity.keep_trail(&hub.keys, hub.stop.child_token()).await });
        let hub = self.clone();
        self.tasks.spawn(async move { hub.identity.watch_trail(&hub.keys, WATCH, hub.stop.child_token()).await });
        self.start_lists();
        self.tasks.spawn(recompute::run(self.engine.clone(), self.stop.child_token()));
        self.tasks.spawn(retention::run(self.engine.clone(), keep, self.stop.child_token()));
        Ok(())
    }

    /// Changes for many customers, and what the search finds of products that an older program wrote.
    fn start_lists(self: &Arc<Self>) {
        let hub = self.clone();
        self.tasks.spawn(async move {
            let engine = &hub.engine;
            let told = |customers: &HashSet<String>| (engine.on_commit)(customers, "");
            let bench = lists::bulk::Bench {
                db: &hub.db,
                clock: &hub.clock,
                identity: &hub.identity,
                currency: hub.currency,
                node: &engine.node,
                told: &told,
            };
            lists::bulk::run(bench, &hub.bulk, hub.stop.child_token()).await;
        });
        let hub = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = lists::search::fold_products(&hub.db).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "products wait to be folded for the search");
            }
        });
    }

    /// Whoever tells of the problems of connections.
    #[must_use]
    pub fn watcher(&self) -> Watcher {
        Watcher {
            db: self.db.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            expected: self.config.health.clone(),
            post: Post::new(&self.config.mail, self.keys.clone(), self.edge.public_url.as_str()),
            told: self.engine.told.clone(),
        }
    }

    /// The loops that write and send mails, where mail is configured.
    fn start_mail(self: &Arc<Self>) {
        let Some(carrier) = self.mail.clone() else { return };
        let worker = mail::Worker {
            db: self.db.clone(),
            clock: self.clock.clone(),
            keys: self.keys.clone(),
            settings: self.config.mail.clone(),
            carrier,
            writer: MAIL_WRITER,
            public_url: self.edge.public_url.as_str().trim_end_matches('/').to_owned(),
            node: self.engine.node.clone(),
        };
        let poll = self.config.sync.poll.0;
        self.tasks.spawn(worker.run(poll, self.stop.child_token()));
        let hub = self.clone();
        self.tasks.spawn(async move { hub.identity.keep_watch(&hub.config.mail, poll, hub.stop.child_token()).await });
    }

    /// Ends the loops: the chunk in hand is committed, leases are given back.
    pub async fn stop_workers(&self) {
        self.samples.stop().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Puts mails into the words of the page catalogues.
pub const MAIL_WRITER: mail::Writer = http::console::letter::write;

/// The way to the mail server, where one is configured.
fn carrier(config: &Config, edge: &Edge) -> Result<Option<Carrier>, CarrierError> {
    // TLS needs to know whose cryptography is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    config.mail.is_on().then(|| Carrier::new(&config.mail, edge.public_url.as_str())).transpose()
}

/// How often the chain of the audit trail is checked.
const WATCH: std::time::Duration = std::time::Duration::from_hours(1);

/// One outgoing client for all connectors.
pub fn client() -> Result<reqwest::Client, StartError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .user_agent(concat!("musubi/", env!("CARGO_PKG_VERSION")))
        .redirect(musubi_sdk::declarative::same_host_redirects())
        .dns_resolver(guard::resolver(Reach::Private, []))
        .connect_timeout(std::time::Duration::from_secs(10))
        .pool_idle_timeout(std::time::Duration::from_secs(30))
        .build()?)
}

/// Name of this process in leases. SQLite has one process, whose leases survive its restart.
fn node_name(db: &Db) -> String {
    match db {
        Db::Sqlite { .. } => "local".to_owned(),
        Db::Postgres(_) => Id::new(Noun::Node).into_string(),
    }
}

fn on_commit(refresher: RefreshHandle, changes: broadcast::Sender<Change>) -> crate::sync::engine::OnCommit {
    Arc::new(move |customers: &HashSet<String>, run_id: &str| {
        if !customers.is_empty() {
            refresher.touch(customers.iter().cloned().collect());
        }
        // Sending to nobody is an error that means nothing.
        if changes.receiver_count() > 0 {
            for id in customers {
                let _ = changes.send(Change::Customer(id.clone()));
            }
            let _ = changes.send(Change::Run(run_id.to_owned()));
            let _ = changes.send(Change::Operations);
        }
    })
}

/// A bound port with a hub behind it.
pub struct Running {
    pub hub: SharedHub,
    pub address: std::net::SocketAddr,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Binds the port, starts everything and answers when requests are taken.
    pub async fn start(mut parts: Parts) -> Result<Self, StartError> {
        let listen = parts.config.server.listen;
        let failed = |source| StartError::Listen { address: listen.to_string(), source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if listen.port() == 0 {
            // A port that the system chose: the address people type follows it.
            let _ = parts.edge.public_url.set_port(Some(address.port()));
        }
        let hub = Hub::assemble(parts).await?;
        hub.start_workers().await?;
        let router = http::server::router(&hub, http::rooms());
        let serving = hub.clone();
        let server = tokio::spawn(async move { http::server::serve(listener, router, &serving).await });
        tracing::info!(%address, "musubi.ready");
        Ok(Self { hub, address, server })
    }

    /// Takes no new requests, finishes the open ones, then the loops.
    pub async fn stop(self) -> Result<(), StartError> {
        self.hub.edge.shutdown.cancel();
        let served = self.server.await;
        self.hub.stop_workers().await;
        match served {
            Ok(result) => result.map_err(StartError::Serve),
            Err(panic) => Err(StartError::Serve(std::io::Error::other(panic))),
        }
    }
}

/// The API of this program, as an OpenAPI 3.1 document.
#[must_use]
pub fn api_description() -> &'static serde_json::Value {
    crate::http::api::openapi::document()
}
