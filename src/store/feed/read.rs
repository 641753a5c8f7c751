//! Pages of a set, how many rows there are, and the rows that belong to those of a page.

use sqlx::{FromRow, Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::{
    decimal,
    expr::{Expr, Literal, Order, Type},
    render::Render,
    shape::{Property, Set},
};
use crate::{
    model::{Date, View},
    store::{Db, StoreError, json_list, sql},
};

/// Which rows, in which order.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub set: &'static Set,
    pub filter: Option<&'a Expr>,
    /// What comes first counts first. The key follows by itself.
    pub order: &'a [Order],
    /// Properties of the answer, in order.
    pub properties: &'a [&'static Property],
}

/// Where a page ended: the values of the order, then those of the key, as text.
pub type Place = Vec<Option<String>>;

/// One row: values as text in the order of [`Question::properties`] (amounts as minor units with their exponent),
/// and where it stands.
#[derive(Clone, Debug)]
pub struct Row {
    pub values: Vec<Option<String>>,
    pub place: Place,
}

/// Rows that belong to others.
#[derive(Clone, Copy, Debug)]
pub struct Children<'a> {
    pub question: Question<'a>,
    /// Property that names the other row.
    pub by: &'static Property,
    pub parents: &'a [String],
    pub skip: i64,
    /// Most rows of each parent.
    pub limit: i64,
}

struct Cells(Vec<Option<String>>);

macro_rules! all_text {
    ($row:ty) => {
        impl FromRow<'_, $row> for Cells {
            fn from_row(row: &$row) -> Result<Self, sqlx::Error> {
                (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>().map(Self)
            }
        }
    };
}
all_text!(SqliteRow);
all_text!(PgRow);

/// The rows after a place. `None`: the place is of no such order.
pub async fn page(
    db: &Db,
    view: &View,
    question: Question<'_>,
    after: Option<&Place>,
    (skip, limit): (i64, i64),
) -> Result<Option<Vec<Row>>, StoreError> {
    let mut render = Render { dialect: db.dialect(), view, values: Vec::new() };
    let (order, places) = question.order(&mut render);
    let after = match after {
        None => "1 = 1".to_owned(),
        Some(place) => match question.after(&mut render, place) {
            Some(condition) => condition,
            None => return Ok(None),
        },
    };
    let columns = question.columns(&mut render);
    let rows = question.rows(&mut render);
    let text = format!(
        "SELECT {} FROM {} WHERE {rows} AND {after} ORDER BY {order} LIMIT {} OFFSET {}",
        [columns, places].concat().join(", "),
        question.set.from,
        render.bind(limit),
        render.bind(skip),
    );
    let found: Vec<Cells> = sql(text).bind_all(render.values).all(db).await?;
    Ok(Some(found.into_iter().map(|Cells(cells)| question.row(cells)).collect()))
}

/// How many rows there are.
pub async fn count(db: &Db, view: &View, set: &'static Set, filter: Option<&Expr>) -> Result<i64, StoreError> {
    let mut render = Render { dialect: db.dialect(), view, values: Vec::new() };
    let rows = Question { set, filter, order: &[], properties: &[] }.rows(&mut render);
    let text = format!("SELECT COUNT(*) FROM {} WHERE {rows}", set.from);
    let (count,): (i64,) = sql(text).bind_all(render.values).one(db).await?;
    Ok(count)
}

/// The rows of many parents in one statement, each with its parent's key, in the question's order.
pub async fn children(db: &Db, view: &View, of: Children<'_>) -> Result<Vec<(String, Row)>, StoreError> {
    let Children { question, by, parents, skip, limit } = of;
    let mut render = Render { dialect: db.dialect(), view, values: Vec::new() };
    let (order, places) = question.order(&mut render);
    let columns = question.columns(&mut render);
    let parent = render.cell(question.set, by);
    let among = render.bind(json_list(parents));
    // The column itself, so that its index serves the list.
    let among = render.dialect.in_list(by.sql, &among);
    let rows = question.rows(&mut render);
    let cells: Vec<String> = [columns, places].concat();
    let named: Vec<String> = cells.iter().enumerate().map(|(at, cell)| format!("{cell} AS c{at}")).collect();
    let names: Vec<String> = (0..cells.len()).map(|at| format!("x.c{at}")).collect();
    let text = format!(
        "SELECT x.parent, {} FROM (SELECT {parent} AS parent, {},
            ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {order}) AS number
            FROM {} WHERE {rows} AND {among}) x
         WHERE x.number > {} AND x.number <= {} ORDER BY x.parent, x.number",
        names.join(", "),
        named.join(", "),
        by.sql,
        question.set.from,
        render.bind(skip),
        render.bind(skip.saturating_add(limit)),
    );
    let found: Vec<Cells> = sql(text).bind_all(render.values).all(db).await?;
    let split = |Cells(mut cells): Cells| {
        let parent = cells.remove(0)?;
        Some((parent, question.row(cells)))
    };
    Ok(found.into_iter().filter_map(split).collect())
}

impl Question<'_> {
    fn columns(&self, render: &mut Render<'_>) -> Vec<String> {
        self.properties.iter().map(|property| render.cell(self.set, property)).collect()
    }

    fn rows(&self, render: &mut Render<'_>) -> String {
        let rows = render.rows(self.set);
        match self.filter {
            None => rows,
            Some(filter) => format!("{rows} AND {}", render.truth_of(self.set, filter, true)),
        }
    }

    fn row(&self, mut cells: Vec<Option<String>>) -> Row {
        let place = cells.split_off(self.properties.len().min(cells.len()));
        Row { values: cells, place }
    }

    /// `ORDER BY`, and the columns that say where a row stands.
    fn order(&self, render: &mut Render<'_>) -> (String, Vec<String>) {
        let mut by = Vec::new();
        let mut places = Vec::new();
        for order in self.order {
            let direction = match (order.descending, order.by.nullable()) {
                (false, false) => "ASC",
                (true, false) => "DESC",
                (false, true) => "ASC NULLS FIRST",
                (true, true) => "DESC NULLS LAST",
            };
            by.push(format!("{} {direction}", render.ordered(self.set, &order.by)));
            places.push(render.place(self.set, &order.by));
        }
        by.extend(self.set.key_sql.iter().map(|key| (*key).to_owned()));
        places.extend(self.set.keys().map(|key| render.cell(self.set, key)));
        (by.join(", "), places)
    }

    /// What stands behind a place; null comes first, in descending order last.
    fn after(&self, render: &mut Render<'_>, place: &Place) -> Option<String> {
        if place.len() != self.order.len() + self.set.key.len() {
            return None;
        }
        let (order, key) = place.split_at(self.order.len());
        let keys: Option<Vec<String>> = self
            .set
            .keys()
            .zip(key)
            .map(|(property, text)| Some(render.literal(&stored(property.kind.ty(), text.as_deref()?)?)))
            .collect();
        let mut rest = format!("(({}) > ({}))", self.set.key_sql.join(", "), keys?.join(", "));
        for (order, text) in self.order.iter().zip(order).rev() {
            let by = render.ordered(self.set, &order.by);
            rest = match text {
                None if order.descending => format!("({by} IS NULL AND {rest})"),
                None => format!("({by} IS NOT NULL OR {rest})"),
                Some(text) => {
                    let value = render.literal(&stored(order.by.ty()?, text)?);
                    let beyond = if order.descending { "<" } else { ">" };
                    let nulls = if order.descending && order.by.nullable() {
                        format!(" OR {by} IS NULL")
                    } else {
                        String::new()
                    };
                    format!("({by} {beyond} {value}{nulls} OR ({by} = {value} AND {rest}))")
                }
            };
        }
        Some(rest)
    }
}

/// A value of a place, which has been outside. `None`: it is not of this type.
fn stored(ty: Type, text: &str) -> Option<Literal> {
    if text.contains('\0') {
        return None;
    }
    Some(match ty {
        Type::Text => Literal::Text(text.to_owned()),
        Type::Date => Literal::Date(Date::parse(text)?),
        Type::Instant => Literal::Instant(text.parse().ok()?),
        Type::Bool => Literal::Bool(text.parse().ok()?),
        Type::Int => Literal::Int(text.parse().ok()?),
        Type::Decimal => Literal::Decimal(decimal::plain(text)?),
    })
}
