//! `/me/second-factor`.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

use crate::{
    http::console::{Markup, Shell, markup::escape},
    identity::passkey::PasskeyView,
    model::Timestamp,
};

/// How far the authenticator app is.
#[derive(Clone, Debug)]
pub enum State {
    Off,
    /// What the app is given: to type in, and as an address for the picture.
    Begun {
        secret: String,
        url: String,
    },
    On {
        since: Timestamp,
    },
}

/// See the module.
#[derive(Clone, Debug)]
pub struct SecondFactorPage {
    pub state: State,
    pub passkeys: Vec<PasskeyView>,
    /// The hub has a name that passkeys can belong to.
    pub can_passkey: bool,
    /// Recovery codes that were not used.
    pub codes_left: i64,
    /// Just made: shown once.
    pub codes: Vec<String>,
    /// Code of `form_error`, and seconds to wait.
    pub error: Option<&'static str>,
    pub wait: Option<u64>,
}

impl SecondFactorPage {
    /// It is asked for after the passphrase.
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::On { .. }) || !self.passkeys.is_empty()
    }

    /// The secret in groups, as people type it.
    #[must_use]
    pub fn grouped(&self, secret: &str) -> String {
        let letters: Vec<char> = secret.chars().collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    /// The picture for the app's camera. Black on white in the dark theme, too: apps read nothing else.
    #[must_use]
    pub fn picture(&self, s: &Shell, url: &str) -> Markup {
        let Ok(code) = QrCode::encode_text(url, QrCodeEcc::Medium) else { return Markup::default() };
        let side = code.size() + 8;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                // Writing into a text does not fail.
                let _ = write!(path, "M{} {}h1v1h-1z", x + 4, y + 4);
            }
        }
        let label = escape(s.t("factor.picture"));
        Markup::new(format!(
            "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{label}\" \
             shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
             <path fill=\"#000\" d=\"{path}\"/></svg>"
        ))
    }
}
