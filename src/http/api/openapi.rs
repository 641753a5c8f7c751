//! The API as an OpenAPI 3.1 document, made from the routes: what is served is what is described.
//!
//! Handlers say what is theirs (`#[utoipa::path]`); what holds for all of them is added here: the token, the
//! answers to what is wrong with their codes, and that a field without a value is null and never left out.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::{Value, json};
use utoipa::openapi::{InfoBuilder, OpenApi};

use crate::identity::Scope;

/// Name of the security scheme.
const TOKEN: &str = "token";

/// Nouns in the order of a day's work, with what they are.
pub const TAGS: &[(&str, &str)] = &[
    ("me", "The token itself"),
    ("customers", "Golden records: what the hub holds to be true of each customer"),
    ("custom-fields", "Fields that the administrator added to customers"),
    ("sites", "Places of customers"),
    ("contacts", "People at customers"),
    ("relations", "Who looks after customers, and who did"),
    ("products", "What is sold, as the sources name it"),
    ("deals", "Business that may come"),
    ("quotes", "What was offered to customers"),
    ("orders", "What customers ordered"),
    ("shipments", "What left for customers"),
    ("invoices", "Bills and credit notes"),
    ("payments", "Money that came in"),
    ("contracts", "What was agreed for a time"),
    ("inquiries", "What customers asked"),
    ("activities", "Visits, calls, mails, meetings and notes"),
    ("views", "Questions to the customers list that people keep under a name"),
    ("changes", "What happened to every record, in order"),
    ("connections", "Connected systems and how they are"),
    ("connectors", "Kinds of systems that can be connected"),
    ("runs", "What syncs did"),
    ("failures", "Records that could not be taken in, and their ways out"),
    ("webhook-events", "What came in by webhook"),
    ("deliveries", "What outside receivers were told"),
    ("users", "People and service accounts"),
    ("audit", "Who did what"),
];

/// What can be wrong with any call: status, name, what it means, codes.
const ALWAYS: [(&str, &str, &str, &[&str]); 6] = [
    ("400", "Ambiguous", "More than one `Authorization` header", &["TOKEN_AMBIGUOUS"]),
    ("401", "NoToken", "No token, or none that lets anybody in", &["TOKEN_REQUIRED", "TOKEN_INVALID"]),
    (
        "403",
        "NotAllowed",
        "The token was not made for this (`needs_scope`), its owner's role does not allow it now (`needs_role`), or it \
         came over plain http from another machine",
        &["SCOPE_MISSING", "FORBIDDEN", "NOT_FOR_TOKENS", "INSECURE_TRANSPORT"],
    ),
    ("421", "OtherHost", "The hub is not known under this host name", &["HOST_UNKNOWN"]),
    ("429", "TooMany", "Too many calls; wait for `Retry-After` seconds", &["TOO_MANY_REQUESTS"]),
    ("503", "Away", "The same call can succeed later; `Retry-After`", &["DATABASE_AWAY", "TIMEOUT"]),
];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| finished(super::nouns().into_openapi()));

/// The whole document.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

const ABOUT: &str = "Customers with all that belongs to them, and how they came here. Amounts are whole minor units \
beside their currency, as the source rounded them. Instants are RFC 3339 in UTC; business dates belong to no zone. A \
field without a value is null. Lists take `limit` and `cursor` and answer `items` and `next_cursor`. A parameter that \
an address does not know is refused, not overlooked. What a token sees is what its owner sees at that moment: \
departments and hidden fields as on pages.";

fn finished(mut routes: OpenApi) -> Value {
    routes.info = InfoBuilder::new().title("Musubi").version("1").description(Some(ABOUT)).build();
    let mut document = serde_json::to_value(routes).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["servers"] = json!([{"url": "/api/v1"}]);
    document["tags"] = TAGS.iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    let bodies = bodies(&document["paths"]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({TOKEN: scheme()});
    if let Some(schemas) = components["schemas"].as_object_mut() {
        for (name, schema) in schemas.iter_mut() {
            if !bodies.contains(name) {
                require_all(schema);
            }
            if let Some(of) = name.strip_prefix("Page_") {
                schema["properties"]["items"]["items"] = json!({"$ref": format!("#/components/schemas/{of}")});
            }
        }
        schemas.insert("Problem".to_owned(), problem());
    }
    components["responses"] = Value::Object(
        ALWAYS.iter().map(|(_, name, about, codes)| ((*name).to_owned(), refusal(about, codes))).collect(),
    );
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths.iter_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flat_map(|item| item.iter_mut()) {
                refusals(path, operation);
                let sample = json!({"lang": "Shell", "label": "curl", "source": curl(method, path, operation)});
                operation["x-codeSamples"] = json!([sample]);
            }
        }
    }
    unwrap(&mut document);
    document
}

/// Descriptions come as comments are written: with an end of line where the line was full.
fn unwrap(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                match value {
                    Value::String(text) if name == "description" => {
                        let paragraphs: Vec<String> = text.split("\n\n").map(|text| text.replace('\n', " ")).collect();
                        *text = paragraphs.join("\n\n");
                    }
                    other => unwrap(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap),
        _ => {}
    }
}

/// The call as it is typed, with the token in `$TOKEN`, the hub in `$HUB` what the path names in `$ID`, and its
/// version in `$ETAG`.
fn curl(method: &str, path: &str, operation: &Value) -> String {
    let mut words = vec!["curl".to_owned(), "-H \"Authorization: Bearer $TOKEN\"".to_owned()];
    if method != "get" {
        words.push(format!("-X {}", method.to_uppercase()));
    }
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (parameter["name"].as_str().unwrap_or_default(), &parameter["example"]);
        match parameter["in"].as_str() {
            // A key of its own for each call, so that they can be tried one after the other.
            Some("header") if name == "Idempotency-Key" => {
                let id = operation["operationId"].as_str().unwrap_or_default();
                words.push(format!("-H \"{name}: {id}-1\""));
            }
            Some("header") => words.push(format!("-H \"{name}: {}\"", plain(example))),
            Some("query") if name == "limit" => query.push(format!("{name}={}", plain(example))),
            _ => {}
        }
    }
    if let Some(example) = operation["requestBody"]["content"]["application/json"].get("example") {
        let body = example.to_string().replace('"', "\\\"");
        words.push("-H \"Content-Type: application/json\"".to_owned());
        words.push(format!("-d \"{body}\""));
    }
    let mut place = path.to_owned();
    for (nth, parameter) in
        operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path").enumerate()
    {
        let name = format!("{{{}}}", parameter["name"].as_str().unwrap_or_default());
        let value = if nth == 0 { "$ID".to_owned() } else { plain(&parameter["example"]) };
        place = place.replace(&name, &value);
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    words.push(format!("\"$HUB/api/v1{place}{query}\""));
    words.join(" ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn scheme() -> Value {
    let scopes: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
    let about = format!(
        "`Authorization: Bearer mus_…`, made at [自分の設定] (My settings), [ユーザーと権限] or with `musubi token \
         create`. The scopes beside an operation are those that its token needs: {}.",
        scopes.join(", ")
    );
    json!({"type": "http", "scheme": "bearer", "bearerFormat": "mus_…", "description": about})
}

/// The names of the schemas that calls send: they may leave out what they do not say.
fn bodies(paths: &Value) -> BTreeSet<String> {
    let operations = paths.as_object().into_iter().flat_map(|paths| paths.values()).filter_map(Value::as_object);
    operations
        .flat_map(|item| item.values())
        .filter_map(|operation| operation.pointer("/requestBody/content/application~1json/schema/$ref"))
        .filter_map(|reference| reference.as_str()?.strip_prefix("#/components/schemas/"))
        .map(str::to_owned)
        .collect()
}

/// Answers leave nothing out: what has no value is null.
fn require_all(schema: &mut Value) {
    /// What only a single record has.
    const SOMETIMES: &str = "history";
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.iter_mut().for_each(require_all);
    }
    if let Some(properties) = schema["properties"].as_object() {
        schema["required"] = properties.keys().filter(|name| *name != SOMETIMES).cloned().collect();
    }
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457. `code` is stable; `detail` is for people.",
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "properties": {
            "type": {"type": "string", "examples": ["about:blank"]},
            "title": {"type": "string", "examples": ["Forbidden"]},
            "status": {"type": "integer", "examples": [403]},
            "code": {"type": "string", "description": "What it is, for programs.", "examples": ["SCOPE_MISSING"]},
            "detail": {"type": "string", "description": "What it is, why, and what to do.",
                "examples": ["view_customers needs a token with the scope customers:read"]},
            "request_id": {"type": "string", "description": "Also in `X-Request-Id`, the log and the audit log.",
                "examples": ["019aa1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"]},
            "fields": {"type": "array", "description": "Which fields of the body are wrong.", "items": {
                "type": "object", "required": ["field", "code"],
                "properties": {"field": {"type": "string"}, "code": {"type": "string"}}}},
            "needs_role": {"type": "string", "description": "The role with the fewest rights that may do it."},
            "needs_scope": {"type": "string", "description": "The scope that the token lacks."}
        }
    })
}

fn refusal<S: serde::Serialize>(about: &str, codes: &[S]) -> Value {
    let mut response = json!({"description": about});
    fill(&mut response, codes);
    response
}

/// The body of a refusal with these codes.
fn fill<S: serde::Serialize>(response: &mut Value, codes: &[S]) {
    let schema =
        json!({"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}}]});
    response["content"] = json!({"application/problem+json": {"schema": schema}});
}

/// The answers that every operation shares, and those that follow from what it takes. What an operation says of a
/// refusal of its own begins with its codes: `KEY_REUSED: the key came with another body`.
fn refusals(path: &str, operation: &mut Value) {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let takes = |name: &str| parameters.iter().any(|one| one["name"] == name && one["in"] == "query");
    let other = |one: &Value| one["in"] == "query" && !["limit", "cursor"].iter().any(|known| one["name"] == *known);
    let mut codes = vec!["PARAMETER_UNKNOWN", "PARAMETER_TWICE"];
    codes.extend(takes("limit").then_some("LIMIT_INVALID"));
    codes.extend(takes("cursor").then_some("CURSOR_INVALID"));
    codes.extend(takes("q").then_some("Q_LONG"));
    codes.extend(parameters.iter().any(other).then_some("PARAMETER_INVALID"));
    let body = operation.get("requestBody").is_some();
    codes.extend(body.then_some("BODY_INVALID"));
    let mut codes: Vec<String> = codes.into_iter().map(str::to_owned).collect();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('4')) {
        let about = response["description"].as_str().unwrap_or_default().to_owned();
        let own: Vec<&str> = about.split(':').next().unwrap_or_default().split(", ").collect();
        if status == "422" {
            codes.extend(own.into_iter().map(str::to_owned));
        } else {
            fill(response, &own);
        }
    }
    for (status, name, ..) in ALWAYS {
        responses.insert(status.to_owned(), json!({"$ref": format!("#/components/responses/{name}")}));
    }
    if path.contains('{') {
        let about = "There is no such record, or none that the owner of the token sees";
        responses.entry("404").or_insert_with(|| refusal(about, &["NOT_FOUND"]));
    }
    if body {
        let about = "The body is larger than the hub takes";
        responses.insert("413".to_owned(), refusal(about, &["BODY_TOO_LARGE"]));
    }
    responses.insert("422".to_owned(), refusal("Something in the address or the body is wrong", &codes));
}
