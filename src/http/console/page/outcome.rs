//! What a form just did: a redirect to the page that shows it, with a notice named in the address.

use axum::response::{IntoResponse, Redirect, Response};

use crate::http::console::{Lang, Notice};

/// What a form just did, from `?done=<word>&n=<number>`: only words of the catalogue are shown.
pub fn notice(lang: Lang, query: &str) -> Option<Notice> {
    let get = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v);
    let word = get("done")?;
    let key = format!("notice.{word}");
    let number = get("n").and_then(|n| n.parse::<i64>().ok());
    let text = match number {
        Some(n) if lang.find(&key).is_some() => lang.count(&key, n, &[]),
        _ => lang.find(&key)?.to_owned(),
    };
    Some(Notice { tone: if word.ends_with("_failed") { "warn" } else { "ok" }, text })
}

/// Back to a page of this site, with what was done.
pub fn done(to: &str, word: &str, number: Option<i64>) -> Response {
    let to = crate::http::session::safe_next(to).unwrap_or("/");
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let mut kept = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "done" && name != "n" {
            kept.append_pair(&name, &value);
        }
    }
    kept.append_pair("done", word);
    if let Some(number) = number {
        kept.append_pair("n", &number.to_string());
    }
    Redirect::to(&format!("{path}?{}", kept.finish())).into_response()
}
