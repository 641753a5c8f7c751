//! Records as rows of a table, for exports.

use std::collections::HashMap;

use super::{Db, FromRow, StoreError, customer, json_list, scope, sql};
use crate::model::View;

/// Customers of the given ids that the reader sees.
pub async fn customers(db: &Db, view: &View, ids: &[String]) -> Result<HashMap<String, customer::Row>, StoreError> {
    let scope::Condition { text, values } = scope::condition(view, db.dialect(), "c", 2);
    let wanted = format!("SELECT c.id FROM customer c WHERE {} AND {text}", db.dialect().in_list("c.id", "$1"));
    let seen: Vec<(String,)> = sql(wanted).bind(json_list(ids)).bind_all(values).all(db).await?;
    let mut tx = db.begin().await?;
    let rows = customer::by_ids(&mut tx, seen.iter().map(|(id,)| id.as_str())).await?;
    tx.rollback().await?;
    Ok(rows)
}

/// Ids of all customers but merged ones and samples' twins, in the order of their codes.
pub async fn customer_ids(db: &Db) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        sql("SELECT id FROM customer WHERE merged_into IS NULL ORDER BY COALESCE(code, ''), id").all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Sites,
    Contacts,
    Products,
    Orders,
    Invoices,
    Payments,
}

/// Column of the statement, heading in Japanese and English, what it holds, width.
pub type Field = (&'static str, &'static str, &'static str, char, u16);

const CUSTOMER: [Field; 2] =
    [("c.code", "得意先コード", "Customer code", 't', 14), ("c.name", "得意先名", "Customer name", 't', 30)];

impl What {
    pub const ALL: [Self; 6] =
        [Self::Sites, Self::Contacts, Self::Products, Self::Orders, Self::Invoices, Self::Payments];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::Contacts => "contacts",
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Invoices => "invoices",
            Self::Payments => "payments",
        }
    }

    /// Fields in the order of the table, at most 16.
    #[must_use]
    pub fn columns(self) -> Vec<Field> {
        let own: &[Field] = match self {
            Self::Sites => &[
                ("r.code", "拠点コード", "Site code", 't', 14),
                ("r.name", "拠点名", "Site", 't', 30),
                ("r.postal_code", "郵便番号", "Postal code", 't', 11),
                ("r.address", "住所", "Address", 't', 44),
                ("r.phone", "電話番号", "Phone", 't', 16),
                ("r.closing_day", "締め日", "Closing day", 't', 10),
                ("r.owner", "担当者", "Owner", 't', 14),
            ],
            Self::Contacts => &[
                ("r.name", "氏名", "Name", 't', 20),
                ("r.name_kana", "フリガナ", "Kana", 't', 20),
                ("r.department", "部署", "Department", 't', 16),
                ("r.title", "役職", "Title", 't', 14),
                ("r.mail", "メールアドレス", "E-mail", 't', 28),
                ("r.phone", "電話番号", "Phone", 't', 16),
            ],
            Self::Products => &[
                ("r.code", "商品コード", "Product code", 't', 14),
                ("r.name", "商品名", "Product", 't', 32),
                ("r.unit", "単位", "Unit", 't', 8),
                ("r.price", "標準単価", "Price", 'n', 12),
                ("r.currency", "通貨", "Currency", 't', 8),
            ],
            Self::Orders => &[
                ("r.number", "受注番号", "Order number", 't', 16),
                ("r.order_date", "受注日", "Order date", 'd', 12),
                ("r.delivery_date", "納期", "Delivery date", 'd', 12),
                ("r.status", "状態", "Status", 't', 10),
                ("r.subject", "件名", "Subject", 't', 24),
                ("l.product_code", "商品コード", "Product code", 't', 14),
                ("l.description", "商品名", "Item", 't', 30),
                ("l.quantity", "数量", "Quantity", 'n', 10),
                ("l.unit", "単位", "Unit", 't', 8),
                ("l.unit_price", "単価", "Unit price", 'n', 12),
                ("l.amount_minor", "明細金額", "Line amount", 'm', 14),
                ("r.total_minor", "受注金額", "Total", 'm', 14),
                ("r.currency", "通貨", "Currency", 't', 8),
            ],
            Self::Invoices => &[
                ("r.number", "請求番号", "Invoice number", 't', 16),
                ("r.kind", "伝票区分", "Kind", 't', 12),
                ("r.issue_date", "請求日", "Issue date", 'd', 12),
                ("r.closing_date", "請求締日", "Closing date", 'd', 12),
                ("r.due_date", "支払期日", "Due date", 'd', 12),
                ("r.status", "状態", "Status", 't', 10),
                ("r.net_minor", "税抜金額", "Net", 'm', 14),
                ("r.tax_minor", "消費税", "Tax", 'm', 12),
                ("r.total_minor", "請求金額", "Total", 'm', 14),
                ("r.currency", "通貨", "Currency", 't', 8),
            ],
            Self::Payments => &[
                ("r.number", "入金番号", "Payment number", 't', 16),
                ("r.paid_date", "入金日", "Paid on", 'd', 12),
                ("r.method", "入金方法", "Method", 't', 14),
                ("r.amount_minor", "入金額", "Amount", 'm', 14),
                ("r.currency", "通貨", "Currency", 't', 8),
            ],
        };
        let head: &[Field] = if self == Self::Products { &[] } else { &CUSTOMER };
        // A document's own number stands first, a place's or person's customer does.
        match self {
            Self::Orders | Self::Invoices | Self::Payments => [&own[..1], head, &own[1..]].concat(),
            _ => [head, own].concat(),
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Sites => "site",
            Self::Contacts => "contact",
            Self::Products => "product",
            Self::Orders => "sales_order",
            Self::Invoices => "invoice",
            Self::Payments => "payment",
        }
    }
}

/// A row; its cells are text.
#[derive(Debug, FromRow)]
pub struct Row {
    pub id: String,
    pub currency: Option<String>,
    c0: Option<String>,
    c1: Option<String>,
    c2: Option<String>,
    c3: Option<String>,
    c4: Option<String>,
    c5: Option<String>,
    c6: Option<String>,
    c7: Option<String>,
    c8: Option<String>,
    c9: Option<String>,
    c10: Option<String>,
    c11: Option<String>,
    c12: Option<String>,
    c13: Option<String>,
    c14: Option<String>,
    c15: Option<String>,
}

impl Row {
    /// In the order of [`What::columns`], empty ones behind them.
    pub fn cells(&self) -> impl Iterator<Item = String> + '_ {
        let all = [
            &self.c0, &self.c1, &self.c2, &self.c3, &self.c4, &self.c5, &self.c6, &self.c7, &self.c8, &self.c9,
            &self.c10, &self.c11, &self.c12, &self.c13, &self.c14, &self.c15,
        ];
        all.into_iter().map(|cell| cell.clone().unwrap_or_default())
    }
}

/// Rows of the records after an id: whole records, with all their lines.
pub async fn page(db: &Db, what: What, after: &str, limit: i64) -> Result<Vec<Row>, StoreError> {
    let columns = what.columns();
    let cells: Vec<String> = (0..16)
        .map(|at| {
            let column = columns.get(at).map_or_else(|| "NULL".to_owned(), |field| field.0.to_owned());
            format!("CAST({column} AS TEXT) AS c{at}")
        })
        .collect();
    let table = what.table();
    let has_deleted = !matches!(what, What::Sites | What::Contacts);
    let alive = if has_deleted { " AND deleted_at IS NULL" } else { "" };
    let joins = match what {
        What::Products => String::new(),
        What::Orders => {
            " JOIN customer c ON c.id = r.customer_id LEFT JOIN sales_order_line l ON l.order_id = r.id".to_owned()
        }
        _ => " JOIN customer c ON c.id = r.customer_id".to_owned(),
    };
    let currency = if has_deleted { "r.currency" } else { "CAST(NULL AS TEXT)" };
    let order = if what == What::Orders { "r.id, l.line_no" } else { "r.id" };
    let text = format!(
        "SELECT r.id, {currency} AS currency, {} FROM {table} r{joins}
         WHERE r.id IN (SELECT id FROM {table} WHERE id > $1{alive} ORDER BY id LIMIT $2) ORDER BY {order}",
        cells.join(", ")
    );
    sql(text).bind(after).bind(limit).all(db).await
}
