//! Real clients read the whole feed, and what comes out of them is what stands in the database, row by row.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Command, Stdio},
};

use musubi::{
    identity::Role,
    model::{Currency, Money},
    store::{Db, sql},
};
use serde_json::Value;

use super::{
    scene::{Tool, filled, text},
    tables::{Is, TABLES, Table},
};
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
                    let (read, known): (BTreeSet<_>, BTreeSet<_>) = (found.keys().collect(), row.keys().collect());
                    assert_eq!(read, known, "{client}: {set} has other properties");
                    for (name, value) in row {
                        let same = same(found.get(name).cloned().flatten(), value.clone());
                        assert!(same, "{client} on {}: {set}.{name}: {found:?} for {row:?}", database.name);
                    }
                }
                assert_eq!(found.len(), rows.len(), "{client}: {set}");
                assert!(!rows.is_empty(), "{set} has no rows: nothing was seen");
            }
            assert!(read.is_empty(), "{client} reads what is compared with nothing: {:?}", read.keys());
        }
        t.stop().await;
    }
}

/// What a row is known by: the first two columns of its table.
fn key(set: &str, row: &Row) -> Vec<Option<String>> {
    let table = TABLES.iter().find(|table| table.set == set).unwrap();
    table.columns.iter().take(2).map(|(name, ..)| row[*name].clone()).collect()
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

async fn stored(db: &Db) -> Rows {
    let mut found = BTreeMap::new();
    for Table { set, from, currency, credit, columns } in TABLES {
        let keys = columns.iter().take(2).map(|(_, column, _)| *column).collect::<Vec<_>>().join(", ");
        let mut rows: Vec<Row> = Vec::new();
        for (at, (name, column, is)) in columns.iter().enumerate() {
            // A column at a time: tuples of any length are no row.
            let credit = format!("CASE WHEN {credit} THEN 'yes' ELSE 'no' END");
            let statement = format!("SELECT CAST({column} AS TEXT), {currency}, {credit} FROM {from} ORDER BY {keys}");
            let values: Vec<(Option<String>, String, String)> = sql(statement).all(db).await.unwrap();
            if at == 0 {
                rows = vec![Row::new(); values.len()];
            }
            for (row, (value, currency, credit)) in rows.iter_mut().zip(values) {
                let shown = value.map(|value| shown(&value, *is, &currency, credit == "yes"));
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
