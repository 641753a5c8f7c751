//! The service document and the XML of `$metadata` (CSDL 4.0), made of the one table of sets.

use std::{fmt::Write, sync::LazyLock};

use serde_json::json;

use super::filter::edm;
use crate::{
    model::Currency,
    store::feed::{Kind, Navigation, Property, SETS, Set},
};

const NAMESPACE: &str = "Musubi";
/// Digits of the largest amount, before and after the decimal sign.
const DIGITS: u32 = 19 + Currency::MOST_DIGITS;

/// The CSDL document; the same for everybody.
pub fn document() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(written);
    &TEXT
}

fn written() -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">\n\
         <edmx:DataServices>\n<Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">\n"
    );
    for set in SETS {
        xml.push_str(&entity(set));
    }
    xml.push_str("<EntityContainer Name=\"Hub\">\n");
    for set in SETS {
        xml.push_str(&entity_set(set));
    }
    xml.push_str("</EntityContainer>\n</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n");
    xml
}

fn entity(set: &Set) -> String {
    let keys: Vec<String> = set.key.iter().map(|name| format!("<PropertyRef Name=\"{name}\"/>")).collect();
    let mut xml = format!("<EntityType Name=\"{}\">\n<Key>{}</Key>\n", set.entity, keys.concat());
    for Property { name, kind, nullable, .. } in set.properties {
        let facets = match kind {
            Kind::Amount { .. } => format!(" Precision=\"{DIGITS}\" Scale=\"{}\"", Currency::MOST_DIGITS),
            Kind::Number => " Scale=\"variable\"".to_owned(),
            Kind::Instant => " Precision=\"6\"".to_owned(),
            Kind::Text | Kind::Date | Kind::Bool | Kind::Int => String::new(),
        };
        let required = if *nullable { "" } else { " Nullable=\"false\"" };
        // Writing to a String cannot fail.
        let _ = writeln!(xml, "<Property Name=\"{name}\" Type=\"{}\"{required}{facets}/>", edm(kind.ty()));
    }
    for Navigation { name, on, many, nullable, partner, .. } in set.navigations {
        let way = set.navigation(name).map(Navigation::target).unwrap_or(set);
        let ty = format!("{NAMESPACE}.{}", way.entity);
        let ty = if *many { format!("Collection({ty})") } else { ty };
        let required = if *many || *nullable { "" } else { " Nullable=\"false\"" };
        let partner = partner.map(|name| format!(" Partner=\"{name}\"")).unwrap_or_default();
        let constraint = format!("<ReferentialConstraint Property=\"{}\" ReferencedProperty=\"{}\"/>", on.0, on.1);
        let end = if *many { "/>".to_owned() } else { format!(">{constraint}</NavigationProperty>") };
        let _ = writeln!(xml, "<NavigationProperty Name=\"{name}\" Type=\"{ty}\"{required}{partner}{end}");
    }
    xml.push_str("</EntityType>\n");
    xml
}

fn entity_set(set: &Set) -> String {
    let mut xml = format!("<EntitySet Name=\"{}\" EntityType=\"{NAMESPACE}.{}\"", set.name, set.entity);
    if set.navigations.is_empty() {
        xml.push_str("/>\n");
        return xml;
    }
    xml.push_str(">\n");
    for Navigation { name, to, .. } in set.navigations {
        let _ = writeln!(xml, "<NavigationPropertyBinding Path=\"{name}\" Target=\"{to}\"/>");
    }
    xml.push_str("</EntitySet>\n");
    xml
}

/// What the service root answers.
pub fn service(root: &str) -> String {
    let sets: Vec<_> =
        SETS.iter().map(|set| json!({ "name": set.name, "kind": "EntitySet", "url": set.name })).collect();
    json!({ "@odata.context": format!("{root}/$metadata"), "value": sets }).to_string()
}
