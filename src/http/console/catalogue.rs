//! All words of the console, in two catalogues with the same keys and placeholders.
//!
//! `{0}`, `{1}` … are filled in order. Where English needs singular and plural the text is
//! `one|other`, chosen by the first number; Japanese has one form. A missing key shows the key
//! in production and panics in tests, so no page ships without its words.

use std::{collections::HashMap, sync::LazyLock};

use super::markup::Num;

/// Languages of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Ja,
    En,
}

type Texts = HashMap<String, String>;

static JA: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("catalogue/ja.toml")));
static EN: LazyLock<Texts> = LazyLock::new(|| parse(include_str!("catalogue/en.toml")));

impl Lang {
    /// `ja` unless the text clearly says English.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.to_ascii_lowercase().starts_with("en") { Self::En } else { Self::Ja }
    }

    /// The first of: what the address asks for, the cookie, the browser's list.
    #[must_use]
    pub fn negotiate(asked: Option<&str>, cookie: Option<&str>, accept: Option<&str>) -> Self {
        asked.or(cookie).or(accept).map_or(Self::Ja, Self::parse)
    }

    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The text of a key.
    #[must_use]
    pub fn t(self, key: &str) -> &'static str {
        self.find(key).unwrap_or_else(|| missing(key))
    }

    /// The text of a key that comes from data (a cause code, a field name) and may be unknown.
    #[must_use]
    pub fn find(self, key: &str) -> Option<&'static str> {
        let texts: &'static Texts = match self {
            Self::Ja => &JA,
            Self::En => &EN,
        };
        texts.get(key).map(String::as_str)
    }

    /// Every key with its text.
    #[cfg(test)]
    pub(super) fn all(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let texts: &'static Texts = match self {
            Self::Ja => &JA,
            Self::En => &EN,
        };
        texts.iter().map(|(key, text)| (key.as_str(), text.as_str()))
    }

    /// Text with its placeholders filled.
    #[must_use]
    pub fn fill(self, key: &str, values: &[&str]) -> String {
        let text = self.t(key);
        fill(text.split_once('|').map_or(text, |(_, other)| other), values)
    }

    /// Text about a number: the number is `{0}`, grouped; further values follow.
    #[must_use]
    pub fn count(self, key: &str, number: i64, more: &[&str]) -> String {
        let text = self.t(key);
        let form = match text.split_once('|') {
            Some((one, other)) => {
                if number == 1 {
                    one
                } else {
                    other
                }
            }
            None => text,
        };
        let grouped = super::view::format::group(number);
        let mut values = vec![grouped.as_str()];
        values.extend_from_slice(more);
        fill(form, &values)
    }

    /// [`Lang::count`] for templates.
    #[must_use]
    pub fn n(self, key: &str, number: impl Num) -> String {
        self.count(key, number.num(), &[])
    }
}

#[cfg(test)]
#[track_caller]
fn missing(key: &str) -> &'static str {
    panic!("no text for {key}")
}

#[cfg(not(test))]
fn missing(key: &str) -> &'static str {
    // Keys are few and fixed at build time, so what leaks here is bounded.
    tracing::warn!(key, "no text in the catalogue");
    "—"
}

fn fill(text: &str, values: &[&str]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let value = after.find('}').and_then(|end| {
            let index: usize = after[..end].parse().ok()?;
            Some((end, *values.get(index)?))
        });
        match value {
            Some((end, value)) => {
                out.push_str(value);
                rest = &after[end + 1..];
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn parse(source: &str) -> Texts {
    let mut texts = Texts::new();
    match source.parse::<toml::Table>() {
        Ok(table) => flatten("", &table, &mut texts),
        // Compiled in and read by tests, so this cannot happen in a build that passed them.
        Err(error) => tracing::error!(%error, "catalogue"),
    }
    texts
}

fn flatten(prefix: &str, table: &toml::Table, texts: &mut Texts) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&path, inner, texts),
            toml::Value::String(text) => {
                texts.insert(path, text.clone());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn placeholders(form: &str) -> BTreeSet<String> {
        form.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn catalogues_parse_and_agree() {
        for source in [include_str!("catalogue/ja.toml"), include_str!("catalogue/en.toml")] {
            if let Err(error) = source.parse::<toml::Table>() {
                panic!("{error}");
            }
        }
        let keys = |texts: &Texts| texts.keys().cloned().collect::<BTreeSet<_>>();
        let (ja, en) = (keys(&JA), keys(&EN));
        assert_eq!(ja.difference(&en).collect::<Vec<_>>(), Vec::<&String>::new(), "only in Japanese");
        assert_eq!(en.difference(&ja).collect::<Vec<_>>(), Vec::<&String>::new(), "only in English");
        for (key, text) in JA.iter() {
            let wanted = placeholders(text);
            for form in EN[key].split('|') {
                let got = placeholders(form);
                // The singular may spell the number out.
                assert!(got == wanted || (EN[key].contains('|') && got.is_subset(&wanted)), "{key}: {form}");
            }
        }
    }

    /// Keys written in sources and templates, wherever a page may show them.
    #[test]
    fn every_key_that_is_written_down_exists() -> std::io::Result<()> {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/console")];
        let calls = [".t(\"", ".n(\"", ".n1(\"", ".f1(\"", ".f2(\"", ".f3(\"", ".fill(\"", ".count(\"", "tip(s, \""];
        let mut missing = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if !path.extension().is_some_and(|kind| kind == "rs" || kind == "html") {
                    continue;
                }
                let text = std::fs::read_to_string(&path)?;
                for call in calls {
                    let written = text.split(call).skip(1).filter_map(|rest| rest.split_once('"')).map(|(key, _)| key);
                    missing.extend(written.filter(|key| Lang::Ja.find(key).is_none()).map(str::to_owned));
                }
            }
        }
        assert_eq!(missing, BTreeSet::new());
        Ok(())
    }

    #[test]
    fn japanese_keeps_the_house_rules() {
        for (key, text) in JA.iter() {
            for banned in [
                "!",
                "\u{FF01}",
                "\u{FF08}",
                "\u{FF09}",
                "\u{FF1A}",
                "ログイン",
                "ストリーム",
                "することができ",
                "お願いいたし",
                "案件",
                "注文",
            ] {
                assert!(!text.contains(banned), "{key}: {text} contains {banned}");
            }
        }
    }

    #[test]
    fn fills_and_counts() {
        assert_eq!(fill("{0}の{1}", &["A", "{0}"]), "Aの{0}");
        assert_eq!(fill("{x} {9}", &[]), "{x} {9}");
        assert_eq!(Lang::En.n("unit.customers", 1), "1 customer");
        assert_eq!(Lang::En.n("unit.customers", 1284), "1,284 customers");
        assert_eq!(Lang::Ja.n("unit.customers", 1284), "1,284社");
    }

    #[test]
    fn language_is_negotiated() {
        assert_eq!(Lang::negotiate(None, None, Some("en-GB,en;q=0.9")), Lang::En);
        assert_eq!(Lang::negotiate(None, Some("ja"), Some("en")), Lang::Ja);
        assert_eq!(Lang::negotiate(Some("en"), Some("ja"), None), Lang::En);
        assert_eq!(Lang::negotiate(None, None, None), Lang::Ja);
    }
}
