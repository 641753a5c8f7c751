//! In which form an answer is wanted: `$format`, else `Accept`.

use super::refusal::{Refusal, Status, quoted};

/// How JSON is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// `odata.metadata=none`: no annotations but count and next page.
    pub bare: bool,
    /// `IEEE754Compatible=true`: whole numbers of 64 bits and decimals as text.
    pub numbers_as_text: bool,
}

impl Format {
    /// The media type that is answered.
    #[must_use]
    pub fn media(self) -> String {
        let numbers = if self.numbers_as_text { ";IEEE754Compatible=true" } else { "" };
        format!("application/json;odata.metadata={}{numbers}", if self.bare { "none" } else { "minimal" })
    }
}

/// The form of a JSON answer.
pub fn json(format: Option<&str>, accept: Option<&str>) -> Result<Format, Refusal> {
    if let Some(format) = format {
        if format.eq_ignore_ascii_case("json") {
            return Ok(Format::default());
        }
        return one(format).filter(|_| !asks_all(format)).ok_or_else(|| unacceptable("$format", format));
    }
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(Format::default()) };
    // The first that we can write. A client that asks for all annotations takes fewer where it says so besides.
    accept.split(',').find_map(one).ok_or_else(|| unacceptable("Accept", accept))
}

/// Whether XML, the only form of `$metadata`, will do. Clients name JSON here out of habit: `Accept` alone is
/// no refusal.
pub fn xml(format: Option<&str>) -> Result<(), Refusal> {
    match format {
        None => Ok(()),
        Some(format) if format.eq_ignore_ascii_case("xml") || format.starts_with("application/xml") => Ok(()),
        Some(format) => Err(unacceptable("$format", format)),
    }
}

fn unacceptable(what: &'static str, text: &str) -> Refusal {
    let message = format!(
        "{what} asks for {}; rows are application/json with odata.metadata=minimal or none, $metadata is application/xml",
        quoted(text)
    );
    Refusal { status: Status::NotAcceptable, code: "FORMAT_UNKNOWN", message, target: None }
}

fn asks_all(media: &str) -> bool {
    media.to_ascii_lowercase().replace(' ', "").contains("metadata=full")
}

fn one(media: &str) -> Option<Format> {
    let mut parts = media.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next()?;
    if !["application/json", "application/*", "*/*", "text/json"].contains(&kind.as_str()) {
        return None;
    }
    let mut format = Format::default();
    for part in parts {
        match part.replace(' ', "").as_str() {
            "odata.metadata=none" | "metadata=none" => format.bare = true,
            "ieee754compatible=true" => format.numbers_as_text = true,
            "q=0" | "q=0.0" => return None,
            _ => {}
        }
    }
    Some(format)
}
