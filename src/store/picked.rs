//! Lists that are narrowed by what a caller names: conditions are added one by one, each with its value.

use super::{Dialect, On, Record, StoreError, Value, scope, sql};
use crate::model::View;

/// A statement that grows. `text` is everything before `WHERE`.
pub struct Picked {
    text: String,
    values: Vec<Value>,
}

impl Picked {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: format!("{} WHERE 1 = 1", text.into()), values: Vec::new() }
    }

    /// Only rows of customers that the reader sees; `alias` is the customer's.
    pub fn within(mut self, view: &View, dialect: Dialect, alias: &str) -> Self {
        let scope::Condition { text, values } = scope::condition(view, dialect, alias, self.values.len() + 1);
        self.values.extend(values);
        self.text = format!("{} AND {text}", self.text);
        self
    }

    /// As [`Self::within`], and rows for which `or` holds, too.
    pub fn within_or(mut self, view: &View, dialect: Dialect, alias: &str, or: &str) -> Self {
        let scope::Condition { text, values } = scope::condition(view, dialect, alias, self.values.len() + 1);
        self.values.extend(values);
        self.text = format!("{} AND ({text} OR {or})", self.text);
        self
    }

    /// As [`Self::within`], for failures called `f`.
    pub fn within_failures(mut self, view: &View, dialect: Dialect) -> Self {
        let scope::Condition { text, values } = scope::condition_of_failures(view, dialect, "f", self.values.len() + 1);
        self.values.extend(values);
        self.text = format!("{} AND {text}", self.text);
        self
    }

    /// A condition that begins with the column: `("o.number =", number)`. Nothing where there is no value.
    pub fn also<V: Into<Value>>(mut self, condition: &str, value: Option<V>) -> Self {
        if let Some(value) = value {
            self.values.push(value.into());
            self.text = format!("{} AND {condition} ${}", self.text, self.values.len());
        }
        self
    }

    /// A condition without a value.
    pub fn only(mut self, wanted: bool, condition: &str) -> Self {
        if wanted {
            self.text = format!("{} AND {condition}", self.text);
        }
        self
    }

    /// The rows in this order, at most so many.
    pub async fn rows<T: Record>(
        mut self,
        on: impl Into<On<'_>>,
        order: &str,
        limit: i64,
    ) -> Result<Vec<T>, StoreError> {
        self.values.push(limit.into());
        let text = format!("{} ORDER BY {order} LIMIT ${}", self.text, self.values.len());
        sql(text).bind_all(self.values).all(on).await
    }

    /// The row, if there is one.
    pub async fn row<T: Record>(self, on: impl Into<On<'_>>) -> Result<Option<T>, StoreError> {
        sql(self.text).bind_all(self.values).optional(on).await
    }
}
