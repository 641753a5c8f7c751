//! What an address may say behind its `?`, and lists page by page: `?limit=&cursor=` in, `{"items": […],
//! "next_cursor": …}` out.
//!
//! A filter is a struct that derives `Deserialize` (with `default`) and `IntoParams`: the parameters that the
//! document names are those that are taken, and any other is refused. A cursor is opaque and only good for the
//! list that gave it; `next_cursor` is null on the last page.

use std::collections::BTreeMap;

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use crate::{app::SharedHub, http::error::AppError};

const USUAL: usize = 50;
const MOST: usize = 200;
const LONGEST_TEXT: usize = 200;

/// How much of a list, and from where.
#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Records of a page.
    #[param(minimum = 1, maximum = 200, default = 50, example = 20)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 300)]
    cursor: Option<String>,
}

/// A list that cannot be narrowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Everything {}

/// Which page of a list is wanted, of what `filter` leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<F = Everything> {
    /// 1 to 200; 50 unless said.
    pub limit: usize,
    /// What [`Page::next_cursor`] was, opened.
    pub cursor: Option<String>,
    pub filter: F,
}

/// An address that takes nothing behind its path, or only a few words of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked<F = Everything>(pub F);

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it on as `cursor` for the next page; null: this is the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Of rows that were asked for with one more than the page holds; `place` says where the list goes on behind
    /// a row.
    pub fn of<R>(mut rows: Vec<R>, limit: usize, place: impl Fn(&R) -> String, shape: impl FnMut(R) -> T) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| sealed(&place(last)));
        Self { items: rows.into_iter().map(shape).collect(), next_cursor }
    }
}

/// A cursor as callers see it.
pub fn sealed(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

impl<F: DeserializeOwned + IntoParams> FromRequestParts<SharedHub> for Listing<F> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _hub: &SharedHub) -> Result<Self, AppError> {
        Self::parse(&parts.uri)
    }
}

impl<F: DeserializeOwned + IntoParams> FromRequestParts<SharedHub> for Asked<F> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _hub: &SharedHub) -> Result<Self, AppError> {
        filter(&said(&parts.uri, &names::<F>())?).map(Self)
    }
}

impl<F> Listing<F> {
    /// One row more than the page holds, which tells whether there is another page.
    pub fn ask(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(0).saturating_add(1)
    }

    /// The cursor as an id of this noun, which a list by id gives.
    pub fn after(&self, noun: crate::model::ids::Noun) -> Result<Option<&str>, AppError> {
        let Some(cursor) = self.cursor.as_deref() else { return Ok(None) };
        let own = cursor.strip_prefix(noun.prefix()).is_some_and(|rest| rest.starts_with('_'));
        if own { Ok(Some(cursor)) } else { Err(bad_cursor()) }
    }
}

impl<F: DeserializeOwned + IntoParams> Listing<F> {
    fn parse(uri: &Uri) -> Result<Self, AppError> {
        let mut known = names::<Paging>();
        known.extend(names::<F>());
        let mut said = said(uri, &known)?;
        let limit = said.remove("limit").map_or(Ok(USUAL), |text| limit(&text))?;
        let cursor = said.remove("cursor").map(|text| opened(&text)).transpose()?;
        Ok(Self { limit, cursor, filter: filter(&said)? })
    }
}

fn names<F: IntoParams>() -> Vec<String> {
    F::into_params(|| None).into_iter().map(|parameter| parameter.name).collect()
}

/// What is not understood is refused: a filter that is overlooked would give out more than was asked for.
fn said(uri: &Uri, known: &[String]) -> Result<BTreeMap<String, String>, AppError> {
    let mut said = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if !known.iter().any(|known| *known == name) {
            let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let detail = format!("there is no parameter {name}; this address takes: {takes}");
            return Err(AppError::invalid("PARAMETER_UNKNOWN", detail));
        }
        if said.insert(name.to_string(), value.trim().replace('\0', "")).is_some() {
            return Err(AppError::invalid("PARAMETER_TWICE", format!("{name} is there twice")));
        }
    }
    Ok(said)
}

/// The rest of the address as the list means it. Each word is looked at by itself, so that an answer can name the
/// wrong one.
fn filter<F: DeserializeOwned>(said: &BTreeMap<String, String>) -> Result<F, AppError> {
    let mut all = Map::new();
    for (name, text) in said {
        if text.chars().count() > LONGEST_TEXT {
            let code = if name == "q" { "Q_LONG" } else { "PARAMETER_INVALID" };
            return Err(AppError::invalid(code, format!("{name} has at most {LONGEST_TEXT} characters")));
        }
        // A flag where the list has one of that name, else a text.
        let flag = text.parse().ok().map(Value::Bool).filter(|flag| one::<F>(name, flag).is_ok());
        let value = flag.unwrap_or_else(|| Value::String(text.clone()));
        if let Err(error) = one::<F>(name, &value) {
            return Err(AppError::invalid("PARAMETER_INVALID", format!("{name}: {error}")));
        }
        all.insert(name.clone(), value);
    }
    serde_json::from_value(Value::Object(all)).map_err(AppError::internal)
}

fn one<F: DeserializeOwned>(name: &str, value: &Value) -> Result<F, serde_json::Error> {
    serde_json::from_value(Value::Object(Map::from_iter([(name.to_owned(), value.clone())])))
}

/// A cursor that no list gives.
pub fn bad_cursor() -> AppError {
    AppError::invalid("CURSOR_INVALID", "this cursor is of no page of this list; begin again without one")
}

fn limit(text: &str) -> Result<usize, AppError> {
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| AppError::invalid("LIMIT_INVALID", format!("limit is a number from 1 to {MOST}")))
}

fn opened(cursor: &str) -> Result<String, AppError> {
    let bytes = if cursor.len() <= 300 { URL_SAFE_NO_PAD.decode(cursor).ok() } else { None };
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| !text.is_empty() && !text.chars().any(char::is_control)).ok_or_else(bad_cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api::kind::Day;

    #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
    #[serde(default)]
    struct Some3 {
        q: String,
        from: Option<Day>,
        gone: Option<bool>,
    }

    fn parse(query: &str) -> Result<Listing<Some3>, &'static str> {
        let uri: Uri = format!("/api/v1/customers?{query}").parse().expect("a path");
        Listing::parse(&uri).map_err(|error| error.code())
    }

    #[test]
    fn an_address_is_understood_whole_or_refused() {
        let plain = Listing { limit: 50, cursor: None, filter: Some3::default() };
        assert_eq!(parse(""), Ok(plain.clone()));
        let searched = Some3 { q: "朝".into(), ..Some3::default() };
        assert_eq!(parse("limit=200&q=+%E6%9C%9D+"), Ok(Listing { limit: 200, filter: searched, ..plain.clone() }));
        let cursor = Some("cus_1".to_owned());
        assert_eq!(parse(&format!("cursor={}", sealed("cus_1"))), Ok(Listing { cursor, ..plain.clone() }));
        let typed = Some3 { from: Some(Day("2026-11-20".into())), gone: Some(true), ..Some3::default() };
        assert_eq!(parse("from=2026-11-20&gone=true"), Ok(Listing { filter: typed, ..plain }));
        for (query, code) in [
            ("limit=0", "LIMIT_INVALID"),
            ("limit=201", "LIMIT_INVALID"),
            ("limit=-1", "LIMIT_INVALID"),
            ("limit=ten", "LIMIT_INVALID"),
            ("limit=5&limit=6", "PARAMETER_TWICE"),
            ("offset=5", "PARAMETER_UNKNOWN"),
            ("access_token=mus_x", "PARAMETER_UNKNOWN"),
            ("from=2026-11-31", "PARAMETER_INVALID"),
            ("gone=perhaps", "PARAMETER_INVALID"),
            ("cursor=%00", "CURSOR_INVALID"),
            ("cursor=a", "CURSOR_INVALID"),
            (&format!("cursor={}", "A".repeat(400)), "CURSOR_INVALID"),
            (&format!("q={}", "a".repeat(201)), "Q_LONG"),
        ] {
            assert_eq!(parse(query), Err(code), "{query}");
        }
    }

    #[test]
    fn a_text_that_says_true_stays_a_text() {
        assert_eq!(parse("q=true").map(|listing| listing.filter.q), Ok("true".to_owned()));
    }
}
