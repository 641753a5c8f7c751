//! Lists page by page: `?limit=&cursor=` in, `{"items": […], "next_cursor": …}` out.
//!
//! A cursor is opaque and only good for the list that gave it. `next_cursor` is null on the last page.

use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use url::form_urlencoded;

use crate::{app::SharedHub, http::error::AppError};

const USUAL: usize = 50;
const MOST: usize = 200;
const LONGEST_TEXT: usize = 200;

/// What the address of a list may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// 1 to 200; 50 unless said.
    pub limit: usize,
    /// What [`Page::next`] was, after the last page's.
    pub cursor: Option<String>,
    /// Trimmed; empty: everything.
    pub q: String,
}

/// One page of a list.
#[derive(Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// A cursor as callers see it.
pub fn sealed(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

impl FromRequestParts<SharedHub> for ListQuery {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _hub: &SharedHub) -> Result<Self, AppError> {
        Self::parse(&parts.uri)
    }
}

impl ListQuery {
    /// What is not understood is refused: a filter that is overlooked would give out more than was asked for.
    fn parse(uri: &Uri) -> Result<Self, AppError> {
        let mut query = Self { limit: USUAL, cursor: None, q: String::new() };
        let mut known = Vec::new();
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if known.contains(&name) {
                return Err(AppError::invalid("PARAMETER_TWICE", format!("{name} is there twice")));
            }
            match name.as_ref() {
                "limit" => query.limit = limit(&value)?,
                "cursor" => query.cursor = Some(opened(&value)?),
                "q" => {
                    query.q = value.trim().replace('\0', "");
                    if query.q.chars().count() > LONGEST_TEXT {
                        return Err(AppError::invalid("Q_LONG", format!("q has at most {LONGEST_TEXT} characters")));
                    }
                }
                _ => {
                    let detail = format!("there is no parameter {name}; this list takes limit, cursor and q");
                    return Err(AppError::invalid("PARAMETER_UNKNOWN", detail));
                }
            }
            known.push(name);
        }
        Ok(query)
    }

    /// For lists that cannot be searched.
    pub fn without_text(self) -> Result<Self, AppError> {
        if self.q.is_empty() {
            Ok(self)
        } else {
            Err(AppError::invalid("PARAMETER_UNKNOWN", "this list takes limit and cursor, no q"))
        }
    }
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

    fn parse(query: &str) -> Result<ListQuery, &'static str> {
        let uri: Uri = format!("/api/v1/customers?{query}").parse().expect("a path");
        ListQuery::parse(&uri).map_err(|error| error.code())
    }

    #[test]
    fn an_address_is_understood_whole_or_refused() {
        let plain = ListQuery { limit: 50, cursor: None, q: String::new() };
        assert_eq!(parse(""), Ok(plain.clone()));
        assert_eq!(parse("limit=200&q=+%E6%9C%9D+"), Ok(ListQuery { limit: 200, q: "朝".into(), ..plain.clone() }));
        let cursor = Some("cus_1".to_owned());
        assert_eq!(parse(&format!("cursor={}", sealed("cus_1"))), Ok(ListQuery { cursor, ..plain }));
        for (query, code) in [
            ("limit=0", "LIMIT_INVALID"),
            ("limit=201", "LIMIT_INVALID"),
            ("limit=-1", "LIMIT_INVALID"),
            ("limit=ten", "LIMIT_INVALID"),
            ("limit=5&limit=6", "PARAMETER_TWICE"),
            ("offset=5", "PARAMETER_UNKNOWN"),
            ("access_token=mus_x", "PARAMETER_UNKNOWN"),
            ("cursor=%00", "CURSOR_INVALID"),
            ("cursor=a", "CURSOR_INVALID"),
            (&format!("cursor={}", "A".repeat(400)), "CURSOR_INVALID"),
            (&format!("q={}", "a".repeat(201)), "Q_LONG"),
        ] {
            assert_eq!(parse(query), Err(code), "{query}");
        }
    }
}
