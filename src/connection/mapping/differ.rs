//! Where two mappings of a stream differ.

use musubi_sdk::manifest::{FieldSpec, MappingSpec};

/// A field that is filled differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// `name`, or `list/name` inside a list.
    pub field: String,
    /// `None`: it was not filled.
    pub before: Option<FieldSpec>,
    /// `None`: it is not filled any more.
    pub after: Option<FieldSpec>,
}

/// Every difference, in the order of the newer mapping; what is gone comes last.
#[must_use]
pub fn between(before: &MappingSpec, after: &MappingSpec) -> Vec<Difference> {
    let mut out = Vec::new();
    fields(before, after, "", &mut out);
    out
}

fn fields(before: &MappingSpec, after: &MappingSpec, prefix: &str, out: &mut Vec<Difference>) {
    let empty = MappingSpec::default();
    for (name, now) in &after.0 {
        let was = before.0.get(name);
        if was.map(own) != Some(own(now)) {
            out.push(Difference { field: format!("{prefix}{name}"), before: was.map(own), after: Some(own(now)) });
        }
        let inside = (was.and_then(|was| was.fields.as_ref()).unwrap_or(&empty), now.fields.as_ref().unwrap_or(&empty));
        fields(inside.0, inside.1, &format!("{prefix}{name}/"), out);
    }
    for (name, was) in before.0.iter().filter(|(name, _)| !after.0.contains_key(*name)) {
        out.push(Difference { field: format!("{prefix}{name}"), before: Some(own(was)), after: None });
    }
}

/// A field without the fields inside it, which are compared by themselves.
fn own(spec: &FieldSpec) -> FieldSpec {
    FieldSpec { fields: None, ..spec.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_field_by_field() -> Result<(), serde_json::Error> {
        let before: MappingSpec = serde_json::from_value(serde_json::json!({
            "number": "no", "status": "state", "lines": {"each": "rows", "fields": {"quantity": "qty", "unit": "u"}}
        }))?;
        let after: MappingSpec = serde_json::from_value(serde_json::json!({
            "number": "no", "total": "sum", "status": {"from": "state", "as": ["trim"]},
            "lines": {"each": "rows", "fields": {"quantity": "q"}}
        }))?;
        let seen: Vec<_> = between(&before, &after)
            .into_iter()
            .map(|d| (d.field, d.before.and_then(|s| s.from), d.after.and_then(|s| s.from)))
            .collect();
        let path = |text: &str| Some(text.to_owned());
        assert_eq!(
            seen,
            [
                ("total".to_owned(), None, path("sum")),
                ("status".to_owned(), path("state"), path("state")),
                ("lines/quantity".to_owned(), path("qty"), path("q")),
                ("lines/unit".to_owned(), path("u"), None),
            ]
        );
        assert!(between(&before, &before).is_empty());
        Ok(())
    }
}
