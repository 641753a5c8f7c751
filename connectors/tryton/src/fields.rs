//! Which models and fields this Tryton has: they depend on its modules, and asking for one that it
//! lacks is answered by an internal error.
//!
//! The fields to ask for follow from the mapping, so a mapping of one's own needs no code.

use std::collections::{BTreeSet, HashMap};

use musubi_sdk::{SourceError, manifest::MappingSpec};
use serde_json::{Value, json};

use crate::{
    domain::{all, is},
    rest::{Question, Rest},
    shape,
};

/// The key under which a record carries what [`shape`] adds.
const OURS: &str = "hub";
/// Paths are short; a chain of relations longer than this is a mistake in a mapping.
const DEPTH: usize = 6;

#[derive(Debug, Default)]
struct Field {
    relation: Option<String>,
    is_boolean: bool,
}

/// The models of one Tryton, as far as they are of interest.
#[derive(Debug, Default)]
pub(crate) struct Known {
    models: HashMap<String, HashMap<String, Field>>,
}

impl Known {
    /// Asks for these models' fields of these names, and for those of the models they lead to.
    pub(crate) async fn load(
        rest: &Rest,
        models: impl IntoIterator<Item = String>,
        names: &BTreeSet<String>,
    ) -> Result<Self, SourceError> {
        let mut known = Self::default();
        let mut next: BTreeSet<String> = models.into_iter().collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for _ in 0..DEPTH {
            if next.is_empty() {
                break;
            }
            let asked: Vec<&str> = next.iter().map(String::as_str).collect();
            let question = Question {
                model: "ir.model.field",
                fields: vec!["model".into(), "name".into(), "ttype".into(), "relation".into()],
                domain: all(vec![is("model", "in", asked), is("name", "in", names.clone())]),
                order: json!([["id", "ASC"]]),
                size: None,
            };
            for row in rest.list(&question, false).await?.rows {
                known.learn(&row);
            }
            let reached = known.models.values().flat_map(HashMap::values).filter_map(|field| field.relation.clone());
            next = reached.filter(|model| !known.models.contains_key(model) && !next.contains(model)).collect();
        }
        Ok(known)
    }

    fn learn(&mut self, row: &Value) {
        let (Some(model), Some(name)) = (row["model"].as_str(), row["name"].as_str()) else { return };
        let field =
            Field { relation: row["relation"].as_str().map(str::to_owned), is_boolean: row["ttype"] == "boolean" };
        self.models.entry(model.to_owned()).or_default().insert(name.to_owned(), field);
    }

    pub(crate) fn has_model(&self, model: &str) -> bool {
        self.models.contains_key(model)
    }

    /// The model that a field leads to; `None` for values, and for a field that may lead to several.
    pub(crate) fn relation(&self, model: &str, name: &str) -> Option<&str> {
        self.models.get(model)?.get(name)?.relation.as_deref()
    }

    pub(crate) fn has(&self, model: &str, path: &str) -> bool {
        let mut at = Some(model);
        for name in path.split('.') {
            let Some(fields) = at.and_then(|model| self.models.get(model)) else { return false };
            at = match fields.get(name) {
                Some(field) => field.relation.as_deref(),
                None if name == "id" => None,
                None => return false,
            };
        }
        true
    }

    /// Every model that the paths lead through.
    pub(crate) fn through<'a>(&'a self, model: &'a str, paths: &[String]) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::from([model]);
        for path in paths {
            let mut at = model;
            // The last step shows nothing of the model that it may lead to but an id.
            let steps = path.rsplit_once('.').map_or("", |(steps, _)| steps);
            for name in steps.split('.') {
                let field = self.models.get(at).and_then(|fields| fields.get(name));
                let Some(relation) = field.and_then(|field| field.relation.as_deref()) else { break };
                found.insert(relation);
                at = relation;
            }
        }
        found
    }

    /// Booleans that came as 1 and 0, as SQLite keeps them, to true and false.
    pub(crate) fn booleans(&self, model: &str, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.booleans(model, item)),
            Value::Object(object) => {
                let Some(fields) = self.models.get(model) else { return };
                for (name, value) in object.iter_mut() {
                    let Some(field) = fields.get(name) else { continue };
                    match &field.relation {
                        Some(relation) => self.booleans(relation, value),
                        None if field.is_boolean && value.is_i64() => *value = Value::Bool(shape::truthy(value)),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// The dotted paths that a mapping reads, without the places in lists and without what we add.
pub(crate) fn paths(mapping: &MappingSpec) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    collect(mapping, "", &mut out);
    out
}

fn collect(mapping: &MappingSpec, prefix: &str, out: &mut BTreeSet<String>) {
    let add = |path: &str, out: &mut BTreeSet<String>| {
        let steps = prefix.split('.').chain(path.split('.')).filter(|step| !step.is_empty());
        let named: Vec<&str> = steps.filter(|step| step.parse::<usize>().is_err()).collect();
        if !named.is_empty() && !named.contains(&OURS) {
            out.insert(named.join("."));
        }
    };
    for field in mapping.0.values() {
        match (&field.each, &field.fields) {
            (Some(each), Some(fields)) => collect(fields, &format!("{prefix}.{each}"), out),
            (Some(each), None) => add(&format!("{each}.{}", field.item.as_deref().unwrap_or_default()), out),
            (None, _) => field.paths().for_each(|path| add(path, out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let mut known = Known::default();
        let rows = [
            ("sale.sale", "number", "char", None),
            ("sale.sale", "line_lines", "one2many", Some("sale.line")),
            ("sale.sale", "party", "many2one", Some("party.party")),
            ("sale.line", "product", "many2one", Some("product.product")),
            ("product.product", "code", "char", None),
            ("product.product", "active", "boolean", None),
            ("party.party", "active", "boolean", None),
            ("party.party", "level", "integer", None),
        ];
        for (model, name, ttype, relation) in rows {
            known.learn(&json!({"model": model, "name": name, "ttype": ttype, "relation": relation}));
        }
        known
    }

    #[test]
    fn paths_are_followed_from_model_to_model() {
        let known = known();
        for (path, expected) in [
            ("number", true),
            ("party", true),
            ("line_lines.product.code", true),
            ("line_lines.product.colour", false),
            ("number.code", false),
            ("shipment_state", false),
        ] {
            assert_eq!(known.has("sale.sale", path), expected, "{path}");
        }
        assert!(!known.has("stock.move", "id"));
        let paths = ["line_lines.product.code".to_owned(), "party".to_owned()];
        let through: Vec<_> = known.through("sale.sale", &paths).into_iter().collect();
        assert_eq!(through, ["product.product", "sale.line", "sale.sale"]);
    }

    #[test]
    fn flags_are_flags_whatever_the_database() {
        let mut row = json!({"number": "1", "party": {"active": 1, "level": 1},
            "line_lines": [{"product": {"active": 0}}, {"product": {"active": true}}, {"product": null}]});
        known().booleans("sale.sale", &mut row);
        let expected = json!({"number": "1", "party": {"active": true, "level": 1},
            "line_lines": [{"product": {"active": false}}, {"product": {"active": true}}, {"product": null}]});
        assert_eq!(row, expected);
    }

    #[test]
    fn a_mapping_says_what_to_ask_for() -> Result<(), serde_json::Error> {
        let mapping: MappingSpec = serde_json::from_value(json!({
            "customer": "party.id", "number": {"from": "number", "as": ["trim"]}, "status": "hub.status",
            "currency": {"default": "JPY"}, "corrects": "origin_invoices.0.number",
            "lines": {"each": "line_lines", "fields": {"amount": "amount", "description": "hub.description",
                "product_code": "product.code"}},
            "orders": {"each": "sales", "item": "number"},
        }))?;
        let expected = [
            "line_lines.amount",
            "line_lines.product.code",
            "number",
            "origin_invoices.number",
            "party.id",
            "sales.number",
        ];
        assert_eq!(paths(&mapping).into_iter().collect::<Vec<_>>(), expected);
        Ok(())
    }
}
