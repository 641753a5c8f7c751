//! `{{ name }}` in manifest strings: a setting, or `key` in `fetch.path`. Nothing else is understood.

/// A string cut into text and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

impl Template {
    /// Cuts a string; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let after = &rest[open + 2..];
            let close = after.find("}}").ok_or("has \"{{\" without \"}}\"")?;
            let name = after[..close].trim();
            let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !plain {
                return Err("may only hold the name of a setting between \"{{\" and \"}}\"");
            }
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = &after[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every name replaced; the first name without a value otherwise.
    pub(crate) fn render(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name(name) => out.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_nothing_else() {
        let table = [
            ("plain", Ok("plain")),
            ("{{ a }}", Ok("1")),
            ("x{{a}}y{{ b }}", Ok("x1y2")),
            ("{{ missing }}", Err("missing")),
            ("{ a }", Ok("{ a }")),
        ];
        for (text, expected) in table {
            let template = Template::parse(text).unwrap_or(Template(Vec::new()));
            let value = |name: &str| match name {
                "a" => Some("1".to_owned()),
                "b" => Some("2".to_owned()),
                _ => None,
            };
            assert_eq!(template.render(value), expected.map(str::to_owned), "{text}");
        }
        for bad in ["{{ a", "{{ a + b }}", "{{}}", "{{ a | upper }}"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
