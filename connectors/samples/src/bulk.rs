//! A source of very many orders for benchmarks, in the shape of the sample sales system.
//!
//! An order is a short head (key, number, customer, times) written for each request, and a long
//! tail (state, lines, amounts) out of a few hundred rendered once. So serving costs little more
//! than copying, and memory is 16 bytes an order instead of 600.

use std::io::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::company::{Company, CompanyOptions, draw_lines, net_and_tax, subject};
use crate::rng::Rng;
use crate::sales::{self, KEY_HEADER, ListQuery, Sales, VERSION};
use crate::serve::gate::{Gate, Trouble, error, pass};
use crate::serve::table::{Place, joined};
use crate::serve::{Server, json_body, rendered};

/// How many different tails there are; a prime, so they do not fall in step with customers.
const TAILS: u64 = 499;
/// Orders per customer above which more would say nothing.
const MONTHS: usize = 24;

#[derive(Clone, Debug)]
pub struct BulkOptions {
    pub customers: usize,
    pub orders: usize,
    /// Largest page; above twice this the request is refused with 413.
    pub max_page: usize,
    pub api_key: String,
}

impl Default for BulkOptions {
    fn default() -> Self {
        Self { customers: 2_000, orders: 200_000, max_page: 1_000, api_key: "bulk".to_owned() }
    }
}

#[derive(Debug)]
struct Bulk {
    lists: Sales,
    customer_ids: Vec<u64>,
    tails: Vec<Bytes>,
    /// Every order exactly once, by change time in milliseconds and key.
    places: RwLock<Vec<Place>>,
    max_page: usize,
}

/// The running bulk source; dropping it stops it.
#[derive(Debug)]
pub struct BulkSource {
    bulk: Arc<Bulk>,
    server: Server,
    stop: DropGuard,
}

impl BulkSource {
    pub async fn start(options: BulkOptions) -> std::io::Result<Self> {
        let BulkOptions { customers, orders, max_page, api_key } = options;
        let bulk = Arc::new(Bulk::new(customers, orders, max_page.max(1)));
        let gate = Gate::new(KEY_HEADER, api_key, 0, Trouble::default());
        let stop = CancellationToken::new();
        let router = Router::new()
            .route("/api/v1/ping", get(ping))
            .route("/api/v1/orders", get(list_orders))
            .route("/api/v1/orders/{id}", get(one_order))
            .route("/api/v1/customers", get(list_customers))
            .route("/api/v1/customers/{id}", get(one_customer))
            .layer(middleware::from_fn_with_state(gate, pass))
            .with_state(Arc::clone(&bulk));
        let server = Server::start(0, router, stop.clone()).await?;
        Ok(Self { bulk, server, stop: stop.drop_guard() })
    }

    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Changes this share of the orders (1.0 = one in a hundred), so that the next incremental
    /// pull brings just those. Returns how many.
    pub fn touch(&self, percent: f64) -> usize {
        self.bulk.touch(percent)
    }

    /// An order as it is served, for events in benchmarks. Numbers count from 0.
    #[must_use]
    pub fn order(&self, index: usize) -> Option<Value> {
        let places = self.bulk.places.read().unwrap_or_else(PoisonError::into_inner);
        let place = places.get(index).copied()?;
        drop(places);
        let mut out = Vec::new();
        self.bulk.write_order(&mut out, place);
        serde_json::from_slice(&out).ok()
    }

    pub async fn shutdown(self) {
        drop(self.stop);
        self.server.finished().await;
    }
}

impl Bulk {
    fn new(customers: usize, orders: usize, max_page: usize) -> Self {
        let options = CompanyOptions { customers, months: MONTHS, today: date(2026, 11, 20), seed: 1 };
        let company = Company::customers_only(options);
        // One order every 250 ms up to yesterday: each has a change time of its own.
        let end = crate::clock::now().as_millisecond() - 86_400_000;
        let start = end - orders as i64 * 250;
        Self {
            customer_ids: company.customers.iter().map(|c| c.id).collect(),
            tails: tails(&company),
            lists: Sales::of(&company),
            places: RwLock::new((0..orders as u64).map(|n| (start + n as i64 * 250, n + 1)).collect()),
            max_page,
        }
    }

    /// Key and customer are those of the first day; a change shows in the state and the times.
    fn write_order(&self, out: &mut Vec<u8>, (changed, key): Place) {
        let customer = match self.customer_ids.len() as u64 {
            0 => 0,
            n => self.customer_ids[((key * 7) % n) as usize],
        };
        let day = Timestamp::from_millisecond(changed).unwrap_or(Timestamp::UNIX_EPOCH);
        // Writing into memory cannot fail.
        write!(
            out,
            r#"{{"id":{key},"order_no":"SO-B-{key:07}","customer_id":{customer},"updated_at":"{day:.3}","created_at":"{day:.3}","#
        )
        .ok();
        out.extend_from_slice(&self.tails[(key % self.tails.len() as u64) as usize]);
    }

    fn page(&self, query: &ListQuery) -> Result<Bytes, StatusCode> {
        let (slice, page) = query.slice(self.max_page, self.max_page.saturating_mul(2))?;
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let start = slice.from.map_or(0, |from| places.partition_point(|place| *place < from));
        let matching = &places[start..];
        let first = slice.skip.min(matching.len());
        let last = first.saturating_add(slice.take).min(matching.len());
        let mut out = Vec::with_capacity(64 + (last - first) * 700);
        out.extend_from_slice(br#"{"items":["#);
        for (n, place) in matching[first..last].iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.write_order(&mut out, *place);
        }
        write!(out, r#"],"meta":{{"total":{},"page":{page},"per_page":{}}}}}"#, matching.len(), slice.take).ok();
        Ok(out.into())
    }

    fn touch(&self, percent: f64) -> usize {
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let count = ((places.len() as f64 * percent / 100.0).round().max(0.0) as usize).min(places.len());
        if count == 0 {
            return 0;
        }
        let now = crate::clock::now().as_millisecond().max(places.last().map_or(0, |p| p.0 + 1));
        // Spread over all orders: element n is taken when the running share passes a whole number.
        let all = places.len();
        let mut index = 0;
        let mut changed = Vec::with_capacity(count);
        places.retain(|place| {
            let taken = (index + 1) * count / all > index * count / all;
            index += 1;
            if taken {
                changed.push(place.1);
            }
            !taken
        });
        places.extend(changed.into_iter().map(|key| (now, key)));
        let start = all - count;
        places[start..].sort_unstable();
        count
    }
}

/// Everything of an order after its head, closing brace included.
fn tails(company: &Company) -> Vec<Bytes> {
    let Some(customer) = company.customers.first() else { return vec![Bytes::from_static(b"\"deleted\":false}")] };
    let rng = &mut Rng::new(5);
    (0..TAILS)
        .map(|n| {
            let lines = draw_lines(rng, customer);
            let (net, tax) = net_and_tax(&lines);
            let day = date(2026, 1, 5).saturating_add(jiff::Span::new().days(n as i64 % 300));
            let shown: Vec<Value> = lines.iter().map(sales::line).collect();
            let tail = json!({
                "subject": subject(&lines),
                "ordered_on": day.to_string(),
                "deliver_on": crate::company::plus_days(day, 14).to_string(),
                "state": if n % 9 == 0 { "received" } else { "shipped" },
                "lines": shown,
                "amount_net": net,
                "amount_tax": tax,
                "amount_total": net + tax,
                "deleted": false,
            })
            .to_string();
            Bytes::from(tail).slice(1..)
        })
        .collect()
}

async fn ping() -> Response {
    json_body(rendered(&json!({ "ok": true, "version": VERSION })))
}

async fn list_orders(State(bulk): State<Arc<Bulk>>, Query(query): Query<ListQuery>) -> Response {
    match bulk.page(&query) {
        Ok(body) => json_body(body),
        Err(status) => error(status, "page_too_large", "per_page is too large"),
    }
}

async fn one_order(State(bulk): State<Arc<Bulk>>, Path(id): Path<u64>) -> Response {
    // Linear, and only for the odd re-fetch: keeping an index would double the memory.
    let found = bulk.places.read().unwrap_or_else(PoisonError::into_inner).iter().find(|p| p.1 == id).copied();
    match found {
        Some(place) => {
            let mut out = Vec::new();
            bulk.write_order(&mut out, place);
            json_body(out.into())
        }
        None => error(StatusCode::NOT_FOUND, "not_found", "no such order"),
    }
}

async fn list_customers(State(bulk): State<Arc<Bulk>>, Query(query): Query<ListQuery>) -> Response {
    match query.slice(bulk.max_page, bulk.max_page.saturating_mul(2)) {
        Ok((slice, page)) => {
            let found = bulk.lists.customers.slice(slice);
            let tail = format!(r#"],"meta":{{"total":{},"page":{page},"per_page":{}}}}}"#, found.total, slice.take);
            json_body(joined(r#"{"items":["#, &found.bodies, &tail))
        }
        Err(status) => error(status, "page_too_large", "per_page is too large"),
    }
}

async fn one_customer(State(bulk): State<Arc<Bulk>>, Path(id): Path<u64>) -> Response {
    match bulk.lists.customers.get(id) {
        Some(body) => json_body(body),
        None => error(StatusCode::NOT_FOUND, "not_found", "no such customer"),
    }
}
