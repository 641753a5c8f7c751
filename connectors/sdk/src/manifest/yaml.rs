//! YAML text to JSON, remembering where every node stood.
//!
//! Invariant: aliases are refused, so a short text cannot expand into a huge one; nesting is capped.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, Yaml, YamlData, YamlEmitter};
use saphyr_parser::{Event, Marker, Parser, ScanError};
use serde_json::{Map, Number, Value};

const MAX_TEXT: usize = 1 << 20;
const MAX_DEPTH: usize = 48;

/// One-based line and column.
pub type Position = (usize, usize);

/// Where the nodes of a document stood, by JSON pointer.
#[derive(Debug, Default)]
pub struct Positions {
    keys: HashMap<String, Position>,
    values: HashMap<String, Position>,
}

impl Positions {
    /// Where the key of this node was written; for the items of a list, where the item starts.
    #[must_use]
    pub fn key(&self, pointer: &str) -> Position {
        self.keys.get(pointer).copied().unwrap_or_else(|| self.value(pointer))
    }

    /// Where the value starts; of the nearest enclosing node when this one was not written.
    #[must_use]
    pub fn value(&self, pointer: &str) -> Position {
        let mut at = pointer;
        loop {
            if let Some(position) = self.values.get(at) {
                return *position;
            }
            match at.rfind('/') {
                Some(cut) => at = &at[..cut],
                None => return (1, 1),
            }
        }
    }
}

/// A syntax error with its place.
#[derive(Debug)]
pub struct YamlError {
    pub at: Position,
    pub message: String,
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        Self { at: position(error.marker()), message: error.info().to_owned() }
    }
}

fn position(marker: &Marker) -> Position {
    (marker.line().max(1), marker.col() + 1)
}

/// Escapes one step of a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// Reads one document.
///
/// # Errors
/// Broken YAML, more than one document, aliases, keys that are not texts.
pub fn load(text: &str) -> Result<(Value, Positions), YamlError> {
    if text.len() > MAX_TEXT {
        return Err(YamlError { at: (1, 1), message: "is larger than 1 MiB".to_owned() });
    }
    scan(text)?;
    let documents = MarkedYaml::load_from_str(text)?;
    let mut positions = Positions::default();
    match documents.as_slice() {
        [document] => Ok((convert(document, "", &mut positions)?, positions)),
        [] => Err(YamlError { at: (1, 1), message: "is empty".to_owned() }),
        [_, second, ..] => {
            Err(YamlError { at: position(&second.span.start), message: "holds more than one document".to_owned() })
        }
    }
}

/// JSON is YAML: what it reads as is written in YAML's own form. A value that cannot be written so stays JSON.
pub fn write(value: &Value) -> String {
    let json = value.to_string();
    let mut out = String::new();
    let written = Yaml::load_from_str(&json).ok().and_then(|documents| {
        let mut emitter = YamlEmitter::new(&mut out);
        emitter.dump(documents.first()?).ok()
    });
    let text = out.trim_start_matches("---\n");
    // Believed only when it reads back as what was written.
    match (written, load(text)) {
        (Some(()), Ok((back, _))) if back == *value => format!("{text}\n"),
        _ => serde_json::to_string_pretty(value).unwrap_or(json) + "\n",
    }
}

fn scan(text: &str) -> Result<(), YamlError> {
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event?;
        match event {
            Event::Alias(_) => {
                return Err(YamlError { at: position(&span.start), message: "aliases (*name) are not allowed".into() });
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(YamlError { at: position(&span.start), message: "is nested too deeply".to_owned() });
        }
    }
    Ok(())
}

fn convert(node: &MarkedYaml<'_>, pointer: &str, positions: &mut Positions) -> Result<Value, YamlError> {
    let at = position(&node.span.start);
    positions.values.insert(pointer.to_owned(), at);
    match &node.data {
        YamlData::Value(scalar) => {
            scalar_value(scalar).ok_or_else(|| YamlError { at, message: "is not a finite number".into() })
        }
        YamlData::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| convert(item, &format!("{pointer}/{index}"), positions))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        YamlData::Mapping(entries) => {
            let mut object = Map::with_capacity(entries.len());
            for (key, value) in entries {
                let key_at = position(&key.span.start);
                let name = key_text(key).ok_or_else(|| YamlError { at: key_at, message: "key is no text".into() })?;
                let child = format!("{pointer}/{}", escape(&name));
                positions.keys.insert(child.clone(), key_at);
                let converted = convert(value, &child, positions)?;
                object.insert(name, converted);
            }
            Ok(Value::Object(object))
        }
        _ => Err(YamlError { at, message: "uses a YAML tag or alias, which is not allowed".to_owned() }),
    }
}

/// Keys that YAML reads as something else (`404:`, `true:`) are taken as written.
fn key_text(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
        YamlData::Value(Scalar::Integer(number)) => Some(number.to_string()),
        YamlData::Value(Scalar::Boolean(flag)) => Some(flag.to_string()),
        _ => None,
    }
}

fn scalar_value(scalar: &Scalar<'_>) -> Option<Value> {
    Some(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => Value::from(*number),
        Scalar::FloatingPoint(number) => Value::Number(Number::from_f64(number.into_inner())?),
        Scalar::String(text) => Value::String(text.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_keep_their_place() -> Result<(), String> {
        let text = "a: 1\nb:\n  c: [x, y]\n  404: {d: true}\n";
        let (value, positions) = load(text).map_err(|e| e.message)?;
        assert_eq!(value, serde_json::json!({"a": 1, "b": {"c": ["x", "y"], "404": {"d": true}}}));
        assert_eq!(positions.key("/b/c"), (3, 3));
        assert_eq!(positions.value("/b/c/1"), (3, 10));
        assert_eq!(positions.key("/b/404/d"), (4, 9));
        assert_eq!(positions.value("/b/404/missing"), positions.value("/b/404"));
        Ok(())
    }

    #[test]
    fn dangerous_or_broken_texts_are_refused() {
        for text in ["a: &x [1]\nb: *x\n", "a: 1\na: 2\n", "a: [", "---\na: 1\n---\nb: 2\n", "", "a: !custom 3"] {
            assert!(load(text).is_err(), "{text}");
        }
        assert!(load(&"[".repeat(1000)).is_err());
    }
}
