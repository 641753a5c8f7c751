//! One customer: the page, its stream, one event of the history, recording an activity.

use axum::{
    Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    ShellOf,
    outcome::{Act, conclude, seen},
};
use crate::{
    analytics::{
        customer::{self, Contradiction},
        past,
        timeline::{self, Detail, Document, Event, Filter, Kind},
    },
    app::{Change, Hub, SharedHub},
    http::{
        AppError,
        console::{
            Section, Shell,
            view::{
                Page,
                activity::{ActivityForm, ActivityPage},
                customer::{Conflict, CustomerPage, HistoryQuery},
                customer_past::PastPage,
                event::{EventPage, Line, Lineage, Tax},
            },
        },
    },
    identity::{Action, Origin},
    master::activity::{self, ActivityError, NewActivity},
    model::Date,
    store::{self, InView},
};

pub async fn page(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
) -> Result<Response, AppError> {
    of.me.require(Action::ViewCustomers)?;
    let today = of.shell.today();
    let query = HistoryQuery::parse(&of.query);
    let filter = query.filter();
    let customer = seen_by(&hub, &of, &id).await?;
    if customer.id() != id {
        return Ok(Redirect::to(&format!("/customers/{}?merged={id}", customer.id())).into_response());
    }
    if let Some(at) = asked(&of, "at") {
        return past(&hub, of, &origin, &customer, &at).await;
    }
    // Side by side: both are several questions to the database, and the reader waits for the slower only.
    let (overview, timeline, conflicts) = tokio::try_join!(
        customer::overview(&hub.db, &hub.directory, &customer, today),
        timeline::load(&hub.db, &customer, &filter, &of.shell.zone),
        customer::conflicts(&hub.db, &customer)
    )?;
    let overview = overview.ok_or(AppError::NotFound)?;
    seen(&hub, &of, &origin, &id);
    let view = CustomerPage {
        guide: asked(&of, "guide").is_some(),
        merged_from: asked(&of, "merged").filter(|from| from.starts_with("cus_")),
        activity: form(&of.shell, &customer),
        conflicts: conflicts.into_iter().map(|c| conflict(&hub, c)).collect(),
        overview,
        timeline,
        query,
    };
    Ok(view.render(&of.at(Section::Customers)).into_response())
}

fn asked(of: &ShellOf, name: &str) -> Option<String> {
    url::form_urlencoded::parse(of.query.as_bytes()).find(|(key, _)| key == name).map(|(_, v)| v.into_owned())
}

/// The customer as the hub knew it at a time. A time that cannot be read shows now, and says so.
async fn past(hub: &Hub, of: ShellOf, origin: &Origin, customer: &InView, at: &str) -> Result<Response, AppError> {
    let read = crate::http::moment::read(at, &of.shell.zone);
    let at = read.unwrap_or(of.shell.now).min(of.shell.now);
    let today = of.shell.today();
    let (past, overview) = tokio::try_join!(
        past::past(&hub.db, customer, at, hub.currency),
        customer::overview(&hub.db, &hub.directory, customer, today)
    )?;
    let overview = overview.ok_or(AppError::NotFound)?;
    seen(hub, &of, origin, customer.id());
    let view = PastPage {
        id: overview.id,
        name: overview.name,
        at,
        past,
        now: overview.master.into_iter().map(|value| (value.field, value.value)).collect(),
        wrong: read.is_none(),
    };
    let status = if view.wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, view.render(&of.at(Section::Customers))).into_response())
}

/// The customer, if the reader sees it; else it is not there.
pub(super) async fn seen_by(hub: &Hub, of: &ShellOf, id: &str) -> Result<InView, AppError> {
    store::in_view(&hub.db, &of.me.view, id).await?.ok_or(AppError::NotFound)
}

fn conflict(hub: &Hub, c: Contradiction) -> Conflict {
    let live = c.connection_id.as_deref().and_then(|id| hub.registry.get(id));
    Conflict {
        field: c.field,
        typed: c.typed,
        actor: c.actor,
        typed_at: c.typed_at,
        said: c.said,
        source: live.map(|live| (live.row.kind.clone(), live.row.name.clone())),
        at: c.at,
        typed_won: c.typed_won,
    }
}

pub async fn stream(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
) -> Result<impl IntoResponse, AppError> {
    of.me.require(Action::ViewCustomers)?;
    let id = seen_by(&hub, &of, &id).await?.id().to_owned();
    Ok(super::changes(&hub, move |change| matches!(change, Change::Customer(changed) if *changed == id)))
}

fn form(shell: &Shell, customer: &InView) -> ActivityForm {
    ActivityForm {
        customer_id: customer.id().to_owned(),
        customer_name: customer.name().to_owned(),
        date: shell.today().to_string(),
        idempotency_key: uuid::Uuid::now_v7().to_string(),
        ..ActivityForm::default()
    }
}

pub async fn new_activity(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
) -> Result<Html<String>, AppError> {
    of.me.require(Action::RecordActivity)?;
    let customer = seen_by(&hub, &of, &id).await?;
    let view = ActivityPage { activity: form(&of.shell, &customer) };
    Ok(view.render(&of.at(Section::Customers)))
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct ActivityPost {
    kind: String,
    subject: String,
    note: String,
    date: String,
    idempotency_key: String,
}

pub async fn record_activity(
    State(hub): State<SharedHub>,
    Path(id): Path<String>,
    of: ShellOf,
    origin: Origin,
    Form(post): Form<ActivityPost>,
) -> Result<Response, AppError> {
    of.me.require(Action::RecordActivity)?;
    let customer = seen_by(&hub, &of, &id).await?;
    let id = customer.id().to_owned();
    let name = customer.name().to_owned();
    let ActivityPost { kind, subject, note, date, idempotency_key } = post;
    let wrong = match Date::parse(&date) {
        None => ("date", "DATE_INVALID"),
        Some(day) => {
            let new = NewActivity {
                customer,
                kind: kind.clone(),
                subject: subject.clone(),
                note: note.clone(),
                date: day,
                key: uuid::Uuid::parse_str(&idempotency_key).ok().filter(|key| key.get_version_num() == 7),
            };
            match record(&hub, new, &of, &origin).await {
                Ok(()) => return Ok(super::done(&format!("/customers/{id}"), "recorded", None)),
                Err(ActivityError::Invalid { field, code: "REQ_EMPTY" }) => (field, "REQUIRED"),
                Err(ActivityError::Invalid { field, code }) => (field, code),
                Err(ActivityError::UnknownCustomer) => return Err(AppError::NotFound),
                Err(ActivityError::Store(error)) => return Err(error.into()),
            }
        }
    };
    let errors = vec![(wrong.0.to_owned(), wrong.1.to_owned())];
    let activity =
        ActivityForm { customer_id: id, customer_name: name, kind, subject, note, date, idempotency_key, errors };
    let view = ActivityPage { activity };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&of.at(Section::Customers))).into_response())
}

async fn record(hub: &Hub, new: NewActivity, of: &ShellOf, origin: &Origin) -> Result<(), ActivityError> {
    let customer = new.customer.id().to_owned();
    let mut tx = hub.db.begin().await?;
    activity::record(&mut tx, new, &of.me.name, hub.clock.now()).await?;
    conclude(tx, Act::on(&of.me, origin, "customer.activity", "customer", &customer), hub.clock.now()).await?;
    hub.refresher.touch(vec![customer.clone()]);
    // Nobody listening is no error.
    let _ = hub.changes.send(Change::Customer(customer));
    Ok(())
}

pub async fn event(
    State(hub): State<SharedHub>,
    Path((id, event)): Path<(String, String)>,
    of: ShellOf,
    origin: Origin,
) -> Result<Html<String>, AppError> {
    of.me.require(Action::ViewCustomers)?;
    let customer = seen_by(&hub, &of, &id).await?;
    let view = match timeline::event(&hub.db, &customer, &event).await? {
        Some(document) => document_page(&of.shell, document, customer.name().to_owned()),
        None => plain_page(find(&hub, &of.shell, &customer, &event).await?, &customer),
    };
    seen(&hub, &of, &origin, &view.customer_id);
    Ok(view.render(&of.at(Section::Customers)))
}

/// Activities and master changes have no document: they are found in the history itself.
async fn find(hub: &Hub, shell: &Shell, customer: &InView, event: &str) -> Result<Event, AppError> {
    let mut after = None;
    for _ in 0..20 {
        let filter = Filter { kinds: vec![Kind::Activity, Kind::MasterChange], after, limit: 200, ..Filter::default() };
        let page = timeline::load(&hub.db, customer, &filter, &shell.zone).await?;
        if let Some(found) = page.events.into_iter().find(|one| one.id == event) {
            return Ok(found);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Err(AppError::NotFound)
}

fn plain_page(event: Event, customer: &InView) -> EventPage {
    let fields = match &event.detail {
        Detail::Activity { note, actor, .. } => {
            let note = note.clone().map(|note| ("note".to_owned(), note));
            [Some(("actor".to_owned(), actor.clone())), note].into_iter().flatten().collect()
        }
        _ => vec![],
    };
    let lineage = Lineage { received_at: event.at, versions: 1, ..Lineage::default() };
    EventPage {
        customer_id: customer.id().to_owned(),
        customer_name: customer.name().to_owned(),
        event,
        fields,
        lines: vec![],
        taxes: vec![],
        net: None,
        total: None,
        lineage,
        related: vec![],
        edit: None,
    }
}

fn document_page(shell: &Shell, document: Document, customer_name: String) -> EventPage {
    let day = |date: &Option<String>| date.as_deref().map(|date| shell.day_full(date));
    let status = document.status.as_deref().map(|status| {
        let words = match document.kind {
            Kind::Order => "order_status",
            Kind::Shipment => "shipment_status",
            Kind::Deal => "deal_status",
            Kind::Quote => "quote_status",
            Kind::Contract => "contract_status",
            Kind::Inquiry => "inquiry_status",
            _ => "invoice_status",
        };
        shell.word(words, status).to_owned()
    });
    let fields = [
        ("number", document.number.clone()),
        ("status", status),
        ("stage", document.stage.clone()),
        ("probability", document.probability.map(|percent| format!("{percent}%"))),
        ("subject", document.subject.clone()),
        ("valid_until", day(&document.valid_until)),
        ("expected_date", day(&document.expected_date)),
        ("closed_date", day(&document.closed_date)),
        ("end_date", day(&document.end_date)),
        ("reason", document.reason.clone()),
        ("renewal", document.renewal.as_deref().map(|how| shell.word("contract_renewal", how).to_owned())),
        ("channel", document.channel.as_deref().map(|how| shell.word("inquiry_channel", how).to_owned())),
        ("answered_at", document.answered_at.map(|at| shell.at_text(at))),
        ("owner", document.owner.clone()),
        ("note", document.note.clone()),
        ("delivery_date", day(&document.delivery_date)),
        ("closing_date", day(&document.closing_date)),
        ("due_date", day(&document.due_date)),
        ("ship_to", document.ship_to.clone()),
        ("bill_to", document.bill_to.clone().map(|(_, name)| name)),
        ("registration_number", document.registration_number.clone()),
        ("method", document.method.as_deref().map(|method| shell.word("payment_method", method).to_owned())),
        ("carrier", document.carrier.clone()),
        ("tracking", document.tracking.clone()),
        ("corrects", document.corrects.clone()),
    ];
    let deals = document.deals.iter().map(|r| ("event.deal", r));
    let quotes = document.quotes.iter().map(|r| ("event.quote", r));
    let orders = document.orders.iter().map(|r| ("event.order", r));
    let shipments = document.shipments.iter().map(|r| ("event.shipment", r));
    let invoices = document.invoices.iter().map(|r| ("event.invoice", r));
    let other = if document.kind == Kind::Payment { "event.invoice" } else { "event.payment" };
    let paid = document.allocations.iter().map(|a| (other, &a.document));
    let related = deals
        .chain(quotes)
        .chain(orders)
        .chain(shipments)
        .chain(invoices)
        .chain(paid)
        .filter_map(|(key, r)| Some((shell.f1(key, &r.number), r.id.clone()?)))
        .collect();
    EventPage {
        edit: edit_of(shell, &document),
        customer_id: document.customer_id.clone(),
        customer_name,
        fields: fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect(),
        related,
        lineage: Lineage {
            run_id: document.run_id.clone(),
            run_number: document.run_number,
            received_at: Some(document.received_at),
            external_id: document.external_id.clone(),
            versions: document.seq,
        },
        net: document.net,
        total: document.total,
        taxes: document.taxes.iter().map(|t| Tax { rate: t.rate.clone(), taxable: t.taxable, tax: t.tax }).collect(),
        lines: document.lines.iter().map(line).collect(),
        event: event_of(document),
    }
}

/// Where a record that was typed here is changed, if the reader may.
fn edit_of(shell: &Shell, document: &Document) -> Option<String> {
    let noun = match document.kind {
        Kind::Contract if shell.may_edit() => "contracts",
        Kind::Inquiry if shell.may_record() => "inquiries",
        _ => return None,
    };
    let typed = document.source.connection_id.is_none() && document.deleted_at.is_none();
    typed.then(|| format!("/customers/{}/{noun}/{}", document.customer_id, document.id))
}

fn line(line: &timeline::Line) -> Line {
    Line {
        code: line.product_code.clone(),
        description: line.description.clone(),
        quantity: line.quantity.clone(),
        unit: line.unit.clone(),
        unit_price: line.unit_price.clone(),
        amount: line.amount,
        tax_rate: line.tax_rate.clone(),
    }
}

/// The document as its line in the history, for the head of the page.
fn event_of(document: Document) -> Event {
    let status = document.status.clone().unwrap_or_else(|| "open".to_owned());
    let quantity = document
        .lines
        .first()
        .and_then(|line| Some(format!("{}{}", line.quantity.as_deref()?, line.unit.as_deref().unwrap_or_default())));
    let first_line = document.lines.first().map(|line| line.description.clone());
    let more_lines = i64::try_from(document.lines.len().saturating_sub(1)).unwrap_or(0);
    let detail = match document.kind {
        Kind::Deal => Detail::Deal {
            status,
            stage: document.stage.clone(),
            probability: document.probability,
            expected_date: document.expected_date.clone(),
            moved: false,
        },
        Kind::Quote => {
            Detail::Quote { first_line, quantity, more_lines, valid_until: document.valid_until.clone(), status }
        }
        Kind::Contract => Detail::Contract {
            number: document.number.clone().unwrap_or_default(),
            end_date: document.end_date.clone(),
            status,
        },
        Kind::Inquiry => Detail::Inquiry {
            channel: document.channel.clone().unwrap_or_default(),
            status,
            note: None,
            owner: document.owner.clone(),
        },
        Kind::Order => {
            Detail::Order { first_line, quantity, more_lines, delivery_date: document.delivery_date.clone(), status }
        }
        Kind::Shipment => Detail::Shipment {
            first_line,
            quantity,
            more_lines,
            carrier: document.carrier.clone(),
            status,
            orders: document.orders.iter().map(|order| order.number.clone()).collect(),
        },
        Kind::Payment => Detail::Payment {
            method: document.method.clone(),
            invoices: document.allocations.iter().map(|a| a.document.number.clone()).collect(),
        },
        _ => Detail::Invoice {
            closing_date: document.closing_date.clone(),
            due_date: document.due_date.clone(),
            qualified: document.registration_number.is_some(),
            status,
            corrects: document.corrects.clone(),
        },
    };
    let credit = document.kind == Kind::CreditNote;
    let named = matches!(document.kind, Kind::Deal | Kind::Contract | Kind::Inquiry);
    let title = if named { document.subject } else { document.number };
    Event {
        kind: document.kind,
        date: document.date,
        at: document.occurred_at,
        source: document.source,
        title: title.or(document.external_id).unwrap_or_default(),
        amount: document.total.map(|total| if credit { -total.abs() } else { total }),
        currency: document.currency,
        id: document.id,
        detail,
    }
}
