//! The read feed for BI tools: OData 4.0 over the sets of [`crate::store::feed`].
//!
//! Pure parts read the address ([`path`], [`options`], [`filter`]); [`rows`] asks the database and writes JSON.
//! What the standard has and this feed does not is refused, never overlooked: a filter that is not applied would be
//! a wrong figure in somebody's report.
//!
//! Invariants: every row comes by a reader's [`View`]; no text of an address gets into SQL; a page is bounded,
//! and so is what is expanded on it.
//!
//! To add a function: `call.rs`, [`crate::store::feed::Function`] and its SQL for both databases, and the oracle of
//! `tests/it/odata/oracle.rs`.

mod call;
mod filter;
mod format;
mod lexer;
mod metadata;
mod options;
mod path;
mod refusal;
mod rows;
#[cfg(test)]
mod tests;
mod token;
mod write;

pub use refusal::{OdataError, Refusal, Status};

use path::Resource;

use crate::{model::View, store::Db};

/// Rows on a page where the client does not say.
pub const USUAL_PAGE: i64 = 1_000;
/// Most rows on a page.
pub const LARGEST_PAGE: i64 = 5_000;

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Where the service is, without `/` at the end; addresses in answers begin with it.
    pub root: &'a str,
    /// Below the root, percent-encoded.
    pub path: &'a str,
    /// Without `?`, percent-encoded.
    pub query: &'a str,
    pub accept: Option<&'a str>,
    /// `odata.maxpagesize` of the header `Prefer`.
    pub page_size: Option<i64>,
}

/// An answer.
#[derive(Debug, Default)]
pub struct Answer {
    /// `None`: there is no content (204).
    pub body: Option<(String, String)>,
    /// Names of the sets of which rows are in it.
    pub sets: Vec<&'static str>,
    /// The wished page size was used.
    pub page_size: Option<i64>,
}

impl Answer {
    fn of(media: impl Into<String>, body: impl Into<String>) -> Self {
        Self { body: Some((media.into(), body.into())), ..Self::default() }
    }
}

/// Answers a request.
pub async fn answer(db: &Db, view: &View, asked: Asked<'_>) -> Result<Answer, OdataError> {
    let raw: Vec<(String, String)> = url::form_urlencoded::parse(asked.query.as_bytes()).into_owned().collect();
    match path::resource(asked.path)? {
        Resource::Root => {
            let format = format::json(only_format(&raw)?, asked.accept)?;
            Ok(Answer::of(format.media(), metadata::service(asked.root)))
        }
        Resource::Metadata => {
            format::xml(only_format(&raw)?)?;
            Ok(Answer::of("application/xml", metadata::document()))
        }
        Resource::Rows(rows) => rows::answer(db, view, asked, rows, &raw).await,
    }
}

/// The one option that every address takes.
fn only_format(raw: &[(String, String)]) -> Result<Option<&str>, Refusal> {
    match raw {
        [] => Ok(None),
        [(name, value)] if name.eq_ignore_ascii_case("$format") || name.eq_ignore_ascii_case("format") => {
            Ok(Some(value))
        }
        _ => Err(Refusal::wrong("OPTION_MISPLACED", "this address takes $format and nothing else")),
    }
}
