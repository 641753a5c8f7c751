//! Which customers a reader sees, as a condition in SQL: the one place that words it.
//!
//! What is read of one customer takes a [`InView`], which only [`in_view`] makes: a page cannot reach a customer
//! without having asked whether its reader may. A customer outside answers exactly as one that is not there.

use super::{Db, Dialect, FromRow, On, StoreError, Value, json_list, sql};
use crate::model::view::{View, department_key};

/// A customer that the reader sees, and how.
#[derive(Clone, Debug)]
pub struct InView {
    id: String,
    name: String,
    department: Option<String>,
    person: bool,
    view: View,
}

impl InView {
    /// Of the survivor, where the asked one was merged.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn department(&self) -> Option<&str> {
        self.department.as_deref()
    }

    /// The customer is one person, whose address and numbers are personal.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.person
    }

    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Whether a field of this customer is hidden.
    #[must_use]
    pub fn hides(&self, field: &str) -> bool {
        self.view.hides_field(field, self.person)
    }
}

/// A condition with its values, numbered from `next`.
pub struct Condition {
    pub text: String,
    pub values: Vec<Value>,
}

/// Which rows of `customer`, called `alias`, the reader sees.
#[must_use]
pub fn condition(view: &View, dialect: Dialect, alias: &str, next: usize) -> Condition {
    let Some(of) = view.departments() else { return Condition { text: "1 = 1".to_owned(), values: Vec::new() } };
    let own = dialect.in_list(&format!("{alias}.department_key"), &format!("${next}"));
    let text = if of.unassigned { format!("({own} OR {alias}.department IS NULL)") } else { own };
    Condition { text, values: vec![json_list(&of.keys).into()] }
}

/// Which rows of `failure`, called `alias`, the reader sees: those of records that the hub knows, of customers
/// within reach. Whose a record is that was never taken, nobody can say: it is for who sees everything.
#[must_use]
pub fn condition_of_failures(view: &View, dialect: Dialect, alias: &str, next: usize) -> Condition {
    if view.departments().is_none() {
        return Condition { text: "1 = 1".to_owned(), values: Vec::new() };
    }
    let Condition { text, values } = condition(view, dialect, "sc", next);
    let owner = owner("sr.record_id");
    let text = format!(
        "EXISTS (SELECT 1 FROM source_record sr JOIN customer sc ON sc.id = {owner} AND {text}
           WHERE sr.connection_id = {alias}.connection_id AND sr.stream = {alias}.stream
             AND sr.external_id = {alias}.external_id)"
    );
    Condition { text, values }
}

/// Tables of what belongs to a customer.
const OWNED: [&str; 11] = [
    "sales_order",
    "shipment",
    "invoice",
    "payment",
    "deal",
    "quote",
    "contract",
    "inquiry",
    "site",
    "contact",
    "activity",
];

/// The customer of a record as an expression of its id; a customer's own is itself.
#[must_use]
pub fn owner(record: &str) -> String {
    let of = |table: &&str| format!("(SELECT customer_id FROM {table} WHERE id = {record})");
    let all: Vec<String> = OWNED.iter().map(of).collect();
    format!("COALESCE({}, {record})", all.join(", "))
}

#[derive(FromRow)]
struct Row {
    name: String,
    kind: String,
    department: Option<String>,
    merged_into: Option<String>,
    inside: bool,
}

/// The customer, following merges to the survivor. `None`: there is none, or none for this reader.
pub async fn in_view(on: impl Into<On<'_>>, view: &View, id: &str) -> Result<Option<InView>, StoreError> {
    let mut on = on.into();
    let Condition { text, values } = condition(view, on.dialect(), "c", 2);
    let text = format!(
        "SELECT c.name, c.kind, c.department, c.merged_into, CASE WHEN {text} THEN TRUE ELSE FALSE END AS inside
         FROM customer c WHERE c.id = $1"
    );
    let mut id = id.to_owned();
    // A chain of merges is short; a circle would be a broken store.
    for _ in 0..16 {
        let asked = sql(text.clone()).bind(&id).bind_all(values.clone());
        let Some(row) = asked.optional::<Row>(on.again()).await? else { return Ok(None) };
        let Row { name, kind, department, merged_into, inside } = row;
        match merged_into {
            Some(survivor) => id = survivor,
            None => {
                let found = InView { id, name, department, person: kind == "person", view: view.clone() };
                return Ok(inside.then_some(found));
            }
        }
    }
    Err(StoreError::Corrupt(format!("customer {id} is merged in a circle")))
}

/// Departments of customers, as they are written: for choosing one.
pub async fn departments(on: impl Into<On<'_>>) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> =
        sql("SELECT MIN(department) FROM customer WHERE merged_into IS NULL AND department IS NOT NULL
             GROUP BY department_key ORDER BY 1")
        .all(on)
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Folds departments that an older program wrote, or wrote beside a newer one. Nothing is opened for writing
/// where all are folded.
pub async fn fold_departments(db: &Db) -> Result<(), StoreError> {
    let pairs: Vec<(Option<String>, Option<String>)> = sql("SELECT DISTINCT department, department_key FROM customer
         WHERE department IS NOT NULL OR department_key IS NOT NULL")
    .all(db)
    .await?;
    let wrong = |(name, key): &(Option<String>, Option<String>)| name.as_deref().map(department_key) != *key;
    let open: Vec<Option<String>> = pairs.into_iter().filter(wrong).map(|(name, _)| name).collect();
    if open.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for name in open {
        let key = name.as_deref().map(department_key);
        let of = if name.is_some() { "department = $2" } else { "department IS NULL AND $2 IS NULL" };
        sql(format!("UPDATE customer SET department_key = $1 WHERE {of}"))
            .bind(key)
            .bind(name)
            .execute(&mut tx)
            .await?;
    }
    tx.commit().await
}
