//! What is said under a good signature, and still not believed, or believed rightly.

use super::{
    case::{Case, refused, signs_in},
    pen::{BEARER, part},
};

const AUDIENCE: [&str; 2] = ["<saml:AudienceRestriction>", "</saml:AudienceRestriction>"];

/// Another audience restriction beside the right one.
fn and_audience(text: &str, other: &str) -> String {
    let [open, close] = AUDIENCE;
    text.replace(close, &format!("{close}{open}<saml:Audience>{other}</saml:Audience>{close}"))
}

fn without(text: &str, from: &str, to: &str) -> String {
    text.replace(part(text, from, to), "")
}

pub const CASES: &[Case] = &[
    signs_in("ok-two-audiences", "one restriction with two audiences, ours the second", |d| {
        d.assertion =
            |_, t| t.replace("<saml:Audience>", "<saml:Audience>https://other.example</saml:Audience><saml:Audience>");
    }),
    signs_in("ok-skew", "valid from in 20 s on", |d| d.assertion = |s, t| t.replace(&s.at(-30), &s.at(20))),
    signs_in("ok-pretty", "spaces and lines between the elements, signed with it", |d| {
        d.assertion = |_, t| t.replace("><saml:", ">\n    <saml:");
    }),
    refused("wrong-audience", "ASSERTION_AUDIENCE", "S32: another audience", |d| {
        d.assertion = |s, t| t.replace(&format!(">{}<", s.audience), ">https://other.example<");
    }),
    refused("no-audience", "ASSERTION_AUDIENCE", "S33: no audience", |d| {
        d.assertion = |_, t| without(&t, AUDIENCE[0], AUDIENCE[1]);
    }),
    refused("audience-and", "ASSERTION_AUDIENCE", "S34: two restrictions, one of them not ours", |d| {
        d.assertion = |_, t| and_audience(&t, "https://other.example");
    }),
    refused("audience-prefix", "ASSERTION_AUDIENCE", "S32: an audience that begins like ours", |d| {
        d.assertion = |s, t| t.replace(&format!(">{}<", s.audience), &format!(">{}.evil.example<", s.audience));
    }),
    refused("wrong-recipient", "ASSERTION_RECIPIENT", "S31: another recipient", |d| {
        d.assertion = |s, t| t.replace(&s.acs, "https://other.example/acs");
    }),
    refused("no-recipient", "ASSERTION_RECIPIENT", "S31: no recipient", |d| {
        d.assertion = |s, t| t.replace(&format!(" Recipient=\"{}\"", s.acs), "");
    }),
    refused("recipient-prefix", "ASSERTION_RECIPIENT", "S31: a recipient that begins like ours", |d| {
        d.assertion = |s, t| t.replace(&s.acs, &format!("{}.evil.example", s.acs));
    }),
    refused("wrong-destination", "RESPONSE_DESTINATION", "S30: another destination", |d| {
        d.response = |s, t| t.replacen(&s.acs, "https://other.example/acs", 1);
    }),
    refused("destination-prefix", "RESPONSE_DESTINATION", "S30: a destination that begins like ours", |d| {
        d.response = |s, t| t.replacen(&s.acs, &format!("{}.evil.example", s.acs), 1);
    }),
    refused("no-destination", "RESPONSE_DESTINATION", "S30: a signed response without a destination", |d| {
        d.sign_response = true;
        d.response = |s, t| t.replacen(&format!(" Destination=\"{}\"", s.acs), "", 1);
    })
    .because("the POST binding demands it of a signed one"),
    refused("wrong-issuer", "RESPONSE_ISSUER", "S35: another issuer in both", |d| {
        d.assertion = |s, t| t.replace(&s.entity_id, "https://other.example");
        d.response = |s, t| t.replace(&s.entity_id, "https://other.example");
    }),
    refused("wrong-response-issuer", "RESPONSE_ISSUER", "S35: another issuer of the response", |d| {
        d.response = |s, t| t.replacen(&s.entity_id, "https://other.example", 1);
    }),
    refused("wrong-assertion-issuer", "ASSERTION_ISSUER", "S35: another issuer of the assertion", |d| {
        d.assertion = |s, t| t.replace(&s.entity_id, "https://other.example");
    }),
    refused("no-assertion-issuer", "ASSERTION_ISSUER", "S35: no issuer of the assertion", |d| {
        d.assertion = |_, t| without(&t, "<saml:Issuer>", "</saml:Issuer>");
    }),
    refused("expired", "ASSERTION_EXPIRED", "S36: over for an hour", |d| {
        d.assertion = |s, t| {
            let conditions = part(&t, "<saml:Conditions ", "\"><saml:AudienceRestriction>").to_owned();
            t.replace(&conditions, &conditions.replace(&s.at(300), &s.at(-3_600)).replace(&s.at(-30), &s.at(-7_200)))
        };
    }),
    refused("expired-confirmation", "ASSERTION_EXPIRED", "S36: the confirmation is over for an hour", |d| {
        d.assertion = |s, t| t.replacen(&s.at(300), &s.at(-3_600), 1);
    }),
    refused("no-confirmation-expiry", "ASSERTION_CONFIRMATION", "S37: a confirmation without end", |d| {
        d.assertion = |s, t| t.replacen(&format!(" NotOnOrAfter=\"{}\"", s.at(300)), "", 1);
    }),
    refused("no-conditions-expiry", "ASSERTION_CONDITIONS", "S37: conditions without end", |d| {
        d.assertion = |s, t| {
            let (head, tail) = t.split_once("<saml:Conditions ").unwrap();
            let tail = tail.replacen(&format!(" NotOnOrAfter=\"{}\"", s.at(300)), "", 1);
            format!("{head}<saml:Conditions {tail}")
        };
    }),
    refused("not-yet-valid", "ASSERTION_NOT_YET", "S36: valid in an hour", |d| {
        d.assertion = |s, t| t.replace(&s.at(-30), &s.at(3_600));
    }),
    refused("issued-in-future", "ASSERTION_NOT_YET", "S36: issued in a month", |d| {
        d.assertion = |s, t| t.replacen(&s.at(0), &s.at(30 * 86_400), 1);
    }),
    refused("issued-long-ago", "ASSERTION_OLD", "S36: issued an hour ago, though not over", |d| {
        d.assertion = |s, t| t.replacen(&s.at(0), &s.at(-3_600), 1);
    }),
    refused("issued-elsewhere", "ASSERTION_TIME", "a time without a zone", |d| {
        d.assertion = |s, t| t.replacen(&s.at(0), s.at(0).trim_end_matches('Z'), 1);
    }),
    refused("confirmation-notbefore", "ASSERTION_CONFIRMATION", "a confirmation that begins at a time", |d| {
        d.assertion = |s, t| {
            let begin = format!(" NotBefore=\"{}\" NotOnOrAfter=", s.at(-30));
            t.replacen(" NotOnOrAfter=", &begin, 1)
        };
    })
    .because("the profile forbids it"),
    refused("session-expired", "ASSERTION_SESSION_OVER", "S36: the provider's session is over", |d| {
        d.assertion = |s, t| {
            let end = format!(" SessionIndex=\"_s-{}\" SessionNotOnOrAfter=\"{}\"", s.case, s.at(-3_600));
            t.replace(&format!(" SessionIndex=\"_s-{}\"", s.case), &end)
        };
    })
    .because("a session here would outlive the one there"),
    refused("no-conditions", "ASSERTION_CONDITIONS", "no conditions", |d| {
        d.assertion = |_, t| without(&t, "<saml:Conditions ", "</saml:Conditions>");
    }),
    refused("no-authnstatement", "ASSERTION_AUTHENTICATION", "nothing says that anybody signed in", |d| {
        d.assertion = |_, t| without(&t, "<saml:AuthnStatement ", "</saml:AuthnStatement>");
    })
    .because("the profile demands it"),
    refused("no-confirmation", "ASSERTION_CONFIRMATION", "S38: no confirmation", |d| {
        d.assertion = |_, t| without(&t, "<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>");
    }),
    refused("sender-vouches", "ASSERTION_CONFIRMATION", "S38: another way to confirm", |d| {
        d.assertion = |_, t| t.replace(BEARER, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches");
    }),
    refused("holder-of-key", "ASSERTION_CONFIRMATION", "S38: confirmed by a key", |d| {
        d.assertion = |_, t| t.replace(BEARER, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key");
    }),
    refused("no-subject", "ASSERTION_SUBJECT", "no subject", |d| {
        d.assertion = |_, t| without(&t, "<saml:Subject>", "</saml:Subject>");
    }),
    refused("empty-nameid", "ASSERTION_SUBJECT", "an empty NameID", |d| {
        d.assertion = |s, t| t.replace(&s.subject(), "");
    }),
    refused("transient-nameid", "SUBJECT_TRANSIENT", "a NameID that is another each time", |d| {
        d.assertion = |_, t| t.replace("nameid-format:persistent", "nameid-format:transient");
    })
    .because("every sign-in would be a new person; a lasting attribute can be named when the provider is added"),
    refused("encrypted-attribute", "ASSERTION_ENCRYPTED", "S46: an encrypted attribute", |d| {
        d.assertion = |_, t| {
            t.replace(
                "</saml:AttributeStatement>",
                "<saml:EncryptedAttribute></saml:EncryptedAttribute></saml:AttributeStatement>",
            )
        };
    }),
    refused("long-nameid", "ASSERTION_SUBJECT", "a NameID of 300 characters", |d| {
        d.assertion = |s, t| t.replace(&s.subject(), &"n".repeat(300));
    }),
    refused("status-failure", "RESPONSE_STATUS", "S42: a failure, with a good assertion", |d| {
        d.response = |_, t| {
            t.replace(
                "status:Success\"></samlp:StatusCode>",
                "status:Responder\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\">\
                 </samlp:StatusCode></samlp:StatusCode>",
            )
        };
    }),
    refused("status-nested", "RESPONSE_STATUS", "S42: a failure inside a success", |d| {
        d.response = |_, t| {
            t.replace(
                "status:Success\"></samlp:StatusCode>",
                "status:Success\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\">\
                 </samlp:StatusCode></samlp:StatusCode>",
            )
        };
    }),
    refused("no-assertion", "RESPONSE_ASSERTIONS", "a signed response without an assertion", |d| {
        d.sign_response = true;
        d.response = |_, t| without(&t, "<saml:Assertion ", "</saml:Assertion>");
    }),
    refused("version-1.1", "ASSERTION_VERSION", "an assertion of version 1.1", |d| {
        d.assertion = |_, t| t.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1);
    }),
    refused("unknown-condition", "ASSERTION_CONDITIONS", "a condition that nobody knows", |d| {
        d.assertion =
            |_, t| t.replace("</saml:Conditions>", "<x:Moon xmlns:x=\"urn:x\">full</x:Moon></saml:Conditions>");
    }),
    refused("in-response-to-unknown", "REQUEST_UNKNOWN", "S40: a request that nobody made", |d| {
        d.assertion = |s, t| t.replace(&s.request, "_unknown");
        d.response = |s, t| t.replace(&s.request, "_unknown");
    }),
    refused("in-response-to-missing", "REQUEST_MISSING", "S41: no request is named", |d| {
        let none: super::pen::Edit = |s, t| t.replace(&format!(" InResponseTo=\"{}\"", s.request), "");
        (d.assertion, d.response) = (none, none);
    })
    .because("only where people may come unasked"),
    refused("in-response-to-differs", "RESPONSE_REQUEST", "S40: the confirmation names another request", |d| {
        d.assertion = |s, t| t.replace(&s.request, "_another");
    }),
    refused("role-none", "ROLE_NONE", "in no mapped group", |d| {
        d.assertion = |_, t| t.replace(">staff<", ">guests<");
    }),
    refused("groups-elsewhere", "GROUPS_ELSEWHERE", "R30: the groups are to be fetched somewhere", |d| {
        d.assertion = |_, t| t.replace("Name=\"groups\"", "Name=\"http://schemas.microsoft.com/claims/groups.link\"");
    }),
    signs_in("ok-hostile-name", "I11: a name that is a script", |d| {
        d.assertion = |_, t| t.replace("架空 花子", "&lt;script&gt;document.title='x'&lt;/script&gt;");
    }),
    signs_in("ok-no-attributes-but-groups", "neither name nor mail", |d| {
        d.assertion = |_, t| t.replace("displayName", "x").replace("Name=\"mail\"", "Name=\"y\"");
    }),
];
