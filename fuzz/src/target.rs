//! The targets: what reads a document, and what has to hold whatever it was. To add one: a variant, its seeds in
//! `tests/it/saml_cases/files.rs`, a line in `./x fuzz`.

use std::sync::OnceLock;

use musubi::identity::federation::saml::apart::admit;

use crate::Place;

/// See the module. A judgement is the code of the refusal, `believed` or `let through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Bytes and shape of an answer, without a signature.
    Gate,
    /// The whole check of an answer.
    Answer,
    /// The same of an assertion that somebody encrypted to us, as anybody can.
    Opened,
    /// A message of single logout: a query, or a document that comes by a form and by a redirect.
    Logout,
    /// Metadata, pasted or read again.
    Metadata,
    /// An ID token, in the clear or compact, or a key set.
    Token,
}

impl Target {
    const ALL: [(&'static str, Self); 6] = [
        ("gate", Self::Gate),
        ("answer", Self::Answer),
        ("opened", Self::Opened),
        ("logout", Self::Logout),
        ("metadata", Self::Metadata),
        ("token", Self::Token),
    ];

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, target)| target)
    }

    /// Reads a document.
    ///
    /// # Panics
    /// Where something is believed that should not be, or let through that is not what it says.
    pub fn judge(self, bytes: &[u8]) -> &'static str {
        let place = Place::get();
        match self {
            Self::Gate => gate(bytes),
            Self::Answer => place.answer(bytes),
            Self::Opened => place.opened(bytes),
            Self::Logout => place.logout(bytes),
            Self::Metadata => place.metadata(bytes),
            Self::Token => place.token(bytes),
        }
    }
}

/// The target that the variable `MUSUBI_FUZZ` names.
///
/// # Panics
/// Where it names none: nothing would be tested.
pub fn named() -> Target {
    static NAMED: OnceLock<Target> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "a parameter of this run, not of the hub")]
    *NAMED.get_or_init(|| {
        let name = std::env::var("MUSUBI_FUZZ").expect("`./x fuzz` says which target");
        Target::parse(&name).expect("a target of this name")
    })
}

/// What is let through is what it says.
fn gate(bytes: &[u8]) -> &'static str {
    if let Err(code) = admit(bytes) {
        return code;
    }
    let text = std::str::from_utf8(bytes).expect("what is let through is UTF-8");
    let start = if text.starts_with("<?xml") { text.find("?>").expect("a declaration ends") + 2 } else { 0 };
    let rest = &text[start..];
    assert!(!rest.contains("<!") && !rest.contains("<?"), "more than elements and text");
    // Beginnings of tags, whatever stands before the name.
    let tags = |name: &str| {
        let begins =
            rest.match_indices('<').map(|(at, _)| rest[at + 1..].split(['>', '/', ' ', '\t', '\r', '\n']).next());
        begins.flatten().filter(|tag| tag.rsplit(':').next() == Some(name)).count()
    };
    assert_eq!(tags("Response"), 1, "one response");
    assert_eq!(tags("Assertion") + tags("EncryptedAssertion"), 1, "one assertion");
    assert!(tags("Signature") <= 2, "signatures in two places");
    "let through"
}
