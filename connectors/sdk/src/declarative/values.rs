//! The settings of one connection, put into the strings of its manifest.

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use crate::{connector::SourceError, mapping::plain_text, template::Template};

pub(super) struct Values {
    plain: Map<String, Value>,
    secret: HashMap<String, SecretString>,
}

impl Values {
    pub(super) fn new(plain: Map<String, Value>, secret: HashMap<String, SecretString>) -> Self {
        Self { plain, secret }
    }

    fn get(&self, name: &str) -> Option<String> {
        if let Some(secret) = self.secret.get(name) {
            return Some(secret.expose_secret().to_owned());
        }
        self.plain(name)
    }

    /// A setting that is no secret.
    pub(super) fn plain(&self, name: &str) -> Option<String> {
        let text = plain_text(self.plain.get(name)?)?.into_owned();
        (!text.is_empty()).then_some(text)
    }

    /// A string whose settings must all be there.
    pub(super) fn text(&self, template: &str) -> Result<String, SourceError> {
        self.optional(template).map_err(|name| SourceError::Config {
            code: "SET_MISSING",
            detail: format!("the setting \"{name}\" is missing"),
        })
    }

    /// A string that is left out when a setting in it is absent; the error is that setting's name.
    pub(super) fn optional(&self, template: &str) -> Result<String, String> {
        let parsed = Template::parse(template).map_err(|_| template.to_owned())?;
        parsed.render(|name| self.get(name)).map_err(str::to_owned)
    }

    /// As [`Self::text`], with `{{ key }}` as one percent-encoded path segment.
    pub(super) fn with_key(&self, template: &str, key: &str) -> Result<String, SourceError> {
        use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
        const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');
        let encoded = utf8_percent_encode(key, SEGMENT).to_string();
        let wrong = |detail: String| SourceError::Config { code: "SET_MISSING", detail };
        let parsed = Template::parse(template).map_err(|why| wrong(format!("a path {why}")))?;
        parsed
            .render(|name| if name == "key" { Some(encoded.clone()) } else { self.get(name) })
            .map_err(|name| wrong(format!("the setting \"{name}\" is missing")))
    }

    pub(super) fn address(&self, template: &str) -> Result<Url, SourceError> {
        let text = self.text(template)?;
        let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        url.ok_or_else(|| SourceError::Config {
            code: "SET_ADDRESS",
            detail: "the address of the source is no http:// or https:// address".to_owned(),
        })
    }
}
