//! What a source's records hold: the places a mapping can read from, seen in real records.

use indexmap::IndexMap;
use serde_json::Value;

use super::plain_text;

/// Places that are told of; records with more are dictionaries, not fields.
const MOST: usize = 400;
/// Objects in objects.
const DEPTH: usize = 6;
/// Characters of an example.
const EXAMPLE: usize = 60;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Seen, and always empty.
    Nothing,
    /// A text, a number or a flag.
    Value,
    /// A list of such.
    Values,
    /// A list of objects.
    List,
}

/// A place in a source's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Path from the record, or from the item of `list`.
    pub path: String,
    /// Path of the list whose items hold it.
    pub list: Option<String>,
    pub shape: Shape,
    /// Records, or items, in which something stands there.
    pub filled: usize,
    /// The first value that is not empty, cut to a length for people. Personal data, perhaps.
    pub example: String,
}

/// Every place of some records, in the order in which they are met.
pub fn discover<'a>(bodies: impl IntoIterator<Item = &'a Value>) -> Vec<Found> {
    let mut places = Places::default();
    for body in bodies {
        places.object(body, "", None, 0);
    }
    places.0.into_values().collect()
}

#[derive(Default)]
struct Places(IndexMap<(Option<String>, String), Found>);

impl Places {
    fn object(&mut self, body: &Value, prefix: &str, list: Option<&str>, depth: usize) {
        let Value::Object(object) = body else { return };
        for (name, value) in object {
            // A path has no words for a name with a dot.
            if name.is_empty() || name.contains('.') {
                continue;
            }
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                Value::Object(_) if depth < DEPTH => self.object(value, &path, list, depth + 1),
                Value::Object(_) => {}
                Value::Array(items) => self.items(items, &path, list),
                plain => {
                    let text = plain_text(plain).unwrap_or_default();
                    let shape = if text.trim().is_empty() { Shape::Nothing } else { Shape::Value };
                    self.note(&path, list, shape, &text);
                }
            }
        }
    }

    fn items(&mut self, items: &[Value], path: &str, list: Option<&str>) {
        match items.first() {
            Some(Value::Object(_)) if list.is_none() => {
                self.note(path, None, Shape::List, &items.len().to_string());
                for item in items {
                    self.object(item, "", Some(path), 1);
                }
            }
            // Mappings read no lists inside lists.
            Some(Value::Object(_) | Value::Array(_)) => {}
            Some(plain) => self.note(path, list, Shape::Values, &plain_text(plain).unwrap_or_default()),
            None => self.note(path, list, Shape::Nothing, ""),
        }
    }

    fn note(&mut self, path: &str, list: Option<&str>, shape: Shape, text: &str) {
        let key = (list.map(str::to_owned), path.to_owned());
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            return;
        }
        let new = || Found {
            path: path.to_owned(),
            list: list.map(str::to_owned),
            shape: Shape::Nothing,
            filled: 0,
            example: String::new(),
        };
        let found = self.0.entry(key).or_insert_with(new);
        if shape == Shape::Nothing {
            return;
        }
        found.filled += 1;
        if found.shape == Shape::Nothing {
            found.shape = shape;
            found.example = text.trim().chars().take(EXAMPLE).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_found_with_what_stands_there() {
        let bodies = [
            json!({"no": "", "who": {"id": 7, "a.b": 1}, "tags": ["x"], "lines": [{"sku": "A", "subs": [{"z": 1}]}, {"sku": null}]}),
            json!({"no": "S-1", "who": {"id": 8}, "tags": [], "lines": [], "late": true}),
        ];
        let seen: Vec<_> = discover(&bodies)
            .into_iter()
            .map(|f| (f.path, f.list.unwrap_or_default(), f.shape, f.filled, f.example))
            .collect();
        let own = String::from;
        let expected = vec![
            (own("no"), own(""), Shape::Value, 1, own("S-1")),
            (own("who.id"), own(""), Shape::Value, 2, own("7")),
            (own("tags"), own(""), Shape::Values, 1, own("x")),
            (own("lines"), own(""), Shape::List, 1, own("2")),
            (own("sku"), own("lines"), Shape::Value, 1, own("A")),
            (own("late"), own(""), Shape::Value, 1, own("true")),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_dictionary_is_cut_off() {
        let many: serde_json::Map<String, Value> = (0..1000).map(|i| (format!("k{i}"), json!(i))).collect();
        assert_eq!(discover([&Value::Object(many)]).len(), MOST);
    }
}
