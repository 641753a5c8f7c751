//! The SQL views of PostgreSQL: the same rows and figures as the feed, in native types, for logins that can do
//! nothing else.

use std::collections::BTreeMap;

use jiff::{Unit, civil::Date};
use musubi::{
    analytics::customer,
    identity::Role,
    model::Currency,
    store::{self, Db, in_view, sql},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    oracle::declared,
    scene::{Tool, everything, filled, odd, text},
};
use crate::{
    cli_ops::Shell,
    hub::TestHub,
    real::TestDatabase,
    tokens::scene::{Program, client, service, token},
};

/// `Sales12Months` as SQL has it: `sales_12_months`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for c in name.chars() {
        let begins = c.is_ascii_uppercase() || (c.is_ascii_digit() && !before.is_ascii_digit());
        if begins && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        before = c;
    }
    out
}

/// Columns of a view with their types.
async fn columns(db: &Db, view: &str) -> BTreeMap<String, String> {
    let rows: Vec<(String, String)> = sql("SELECT CAST(column_name AS text), CAST(data_type AS text)
         FROM information_schema.columns WHERE table_schema = 'bi' AND table_name = $1")
    .bind(view)
    .all(db)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// Every row, every value as the text that the feed has for it.
async fn read(db: &Db, view: &str, columns: &BTreeMap<String, String>) -> Vec<Value> {
    let values: Vec<String> = columns
        .iter()
        .map(|(name, kind)| match kind.as_str() {
            "timestamp with time zone" => {
                format!("'{name}', to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
            }
            _ => format!("'{name}', CAST({name} AS text)"),
        })
        .collect();
    let rows: Vec<(String,)> =
        sql(format!("SELECT CAST(json_build_object({}) AS text) FROM bi.{view}", values.join(", ")))
            .all(db)
            .await
            .unwrap();
    rows.iter().map(|(row,)| serde_json::from_str(row).unwrap()).collect()
}

fn number(text: Option<&String>) -> Option<Decimal> {
    // More digits than this type holds are zeros of the view.
    let text = if text?.contains('.') { text?.trim_end_matches('0').trim_end_matches('.') } else { text? };
    Decimal::from_str_exact(text).ok().map(|n| n.normalize())
}

#[tokio::test(flavor = "multi_thread")]
async fn views_and_feed_hold_the_same_rows_in_native_types() {
    let database = TestDatabase::postgres().await;
    let t = filled(&database).await;
    let tool = Tool::of(&t, Role::Admin).await;
    let db = &t.hub().db;
    let xml = tool.request("/$metadata").send().await.unwrap().text().await.unwrap();
    let fed = everything(&tool).await;
    for (set, types) in declared(&xml) {
        let view = snake(&set);
        let columns = columns(db, &view).await;
        let keys: Vec<&str> = types.iter().take(2).map(|(name, ..)| name.as_str()).collect();
        let mut viewed = read(db, &view, &columns).await;
        let mut rows = fed[&set].clone();
        assert_eq!(viewed.len(), rows.len(), "{set}");
        viewed.sort_by_key(|row| keys.iter().map(|key| row[snake(key)].to_string()).collect::<Vec<_>>());
        rows.sort_by_key(|row| keys.iter().map(|key| Value::from(text(&row[*key])).to_string()).collect::<Vec<_>>());
        for (name, kind, _) in &types {
            let Some(is) = columns.get(&snake(name)) else {
                assert!(set == "Contacts" && ["Mail", "Phone"].contains(&name.as_str()), "{set}.{name} has no column");
                continue;
            };
            let native = match kind.as_str() {
                "Edm.Decimal" => "numeric",
                "Edm.Date" => "date",
                "Edm.DateTimeOffset" => "timestamp with time zone",
                "Edm.Int64" => "bigint",
                "Edm.Boolean" => "boolean",
                _ if name == "Rate" => "numeric",
                _ => "text",
            };
            assert_eq!(is, native, "{set}.{name}");
            for (row, view) in rows.iter().zip(&viewed) {
                let personal = ["Phone", "Mail", "PostalCode", "Address"].contains(&name.as_str())
                    && [&row["Id"], &row["CustomerId"]].contains(&&json!("cus_odd2"));
                let expected = text(&row[name]).filter(|_| !personal);
                let found = text(&view[snake(name)]);
                let same = if native == "numeric" {
                    number(found.as_ref()) == number(expected.as_ref())
                } else {
                    found == expected
                };
                assert!(same, "{set}.{name}: {found:?} in the view, {expected:?} in the feed");
            }
        }
    }
    let wordless = "SELECT COUNT(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0
        WHERE c.relnamespace = CAST('bi' AS regnamespace) AND c.relkind = 'v' AND col_description(c.oid, a.attnum) IS NULL
          AND obj_description(c.oid) IS NULL";
    assert_eq!(t.count(wordless).await, 0, "every view and column is explained");
    exponents(db).await;
    figures(&t).await;
    t.stop().await;
}

/// SQL knows the currencies as the program does.
async fn exponents(db: &Db) {
    let letters = || (b'A'..=b'Z').map(char::from);
    let codes: Vec<String> =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}")))).collect();
    let rows: Vec<(String, String)> = sql(
        "SELECT code, CAST(bi.amount(10000, code) AS text) FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS code",
    )
    .bind(store::json_list(codes))
    .all(db)
    .await
    .unwrap();
    for (code, amount) in rows {
        let exponent = code.parse::<Currency>().unwrap().exponent();
        assert_eq!(number(Some(&amount)), Some(Decimal::new(10_000, exponent).normalize()), "{code}");
    }
}

/// Ten figures of a customer: what the page computes, the API, the feed and the views say.
async fn figures(t: &TestHub) {
    let db = &t.hub().db;
    // From 1億 on a page rounds its headlines.
    let chosen = "SELECT customer_id FROM customer_stat WHERE ltv_minor < 100000000 AND sales_prev_minor > 0 AND orders_12m > 0
        AND last_contact IS NOT NULL AND first_order IS NOT NULL ORDER BY overdue_minor DESC, ltv_minor DESC, 1 LIMIT 1";
    let id = t.text(chosen).await;
    let settings = musubi::identity::Settings::load(db).await.unwrap();
    let today = t.hub().clock.now().zoned(&settings.time_zone()).date();
    let everything = musubi::model::View::everything();
    let seen = in_view(db, &everything, &id).await.unwrap().unwrap();
    let page = customer::overview(db, &t.hub().directory, &seen, today).await.unwrap().unwrap().figures;
    let shown = |minor: i64| musubi::model::Money { minor, currency: page.currency }.to_major();
    let expected: [(&str, &str, &str, Option<String>); 10] = [
        ("sales_12m", "Sales12Months", "sales_12_months", Some(shown(page.sales_12m))),
        ("sales_prev_12m", "SalesPrevious12Months", "sales_previous_12_months", Some(shown(page.sales_prev_12m))),
        ("sales_total", "SalesTotal", "sales_total", Some(shown(page.ltv))),
        ("orders_12m", "Orders12Months", "orders_12_months", Some(page.orders_12m.to_string())),
        ("receivable", "Receivable", "receivable", Some(shown(page.receivable))),
        ("overdue", "Overdue", "overdue", Some(shown(page.overdue))),
        ("first_order", "FirstOrder", "first_order", page.first_order.clone()),
        ("last_contact", "LastContact", "last_contact", page.last_contact.clone()),
        ("health", "Health", "health", Some(page.health.as_str().to_owned())),
        ("currency", "Currency", "currency", Some(page.currency.to_string())),
    ];
    assert!(page.sales_12m > 0 && page.orders_12m > 0, "figures to speak of");
    let owner = service(t, "API", Role::Admin).await;
    let scopes = [musubi::identity::Scope::CustomersRead, musubi::identity::Scope::BiRead];
    let secret = token(t, &owner, &scopes).await;
    let api = Program::new(t, &secret).get(&format!("/api/v1/customers/{id}"), 200).await.body["figures"].clone();
    let fed = Tool::new(t, &secret).get(&format!("/Customers('{id}')"), 200).await.body;
    let columns = columns(db, "customers").await;
    let viewed = read(db, "customers", &columns).await;
    let viewed = viewed.iter().find(|row| row["id"] == id).unwrap();
    for (in_api, in_feed, in_view, value) in expected {
        // A currency without minor units: the API's whole numbers are the same.
        assert_eq!(page.currency, Currency::JPY);
        for (where_, found) in
            [("API", text(&api[in_api])), ("feed", text(&fed[in_feed])), ("view", text(&viewed[in_view]))]
        {
            let same = found == value
                || (found.is_some()
                    && number(found.as_ref()).is_some()
                    && number(found.as_ref()) == number(value.as_ref()));
            assert!(same, "{in_feed}: {found:?} in the {where_}, {value:?} in the program");
        }
    }
    on_page(t, &id, &fed, today).await;
}

/// The same ten as a person reads them.
async fn on_page(t: &TestHub, id: &str, fed: &Value, today: Date) {
    use secrecy::ExposeSecret;
    let session = t.owner(crate::hub::OWNER).await;
    let cookie = format!("__Host-musubi={}", session.token.expose_secret());
    let page = client().get(format!("{}/customers/{id}?lang=ja", t.url)).header("cookie", cookie);
    let html = page.header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    let tiles: Vec<(String, String)> =
        html.split("<div class=\"kpi").skip(2).map(|tile| (part(tile, "v"), part(tile, "d"))).collect();
    let whole = |name: &str| -> i64 { text(&fed[name]).unwrap().parse().unwrap() };
    let yen = |name: &str| format!("¥{}", grouped(whole(name)));
    let date = |name: &str| -> Date { fed[name].as_str().unwrap().parse().unwrap() };
    assert_eq!(tiles[0].0, yen("Sales12Months"), "its sign is that of the currency, {}", fed["Currency"]);
    let (now, before) = (whole("Sales12Months") as f64, whole("SalesPrevious12Months") as f64);
    let percent = format!("{} {:.1}%", if now < before { "↓" } else { "↑" }, ((now - before) / before * 100.0).abs());
    assert!(tiles[0].1.starts_with(&percent), "{} for {percent}", tiles[0].1);
    assert_eq!(tiles[1].0, format!("{}件", grouped(whole("Orders12Months"))));
    assert_eq!(tiles[2].0, yen("Receivable"));
    assert!(tiles[2].1.ends_with(&yen("Overdue")), "{}", tiles[2].1);
    let contact = date("LastContact");
    let contact = format!("{:04}/{:02}/{:02} ", contact.year(), contact.month(), contact.day());
    assert!(tiles[3].1.starts_with(&contact), "{} for {contact}", tiles[3].1);
    assert_eq!(tiles[4].0, yen("SalesTotal"));
    let since = date("FirstOrder").until((Unit::Month, today)).unwrap().get_months();
    let parts: Vec<i32> = tiles[4].1.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let months = if tiles[4].1.contains('年') { parts[0] * 12 + parts.get(1).copied().unwrap_or(0) } else { parts[0] };
    assert_eq!(months, since, "{}", tiles[4].1);
    let health = match fed["Health"].as_str().unwrap() {
        "good" => "良好",
        "watch" => "注意",
        "act" => "要対応",
        "new" => "新規",
        other => panic!("{other}"),
    };
    let heading = html.split("</h1>").nth(1).unwrap().split("</summary>").next().unwrap();
    assert!(heading.contains(health), "{heading}");
}

/// Text of the first `div` of a class in a tile.
fn part(tile: &str, class: &str) -> String {
    let behind = tile.split_once(&format!("<div class=\"{class}")).unwrap().1;
    let inside = behind.split_once('>').unwrap().1.split_once("</div>").unwrap().0;
    let texts = inside.split('<').enumerate();
    texts.map(|(at, text)| if at == 0 { text } else { text.split_once('>').map_or("", |(_, text)| text) }).collect()
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_reads_the_views_and_nothing_else() {
    let database = TestDatabase::postgres().await;
    let t = odd(&database).await;
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell { folder: folder.path(), url: &database.url };
    let name = format!("tool_{}", database.url.rsplit('/').next().unwrap());
    let made = shell.json(&["bi", "grant", &name, "--timeout", "2s"]);
    assert_eq!(
        (&made["new"], &made["schema"], made["password"].as_str().unwrap().len()),
        (&json!(true), &json!("bi"), 43)
    );
    let stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'NAME'".replace("NAME", &name);
    let password = async || sql(stored.clone()).one::<(String,)>(&t.hub().db).await.unwrap().0;
    let first = password().await;
    assert!(first.starts_with("SCRAM-SHA-256$4096:"), "{first}");
    let login = store::open(&database.url.replace("musubi@", &format!("{name}@")), 1).await.unwrap();
    let count = async |statement: &'static str| sql(statement).one::<(i64,)>(&login).await.map(|(n,)| n);
    assert_eq!(count("SELECT COUNT(*) FROM customers").await.unwrap(), 2, "its path begins at the views");
    assert_eq!(
        count("SELECT COUNT(*) FROM bi.order_lines").await.unwrap(),
        t.count("SELECT COUNT(*) FROM bi.order_lines").await
    );
    for wanted in ["SELECT COUNT(*) FROM public.customer", "SELECT COUNT(*) FROM public.api_token"] {
        assert!(count(wanted).await.unwrap_err().to_string().contains("refused"), "{wanted}");
    }
    let mut tx = login.begin().await.unwrap();
    assert!(sql("DELETE FROM bi.products").execute(&mut tx).await.is_err());
    tx.rollback().await.unwrap();
    // Also for who takes the read-only default away.
    let mut tx = login.begin().await.unwrap();
    sql("SET TRANSACTION READ WRITE").execute(&mut tx).await.unwrap();
    assert!(sql("UPDATE bi.products SET name = ''").execute(&mut tx).await.is_err());
    tx.rollback().await.unwrap();
    assert!(count("SELECT COUNT(*) FROM pg_sleep(30)").await.is_err(), "a statement has 2 s");
    // Again: the password stays, unless another is wanted.
    assert_eq!(shell.json(&["bi", "grant", &name])["password"], Value::Null);
    assert_eq!(password().await, first);
    assert!(shell.json(&["bi", "grant", &name, "--new-password"])["password"].is_string());
    assert_ne!(password().await, first);
    let given = shell.fed(&["bi", "grant", &name, "--password-file", "-"], "hinoki-no-kaori-2026\n");
    assert_eq!(given.code, 0, "{}", given.err);
    assert!(!given.out.contains("kaori"));
    assert_eq!(shell.fed(&["bi", "grant", &name, "--password-file", "-"], "short\n").code, 2);
    let listed = shell.json(&["bi", "list"]);
    assert_eq!(
        listed.as_array().unwrap().iter().map(|l| l["login"].as_str().unwrap()).collect::<Vec<_>>(),
        [name.as_str()]
    );
    for odd in ["Robert", "pg_tool", "a b", "a\"; DROP TABLE customer; --", "", "musubi"] {
        shell.run(&["bi", "grant", "--", odd], 2);
    }
    unprivileged(&shell, &t, &database).await;
    shell.run(&["bi", "revoke", &name], 0);
    shell.run(&["bi", "revoke", &name], 3);
    assert!(count("SELECT COUNT(*) FROM customers").await.is_err(), "its session ended with it");
    assert_eq!(shell.json(&["bi", "list"]), json!([]));
    assert_eq!(t.count("SELECT COUNT(*) FROM audit WHERE action LIKE 'bi.%' AND actor = 'cli'").await, 5);
    t.stop().await;
}

/// A hub whose database user may not make roles says what to ask for.
async fn unprivileged(shell: &Shell<'_>, t: &TestHub, database: &TestDatabase) {
    let plain = format!("plain_{}", database.url.rsplit('/').next().unwrap());
    let mut tx = t.hub().db.begin().await.unwrap();
    for statement in ["CREATE ROLE NAME LOGIN", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO NAME"] {
        sql(statement.replace("NAME", &plain)).execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let url = database.url.replace("musubi@", &format!("{plain}@"));
    let ran = Shell { folder: shell.folder, url: &url }.run(&["bi", "grant", "some_tool"], 1);
    assert!(ran.err.contains("CREATEROLE"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_way_to_the_feed_is_told() {
    let database = TestDatabase::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell { folder: folder.path(), url: &database.url };
    for arguments in [["bi", "grant", "tool"].as_slice(), &["bi", "list"], &["bi", "revoke", "tool"]] {
        let ran = shell.run(arguments, 2);
        assert!(ran.err.contains("/odata/v4") && ran.err.contains("PostgreSQL"), "{}", ran.err);
    }
}
