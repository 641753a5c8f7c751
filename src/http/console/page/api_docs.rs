//! `/api/docs`: the OpenAPI document as a page. For everybody: it says what stands in the source, and nothing of
//! this installation but its address. The document is in English; its sentences in Japanese stand in
//! `catalogue/api_ja.toml`.

use std::{collections::HashMap, sync::LazyLock};

use axum::{Router, extract::State, response::Html, routing::get};
use serde_json::Value;

use super::outside;
use crate::{
    app::SharedHub,
    http::{
        Preferences,
        api::openapi,
        console::{
            Lang,
            view::{
                Page,
                api_docs::{ApiDocsPage, Field, Noun, Operation, Refusal},
            },
        },
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/api/docs", get(page))
}

async fn page(State(hub): State<SharedHub>, Preferences { language, theme }: Preferences) -> Html<String> {
    let shell = outside::shell(language, theme, "");
    let address = hub.edge.public_url.as_str().trim_end_matches('/').to_owned();
    view(Lang::parse(language), address).render(&shell)
}

static NOTHING: Value = Value::Null;

static JA: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("../catalogue/api_ja.toml")).unwrap_or_default());

/// A sentence of the document in the reader's language.
fn said(lang: Lang, text: &str) -> String {
    let known = |text: &str| match lang {
        Lang::Ja => JA.get(text).cloned().or_else(|| words_of_code(text)),
        Lang::En => None,
    };
    text.split("\n\n").map(|part| known(part).unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>().join("\n\n")
}

/// `open`, `paid` or `cancelled`: nothing but words of code.
fn words_of_code(text: &str) -> Option<String> {
    let between: String = text.split('`').step_by(2).collect();
    let only = text.contains('`') && between.replace("or", "").chars().all(|c| " ,.…".contains(c));
    only.then(|| text.trim_end_matches('.').replace(" or ", "、").replace(", ", "、"))
}

/// The page, from the document.
pub(in crate::http::console) fn view(lang: Lang, hub: String) -> ApiDocsPage {
    let document = openapi::document();
    let text = |value: &Value| said(lang, value.as_str().unwrap_or_default());
    let noun = |tag: &Value| {
        let name = tag["name"].as_str().unwrap_or_default();
        Noun { name: name.to_owned(), about: text(&tag["description"]), operations: operations(lang, name) }
    };
    ApiDocsPage {
        about: text(&document["info"]["description"]),
        hub,
        nouns: document["tags"].as_array().into_iter().flatten().map(noun).collect(),
    }
}

fn operations(lang: Lang, tag: &str) -> Vec<Operation> {
    let paths = openapi::document()["paths"].as_object();
    let mut found = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        let methods = item.as_object().into_iter().flatten();
        let own = methods.filter(|(_, operation)| operation["tags"][0] == tag);
        found.extend(own.map(|(method, operation)| one(lang, method, path, operation)));
    }
    found
}

fn one(lang: Lang, method: &str, path: &str, operation: &'static Value) -> Operation {
    let text = |value: &Value| said(lang, value.as_str().unwrap_or_default());
    let answers = &operation["responses"];
    let good = ["200", "201"].iter().find_map(|status| answers.get(*status));
    let schema = good.map(|good| resolved(&good["content"]["application/json"]["schema"])).unwrap_or(&NOTHING);
    let items = &schema["properties"]["items"]["items"];
    let list = !items.is_null() && schema["properties"]["next_cursor"].is_object();
    let refused = answers.as_object().into_iter().flatten().filter(|(status, _)| status.as_str() >= "400");
    Operation {
        id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        about: operation["description"].as_str().map(|about| said(lang, about)),
        scope: operation["security"][0]["token"][0].as_str().map(str::to_owned),
        parameters: operation["parameters"].as_array().into_iter().flatten().map(|one| parameter(lang, one)).collect(),
        body: fields(lang, &operation["requestBody"]["content"]["application/json"]["schema"]),
        answer: fields(lang, if list { items } else { schema }),
        list,
        refusals: refused.map(|(status, answer)| refusal(lang, status, resolved(answer))).collect(),
        curl: operation["x-codeSamples"][0]["source"].as_str().unwrap_or_default().to_owned(),
    }
}

/// What a `$ref` leads to.
fn resolved(value: &'static Value) -> &'static Value {
    let to = value["$ref"].as_str().and_then(|to| openapi::document().pointer(to.trim_start_matches('#')));
    to.unwrap_or(value)
}

fn parameter(lang: Lang, one: &'static Value) -> Field {
    Field {
        name: one["name"].as_str().unwrap_or_default().to_owned(),
        kind: kind(&one["schema"]),
        about: said(lang, one["description"].as_str().unwrap_or_default()),
        required: one["required"] == true,
    }
}

fn refusal(lang: Lang, status: &str, answer: &Value) -> Refusal {
    let codes = &answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]["enum"];
    let codes: Vec<String> =
        codes.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let about = answer["description"].as_str().unwrap_or_default();
    // Where a handler named its codes, they stand before the words.
    let words = about.split_once(": ").filter(|(start, _)| codes.iter().any(|code| start.contains(code.as_str())));
    Refusal { status: status.to_owned(), about: said(lang, words.map_or(about, |(_, words)| words)), codes }
}

/// Every field of a schema, what is inside others with dots.
fn fields(lang: Lang, schema: &'static Value) -> Vec<Field> {
    let mut found = Vec::new();
    collect(lang, schema, "", &mut found);
    found
}

fn collect(lang: Lang, schema: &'static Value, before: &str, found: &mut Vec<Field>) {
    // Of several shapes, the usual one, which stands first.
    let schema = resolved(some(schema));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(lang, part, before, found);
    }
    let required = schema["required"].as_array();
    for (name, value) in schema["properties"].as_object().into_iter().flatten() {
        let name_of = format!("{before}{name}");
        let about = described(value).unwrap_or_default();
        found.push(Field {
            name: name_of.clone(),
            kind: kind(value),
            about: said(lang, about),
            required: required.is_some_and(|all| all.iter().any(|one| one == name)),
        });
        let inner = some(value);
        let inner = resolved(inner);
        if inner["items"].is_object() {
            collect(lang, &inner["items"], &format!("{name_of}[]."), found);
        } else {
            collect(lang, inner, &format!("{name_of}."), found);
        }
    }
}

/// The description of a field: its own, else that of what it refers to.
fn described(value: &'static Value) -> Option<&'static str> {
    let one = some(value);
    let own = value["description"].as_str().or_else(|| one["description"].as_str());
    own.or_else(|| resolved(one)["description"].as_str())
}

/// Of "this or null": this.
fn some(value: &'static Value) -> &'static Value {
    let choices = value["oneOf"].as_array();
    choices.and_then(|all| all.iter().find(|one| one["type"] != "null")).unwrap_or(value)
}

/// The kind of a value in a word or two.
fn kind(value: &'static Value) -> String {
    let null = value["oneOf"].as_array().is_some_and(|all| all.iter().any(|one| one["type"] == "null"))
        || value["type"].as_array().is_some_and(|all| all.iter().any(|one| one == "null"));
    let of = resolved(some(value));
    let first = of["type"].as_array().and_then(|all| all.iter().find(|one| *one != "null")).unwrap_or(&of["type"]);
    let word = match (of["format"].as_str(), first.as_str()) {
        (Some(format @ ("date" | "date-time")), _) => format,
        (_, Some("array")) => return with_null(&format!("{}[]", kind(&of["items"])), null),
        (_, Some(word)) => word,
        // A text, or that there is one which is masked; an object of several parts.
        (_, None) if of["allOf"].is_array() => "object",
        (_, None) if of["oneOf"].is_array() => "string | masked",
        (_, None) => "any",
    };
    with_null(word, null)
}

fn with_null(word: &str, null: bool) -> String {
    if null { format!("{word} | null") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Everything that the page says in English, it says in Japanese.
    #[test]
    fn every_sentence_has_its_japanese() {
        let mut wanted = BTreeSet::new();
        let mut say = |text: &str| wanted.extend(text.split("\n\n").filter(|part| !part.is_empty()).map(str::to_owned));
        let page = view(Lang::En, String::new());
        say(&page.about);
        for noun in &page.nouns {
            say(&noun.about);
            for operation in &noun.operations {
                say(&operation.summary);
                say(operation.about.as_deref().unwrap_or_default());
                let fields = operation.parameters.iter().chain(&operation.body).chain(&operation.answer);
                fields.for_each(|field| say(&field.about));
                operation.refusals.iter().for_each(|refusal| say(&refusal.about));
            }
        }
        let known: BTreeSet<String> = JA.keys().cloned().collect();
        wanted.retain(|text| words_of_code(text).is_none());
        assert_eq!(wanted.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "without Japanese");
        assert_eq!(known.difference(&wanted).collect::<Vec<_>>(), Vec::<&String>::new(), "nobody says it any more");
    }

    #[test]
    fn fields_inside_others_are_named_with_dots() {
        let page = view(Lang::En, String::new());
        let all = page.nouns.iter().flat_map(|noun| &noun.operations);
        let order = all.clone().find(|operation| operation.id == "getOrder").map(|found| found.answer.clone());
        let kinds: HashMap<String, String> =
            order.unwrap_or_default().into_iter().map(|field| (field.name, field.kind)).collect();
        for (name, kind) in [
            ("order_date", "date"),
            ("delivery_date", "date | null"),
            ("total", "integer | null"),
            ("lines", "object[]"),
            ("lines[].amount", "integer | null"),
            ("currency", "string"),
        ] {
            assert_eq!(kinds.get(name).map(String::as_str), Some(kind), "{name}");
        }
        assert!(all.filter(|operation| operation.list).all(|operation| !operation.answer.is_empty()));
    }
}
