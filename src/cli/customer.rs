//! `musubi customer …`: find a customer, and its whole history.

use serde_json::{Value, json};

use super::{
    CliError, CliResult, Context, Outcome, cells,
    installation::{Installation, missing},
    output::Part,
};
use crate::{
    analytics::{
        customer::{Overview, overview},
        directory::{Directory, Entry, MatchedOn},
        timeline::{self, Detail, Event, Filter},
    },
    model::{Id, View, ids::Noun, money::Currency},
    store,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Find customers by name, kana, code, phone, registration number or mail domain
    Search {
        /// What to look for
        text: String,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
    },
    /// Show one customer and the newest events of its history
    Show {
        /// Id or exact code
        customer: String,
        /// So many events
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=200))]
        events: u64,
    },
}

pub async fn run(context: &Context, command: Command) -> CliResult {
    let here = Installation::open(context).await?;
    let directory = Directory::load(&here.db).await?;
    match command {
        Command::Search { text, limit } => search(context, &directory, &text, limit as usize),
        Command::Show { customer, events } => show(context, &here, &directory, &customer, events as usize).await,
    }
}

fn search(context: &Context, directory: &Directory, text: &str, limit: usize) -> CliResult {
    let found = directory.suggest(&View::everything(), text, limit);
    let documents: Vec<Value> = found
        .iter()
        .map(|(c, on)| {
            json!({
                "id": c.id, "code": c.code, "name": c.name, "name_kana": c.name_kana, "city": c.city,
                "owner": c.owner, "health": c.health, "currency": c.currency.as_str(), "sales_12m": c.sales_12m,
                "overdue": c.overdue, "last_order": c.last_order, "sample": c.sample, "found_by": on.map(matched),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(c, on)| {
            vec![
                c.code.clone().unwrap_or_default(),
                c.name.clone(),
                c.city.clone().unwrap_or_default(),
                c.owner.clone().unwrap_or_default(),
                c.health.as_str().to_owned(),
                cells::amount(c.sales_12m, c.currency),
                c.last_order.clone().unwrap_or_default(),
                on.map(matched).unwrap_or_default().to_owned(),
                c.id.clone(),
            ]
        })
        .collect();
    let header = ["code", "name", "city", "owner", "health", "sales 12 months", "last order", "found by", "id"];
    context.output.table(&documents, &header, &rows);
    Ok(Outcome::Done)
}

fn matched(on: MatchedOn) -> &'static str {
    match on {
        MatchedOn::Name => "name",
        MatchedOn::Kana => "kana",
        MatchedOn::Code => "code",
        MatchedOn::Phone => "phone",
        MatchedOn::RegistrationNumber => "registration_number",
        MatchedOn::MailDomain => "mail_domain",
        MatchedOn::Contact => "contact",
    }
}

async fn show(context: &Context, here: &Installation, directory: &Directory, named: &str, events: usize) -> CliResult {
    let id = find(directory, named)?;
    let today = here.now().zoned(&here.zone).date();
    let none = || missing("customer", named, None, "musubi customer search TEXT");
    // Whoever has the machine sees everything.
    let seen = store::in_view(&here.db, &View::everything(), &id).await?.ok_or_else(none)?;
    let found = overview(&here.db, directory, &seen, today).await?.ok_or_else(none)?;
    let filter = Filter { limit: events, ..Filter::default() };
    let history = timeline::load(&here.db, &seen, &filter, &here.zone).await?;
    let mut document = serde_json::to_value(&found).map_err(anyhow::Error::from)?;
    document["history"] = serde_json::to_value(&history).map_err(anyhow::Error::from)?;
    context.output.parts(&document, &parts(&found, &history.events, here));
    Ok(Outcome::Done)
}

/// An id stands for itself, also one that was merged away; a code for the one customer that has it.
fn find(directory: &Directory, named: &str) -> Result<String, CliError> {
    if Id::parse(Noun::Customer, named).is_some() {
        return Ok(named.to_owned());
    }
    let found = directory.suggest(&View::everything(), named, 50);
    let exact = |(c, on): &&(Entry, Option<MatchedOn>)| {
        c.name == named || c.code.as_deref() == Some(named) || *on == Some(MatchedOn::Code) && found.len() == 1
    };
    let hits: Vec<&Entry> = found.iter().filter(exact).map(|(c, _)| c).collect();
    match hits.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => {
            let near = found.first().map(|(c, _)| c.code.clone().unwrap_or_else(|| c.id.clone()));
            Err(missing("customer", named, near.as_deref(), "musubi customer search TEXT"))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|c| c.id.as_str()).collect();
            Err(CliError::Usage(format!("\"{named}\" is several customers: {}", ids.join(", "))))
        }
    }
}

fn parts(c: &Overview, events: &[Event], here: &Installation) -> Vec<Part> {
    let f = &c.figures;
    let amount = |minor: i64| cells::amount(minor, f.currency);
    let about = Part::values(vec![
        ("id", c.id.clone()),
        ("code", c.code.clone().unwrap_or_default()),
        ("name", c.name.clone()),
        ("kana", c.name_kana.clone().unwrap_or_default()),
        ("city", c.city.clone().unwrap_or_default()),
        ("owner", [c.department.clone(), c.owner.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ")),
        ("health", f.health.as_str().to_owned()),
        ("sales, 12 months", amount(f.sales_12m)),
        ("sales, 12 months before", amount(f.sales_prev_12m)),
        ("orders, 12 months", f.orders_12m.to_string()),
        ("receivable", amount(f.receivable)),
        ("overdue", amount(f.overdue)),
        ("last contact", f.last_contact.clone().unwrap_or_default()),
    ]);
    let source = |name: &str| if name.is_empty() { "Musubi".to_owned() } else { name.to_owned() };
    let master = c.master.iter().map(|v| {
        let losing: Vec<String> = v.losing.iter().map(|(s, value)| format!("{}: {value}", s.name)).collect();
        vec![v.field.clone(), v.value.to_string(), source(&v.source.name), v.why.clone(), losing.join("; ")]
    });
    let fresh = c.freshness.iter().map(|s| {
        let at = cells::time(s.last_ok_at.map(|at| at.0), &here.zone);
        vec![s.source.name.clone(), at, if s.stale { "late".to_owned() } else { String::new() }]
    });
    vec![
        about,
        Part {
            title: "Master record",
            header: &["field", "value", "from", "why", "others say"],
            rows: master.collect(),
        },
        Part { title: "Sources", header: &["connection", "complete as of", ""], rows: fresh.collect() },
        Part {
            title: "History, newest first",
            header: &["date", "event", "number or subject", "amount", "", "from", "id"],
            rows: events.iter().map(event).collect(),
        },
    ]
}

fn event(e: &Event) -> Vec<String> {
    let (word, detail) = match &e.detail {
        Detail::Order { first_line, status, .. } => ("order", join([Some(status.clone()), first_line.clone()])),
        Detail::Shipment { first_line, status, orders, .. } => (
            "shipment",
            join([Some(status.clone()), Some(orders.join(" ")).filter(|o| !o.is_empty()).or(first_line.clone())]),
        ),
        Detail::Invoice { status, due_date, corrects, .. } => {
            let word =
                if corrects.is_some() || e.kind == timeline::Kind::CreditNote { "credit note" } else { "invoice" };
            (word, join([Some(status.clone()), due_date.as_ref().map(|due| format!("due {due}"))]))
        }
        Detail::Payment { method, invoices } => ("payment", join([method.clone(), Some(invoices.join(" "))])),
        Detail::Deal { status, stage, .. } => ("deal", join([Some(status.clone()), stage.clone()])),
        Detail::Quote { status, first_line, .. } => ("quote", join([Some(status.clone()), first_line.clone()])),
        Detail::Contract { number, status, .. } => ("contract", join([Some(status.clone()), Some(number.clone())])),
        Detail::Inquiry { channel, status, .. } => ("inquiry", join([Some(status.clone()), Some(channel.clone())])),
        Detail::Activity { activity, actor, .. } => (activity.as_str(), actor.clone()),
        Detail::MasterChange { created: true, .. } => ("created", String::new()),
        Detail::MasterChange { changes, .. } => {
            ("changed", changes.iter().map(|(field, _, _)| field.as_str()).collect::<Vec<_>>().join(" "))
        }
    };
    let amount = |currency: Currency| e.amount.map(|minor| cells::amount(minor, currency)).unwrap_or_default();
    let source = if e.source.name.is_empty() { "Musubi".to_owned() } else { e.source.name.clone() };
    vec![e.date.clone(), word.to_owned(), e.title.clone(), amount(e.currency), detail, source, e.id.clone()]
}

fn join(parts: [Option<String>; 2]) -> String {
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}
