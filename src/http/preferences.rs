//! Language and theme of a request: the address (`?lang=en`), else the cookie, else what the
//! signed-in person chose, else what the browser asks for, else the organisation's.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{cookie, session};
use crate::{
    app::{Hub, SharedHub},
    identity::Settings,
};

/// `language` is `ja` or `en`; `theme` is `system`, `light` or `dark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    pub language: &'static str,
    pub theme: &'static str,
}

/// What a request itself says; the language of whoever says nothing is the organisation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    language: Option<&'static str>,
    theme: &'static str,
}

impl Wanted {
    /// Without a person: for pages and errors before sign-in.
    #[must_use]
    pub fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        Self::with_person(query, headers, None)
    }

    fn with_person(query: Option<&str>, headers: &HeaderMap, person: Option<(&str, &str)>) -> Self {
        let language = asked_language(query)
            .or_else(|| cookie::get(headers, cookie::LANGUAGE).and_then(language))
            .or_else(|| person.and_then(|(text, _)| language(text)))
            .or_else(|| accepted(headers));
        let theme = cookie::get(headers, cookie::THEME)
            .and_then(theme)
            .or_else(|| person.and_then(|(_, text)| theme(text)))
            .unwrap_or("system");
        Self { language, theme }
    }

    /// Asks for the organisation's language only where nothing else decides.
    pub async fn settle(self, hub: &Hub) -> Preferences {
        let language = match self.language {
            Some(known) => known,
            // Which language to say it in is never a reason to fail.
            None => Settings::load(&hub.db).await.ok().and_then(|of| language(&of.language)).unwrap_or("ja"),
        };
        Preferences { language, theme: self.theme }
    }
}

impl FromRequestParts<SharedHub> for Preferences {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, Infallible> {
        let person = session::current(parts, hub).await.ok().and_then(session::Current::into_active);
        let person = person.as_ref().map(|s| (s.principal.language.as_str(), s.principal.theme.as_str()));
        Ok(Wanted::with_person(parts.uri.query(), &parts.headers, person).settle(hub).await)
    }
}

/// The language that a link on the page asks for.
#[must_use]
pub fn asked_language(query: Option<&str>) -> Option<&'static str> {
    url::form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _)| name == "lang")
        .and_then(|(_, text)| language(&text))
}

#[must_use]
pub fn language(text: &str) -> Option<&'static str> {
    ["ja", "en"].into_iter().find(|known| *known == text)
}

#[must_use]
pub fn theme(text: &str) -> Option<&'static str> {
    ["system", "light", "dark"].into_iter().find(|known| *known == text)
}

/// The best known language of `Accept-Language`; `None` when it names none.
fn accepted(headers: &HeaderMap) -> Option<&'static str> {
    let text = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (None, 0.0_f32);
    for item in text.split(',').take(20) {
        let mut pieces = item.split(';');
        let tag = pieces.next().unwrap_or_default().trim().to_lowercase();
        let weight = pieces.find_map(|p| p.trim().strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if let Some(known) = language(tag.split('-').next().unwrap_or_default())
            && weight > best.1
        {
            best = (Some(known), weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language_of(query: Option<&str>, cookie: &str, accept: &str) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::COOKIE, cookie), (header::ACCEPT_LANGUAGE, accept)] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
        Wanted::of(query, &headers).language
    }

    #[test]
    fn the_nearest_choice_wins() {
        assert_eq!(language_of(None, "", ""), None);
        assert_eq!(language_of(None, "", "fr, de;q=0.5"), None);
        assert_eq!(language_of(None, "", "fr, en-GB;q=0.8, ja;q=0.5"), Some("en"));
        assert_eq!(language_of(None, "", "ja,en;q=0.9"), Some("ja"));
        assert_eq!(language_of(None, "musubi-lang=ja", "en"), Some("ja"));
        assert_eq!(language_of(Some("next=%2F&lang=en"), "musubi-lang=ja", "ja"), Some("en"));
        assert_eq!(language_of(Some("lang=xx"), "", "en;q=x"), None);
    }
}
