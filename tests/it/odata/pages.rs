//! Pages, ways and what is expanded: whole, in order, each row once.

use std::collections::BTreeSet;

use musubi::{identity::Role, store::sql};
use serde_json::{Value, json};

use super::scene::{Tool, filled};
use crate::{hub::TestHub, real::TestDatabase, tokens::scene::read};

/// A page of at most `size` rows, and the address of the next one.
async fn page(tool: &Tool, path: &str, size: usize) -> (Vec<Value>, Option<String>) {
    let answer = read(tool.request(path).header("prefer", format!("odata.maxpagesize={size}"))).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert_eq!(answer.header("preference-applied"), format!("odata.maxpagesize={size}"));
    let rows = answer.body["value"].as_array().unwrap().clone();
    assert!(rows.len() <= size);
    let next = answer.body["@odata.nextLink"].as_str().map(str::to_owned);
    assert!(next.is_none() || rows.len() == size, "only the last page is short");
    assert!(next.iter().all(|next| next.starts_with(&tool.service)), "{next:?}");
    (rows, next)
}

async fn walk(tool: &Tool, path: &str, size: usize) -> Vec<Value> {
    let (mut rows, mut next) = page(tool, path, size).await;
    while let Some(link) = next {
        let (more, after) = page(tool, &link, size).await;
        rows.extend(more);
        next = after;
    }
    rows
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["Id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_whole_in_every_order() {
    for database in TestDatabase::both().await {
        let t = filled(&database).await;
        let tool = Tool::of(&t, Role::Admin).await;
        let some =
            "$filter=startswith(CustomerId,'cus_odd')%20or%20Total%20lt%2020000&$select=Id,Total,DeliveryDate,Subject";
        for order in [
            "",
            "&$orderby=Total%20desc",
            "&$orderby=DeliveryDate",
            "&$orderby=DeliveryDate%20desc,Subject%20desc",
            "&$orderby=Subject,Total",
            "&$orderby=year(OrderDate),Customer/Name%20desc",
        ] {
            let path = format!("/Orders?{some}{order}");
            let whole = page(&tool, &path, 5_000).await.0;
            assert!(whole.len() > 3, "something to page through");
            assert_eq!(
                ids(&walk(&tool, &path, whole.len().div_ceil(5)).await),
                ids(&whole),
                "{} {path}",
                database.name
            );
        }
        // What is skipped and what is the most counts over all pages.
        let path = format!("/Orders?{some}&$orderby=Total");
        let whole = page(&tool, &path, 5_000).await.0;
        let part = walk(&tool, &format!("{path}&$skip=1&$top=5"), 2).await;
        assert_eq!(ids(&part), ids(&whole[1..whole.len().min(6)]));
        let lines = tool.all("/OrderLines?$select=OrderId,LineNo").await;
        let keys: BTreeSet<String> = lines.iter().map(|row| format!("{} {}", row["OrderId"], row["LineNo"])).collect();
        assert_eq!(keys.len(), lines.len());
        assert!(lines.len() > 1_000, "more than one page of the usual size");
        come_and_go(&t, &tool).await;
        foreign(&tool).await;
        ways(&tool).await;
        expanded(&tool).await;
        t.stop().await;
    }
}

/// Rows that are there from the first page to the last are read once, whatever comes and goes around them.
async fn come_and_go(t: &TestHub, tool: &Tool) {
    let path = "/Payments?$select=Id&$orderby=PaidDate%20desc";
    let before = tool.all(path).await;
    let (mut read, mut next) = page(tool, path, before.len().div_ceil(7)).await;
    let size = read.len();
    let gone = ids(&before)[before.len() - 2].to_owned();
    let mut n = 0;
    while let Some(link) = next {
        n += 1;
        let mut tx = t.hub().db.begin().await.unwrap();
        for date in ["1990-01-01", "2999-01-01"] {
            sql("INSERT INTO payment (id, customer_id, connection_id, external_id, paid_date, currency, amount_minor, seq, received_at)
                 VALUES ($1, 'cus_odd1', 'con_odd', $1, $2, 'JPY', 1, 1, 1)")
            .bind(format!("pay_new{n}{date}"))
            .bind(date)
            .execute(&mut tx)
            .await
            .unwrap();
        }
        sql("UPDATE payment SET deleted_at = 1 WHERE id = $1").bind(&gone).execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        let (more, after) = page(tool, &link, size).await;
        read.extend(more);
        next = after;
    }
    assert!(n > 3);
    let stayed: Vec<&str> = ids(&before).into_iter().filter(|id| *id != gone).collect();
    let seen: Vec<&str> = ids(&read).into_iter().filter(|id| !id.starts_with("pay_new")).collect();
    assert_eq!(seen, stayed);
}

/// A place is good for the order that it is of.
async fn foreign(tool: &Tool) {
    let (_, next) = page(tool, "/Orders?$orderby=Total", 2).await;
    let token = next.unwrap().split_once("$skiptoken=").unwrap().1.to_owned();
    for path in [
        format!("/Orders?$orderby=Net&$skiptoken={token}"),
        format!("/Invoices?$orderby=Total&$skiptoken={token}"),
        "/Orders?$skiptoken=eyJvZiI6IngiLCJhdCI6W119".to_owned(),
    ] {
        assert_eq!(tool.get(&path, 400).await.body["error"]["code"], "SKIPTOKEN_INVALID", "{path}");
    }
}

async fn ways(tool: &Tool) {
    let order = tool.get("/Orders('ord_odd1')", 200).await.body;
    assert_eq!(order["@odata.context"], format!("{}/$metadata#Orders/$entity", tool.service));
    assert_eq!(order["Subject"], Value::Null);
    assert_eq!(tool.get("/Orders(Id='ord_odd1')/Customer", 200).await.body["Id"], "cus_odd1");
    assert_eq!(
        tool.get("/Orders('ord_odd1')/Lines?$select=LineNo&$orderby=LineNo%20desc", 200).await.body["value"][0]["LineNo"],
        2
    );
    assert_eq!(tool.get("/OrderLines(OrderId='ord_odd1',LineNo=2)/Order/Customer", 200).await.body["Code"], "O'1");
    let mine = tool.get("/Customers('cus_odd1')/Orders?$count=true&$filter=Currency%20eq%20'USD'", 200).await.body;
    assert_eq!((&mine["@odata.count"], ids(mine["value"].as_array().unwrap())), (&json!(1), vec!["ord_odd1"]));
    let paid = "/PaymentAllocations(PaymentId='pay_odd1',InvoiceNumber='I%2F1')";
    assert_eq!(tool.get(&format!("{paid}/Invoice"), 200).await.body["Id"], "inv_odd1");
    let unknown = "/PaymentAllocations(PaymentId='pay_odd1',InvoiceNumber='%E3%81%AA%E3%81%97')/Invoice";
    tool.get(unknown, 204).await;
    // Deleted and merged ones are not there.
    tool.get("/Orders('ord_odd4')", 404).await;
    tool.get("/Orders('ord_odd4')/Lines", 404).await;
    tool.get("/Customers('cus_odd3')", 404).await;
    let credit = tool.get("/Invoices('inv_odd2')?$expand=Lines,Taxes", 200).await.body;
    assert_eq!(
        (&credit["Total"], &credit["Lines"][0]["Amount"], &credit["Taxes"][0]["Taxable"]),
        (&json!(-3.45), &json!(-3.45), &json!(-3.45))
    );
    let bare = tool.get("/Orders?$top=1&$select=Number&$format=application/json;odata.metadata=none", 200).await.body;
    assert_eq!(bare.as_object().unwrap().keys().collect::<Vec<_>>(), ["value"]);
    assert_eq!(bare["value"][0].as_object().unwrap().len(), 1);
    let keyless = tool.get("/Orders?$filter=Id%20eq%20'ord_odd1'&$select=Number", 200).await.body;
    assert_eq!(keyless["value"], json!([{ "@odata.id": "Orders('ord_odd1')", "Number": "a'b" }]));
}

/// What is expanded is what the set itself gives, with its own pages.
async fn expanded(tool: &Tool) {
    let customers = tool
        .all("/Customers?$select=Id&$expand=Orders($select=Id;$orderby=Total%20desc;$filter=Total%20gt%200),Sites")
        .await;
    let mut orders = 0;
    for customer in &customers {
        let id = customer["Id"].as_str().unwrap();
        let path =
            format!("/Orders?$select=Id&$orderby=Total%20desc&$filter=Total%20gt%200%20and%20CustomerId%20eq%20'{id}'");
        let mut under = customer["Orders"].as_array().unwrap().clone();
        if let Some(next) = customer["Orders@odata.nextLink"].as_str() {
            under.extend(tool.all(next).await);
        }
        assert_eq!(ids(&under), ids(&tool.all(&path).await), "{id}");
        orders += under.len();
    }
    assert!(orders > 100);
    let deep = tool.get("/Orders?$top=1&$filter=Id%20eq%20'ord_odd1'&$expand=Lines($top=1),Customer($expand=Sites($select=Name);$select=Name)", 200).await;
    let row = &deep.body["value"][0];
    assert_eq!((row["Lines"].as_array().unwrap().len(), &row["Customer"]["Sites"][0]["Name"]), (1, &json!("倉庫")));
    assert_eq!(row.get("Lines@odata.nextLink"), None, "all that was asked for is there");
}
