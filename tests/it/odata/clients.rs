//! Real clients read the whole feed, and what comes out of them is what stands in the database, row by row.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
};

use musubi::{
    identity::Role,
    model::{Currency, Money},
    store::{Db, sql},
};
use serde_json::Value;

use super::scene::{Tool, filled, text};
use crate::real::TestDatabase;

/// A row by property, every value as text.
type Row = BTreeMap<String, Option<String>>;
type Rows = BTreeMap<String, Vec<Row>>;

#[tokio::test(flavor = "multi_thread")]
async fn three_clients_read_what_stands_in_the_database() {
    for database in TestDatabase::both().await {
        let t = filled(&database).await;
        let tool = Tool::of(&t, Role::Admin).await;
        let stored = stored(&t.hub().db).await;
        assert!(stored["Customers"].len() > 20 && stored["OrderLines"].len() > 1_000, "more than one page");
        for client in ["odatapy", "python-odata", "@odata/client"] {
            let mut read = run(client, &tool);
            for (set, rows) in &stored {
                let mut found = read.remove(set).unwrap_or_else(|| panic!("{client} does not know {set}"));
                found.sort_by_key(|row| key(set, row));
                for (found, row) in found.iter().zip(rows) {
                    for (name, value) in row {
                        let same = same(found.get(name).cloned().flatten(), value.clone());
                        assert!(same, "{client} on {}: {set}.{name}: {found:?} for {row:?}", database.name);
                    }
                }
                assert_eq!(found.len(), rows.len(), "{client}: {set}");
            }
        }
        t.stop().await;
    }
}

/// What a row is known by: the first two columns of its table below.
fn key(set: &str, row: &Row) -> Vec<Option<String>> {
    let (_, _, columns) = TABLES.iter().find(|(name, ..)| *name == set).unwrap();
    columns.iter().take(2).map(|(name, ..)| row[*name].clone()).collect()
}

/// Decimals may have zeros at their end.
fn same(a: Option<String>, b: Option<String>) -> bool {
    let number = |text: &String| text.parse::<rust_decimal::Decimal>().ok().filter(|_| text.contains('.'));
    a == b
        || matches!((&a, &b), (Some(a), Some(b)) if (number(a).is_some() || number(b).is_some())
        && rust_decimal::Decimal::from_str_exact(a).ok() == rust_decimal::Decimal::from_str_exact(b).ok())
}

fn run(client: &str, tool: &Tool) -> Rows {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (program, arguments, installed) = if client == "@odata/client" {
        let installed = root.join("target/odata-client");
        let arguments =
            vec![root.join("tests/real/odata-client/read.mjs").display().to_string(), installed.display().to_string()];
        ("node".to_owned(), arguments, installed.join("installed.json"))
    } else {
        let installed = root.join("target/odata");
        let arguments = vec![root.join("tests/real/odata/read.py").display().to_string(), client.to_owned()];
        (installed.join("bin/python").display().to_string(), arguments, installed.join("requirements.txt"))
    };
    assert!(installed.exists(), "{client} is not installed: `./x test` installs it");
    let ran = tokio::task::block_in_place(|| {
        use std::io::Write;
        let mut child = Command::new(program)
            .args(arguments)
            .arg(&tool.service)
            .env("NO_PROXY", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(tool.secret().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    assert!(ran.status.success(), "{client}: {}", String::from_utf8_lossy(&ran.stderr));
    let document: BTreeMap<String, Vec<BTreeMap<String, Value>>> = serde_json::from_slice(&ran.stdout).unwrap();
    let row = |row: BTreeMap<String, Value>| row.into_iter().map(|(name, value)| (name, text(&value))).collect();
    document.into_iter().map(|(set, rows)| (set, rows.into_iter().map(row).collect())).collect()
}

/// What a column holds.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Instant,
    Bool,
    /// Minor units; negative on credit notes.
    Amount,
}

/// Name in the feed, SQL, and what it is.
type Columns = &'static [(&'static str, &'static str, Is)];

/// Columns of the tables themselves, beside the names that the feed gives them. Read without anything of the feed.
const TABLES: [(&str, &str, Columns); 8] = [
    (
        "Customers",
        "customer t WHERE t.merged_into IS NULL",
        &[
            ("Id", "t.id", Is::Text),
            ("Kind", "t.kind", Is::Text),
            ("Code", "t.code", Is::Text),
            ("Name", "t.name", Is::Text),
            ("NameKana", "t.name_kana", Is::Text),
            ("CorporateNumber", "t.corporate_number", Is::Text),
            ("RegistrationNumber", "t.registration_number", Is::Text),
            ("Phone", "t.phone", Is::Text),
            ("Mail", "t.mail", Is::Text),
            ("PostalCode", "t.postal_code", Is::Text),
            ("Address", "t.address", Is::Text),
            ("Industry", "t.industry", Is::Text),
            ("Department", "t.department", Is::Text),
            ("Owner", "t.owner", Is::Text),
            ("ClosingDay", "t.closing_day", Is::Text),
            ("PaymentTerms", "t.payment_terms", Is::Text),
            ("PriceClass", "t.price_class", Is::Text),
            ("CreditLimit", "t.credit_limit_minor", Is::Amount),
            ("Currency", "t.currency", Is::Text),
            ("Sample", "t.sample", Is::Bool),
            ("CreatedAt", "t.created_at", Is::Instant),
            ("UpdatedAt", "t.updated_at", Is::Instant),
            ("SalesTotal", "(SELECT s.ltv_minor FROM customer_stat s WHERE s.customer_id = t.id)", Is::Amount),
            ("Health", "(SELECT s.health FROM customer_stat s WHERE s.customer_id = t.id)", Is::Text),
        ],
    ),
    (
        "Sites",
        "site t WHERE 1 = 1",
        &[
            ("Id", "t.id", Is::Text),
            ("CustomerId", "t.customer_id", Is::Text),
            ("Code", "t.code", Is::Text),
            ("Role", "t.role", Is::Text),
            ("Name", "t.name", Is::Text),
            ("Address", "t.address", Is::Text),
            ("ClosingDay", "t.closing_day", Is::Text),
            ("UpdatedAt", "t.updated_at", Is::Instant),
        ],
    ),
    (
        "Orders",
        "sales_order t WHERE t.deleted_at IS NULL",
        &[
            ("Id", "t.id", Is::Text),
            ("CustomerId", "t.customer_id", Is::Text),
            ("Number", "t.number", Is::Text),
            ("OrderDate", "t.order_date", Is::Text),
            ("DeliveryDate", "t.delivery_date", Is::Text),
            ("Status", "t.status", Is::Text),
            ("Subject", "t.subject", Is::Text),
            ("BillToId", "t.bill_to", Is::Text),
            ("ShipToId", "t.ship_to", Is::Text),
            ("Currency", "t.currency", Is::Text),
            ("Net", "t.net_minor", Is::Amount),
            ("Tax", "t.tax_minor", Is::Amount),
            ("Total", "t.total_minor", Is::Amount),
            ("LineCount", "CAST(t.line_count AS TEXT)", Is::Text),
            ("OccurredAt", "t.occurred_at", Is::Instant),
            ("UpdatedAt", "t.received_at", Is::Instant),
            ("ConnectionId", "t.connection_id", Is::Text),
            ("ExternalId", "t.external_id", Is::Text),
        ],
    ),
    (
        "OrderLines",
        "sales_order_line t JOIN sales_order d ON d.id = t.order_id WHERE d.deleted_at IS NULL",
        &[
            ("OrderId", "t.order_id", Is::Text),
            ("LineNo", "CAST(t.line_no AS TEXT)", Is::Text),
            ("ProductCode", "t.product_code", Is::Text),
            ("Quantity", "t.quantity", Is::Text),
            ("Unit", "t.unit", Is::Text),
            ("UnitPrice", "t.unit_price", Is::Text),
            ("Amount", "t.amount_minor", Is::Amount),
            ("TaxRate", "t.tax_rate", Is::Text),
            ("Currency", "d.currency", Is::Text),
        ],
    ),
    (
        "Invoices",
        "invoice t WHERE t.deleted_at IS NULL",
        &[
            ("Id", "t.id", Is::Text),
            ("CustomerId", "t.customer_id", Is::Text),
            ("Number", "t.number", Is::Text),
            ("Kind", "t.kind", Is::Text),
            ("Corrects", "t.corrects", Is::Text),
            ("IssueDate", "t.issue_date", Is::Text),
            ("ClosingDate", "t.closing_date", Is::Text),
            ("DueDate", "t.due_date", Is::Text),
            ("Status", "t.status", Is::Text),
            ("Currency", "t.currency", Is::Text),
            ("Net", "t.net_minor", Is::Amount),
            ("Tax", "t.tax_minor", Is::Amount),
            ("Total", "t.total_minor", Is::Amount),
            ("UpdatedAt", "t.received_at", Is::Instant),
        ],
    ),
    (
        "InvoiceLines",
        "invoice_line t JOIN invoice d ON d.id = t.invoice_id WHERE d.deleted_at IS NULL",
        &[
            ("InvoiceId", "t.invoice_id", Is::Text),
            ("LineNo", "CAST(t.line_no AS TEXT)", Is::Text),
            ("Quantity", "t.quantity", Is::Text),
            ("UnitPrice", "t.unit_price", Is::Text),
            ("Amount", "t.amount_minor", Is::Amount),
            ("TaxRate", "t.tax_rate", Is::Text),
        ],
    ),
    (
        "Payments",
        "payment t WHERE t.deleted_at IS NULL",
        &[
            ("Id", "t.id", Is::Text),
            ("CustomerId", "t.customer_id", Is::Text),
            ("Number", "t.number", Is::Text),
            ("PaidDate", "t.paid_date", Is::Text),
            ("Method", "t.method", Is::Text),
            ("Amount", "t.amount_minor", Is::Amount),
            ("Currency", "t.currency", Is::Text),
        ],
    ),
    (
        "PaymentAllocations",
        "payment_allocation t JOIN payment d ON d.id = t.payment_id WHERE d.deleted_at IS NULL",
        &[
            ("PaymentId", "t.payment_id", Is::Text),
            ("InvoiceNumber", "t.invoice_number", Is::Text),
            ("Amount", "t.amount_minor", Is::Amount),
        ],
    ),
];

async fn stored(db: &Db) -> Rows {
    let mut found = BTreeMap::new();
    for (set, from, columns) in TABLES {
        let (currency, credit) = match set {
            "Customers" | "Orders" | "Payments" => ("t.currency", "'no'"),
            "Invoices" => ("t.currency", "t.kind"),
            "InvoiceLines" => ("d.currency", "d.kind"),
            "Sites" => ("''", "'no'"),
            _ => ("d.currency", "'no'"),
        };
        let keys = columns.iter().take(2).map(|(_, column, _)| *column).collect::<Vec<_>>().join(", ");
        let mut rows: Vec<Row> = Vec::new();
        for (at, (name, column, is)) in columns.iter().enumerate() {
            // A column at a time: tuples of any length are no row.
            let statement = format!("SELECT CAST({column} AS TEXT), {currency}, {credit} FROM {from} ORDER BY {keys}");
            let values: Vec<(Option<String>, String, String)> = sql(statement).all(db).await.unwrap();
            if at == 0 {
                rows = vec![Row::new(); values.len()];
            }
            for (row, (value, currency, credit)) in rows.iter_mut().zip(values) {
                let shown = value.map(|value| shown(&value, *is, &currency, credit == "credit_note"));
                row.insert((*name).to_owned(), shown);
            }
        }
        rows.sort_by_key(|row| key(set, row));
        found.insert(set.to_owned(), rows);
    }
    found
}

fn shown(value: &str, is: Is, currency: &str, credit: bool) -> String {
    match is {
        Is::Text => value.to_owned(),
        Is::Bool => (value == "1" || value == "true").to_string(),
        Is::Instant => format!("{:.6}", jiff::Timestamp::from_microsecond(value.parse().unwrap()).unwrap()),
        Is::Amount => {
            let minor: i64 = value.parse().unwrap();
            let currency: Currency = currency.parse().unwrap();
            Money { minor: if credit { -minor } else { minor }, currency }.to_major()
        }
    }
}
