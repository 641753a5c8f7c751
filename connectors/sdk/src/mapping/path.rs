//! Dotted paths: `customer.address.0.city`. A step of digits also indexes a list.

use std::fmt;

use serde_json::Value;

/// A path, cut once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    steps: Vec<(String, Option<usize>)>,
}

impl Path {
    /// The empty path names the whole value.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let steps = if text.is_empty() { Vec::new() } else { text.split('.').map(cut).collect() };
        Self { text: text.to_owned(), steps }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        let mut at = value;
        for (name, index) in &self.steps {
            at = match at {
                Value::Object(object) => object.get(name)?,
                Value::Array(list) => list.get((*index)?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// Moves the value out, so that a page's records need no copy.
    pub(crate) fn take(&self, value: &mut Value) -> Option<Value> {
        let mut at = value;
        for (name, index) in &self.steps {
            at = match at {
                Value::Object(object) => object.get_mut(name)?,
                Value::Array(list) => list.get_mut((*index)?)?,
                _ => return None,
            };
        }
        Some(at.take())
    }
}

fn cut(step: &str) -> (String, Option<usize>) {
    (step.to_owned(), step.parse().ok())
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
