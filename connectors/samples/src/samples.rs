//! Starting, driving and stopping both sample systems.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header;
use jiff::civil::Date;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::accounting::{self, Accounting};
use crate::company::{Company, CompanyOptions};
use crate::live::{Created, Live};
use crate::sales::{self, KEY_HEADER, Sales};
use crate::serve::Server;
use crate::serve::gate::{Gate, Trouble};
use crate::webhook::{Answer, Signer, WebhookSender};

/// Keys and secrets of the two systems, as a person would copy them into a connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub sales_api_key: String,
    pub sales_webhook_secret: String,
    pub accounting_token: String,
    /// `whsec_` and base64.
    pub accounting_webhook_secret: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl Credentials {
    /// Fresh random ones.
    pub fn generate() -> std::io::Result<Self> {
        use base64::Engine as _;
        let random = || -> std::io::Result<[u8; 24]> {
            let mut bytes = [0; 24];
            getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
            Ok(bytes)
        };
        Ok(Self {
            sales_api_key: format!("sk_{}", hex::encode(random()?)),
            sales_webhook_secret: hex::encode(random()?),
            accounting_token: format!("at_{}", hex::encode(random()?)),
            accounting_webhook_secret: format!("whsec_{}", base64::prelude::BASE64_STANDARD.encode(random()?)),
        })
    }
}

/// How the samples run.
#[derive(Clone, Debug)]
pub struct SampleOptions {
    pub customers: usize,
    pub months: usize,
    pub today: Date,
    pub seed: u64,
    /// 0 takes a free port.
    pub sales_port: u16,
    pub accounting_port: u16,
    /// How often something new happens; `None`: only on [`RunningSamples::new_order_now`].
    pub order_every: Option<Duration>,
    /// Requests a second each system allows; 0 is no limit.
    pub quota: u32,
    pub trouble: Trouble,
    /// `None` draws fresh ones.
    pub credentials: Option<Credentials>,
}

impl SampleOptions {
    /// The sample company as the first-run page announces it.
    #[must_use]
    pub fn new(today: Date) -> Self {
        Self {
            customers: 240,
            months: 24,
            today,
            seed: 20_261_120,
            sales_port: 0,
            accounting_port: 0,
            order_every: None,
            quota: 50,
            trouble: Trouble::default(),
            credentials: None,
        }
    }
}

/// How many records each list holds now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub customers: usize,
    pub sites: usize,
    pub contacts: usize,
    pub orders: usize,
    pub shipments: usize,
    pub deals: usize,
    pub quotes: usize,
    pub contracts: usize,
    pub inquiries: usize,
    pub partners: usize,
    pub invoices: usize,
    pub payments: usize,
}

/// An order made on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    pub number: String,
    pub customer_code: String,
    /// What the hook said to the first attempt.
    pub answer: Answer,
}

/// The two sample systems.
#[derive(Debug)]
pub struct Samples;

impl Samples {
    /// Generates the company and serves both systems on 127.0.0.1. A TLS provider must have been
    /// installed for reqwest before.
    pub async fn start(options: SampleOptions) -> std::io::Result<RunningSamples> {
        let SampleOptions {
            customers,
            months,
            today,
            seed,
            sales_port,
            accounting_port,
            order_every,
            quota,
            trouble,
            credentials,
        } = options;
        let credentials = match credentials {
            Some(given) => given,
            None => Credentials::generate()?,
        };
        let company =
            Company::generate(CompanyOptions { customers, months, today, seed }).not_after(crate::clock::now());
        let (sales, books) = (Arc::new(Sales::of(&company)), Arc::new(Accounting::of(&company)));
        let stop = CancellationToken::new();

        let gate = Gate::new(KEY_HEADER, credentials.sales_api_key.clone(), quota, trouble);
        let sales_server = Server::start(sales_port, sales::router(Arc::clone(&sales), gate), stop.clone()).await?;
        let bearer = format!("Bearer {}", credentials.accounting_token);
        let gate = Gate::new(header::AUTHORIZATION, bearer, quota, trouble);
        let router = accounting::router(Arc::clone(&books), gate);
        let accounting_server = Server::start(accounting_port, router, stop.clone()).await?;

        let sign = Signer::Sales(credentials.sales_webhook_secret.clone());
        let (sales_hook, sales_worker) = WebhookSender::start(sign, stop.clone())?;
        let sign = Signer::Accounting(credentials.accounting_webhook_secret.clone());
        let (accounting_hook, accounting_worker) = WebhookSender::start(sign, stop.clone())?;
        let live = Arc::new(Live::new(company, today, (sales, books), (sales_hook, accounting_hook)));
        let mut workers = vec![sales_worker, accounting_worker];
        if let Some(every) = order_every {
            workers.push(tokio::spawn(tick(Arc::clone(&live), every, stop.clone())));
        }
        Ok(RunningSamples { live, credentials, sales_server, accounting_server, workers, stop: stop.drop_guard() })
    }
}

async fn tick(live: Arc<Live>, every: Duration, stop: CancellationToken) {
    let every = every.max(Duration::from_millis(1));
    let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0.. {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = clock.tick() => live.step(n),
        }
    }
}

/// Both systems at work. Dropping it stops them too, without waiting.
#[derive(Debug)]
pub struct RunningSamples {
    live: Arc<Live>,
    credentials: Credentials,
    sales_server: Server,
    accounting_server: Server,
    workers: Vec<JoinHandle<()>>,
    stop: DropGuard,
}

impl RunningSamples {
    #[must_use]
    pub fn sales_url(&self) -> String {
        self.sales_server.url()
    }

    #[must_use]
    pub fn accounting_url(&self) -> String {
        self.accounting_server.url()
    }

    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where the sales system sends its events from now on.
    pub fn set_sales_hook(&self, url: impl Into<String>) {
        self.live.sales_hook.set_hook(url.into());
    }

    /// Where accounting sends its events from now on.
    pub fn set_accounting_hook(&self, url: impl Into<String>) {
        self.live.accounting_hook.set_hook(url.into());
    }

    /// Makes an order, sends its event, and waits for the hook's first answer (at most 15 s).
    /// `None` when the company has no customers.
    pub async fn new_order_now(&self) -> Option<NewOrder> {
        Self::answered(self.live.new_order()?).await
    }

    /// As [`Self::new_order_now`], of the customer with a code. `None` when there is no such customer.
    pub async fn new_order_for(&self, code: &str) -> Option<NewOrder> {
        Self::answered(self.live.new_order_for(code)?).await
    }

    async fn answered(created: Created) -> Option<NewOrder> {
        let answer = tokio::time::timeout(Duration::from_secs(15), created.answer).await;
        let answer = answer.ok().and_then(Result::ok).flatten();
        Some(NewOrder { number: created.number, customer_code: created.customer_code, answer })
    }

    /// Ships the order due first and sends `order.updated`.
    pub fn ship_one_now(&self) {
        self.live.ship_one();
    }

    /// Invoices the oldest shipped order and sends `invoice.created`.
    pub fn invoice_one_now(&self) {
        self.live.invoice_one();
    }

    /// Pays the open invoice due first and sends `payment.created`.
    pub fn pay_one_now(&self) {
        self.live.pay_one();
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        let (sales, books) = (&self.live.sales, &self.live.accounting);
        Counts {
            customers: sales.customers.len(),
            sites: sales.sites.len(),
            contacts: sales.contacts.len(),
            orders: sales.orders.len(),
            shipments: sales.shipments.len(),
            deals: sales.deals.len(),
            quotes: sales.quotes.len(),
            contracts: sales.contracts.len(),
            inquiries: sales.inquiries.len(),
            partners: books.partners.len(),
            invoices: books.invoices.len(),
            payments: books.payments.len(),
        }
    }

    pub async fn shutdown(self) {
        let Self { sales_server, accounting_server, workers, stop, .. } = self;
        drop(stop);
        for worker in workers {
            // A worker that panicked has said so already.
            worker.await.ok();
        }
        sales_server.finished().await;
        accounting_server.finished().await;
    }
}
