//! Documents, sites and contacts: owned by their source, attached to a customer of the master. Products
//! are owned by their source too, and attached to nobody.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    matching::fold,
    model::{
        Id,
        ids::Noun,
        record::{Canonical, Kind, Order, Quote, Shipment},
    },
    store::{
        StoreError, Tx, contract, customer, deal,
        deal::QuoteRow,
        document,
        document::{Head, OrderRow},
        late_reference, parked, product,
        product::ProductRow,
        shipment,
        shipment::ShipmentRow,
        source_record, version,
    },
};

use super::{
    announce::{self, Fact},
    customers,
    ingest::{Chunk, Fresh, Outcome},
    sales,
};

fn noun(kind: Kind) -> Noun {
    match kind {
        Kind::Customer => Noun::Customer,
        Kind::Site => Noun::Site,
        Kind::Contact => Noun::Contact,
        Kind::Product => Noun::Product,
        Kind::Deal => Noun::Deal,
        Kind::Quote => Noun::Quote,
        Kind::Order => Noun::Order,
        Kind::Shipment => Noun::Shipment,
        Kind::Invoice => Noun::Invoice,
        Kind::Payment => Noun::Payment,
        Kind::Contract => Noun::Contract,
        Kind::Inquiry => Noun::Inquiry,
    }
}

/// Sites and contacts leave the tables when they go: only their versions still say whose they were.
fn is_partner(kind: Kind) -> bool {
    matches!(kind, Kind::Site | Kind::Contact)
}

/// A fresh record whose customer is known, or that has none.
struct Placed<'a> {
    fresh: &'a Fresh<'a>,
    record: &'a Canonical,
    id: String,
    customer_id: Option<&'a str>,
}

/// Returns the keys of the records that wait for their customer.
pub(super) async fn apply(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    fresh: &[Fresh<'_>],
    outcome: &mut Outcome,
) -> Result<HashSet<String>, StoreError> {
    if fresh.is_empty() {
        return Ok(HashSet::new());
    }
    let references = References::load(tx, chunk, fresh).await?;
    let (placed, homeless) = place(chunk, fresh, &references);
    park(tx, chunk, &homeless, outcome).await?;
    for p in &placed {
        if p.fresh.seq() > 1 {
            outcome.updated += 1
        } else {
            outcome.new += 1
        }
        outcome.customers.extend(p.customer_id.map(str::to_owned));
    }
    remember(tx, chunk, &placed).await?;
    write_rows(tx, chunk, &placed, &references).await?;
    fill_late(tx, chunk, &placed, outcome).await?;
    if chunk.kind == Kind::Order {
        let new = placed.iter().filter(|p| p.fresh.seq() == 1).filter_map(|p| p.customer_id);
        customers::convert(tx, chunk, &new.collect()).await?;
    }
    write_versions(tx, chunk, &placed).await?;
    Ok(homeless.iter().map(|(f, _)| f.incoming.external_id.clone()).collect())
}

/// What named these records before they came.
async fn fill_late(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    placed: &[Placed<'_>],
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let keys = placed.iter().map(|p| p.fresh.incoming.external_id.as_str());
    let connection = &chunk.origin.connection_id;
    let streams = chunk.origin.streams_of(chunk.kind);
    let customers = match chunk.kind {
        Kind::Site => late_reference::fill_ship_to(tx, connection, &streams, keys).await?,
        Kind::Deal => late_reference::fill_deal(tx, connection, &streams, keys).await?,
        _ => return Ok(()),
    };
    outcome.customers.extend(customers);
    Ok(())
}

/// Customers, sites and deals that the records of a chunk refer to, by their source's keys.
struct References {
    customers: HashMap<String, String>,
    sites: HashMap<String, String>,
    deals: HashMap<String, String>,
}

impl References {
    async fn load(tx: &mut Tx, chunk: &Chunk<'_>, fresh: &[Fresh<'_>]) -> Result<Self, StoreError> {
        let origin = chunk.origin;
        let mut keys: BTreeSet<&str> = BTreeSet::new();
        let (mut site_keys, mut deal_keys) = (BTreeSet::new(), BTreeSet::new());
        for record in fresh.iter().filter_map(|f| f.incoming.record.as_ref()) {
            keys.extend(record.customer());
            match record {
                Canonical::Order(order) => {
                    keys.extend(order.bill_to.as_deref());
                    site_keys.extend(order.ship_to.as_deref());
                }
                Canonical::Shipment(shipment) => site_keys.extend(shipment.ship_to.as_deref()),
                Canonical::Quote(quote) => deal_keys.extend(quote.deal.as_deref()),
                _ => {}
            }
        }
        let streams = origin.streams_of(Kind::Customer);
        let mut customers = source_record::resolve(tx, &origin.connection_id, &streams, keys.iter().copied()).await?;
        // Sources often refer to customers by 得意先コード instead of their internal key.
        let unknown: Vec<&str> = keys.iter().copied().filter(|k| !customers.contains_key(*k)).collect();
        if !unknown.is_empty() {
            let systems = [origin.connection_id.clone()];
            for ((_, code), id) in customer::by_codes(tx, &systems, unknown.into_iter()).await? {
                customers.insert(code, id);
            }
        }
        // Sheets name customers that other systems brought by the hub's own id.
        if origin.kind == "sheet" {
            let ours = keys.iter().copied().filter(|k| !customers.contains_key(*k));
            let ours: Vec<&str> = ours.filter(|k| Id::parse(Noun::Customer, k).is_some()).collect();
            let rows = customer::by_ids(&mut *tx, ours.into_iter()).await?;
            customers.extend(rows.into_values().filter(|r| r.merged_into.is_none()).map(|r| (r.id.clone(), r.id)));
        }
        let sites = resolved(tx, chunk, Kind::Site, site_keys).await?;
        let deals = resolved(tx, chunk, Kind::Deal, deal_keys).await?;
        Ok(Self { customers, sites, deals })
    }
}

/// Records of another kind from the same source, by its keys.
async fn resolved(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    kind: Kind,
    keys: BTreeSet<&str>,
) -> Result<HashMap<String, String>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let streams = chunk.origin.streams_of(kind);
    source_record::resolve(tx, &chunk.origin.connection_id, &streams, keys.into_iter()).await
}

type Homeless<'a> = (&'a Fresh<'a>, &'a str);

fn place<'a>(
    chunk: &Chunk<'_>,
    fresh: &'a [Fresh<'a>],
    references: &'a References,
) -> (Vec<Placed<'a>>, Vec<Homeless<'a>>) {
    let mut placed = Vec::with_capacity(fresh.len());
    let mut homeless = Vec::new();
    for f in fresh {
        let Some(record) = &f.incoming.record else { continue };
        let customer_id = match record.customer() {
            Some(key) => match references.customers.get(key) {
                Some(id) => Some(id.as_str()),
                None => {
                    homeless.push((f, key));
                    continue;
                }
            },
            None => None,
        };
        let id = match &f.known {
            Some(known) => known.record_id.clone(),
            None => Id::new(noun(chunk.kind)).into_string(),
        };
        placed.push(Placed { fresh: f, record, id, customer_id });
    }
    (placed, homeless)
}

async fn park(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    homeless: &[Homeless<'_>],
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    if homeless.is_empty() {
        return Ok(());
    }
    outcome.parked += homeless.len() as i64;
    outcome.missing.extend(homeless.iter().map(|(_, key)| (*key).to_owned()));
    let rows = homeless.iter().map(|(f, key)| parked::Parked {
        stream: chunk.stream.to_owned(),
        external_id: f.incoming.external_id.clone(),
        waits_for: (*key).to_owned(),
        payload: f.incoming.payload.clone(),
        canonical: f.incoming.canonical.clone(),
        source_version: f.incoming.version,
        run_id: chunk.run_id.map(str::to_owned),
    });
    parked::put(tx, &chunk.origin.connection_id, chunk.now, rows).await
}

async fn remember(tx: &mut Tx, chunk: &Chunk<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let entries = placed.iter().map(|p| source_record::Entry {
        external_id: &p.fresh.incoming.external_id,
        record_id: &p.id,
        content_hash: &p.fresh.incoming.hash,
        source_version: p.fresh.version(),
        seq: p.fresh.seq(),
        // The body of a document is its current version: it has one source only.
        body: None,
        deleted_at: None,
    });
    source_record::put(tx, &chunk.origin.connection_id, chunk.stream, chunk.now, entries).await
}

async fn write_rows(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    placed: &[Placed<'_>],
    references: &References,
) -> Result<(), StoreError> {
    let mut products = Vec::new();
    let (mut deals, mut quotes) = (Vec::new(), Vec::new());
    let mut orders = Vec::new();
    let mut shipments = Vec::new();
    let mut invoices = Vec::new();
    let mut payments = Vec::new();
    let mut sites = Vec::new();
    let mut contacts = Vec::new();
    let (mut contracts, mut inquiries) = (Vec::new(), Vec::new());
    for p in placed {
        let (connection_id, external_id) = (&chunk.origin.connection_id, &p.fresh.incoming.external_id);
        let (seq, now) = (p.fresh.seq(), chunk.now);
        if let Canonical::Product(product) = p.record {
            let find = fold::product_key(&product.code, &product.name);
            products.push(ProductRow { id: &p.id, connection_id, external_id, seq, now, product, find });
        }
        let Some(customer_id) = p.customer_id else { continue };
        let head = Head { id: &p.id, customer_id, connection_id, external_id, seq, now };
        match p.record {
            Canonical::Deal(deal) => deals.push(sales::Came { head, deal, version: p.fresh.incoming.version }),
            Canonical::Quote(quote) => quotes.push((head, quote_row(quote, references))),
            Canonical::Order(order) => orders.push((head, order_row(order, references))),
            Canonical::Shipment(shipment) => shipments.push((head, shipment_row(shipment, references))),
            Canonical::Invoice(invoice) => invoices.push((head, &**invoice)),
            Canonical::Payment(payment) => payments.push((head, &**payment)),
            Canonical::Site(site) => sites.push((head, &**site)),
            Canonical::Contact(contact) => contacts.push((head, &**contact)),
            Canonical::Contract(contract) => contracts.push(((&head).into(), &**contract)),
            Canonical::Inquiry(inquiry) => inquiries.push(((&head).into(), &**inquiry)),
            Canonical::Customer(_) | Canonical::Product(_) => {}
        }
    }
    product::put(tx, &products).await?;
    sales::write(tx, deals).await?;
    deal::put_quotes(tx, &quotes).await?;
    document::put_orders(tx, &orders).await?;
    shipment::put(tx, &shipments).await?;
    document::put_invoices(tx, &invoices).await?;
    document::put_payments(tx, &payments).await?;
    document::put_sites(tx, &sites).await?;
    document::put_contacts(tx, &contacts).await?;
    contract::put(tx, &contracts).await?;
    contract::put_inquiries(tx, &inquiries).await
}

fn order_row<'a>(order: &'a Order, references: &'a References) -> OrderRow<'a> {
    let lookup = |map: &'a HashMap<String, String>, key: &Option<String>| {
        key.as_ref().and_then(|k| map.get(k)).map(String::as_str)
    };
    OrderRow {
        order,
        bill_to: lookup(&references.customers, &order.bill_to),
        ship_to: lookup(&references.sites, &order.ship_to),
    }
}

fn quote_row<'a>(quote: &'a Quote, references: &'a References) -> QuoteRow<'a> {
    let deal = quote.deal.as_ref().and_then(|key| references.deals.get(key)).map(String::as_str);
    QuoteRow { quote, deal }
}

fn shipment_row<'a>(shipment: &'a Shipment, references: &'a References) -> ShipmentRow<'a> {
    let ship_to = shipment.ship_to.as_ref().and_then(|key| references.sites.get(key)).map(String::as_str);
    ShipmentRow { shipment, ship_to }
}

async fn write_versions(tx: &mut Tx, chunk: &Chunk<'_>, placed: &[Placed<'_>]) -> Result<(), StoreError> {
    let facts = placed.iter().map(|p| Fact {
        version: version::NewVersion {
            record_id: &p.id,
            seq: p.fresh.seq(),
            customer_id: p.customer_id.filter(|_| is_partner(chunk.kind)),
            effective_at: p.fresh.incoming.version,
            connection_id: Some(&chunk.origin.connection_id),
            actor: None,
            run_id: chunk.run_id,
            reason: if p.fresh.seq() == 1 { "created" } else { "source" },
            body: p.fresh.incoming.canonical.clone(),
        },
        customer_id: p.customer_id,
        sample: chunk.origin.sample,
    });
    announce::versions(tx, chunk.now, facts.collect()).await
}

/// Records that were deleted before they came: a state from before the deletion may still be on its
/// way and must not bring them to life.
async fn remember_unseen(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    gone: &[Fresh<'_>],
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    let unseen: Vec<(&Fresh<'_>, Id)> =
        gone.iter().filter(|f| f.known.is_none()).map(|f| (f, Id::new(noun(chunk.kind)))).collect();
    outcome.unchanged += unseen.len() as i64;
    let entries = unseen.iter().map(|(f, id)| source_record::Entry {
        external_id: &f.incoming.external_id,
        record_id: id.as_str(),
        content_hash: &[],
        source_version: f.incoming.version,
        seq: 0,
        body: None,
        deleted_at: Some(chunk.now),
    });
    source_record::put(tx, &chunk.origin.connection_id, chunk.stream, chunk.now, entries).await
}

/// A source said that records are gone. Documents stay, marked; a customer stays untouched, only its
/// source is closed; sites and contacts leave the customer's page. Versions keep every last state.
pub(super) async fn tombstone(
    tx: &mut Tx,
    chunk: &Chunk<'_>,
    gone: &[Fresh<'_>],
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    remember_unseen(tx, chunk, gone, outcome).await?;
    let known: Vec<(&Fresh<'_>, &source_record::Known)> =
        gone.iter().filter_map(|f| f.known.as_ref().map(|k| (f, k))).collect();
    if known.is_empty() {
        return Ok(());
    }
    outcome.updated += known.len() as i64;
    let ids: Vec<&str> = known.iter().map(|(_, k)| k.record_id.as_str()).collect();
    let customers: HashMap<String, String> = match chunk.kind {
        Kind::Product => {
            product::mark_deleted(tx, &ids, chunk.now).await?;
            HashMap::new()
        }
        Kind::Shipment => document::mark_deleted(tx, "shipment", &ids, chunk.now).await?,
        Kind::Deal => deal::mark_deleted(tx, &ids, chunk.now).await?,
        Kind::Quote => document::mark_deleted(tx, "quote", &ids, chunk.now).await?,
        Kind::Contract => document::mark_deleted(tx, "contract", &ids, chunk.now).await?,
        Kind::Inquiry => document::mark_deleted(tx, "inquiry", &ids, chunk.now).await?,
        Kind::Order => document::mark_deleted(tx, "sales_order", &ids, chunk.now).await?,
        Kind::Invoice => document::mark_deleted(tx, "invoice", &ids, chunk.now).await?,
        Kind::Payment => document::mark_deleted(tx, "payment", &ids, chunk.now).await?,
        Kind::Site => document::remove(tx, "site", &ids).await?,
        Kind::Contact => document::remove(tx, "contact", &ids).await?,
        Kind::Customer => ids.iter().map(|id| ((*id).to_owned(), (*id).to_owned())).collect(),
    };
    outcome.customers.extend(customers.values().cloned());
    let entries = known.iter().map(|(f, k)| source_record::Entry {
        external_id: &k.external_id,
        record_id: &k.record_id,
        content_hash: &k.content_hash,
        source_version: f.version(),
        seq: f.seq(),
        body: None,
        deleted_at: Some(chunk.now),
    });
    source_record::put(tx, &chunk.origin.connection_id, chunk.stream, chunk.now, entries).await?;
    if chunk.kind == Kind::Customer {
        return Ok(());
    }
    let facts = known.iter().map(|(f, k)| Fact {
        version: version::NewVersion {
            record_id: &k.record_id,
            seq: f.seq(),
            customer_id: customers.get(&k.record_id).map(String::as_str).filter(|_| is_partner(chunk.kind)),
            effective_at: f.incoming.version,
            connection_id: Some(&chunk.origin.connection_id),
            actor: None,
            run_id: chunk.run_id,
            reason: "deleted",
            body: "{}".to_owned(),
        },
        customer_id: customers.get(&k.record_id).map(String::as_str),
        sample: chunk.origin.sample,
    });
    announce::versions(tx, chunk.now, facts.collect()).await
}
