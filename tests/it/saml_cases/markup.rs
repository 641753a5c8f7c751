//! Documents that are more than elements and text, or less than a document.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::case::{Case, refused};
use super::pen::{assertion_of, part};

fn doctype(text: &str, subset: &str) -> String {
    format!("<!DOCTYPE samlp:Response [{subset}]>{text}")
}

const MARKUP: &str = "RESPONSE_MARKUP";

pub const CASES: &[Case] = &[
    refused("ok-comment-in-signed", MARKUP, "S16: a comment in the NameID, signed with it", |d| {
        d.after = |s, t| t.replace(&s.subject(), &format!("{}<!-- -->.evil.example", s.subject()));
    })
    .because("no provider needs comments, and readers differ about them"),
    refused("comment-nameid", MARKUP, "S16: a comment put into the NameID after signing", |d| {
        d.assertion = |s, t| t.replace(&s.subject(), "admin@example.com.evil.example");
        d.after = |_, t| t.replace("example.com.evil", "example.com<!---->.evil");
    }),
    refused("comment-attribute", MARKUP, "S16: the same in an attribute", |d| {
        d.after = |_, t| t.replace("@staff.example", "<!---->@staff.example");
    }),
    refused("pi-nameid", MARKUP, "S17: an instruction in the NameID", |d| {
        d.after = |s, t| t.replace(&s.subject(), &format!("{}<?x y?>", s.subject()));
    }),
    refused("cdata-nameid", MARKUP, "S17: the NameID as character data", |d| {
        d.after = |s, t| t.replace(&s.subject(), &format!("<![CDATA[{}]]>", s.subject()));
    })
    .because("the same text, but nobody needs it"),
    refused("logout-response", "RESPONSE_KIND", "a logout response", |d| {
        d.after = |_, t| t.replace("samlp:Response", "samlp:LogoutResponse");
    }),
    refused("assertion-alone", "RESPONSE_KIND", "an assertion without a response", |d| {
        d.after = |_, t| assertion_of(&t).to_owned();
    }),
    refused("dtd", MARKUP, "S28: a document type", |d| d.after = |_, t| doctype(&t, "")),
    refused("entity-nameid", MARKUP, "S28: the NameID as an entity", |d| {
        d.after = |s, t| doctype(&t.replace(&s.subject(), "&who;"), "<!ENTITY who \"sub-evil\">");
    }),
    refused("entity-undeclared", "RESPONSE_XML", "S28: an entity that nobody declared", |d| {
        d.after = |s, t| t.replace(&s.subject(), "&who;");
    }),
    refused("xxe-file", MARKUP, "S28: an entity from a file", |d| {
        d.after = |s, t| doctype(&t.replace(&s.subject(), "&who;"), "<!ENTITY who SYSTEM \"file:///etc/hostname\">");
    }),
    refused("xxe-http", MARKUP, "S28: an entity from outside", |d| {
        d.after =
            |s, t| doctype(&t.replace(&s.subject(), "&who;"), &format!("<!ENTITY who SYSTEM \"{}/who\">", s.outside));
    }),
    refused("xxe-parameter", MARKUP, "S28: a parameter entity and a subset from outside", |d| {
        d.after = |s, t| doctype(&t, &format!("<!ENTITY % p SYSTEM \"{}/p.dtd\"> %p;", s.outside));
    }),
    refused("billion-laughs", MARKUP, "S28: entities in entities", |d| {
        d.after = |_, t| {
            let line = |n: usize| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10));
            doctype(&t, &format!("<!ENTITY l0 \"ha\">{}", (1..10).map(line).collect::<String>()))
        };
    }),
    refused("xinclude", "SIGNATURE_DIGEST", "S28: a file to be included", |d| {
        d.after = |s, t| {
            let include =
                "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/hostname\"></xi:include>";
            t.replace(&s.subject(), include)
        };
    }),
    refused("deep-nesting", "RESPONSE_LIMITS", "20,000 levels", |d| {
        d.after = |_, t| {
            t.replacen("<samlp:Status>", &format!("{}{}<samlp:Status>", "<x>".repeat(20_000), "</x>".repeat(20_000)), 1)
        };
    }),
    refused("many-attributes", "RESPONSE_LIMITS", "10,000 attributes", |d| {
        d.after = |_, t| {
            let many: String = (0..10_000).map(|n| format!(" a{n}=\"\"")).collect();
            t.replacen("<samlp:Status>", &format!("<samlp:Status{many}>"), 1)
        };
    }),
    refused("many-elements", "RESPONSE_LIMITS", "S26: 6,000 elements", |d| {
        d.after = |_, t| t.replacen("<samlp:Status>", &format!("{}<samlp:Status>", "<x></x>".repeat(6_000)), 1);
    }),
    refused("large", "RESPONSE_SIZE", "300 KB of text", |d| {
        d.after = |_, t| t.replacen("<samlp:Status>", &format!("<x>{}</x><samlp:Status>", "x".repeat(300_000)), 1);
    }),
    refused("huge", "RESPONSE_SIZE", "8 MB of text", |d| {
        d.after = |_, t| t.replacen("<samlp:Status>", &format!("<x>{}</x><samlp:Status>", "x".repeat(8 << 20)), 1);
    }),
    refused("not-xml", "RESPONSE_XML", "no XML", |_| {}).posts(|_, _| BASE64_STANDARD.encode("no XML").into_bytes()),
    refused("not-base64", "RESPONSE_FORM", "no base64", |_| {}).posts(|_, _| b"%%% no base64 %%%".to_vec()),
    refused("base64-loose", "RESPONSE_FORM", "base64 with other characters in it", |_| {})
        .posts(|_, t| format!("{}!", BASE64_STANDARD.encode(t)).into_bytes()),
    refused("empty", "RESPONSE_SIZE", "nothing", |_| {}).posts(|_, _| Vec::new()),
    refused("truncated", "RESPONSE_XML", "S29: cut in the middle", |_| {})
        .posts(|_, t| BASE64_STANDARD.encode(&t[..t.find("<saml:AttributeStatement>").unwrap()]).into_bytes()),
    refused("trailing", "RESPONSE_XML", "S29: a second document behind it", |d| d.after = |_, t| t.repeat(2)),
    refused("trailing-text", "RESPONSE_XML", "S29: text behind it", |d| d.after = |_, t| format!("{t}x")),
    refused("utf16", "RESPONSE_ENCODING", "S29: UTF-16 with a mark", |_| {}).posts(|_, t| {
        let units = std::iter::once(0xFEFF).chain(t.encode_utf16());
        BASE64_STANDARD.encode(units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()).into_bytes()
    }),
    refused("utf7", "RESPONSE_ENCODING", "S29: said to be UTF-7", |d| {
        d.after = |_, t| format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{t}");
    }),
    refused("nul-byte", "RESPONSE_ENCODING", "S18: NUL in the NameID", |d| {
        d.after = |s, t| t.replace(&s.subject(), "sub\0");
    }),
    refused("nul-reference", "RESPONSE_XML", "S18: NUL in the NameID, as a reference", |d| {
        d.after = |s, t| t.replace(&s.subject(), "sub&#0;");
    }),
    refused("enc-unsigned", "RESPONSE_ENCRYPTED", "S45: an encrypted assertion that nobody signed", |d| {
        d.sign_assertion = false;
        d.after = |_, t| t.replace("saml:Assertion", "saml:EncryptedAssertion");
    }),
    refused("enc-wrapped", "RESPONSE_ASSERTIONS", "S45: an encrypted assertion before a signed one", |d| {
        d.after = |_, t| {
            t.replacen("<saml:Assertion ", "<x:EncryptedAssertion xmlns:x=\"urn:oasis:names:tc:SAML:2.0:assertion\"></x:EncryptedAssertion><saml:Assertion ", 1)
        };
    }),
    refused(
        "enc-unsigned-beside-signed",
        "RESPONSE_ASSERTIONS",
        "S45: an encrypted assertion behind a signed one",
        |d| {
            d.after = |_, t| {
                let end = "</samlp:Response>";
                t.replace(end, &format!("<x:EncryptedAssertion xmlns:x=\"urn:oasis:names:tc:SAML:2.0:assertion\"></x:EncryptedAssertion>{end}"))
            };
        },
    ),
    refused("status-gone", "RESPONSE_STATUS", "no status", |d| {
        d.response = |_, t| t.replace(part(&t, "<samlp:Status>", "</samlp:Status>"), "");
    }),
];
