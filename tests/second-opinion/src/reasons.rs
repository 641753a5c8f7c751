//! Why samael says something else. In all of these it believes the person whom the provider signed, or nobody.

const REASONS: &[(&str, &[&str])] = &[
    (
        "it reads the signed assertion and overlooks what is beside and around it; the hub refuses a document in which \
         anything is out of place",
        &[
            "xsw2",
            "xsw3",
            "xsw3b",
            "xsw4",
            "xsw5",
            "xsw7",
            "xsw10-signed-response-evil-inner",
            "assertion-in-advice",
            "assertion-of-other-namespace",
            "enc-wrapped",
            "enc-unsigned-beside-signed",
            "id-of-other-spelling",
            "id-with-prefix",
        ],
    ),
    (
        "where the assertion is signed, it reads nothing of the envelope: kind, status, issuer, destination, request",
        &[
            "logout-response",
            "assertion-alone",
            "status-failure",
            "status-nested",
            "status-gone",
            "wrong-response-issuer",
            "wrong-destination",
            "destination-prefix",
            "no-destination",
            "in-response-to-differs",
        ],
    ),
    ("a signed response is always enough to it; to the hub where an administrator said so", &["ok-response-signed"]),
    (
        "xmlsec1 takes every form of XML Signature; the hub takes the one that SAML has",
        &["two-references", "reference-xpointer", "signature-object", "digest-comment"],
    ),
    ("an audience restriction that is met is enough to it, and so is none", &["no-audience", "audience-and"]),
    (
        "it does not look at this part of an assertion",
        &[
            "no-conditions",
            "no-conditions-expiry",
            "unknown-condition",
            "issued-in-future",
            "confirmation-notbefore",
            "session-expired",
            "no-authnstatement",
            "version-1.1",
            "transient-nameid",
            "encrypted-attribute",
            "long-nameid",
            "groups-elsewhere",
        ],
    ),
    (
        "it reads what readers of XML differ about, though it expands and fetches nothing",
        &["cdata-nameid", "dtd", "xxe-parameter", "billion-laughs"],
    ),
    ("it overlooks what stands behind the document", &["trailing", "trailing-text"]),
    ("it knows no limits of size", &["many-attributes", "many-elements", "large", "huge"]),
    ("it finds no signature inside what is encrypted", &["enc-ok", "enc-ok-key-beside"]),
    (
        "it reads no encrypted NameID, and overlooks one",
        &["enc-name", "enc-name-cbc", "enc-name-sealed", "enc-name-whole", "enc-name-beside"],
    ),
    ("it does not open AES-256-GCM", &["enc-ok-both-signed", "enc-response-signed-allowed"]),
    ("it takes sixteen bytes of three", &["enc-short-cbc"]),
];

/// The reason of a case, if it is known to differ.
pub fn of(case: &str) -> Option<&'static str> {
    REASONS.iter().find(|(_, cases)| cases.contains(&case)).map(|(reason, _)| *reason)
}
