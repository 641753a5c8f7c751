//! Where a pull stands between two pages, and which request comes next.
//!
//! With `id_param` and `sorted` the pages of a pull are asked for by (time, key) and not by number:
//! records that change during the pull then cannot push others out of sight. With page numbers or
//! offsets a record that moves to the end shifts its successors by one; only the source's own
//! paging (`cursor`, `next_url`, `link_header`) or keys are free of that.

use jiff::Timestamp;
use reqwest::header::{HeaderMap, LINK};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::cursor::Mark;
use crate::{
    connector::{PageToken, SourceError},
    manifest::{PaginatorSpec, StreamSpec},
    mapping::{Path, plain_text},
};

/// The inside of a [`PageToken`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// Index of the page since `since`, from 0, in pages of `size`.
    #[serde(default)]
    pub page: u64,
    /// Records read since `since`.
    #[serde(default)]
    pub seen: u64,
    #[serde(default)]
    pub size: Option<u32>,
    /// The source's own token or URL.
    #[serde(default)]
    pub next: Option<String>,
    /// What the request asks after.
    #[serde(default)]
    pub since: Option<Mark>,
    /// The stored cursor at the start, then the furthest record read.
    #[serde(default)]
    pub top: Option<Mark>,
    /// When the last record of the page before changed.
    #[serde(default)]
    pub last: Option<Timestamp>,
    /// The first answer's `Date`.
    #[serde(default)]
    pub began: Option<Timestamp>,
    /// What the first answer said about the number of records.
    #[serde(default)]
    pub total: Option<u64>,
    /// The source claims an order that it did not keep.
    #[serde(default)]
    pub disorder: bool,
    /// First key of the page before, to notice a source that ignores its page parameter.
    #[serde(default)]
    pub first_key: Option<String>,
}

impl Position {
    pub(super) fn read(token: &PageToken) -> Result<Self, SourceError> {
        serde_json::from_value(token.0.clone()).map_err(|_| SourceError::Config {
            code: "TOKEN_UNREADABLE",
            detail: "the page token is not one of this connector".to_owned(),
        })
    }

    pub(super) fn write(&self) -> PageToken {
        PageToken(serde_json::to_value(self).unwrap_or_default())
    }

    /// Takes over a page size that the engine lowered: back to the last page border before
    /// what was read, so that nothing is skipped.
    pub(super) fn resize(&mut self, size: Option<u32>) {
        if let (Some(old), Some(new)) = (self.size, size)
            && old != new
            && new > 0
        {
            // A source may give fewer than asked; what counts is what came.
            let read = self.seen.min(self.page * u64::from(old));
            self.page = read / u64::from(new);
            self.seen = self.page * u64::from(new);
            self.first_key = None;
            self.last = None;
        }
        self.size = size;
    }
}

/// How many records to ask for, and under which name.
pub(super) fn size(spec: &PaginatorSpec, wanted: Option<u32>) -> (Option<&str>, Option<u32>) {
    let (name, size) = match spec {
        PaginatorSpec::None => (&None, None),
        PaginatorSpec::Page { size_param, size, .. } | PaginatorSpec::Offset { size_param, size, .. } => {
            (size_param, Some(*size))
        }
        PaginatorSpec::Cursor { size_param, size, .. }
        | PaginatorSpec::NextUrl { size_param, size, .. }
        | PaginatorSpec::LinkHeader { size_param, size } => (size_param, *size),
    };
    match name {
        // Where the source knows no size parameter, its own size is a fact and not a wish.
        None => (None, size),
        Some(name) => {
            let asked = match (size, wanted) {
                (Some(size), Some(wanted)) => Some(size.min(wanted).max(1)),
                (size, wanted) => size.or(wanted),
            };
            (Some(name), asked)
        }
    }
}

/// The query parameters of a page.
pub(super) fn params(spec: &PaginatorSpec, position: &Position, size_name: Option<&str>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if let (Some(name), Some(size)) = (size_name, position.size) {
        out.push((name.to_owned(), size.to_string()));
    }
    match spec {
        PaginatorSpec::Page { param, first, .. } => {
            out.push((param.clone(), (u64::from(*first) + position.page).to_string()));
        }
        PaginatorSpec::Offset { param, .. } => out.push((param.clone(), position.seen.to_string())),
        PaginatorSpec::Cursor { param, .. } => {
            if let Some(next) = &position.next {
                out.push((param.clone(), next.clone()));
            }
        }
        PaginatorSpec::NextUrl { .. } | PaginatorSpec::LinkHeader { .. } | PaginatorSpec::None => {}
    }
    out
}

/// What one answer says about paging.
pub(super) struct Seen<'a> {
    pub count: u64,
    /// The last record's place, where it has one.
    pub last: Option<Mark>,
    pub first_key: Option<&'a str>,
    /// What this answer says about the number of records, not the first.
    pub total: Option<u64>,
    /// The source's own token or URL, read before the records were taken out.
    pub next: Option<String>,
    pub asked: &'a Url,
}

/// The position after this page; `None`: it was the last.
pub(super) fn next(stream: &StreamSpec, at: &Position, seen: &Seen<'_>) -> Result<Option<Position>, SourceError> {
    let mut after = at.clone();
    match &stream.paginator {
        PaginatorSpec::None => return Ok(None),
        PaginatorSpec::Page { .. } | PaginatorSpec::Offset { .. } => {
            let read = at.seen + seen.count;
            let more = match seen.total {
                Some(total) => seen.count > 0 && read < total,
                None => seen.count > 0 && seen.count >= u64::from(at.size.unwrap_or(1)),
            };
            if !more {
                return Ok(None);
            }
            if let Some(mark) = keyset(stream, at, seen) {
                // Among records of one instant the source's keys go on in an order of its own: 99, 100.
                if at.since.as_ref().is_some_and(|since| *since == mark || since.time > mark.time) {
                    return Err(no_progress());
                }
                after.since = Some(mark);
                after.page = 0;
                after.seen = 0;
                after.first_key = None;
                return Ok(Some(after));
            }
            if seen.first_key.is_some() && at.first_key.as_deref() == seen.first_key {
                return Err(no_progress());
            }
            after.page += 1;
            after.seen = read;
            after.first_key = seen.first_key.map(str::to_owned);
        }
        PaginatorSpec::Cursor { .. } => {
            let Some(next) = &seen.next else { return Ok(None) };
            if at.next.as_deref() == Some(next) {
                return Err(no_progress());
            }
            after.next = Some(next.clone());
        }
        PaginatorSpec::NextUrl { .. } | PaginatorSpec::LinkHeader { .. } => {
            let Some(next) = &seen.next else { return Ok(None) };
            let url = seen.asked.join(next).ok().filter(|url| url.origin() == seen.asked.origin());
            let Some(url) = url else {
                let detail = "the source's link to the next page leads to another host".to_owned();
                return Err(SourceError::Malformed { code: "SRC_NEXT_HOST", detail });
            };
            if url == *seen.asked {
                return Err(no_progress());
            }
            after.next = Some(url.into());
        }
    }
    Ok(Some(after))
}

/// The mark to go on from, where the pages of this stream are asked for by key.
fn keyset(stream: &StreamSpec, at: &Position, seen: &Seen<'_>) -> Option<Mark> {
    let cursor = stream.cursor.as_ref()?;
    let exact = cursor.sorted && cursor.id_param.is_some() && !at.disorder;
    if exact { seen.last.clone() } else { None }
}

fn no_progress() -> SourceError {
    SourceError::Malformed {
        code: "SRC_NO_PROGRESS",
        detail: "the source answers the same page again; it ignores the page parameter".to_owned(),
    }
}

/// The source's own next token or URL.
pub(super) fn announced(spec: &PaginatorSpec, body: &Value, headers: &HeaderMap) -> Option<String> {
    match spec {
        PaginatorSpec::Cursor { next, .. } | PaginatorSpec::NextUrl { next, .. } => {
            let text = plain_text(Path::parse(next).find(body)?)?;
            // `false` and an empty text are how some sources say "no more".
            (!text.is_empty() && text != "false").then(|| text.into_owned())
        }
        PaginatorSpec::LinkHeader { .. } => headers.get_all(LINK).iter().find_map(|value| linked(value.to_str().ok()?)),
        _ => None,
    }
}

/// The target of `rel="next"` in a `Link` header (RFC 8288).
fn linked(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let after = &rest[open + 1..];
        let close = after.find('>')?;
        let params = &after[close + 1..];
        let end = params.find('<').unwrap_or(params.len());
        let is_next = params[..end].split([';', ',']).any(|param| {
            let Some((name, value)) = param.split_once('=') else { return false };
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && value.split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(after[..close].to_owned());
        }
        rest = &params[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_headers_name_the_next_page() {
        let table = [
            (r#"<https://a.example/x?page=2>; rel="next""#, Some("https://a.example/x?page=2")),
            (r#"</p?1>; rel="prev", </p?3>; title="a"; rel=next"#, Some("/p?3")),
            (r#"</p?1>; rel="first last""#, None),
            ("nonsense", None),
            ("<", None),
        ];
        for (text, expected) in table {
            assert_eq!(linked(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_smaller_page_starts_at_or_before_what_was_read() {
        for (page, old, new, expected) in [(3, 200, 100, 6), (1, 100, 33, 3), (0, 10, 5, 0), (2, 7, 3, 4)] {
            let mut at = Position { page, seen: page * old, size: u32::try_from(old).ok(), ..Position::default() };
            at.resize(Some(new));
            assert_eq!((at.page, at.seen), (expected, expected * u64::from(new)));
        }
    }
}
