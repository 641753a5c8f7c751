//! What is wrong with a manifest, and where.

use std::fmt;

/// One thing to correct in a `connector.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize)]
pub struct ManifestError {
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// Dotted path: `streams.orders.cursor`. Empty for the whole document.
    pub path: String,
    pub message: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// The known word that was most likely meant: close in spelling, or `None`.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let score = strsim::jaro_winkler(word, candidate);
        // Short words need a shared edit distance too, else "id" would suggest "if".
        let close = strsim::damerau_levenshtein(word, candidate) <= candidate.len().div_ceil(3).max(1) || score > 0.88;
        if close && best.is_none_or(|(top, _)| score > top) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, word)| word)
}

/// `is unknown; did you mean "x"?`, or the list of what is known.
#[must_use]
pub fn unknown<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("is unknown; did you mean \"{near}\"?");
    }
    let list: Vec<&str> = known.into_iter().collect();
    if list.is_empty() { "is unknown".to_owned() } else { format!("is unknown; known are {}", list.join(", ")) }
}
