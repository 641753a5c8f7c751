//! Dotted paths: `customer.address.0.city`. A step of digits also indexes a list.

use std::fmt;

use serde_json::{Map, Value};

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

    /// Puts a value where the path leads, making the objects on the way that are not there. `false`: the path
    /// leads through something that has no such place, and nothing is changed.
    pub fn put(&self, body: &mut Value, new: Value) -> bool {
        let Some(((last, index), way)) = self.steps.split_last() else {
            *body = new;
            return true;
        };
        let mut at = body;
        for (name, index) in way {
            at = match at {
                Value::Object(object) => object.entry(name.clone()).or_insert_with(|| Value::Object(Map::new())),
                Value::Array(list) => match index.and_then(|index| list.get_mut(index)) {
                    Some(item) => item,
                    None => return false,
                },
                _ => return false,
            };
        }
        match at {
            Value::Object(object) => {
                object.insert(last.clone(), new);
                true
            }
            Value::Array(list) => match index.and_then(|index| list.get_mut(index)) {
                Some(item) => {
                    *item = new;
                    true
                }
                None => false,
            },
            _ => false,
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_put_where_a_path_leads() {
        let body = json!({"no": 1, "rows": [{"qty": "x"}], "who": null});
        let table = [
            ("no", Some(json!({"no": "v", "rows": [{"qty": "x"}], "who": null}))),
            ("rows.0.qty", Some(json!({"no": 1, "rows": [{"qty": "v"}], "who": null}))),
            ("rows.0.unit", Some(json!({"no": 1, "rows": [{"qty": "x", "unit": "v"}], "who": null}))),
            ("new.deep", Some(json!({"no": 1, "rows": [{"qty": "x"}], "who": null, "new": {"deep": "v"}}))),
            ("rows.3.qty", None),
            ("rows.qty", None),
            ("no.deep", None),
            ("who.id", None),
        ];
        for (path, expected) in table {
            let mut changed = body.clone();
            let done = Path::parse(path).put(&mut changed, json!("v"));
            assert_eq!((done, changed), (expected.is_some(), expected.unwrap_or_else(|| body.clone())), "{path}");
        }
    }
}
