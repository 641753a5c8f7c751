//! Style sheets, scripts and the icon sprite, compiled in.
//!
//! One hash over all of them is part of their addresses (`/static/{hash}/…`), so they may be
//! cached for ever and a new build is seen at once. The style sheets are served as one file,
//! in the order of their names.

use std::{borrow::Cow, sync::LazyLock};

use sha2::{Digest, Sha256};

#[derive(rust_embed::RustEmbed)]
#[folder = "src/http/console/static"]
struct Files;

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for name in names("") {
        digest.update(name.as_bytes());
        if let Some(file) = Files::get(&name) {
            digest.update(&file.data);
        }
    }
    hex::encode(&digest.finalize()[..6])
});

static STYLE: LazyLock<String> = LazyLock::new(|| {
    let sheets = names("css/").into_iter().filter_map(|name| Files::get(&name));
    sheets.map(|file| String::from_utf8_lossy(&file.data).into_owned()).collect::<Vec<_>>().join("\n")
});

/// Name of the combined style sheet.
pub const STYLE_NAME: &str = "musubi.css";

/// What a browser gets for one static address.
#[derive(Debug)]
pub struct Asset {
    pub content_type: &'static str,
    pub body: Cow<'static, [u8]>,
}

fn names(prefix: &str) -> Vec<String> {
    let mut names: Vec<String> =
        Files::iter().filter(|name| name.starts_with(prefix)).map(|name| name.into_owned()).collect();
    names.sort();
    names
}

/// The address of a file: `url("icons.svg")`.
#[must_use]
pub fn url(name: &str) -> String {
    format!("/static/{}/{name}", *HASH)
}

/// The hash that is part of every static address.
#[must_use]
pub fn hash() -> &'static str {
    &HASH
}

/// A file by the part of its address after the hash.
#[must_use]
pub fn get(name: &str) -> Option<Asset> {
    if name == STYLE_NAME {
        return Some(Asset { content_type: "text/css; charset=utf-8", body: Cow::Borrowed(STYLE.as_bytes()) });
    }
    let content_type = match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "css" => "text/css; charset=utf-8",
        _ => return None,
    };
    Some(Asset { content_type, body: Files::get(name)?.data })
}

/// Every name that [`get`] answers, for previews and tests.
#[must_use]
pub fn all() -> Vec<String> {
    let mut all = names("");
    all.push(STYLE_NAME.to_owned());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_known_files_only() {
        assert!(get(STYLE_NAME).is_some_and(|asset| asset.body.len() > 10_000));
        assert!(get("icons.svg").is_some());
        assert!(get("js/main.js").is_some());
        assert!(get("../mod.rs").is_none());
        assert!(get("nothing").is_none());
        assert_eq!(hash().len(), 12);
    }
}
