//! Something signed, and beside it, around it or in it something that is not.

use super::{
    case::{At, Case, Expect, refused},
    pen::{assertion_of, bare, behind_issuer, forged, part, response, signature_of},
};

/// With the same ID as the signed one.
fn twin(site: &super::pen::Site) -> String {
    forged(site).replace("_evil", "_a1")
}

const TWO: &str = "RESPONSE_ASSERTIONS";

const fn wrapped(
    name: &'static str,
    code: &'static str,
    meaning: &'static str,
    draft: fn(&mut super::pen::Draft),
) -> Case {
    refused(name, code, meaning, draft)
}

pub const CASES: &[Case] = &[
    wrapped("xsw1", "RESPONSE_WRAPPED", "S01: a forged response, the original in its signature", |d| {
        (d.sign_assertion, d.sign_response) = (false, true);
        d.after = |s, t| {
            let original = bare(&t);
            let signature = signature_of(&t).replace("</ds:Signature>", &format!("{original}</ds:Signature>"));
            behind_issuer(&response(s, &forged(s)).replace("_r1", "_r2"), &signature)
        };
    })
    .at(At::Whole),
    wrapped("xsw2", "RESPONSE_WRAPPED", "S02: a forged response, the original before a detached signature", |d| {
        (d.sign_assertion, d.sign_response) = (false, true);
        d.after = |s, t| {
            let beside = format!("{}{}", bare(&t), signature_of(&t));
            behind_issuer(&response(s, &forged(s)).replace("_r1", "_r2"), &beside)
        };
    })
    .at(At::Whole),
    wrapped("xsw3", TWO, "S03: a forged assertion before the signed one", |d| {
        d.after = |s, t| t.replacen("<saml:Assertion ", &format!("{}<saml:Assertion ", forged(s)), 1);
    }),
    wrapped("xsw3b", TWO, "S09: a forged assertion behind the signed one (CVE-2021-28091)", |d| {
        d.after = |s, t| t.replace("</samlp:Response>", &format!("{}</samlp:Response>", forged(s)));
    }),
    wrapped("xsw3-same-id", "RESPONSE_IDS", "S12: a forged assertion before the signed one, with its ID", |d| {
        d.after = |s, t| t.replacen("<saml:Assertion ", &format!("{}<saml:Assertion ", twin(s)), 1);
    }),
    wrapped("xsw4", TWO, "S04: a forged assertion around the signed one", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            let around = forged(s).replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>"));
            t.replace(&signed, &around)
        };
    }),
    wrapped("xsw5", TWO, "S05: a forged assertion has the signature, the original stands behind", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            t.replace(&signed, &format!("{}{}", behind_issuer(&forged(s), signature_of(&signed)), bare(&signed)))
        };
    }),
    wrapped("xsw6", TWO, "S06: a forged assertion has the signature, which has the original", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            let signature =
                signature_of(&signed).replace("</ds:Signature>", &format!("{}</ds:Signature>", bare(&signed)));
            t.replace(&signed, &behind_issuer(&forged(s), &signature))
        };
    }),
    wrapped("xsw7", TWO, "S07: a forged assertion in the extensions", |d| {
        d.after = |s, t| {
            let extensions = format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", forged(s));
            t.replacen("<samlp:Status>", &extensions, 1)
        };
    }),
    wrapped("xsw8", TWO, "S08: a forged assertion, the original in an object of its signature", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", bare(&signed));
            let signature = signature_of(&signed).replace("</ds:Signature>", &object);
            t.replace(&signed, &behind_issuer(&forged(s), &signature))
        };
    }),
    wrapped("xsw9-same-id", "RESPONSE_IDS", "S08: the same with one ID for both", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            let object = format!("<ds:Object>{}</ds:Object></ds:Signature>", bare(&signed));
            let signature = signature_of(&signed).replace("</ds:Signature>", &object);
            t.replace(&signed, &behind_issuer(&twin(s), &signature))
        };
    }),
    wrapped(
        "xsw10-signed-response-evil-inner",
        "RESPONSE_WRAPPED",
        "S10: a signed response in the extensions of a forged one",
        |d| {
            (d.sign_assertion, d.sign_response) = (false, true);
            d.after = |s, t| {
                let inside = format!("{}<samlp:Extensions>{}</samlp:Extensions>", signature_of(&t), bare(&t));
                behind_issuer(&response(s, &forged(s)).replace("_r1", "_r2"), &inside)
            };
        },
    )
    .at(At::Whole),
    wrapped("assertion-in-status", TWO, "S10: an assertion only in the status", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            let detail = format!("<samlp:StatusDetail>{}</samlp:StatusDetail></samlp:Status>", forged(s));
            t.replace(&signed, "").replace("</samlp:Status>", &detail)
        };
    }),
    wrapped("assertion-in-advice", TWO, "S10: the signed assertion in the advice of a forged one", |d| {
        d.after = |s, t| {
            let signed = assertion_of(&t).to_owned();
            let advice = format!("</saml:Conditions><saml:Advice>{signed}</saml:Advice>");
            t.replace(&signed, &forged(s).replace("</saml:Conditions>", &advice))
        };
    }),
    wrapped("two-signed-assertions", TWO, "two assertions, both signed", |d| {
        d.after = |s, t| {
            let other = super::pen::Draft::default().signed(s, forged(s), "_evil");
            t.replace("</samlp:Response>", &format!("{other}</samlp:Response>"))
        };
    })
    .because("which of them is meant would be a guess"),
    wrapped("duplicate-id", "RESPONSE_IDS", "S12: response and assertion have one ID", |d| {
        d.after = |_, t| t.replacen("_r1", "_a1", 1);
    }),
    wrapped("id-of-other-spelling", "RESPONSE_IDS", "S12: the assertion's ID once more as `Id` elsewhere", |d| {
        d.after = |s, t| t.replacen("<samlp:Status>", &format!("<samlp:Status Id=\"{}\">", s.id("_a1")), 1);
    }),
    wrapped("id-of-xml", "RESPONSE_IDS", "S12: the assertion's ID once more as `xml:id`", |d| {
        d.after = |s, t| t.replacen("<samlp:Status>", &format!("<samlp:Status xml:id=\"{}\">", s.id("_a1")), 1);
    }),
    wrapped("id-with-prefix", "RESPONSE_IDS", "S15: a second ID behind a prefix", |d| {
        d.after = |_, t| t.replacen(" ID=\"_r1", " samlp:ID=\"_a2\" ID=\"_r1", 1);
    }),
    wrapped(
        "namespace-relative",
        "RESPONSE_NAMESPACE",
        "S14: a namespace with a relative name (CVE-2025-66568)",
        |d| {
            d.after = |_, t| t.replacen("<samlp:Status>", "<samlp:Status xmlns:x=\"1\">", 1);
        },
    ),
    wrapped("assertion-of-other-namespace", TWO, "S15: an assertion of another namespace beside it", |d| {
        d.after =
            |_, t| t.replace("</samlp:Response>", "<x:Assertion xmlns:x=\"urn:x\"></x:Assertion></samlp:Response>");
    }),
    wrapped("signature-elsewhere", "SIGNATURE_PLACE", "a signature where none belongs", |d| {
        d.after = |_, t| {
            let extra = part(&t, "<ds:Signature ", "</ds:Signature>").to_owned();
            t.replacen("<samlp:StatusCode ", &format!("{extra}<samlp:StatusCode "), 1)
        };
    }),
];

#[test]
fn no_wrapping_signs_anybody_in() {
    assert!(CASES.iter().all(|case| case.expect != Expect::In));
}
