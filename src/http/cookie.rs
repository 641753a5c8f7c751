//! The cookies of the hub, read and written in one place.

use axum::http::{HeaderMap, HeaderValue, header};

/// The session. The prefix makes browsers insist on Secure, no Domain and Path=/.
pub const SESSION: &str = "__Host-musubi";
/// Double-submit value of the forms that come before a session.
pub const FORM: &str = "__Host-musubi-form";
/// Binds a sign-in on its way to the browser that began it.
pub const LOGIN: &str = "__Host-musubi-login";
/// A sign-in whose passphrase was right and whose code is awaited.
pub const STEP: &str = "__Host-musubi-step";
/// Lets a browser that signed out here do so at its provider, too.
pub const PARTING: &str = "__Host-musubi-parting";
/// The mail address that was typed, for the provider that it leads to.
pub const HINT: &str = "__Host-musubi-hint";
/// The link of an invitation that this browser opened.
pub const INVITATION: &str = "__Host-musubi-invitation";
pub const LANGUAGE: &str = "musubi-lang";
pub const THEME: &str = "musubi-theme";

/// The value of a cookie. When a browser sends two of one name, neither is believed.
#[must_use]
pub fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first).filter(|value| !value.is_empty())
}

/// A cookie that scripts cannot read and that dies with the browser; the server ends it earlier.
#[must_use]
pub fn guarded(name: &str, value: &str) -> Option<HeaderValue> {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax").parse().ok()
}

#[must_use]
pub fn expired(name: &str) -> Option<HeaderValue> {
    format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax").parse().ok()
}

/// A choice that is no secret: language, theme.
#[must_use]
pub fn preference(name: &str, value: &'static str) -> Option<HeaderValue> {
    format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax").parse().ok()
}

pub fn set(headers: &mut HeaderMap, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_exact_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-musubi=token; __Host-musubi-form=f"));
        headers.append(header::COOKIE, HeaderValue::from_static("a=2; empty="));
        assert_eq!(get(&headers, SESSION), Some("token"));
        assert_eq!(get(&headers, FORM), Some("f"));
        assert_eq!(get(&headers, "a"), None, "two values of one name");
        assert_eq!(get(&headers, "empty"), None);
    }

    #[test]
    fn the_session_cookie_is_guarded() {
        let cookie = guarded(SESSION, "v").and_then(|v| v.to_str().map(str::to_owned).ok());
        assert_eq!(cookie.as_deref(), Some("__Host-musubi=v; Path=/; Secure; HttpOnly; SameSite=Lax"));
    }
}
