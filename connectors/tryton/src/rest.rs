//! Tryton's REST interface: lists, actions, and what its refusals mean.
//!
//! Invariant: no byte of an answer ends in an error. Tryton's own texts are translated, in HTML or
//! in JSON, and may name records; the status says enough.

use bytes::Bytes;
use jiff::Timestamp;
use musubi_sdk::{
    SourceError,
    connector::PushError,
    declarative::{Caller, Payload, WireAnswer},
};
use reqwest::header::{CONTENT_RANGE, HeaderName, RANGE};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{domain::encoded, scalar};

const CONTEXT: HeaderName = HeaderName::from_static("x-tryton-context");

/// One database of one Tryton server.
#[derive(Debug)]
pub(crate) struct Rest {
    caller: Caller,
    database: String,
    context: Value,
}

/// What is asked of a model.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub model: &'a str,
    pub fields: Vec<String>,
    pub domain: Value,
    pub order: Value,
    /// At most so many records; `None`: all of them.
    pub size: Option<u32>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub rows: Vec<Value>,
    pub more: bool,
    /// How many records match, where Tryton counted them to the end.
    pub total: Option<u64>,
    pub date: Option<Timestamp>,
}

impl Rest {
    pub(crate) fn new(caller: Caller, database: String, company: Option<i64>) -> Self {
        // What is switched off is left out of lists unless the context says otherwise. A condition on `active`
        // would not do: Tryton adds its own to every nested list of conditions that has none.
        let mut context = json!({ "active_test": false });
        if let Some(company) = company {
            context["company"] = company.into();
        }
        Self { caller, database, context }
    }

    fn url(&self, segments: &[&str]) -> Result<Url, SourceError> {
        let mut url = self.caller.join("")?;
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty().extend(segments);
            }
            Err(()) => {
                let detail = "the address of the source cannot be followed by a path".to_owned();
                return Err(SourceError::Config { code: "SET_ADDRESS", detail });
            }
        }
        Ok(url)
    }

    /// What every question is asked under.
    pub(crate) fn context(&self) -> &Value {
        &self.context
    }

    fn headers(&self) -> Vec<(HeaderName, String)> {
        vec![(CONTEXT, encoded(&self.context))]
    }

    /// Records that match, with their nested ones, all typed scalars read.
    pub(crate) async fn list(&self, question: &Question<'_>, can_shrink: bool) -> Result<Listing, SourceError> {
        let mut url = self.url(&[&self.database, "rest", "model", question.model])?;
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(question.fields.iter().map(|field| ("f", field)));
            query.append_pair("d", &encoded(&question.domain));
            query.append_pair("o", &encoded(&question.order));
        }
        let mut headers = self.headers();
        if let Some(size) = question.size {
            // The end is exclusive, and the answer counts what matches.
            headers.push((RANGE, format!("records=0-{size}")));
        }
        let answer = self.caller.send(url, &headers, Payload::None, can_shrink).await?;
        let date = answer.date();
        if answer.status == 416 {
            return Ok(Listing { date, ..Listing::default() });
        }
        refused(&answer, question.model)?;
        let Value::Array(rows) = scalar::decode(self.caller.json(&answer, can_shrink)?)? else {
            let detail = format!("Tryton's answer for {} is no list", question.model);
            return Err(SourceError::Malformed { code: "SRC_SHAPE", detail });
        };
        let range = answer.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).and_then(range);
        let more = match (range, question.size) {
            (Some((end, Some(total))), _) => end < total,
            (_, Some(size)) => rows.len() as u64 >= u64::from(size),
            (_, None) => false,
        };
        let total = range.and_then(|(_, total)| total);
        Ok(Listing { rows, more, total, date })
    }

    /// The smallest question that needs address, database, key and a right.
    pub(crate) async fn knock(&self) -> Result<Listing, SourceError> {
        let question = Question {
            model: "party.party",
            fields: vec!["id".to_owned()],
            domain: json!([]),
            order: json!([["id", "ASC"]]),
            size: Some(1),
        };
        match self.list(&question, false).await {
            // The key itself is accepted: another question says which rights are missing.
            Err(SourceError::Auth { code: "AUTH_RIGHTS", .. }) => Ok(Listing::default()),
            other => other,
        }
    }

    /// Calls Tryton's other interface, JSON-RPC, as who the session names, or as nobody. Its errors come
    /// with status 200, so the answer is not looked at here.
    pub(crate) async fn rpc(
        &self,
        session: Option<&SecretString>,
        method: &str,
        params: &Value,
    ) -> Result<WireAnswer, SourceError> {
        let url = self.url(&[&self.database, "rpc", ""])?;
        // Exactly these three: with any other, Tryton answers errors in another way.
        let body = json!({ "id": 1, "method": method, "params": params });
        self.caller.send_as(session, url, json_body(&body)).await
    }

    /// The JSON of a good answer.
    pub(crate) fn json(&self, answer: &WireAnswer) -> Result<Value, SourceError> {
        self.caller.json(answer, false)
    }

    /// A method of a model that changes nothing.
    pub(crate) async fn ask(&self, model: &str, method: &str, arguments: &Value) -> Result<Value, SourceError> {
        let url = self.url(&[&self.database, "rest", "model", model, method])?;
        let answer = self.caller.send(url, &self.headers(), json_body(arguments), false).await?;
        refused(&answer, model)?;
        scalar::decode(self.caller.json(&answer, false)?)
    }

    /// Creates a record, or changes the one with this id, and says its id.
    pub(crate) async fn write(
        &self,
        model: &str,
        id: Option<i64>,
        values: &Map<String, Value>,
    ) -> Result<Value, PushError> {
        let text = Bytes::from(Value::Object(values.clone()).to_string());
        let base = [self.database.as_str(), "rest", "model", model];
        let (mut url, payload) = match id {
            Some(id) => (self.url(&[base[0], base[1], base[2], base[3], &id.to_string()])?, Payload::Put(text)),
            None => (self.url(&base)?, Payload::Json(text)),
        };
        url.query_pairs_mut().append_pair("f", "id");
        let answer = self.caller.send(url, &self.headers(), payload, false).await?;
        not_written(&answer, model)?;
        Ok(scalar::decode(self.caller.json(&answer, false)?)?)
    }

    /// How many records match.
    pub(crate) async fn count(&self, model: &str, domain: &Value) -> Result<Option<u64>, SourceError> {
        Ok(self.ask(model, "search_count", &json!({ "domain": domain })).await?.as_u64())
    }

    /// The server's series (`8.2`), which it tells without a key; `None`: it does not.
    pub(crate) async fn version(&self) -> Option<String> {
        let body = json!({ "id": 1, "method": "common.server.version", "params": [] });
        let answer = self.caller.send(self.url(&["rpc", ""]).ok()?, &[], json_body(&body), false).await.ok()?;
        let said = self.caller.json(&answer, false).ok()?;
        let version = said["result"].as_str()?;
        let plain = version.len() <= 20 && version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        plain.then(|| version.to_owned())
    }
}

fn json_body(value: &Value) -> Payload {
    Payload::Json(Bytes::from(value.to_string()))
}

/// End and total of `records 0-50/121`; the total is `*` where Tryton stopped counting.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (span, total) = text.trim().strip_prefix("records ")?.split_once('/')?;
    let (_, end) = span.split_once('-')?;
    Some((end.parse().ok()?, total.parse().ok()))
}

/// What Tryton means by the statuses that mean something of their own here.
fn refused(answer: &WireAnswer, model: &str) -> Result<(), SourceError> {
    let status = answer.status;
    let error = match status {
        401 => SourceError::Auth {
            code: "AUTH_REFUSED",
            detail: "Tryton does not accept the key (HTTP 401): it must be a user application key for \"REST API\" \
                     in the state \"Validated\", of this database"
                .to_owned(),
        },
        403 => SourceError::Auth {
            code: "AUTH_REFUSED",
            detail: format!("Tryton, or a proxy before it, forbids {model} (HTTP 403)"),
        },
        // Reading fails in no other way: what a user may not read is refused as a mistake of theirs.
        400 => SourceError::Auth {
            code: "AUTH_RIGHTS",
            detail: format!("the key's user may not read {model} (HTTP 400): give the right to one of their groups"),
        },
        404 => SourceError::Config {
            code: "SRC_NOT_FOUND",
            detail: "there is no such database, or no REST interface, which Tryton has since 8.0 (HTTP 404): check \
                     address and database"
                .to_owned(),
        },
        405 => SourceError::Config {
            code: "SRC_STATUS",
            detail: "this address is no REST interface of Tryton 8.0 or later (HTTP 405)".to_owned(),
        },
        500 => SourceError::Transient {
            code: "SRC_UNAVAILABLE",
            detail: format!("Tryton failed while it read {model} (HTTP 500); its own log says why"),
            retry_after: None,
        },
        _ => return Ok(()),
    };
    Err(error)
}

/// What Tryton means by its refusals to write.
fn not_written(answer: &WireAnswer, model: &str) -> Result<(), PushError> {
    match answer.status {
        400 => {
            // Two that write at once on SQLite are given the same number: the next try gets another.
            let text = String::from_utf8_lossy(&answer.body);
            if text.contains("must be unique") {
                let detail = format!("Tryton gave the same number twice while it made {model}");
                return Err(SourceError::Transient { code: "SRC_BUSY", detail, retry_after: None }.into());
            }
            let detail =
                format!("Tryton does not take this {model} (HTTP 400): its rules, or the rights of the key's user");
            Err(PushError::Refused { code: "PUSH_REFUSED", detail })
        }
        404 => Err(PushError::Gone),
        _ => Ok(refused(answer, model)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_say_where_the_list_ends() {
        let table = [
            ("records 0-50/121", Some((50, Some(121)))),
            ("records 0-2/*", Some((2, None))),
            ("records 0-0/0", Some((0, Some(0)))),
            ("bytes 0-50/121", None),
            ("records 0-50", None),
            ("records x-y/z", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(range(text), expected, "{text}");
        }
    }

    #[test]
    fn refusals_say_who_must_do_what() {
        let table = [
            (200, None),
            (400, Some("AUTH_RIGHTS")),
            (401, Some("AUTH_REFUSED")),
            (403, Some("AUTH_REFUSED")),
            (404, Some("SRC_NOT_FOUND")),
            (405, Some("SRC_STATUS")),
            (500, Some("SRC_UNAVAILABLE")),
            (503, None),
        ];
        for (status, expected) in table {
            let body = Bytes::from_static(b"<p>secret-name</p>");
            let answer = WireAnswer { status, headers: reqwest::header::HeaderMap::new(), body };
            let error = refused(&answer, "party.party").err();
            assert_eq!(error.as_ref().map(SourceError::code), expected, "{status}");
            assert!(!format!("{error:?}").contains("secret-name"));
        }
    }
}
