//! What happens on the way between the browsers.

use super::case::{At, Case, Way, refused, signs_in};

pub const CASES: &[Case] = &[
    refused("replay", "ASSERTION_AGAIN", "S39: the same message twice", |_| {}).by(Way::Twice),
    refused("replay-other-session", "ASSERTION_AGAIN", "S39: again, with other cookies and a new request", |_| {})
        .by(Way::AgainElsewhere),
    refused("login-csrf", "BROWSER_OTHER", "K03: the attacker's message in the victim's browser", |_| {})
        .by(Way::OfAnother),
    refused("without-cookies", "BROWSER_UNKNOWN", "S40: a browser that never asked", |_| {}).by(Way::WithoutCookies),
    refused("other-connection", "SIGNATURE_WRONG", "S40: the answer to a request to another connection", |_| {})
        .by(Way::ToAnother),
    refused("unasked", "BROWSER_UNKNOWN", "S41: nobody asked", |_| {}).by(Way::Unasked),
    signs_in("unasked-allowed", "S41: nobody asked, where that is allowed", |_| {}).at(At::Open).by(Way::Unasked),
    refused("unasked-replay", "ASSERTION_AGAIN", "S39: the same unasked message twice", |d| {
        let none: super::pen::Edit = |s, t| t.replace(&format!(" InResponseTo=\"{}\"", s.request), "");
        (d.assertion, d.response) = (none, none);
    })
    .at(At::Open)
    .by(Way::Twice),
    refused("unasked-with-request", "REQUEST_UNKNOWN", "S41: nobody asked, and yet a request is named", |d| {
        let named: super::pen::Edit =
            |_, t| t.replace("<saml:SubjectConfirmationData ", "<saml:SubjectConfirmationData InResponseTo=\"_x\" ");
        d.assertion = named;
        d.response = |_, t| t.replacen(" ID=\"_r1", " InResponseTo=\"_x\" ID=\"_r1", 1);
    })
    .at(At::Open)
    .by(Way::Unasked),
    signs_in("relaystate-open-redirect", "S43: a RelayState that leads away", |_| {})
        .by(Way::Relayed("https://evil.example/"))
        .because("it is not read: where somebody wants to go is kept here"),
    signs_in("relaystate-script", "S43: a RelayState that is a script", |_| {}).by(Way::Relayed("javascript:alert(1)")),
    signs_in("relaystate-slashes", "S43: a RelayState with slashes", |_| {}).by(Way::Relayed("//evil.example\\@x")),
    refused("get-binding", "RESPONSE_BINDING", "S44: the message as an address", |_| {}).by(Way::Got),
    refused("two-fields", "RESPONSE_FORM", "S44: two fields of the name", |_| {}).by(Way::Doubled),
    refused("other-content", "RESPONSE_FORM", "S44: not a form", |_| {}).by(Way::Plain),
];
