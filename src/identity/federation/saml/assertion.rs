//! What a signed assertion says, and what has to hold before anybody believes it (SAML core section 2, profiles
//! section 4.1.4). Everything here is read from text that the signature covered.

use super::{
    name::Name,
    settings::Settings,
    xml::{ASSERTION, Node},
};
use crate::{
    identity::federation::claims::{Claimed, GROUPS, plain},
    model::Timestamp,
};

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// Longest subject.
const SUBJECT: usize = 255;
/// The oldest assertion that is taken: it was made for this sign-in.
const OLDEST: i64 = 2 * Timestamp::MINUTE;
/// Where Entra says that the groups are elsewhere.
const ELSEWHERE: &str = "http://schemas.microsoft.com/claims/groups.link";

pub(in crate::identity::federation) const NAMES: [&str; 6] = [
    "displayName",
    "name",
    "cn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
];
pub(in crate::identity::federation) const MAILS: [&str; 5] = [
    "mail",
    "email",
    "emailAddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
];

/// What an answer is checked against.
pub(super) struct Expected<'a> {
    pub settings: &'a Settings,
    /// Our own keys, for what is encrypted. PKCS #8.
    pub keys: &'a [Vec<u8>],
    /// Our own name.
    pub audience: &'a str,
    /// Where answers come to.
    pub acs: &'a str,
    pub now: Timestamp,
    /// Microseconds.
    pub leeway: i64,
}

impl Expected<'_> {
    pub fn over(&self, end: Timestamp) -> bool {
        self.now.since(end) >= self.leeway
    }

    pub fn ahead(&self, time: Timestamp) -> bool {
        time.since(self.now) > self.leeway
    }
}

/// What an assertion says.
#[derive(Debug)]
pub(in crate::identity::federation) struct Vouched {
    /// Who that is, or the stable code of why it does not say so as it has to.
    pub claimed: Result<Claimed, &'static str>,
    /// Names and values of attributes, as they came.
    pub attributes: Vec<(Vec<String>, Vec<String>)>,
    pub issued: Option<Timestamp>,
    /// When the person proved to the provider who they are.
    pub proved_at: Timestamp,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    pub assertion_id: String,
    /// From when on nobody would take it any more.
    pub until: Timestamp,
    /// When the provider's own session ends: ours ends with it.
    pub session_end: Option<Timestamp>,
    /// How the provider names the person when it signs them out.
    pub name: Option<Name>,
}

/// An instant as SAML writes it: in UTC, with or without fractions.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.strip_suffix('Z').and_then(|_| text.parse().ok())?;
    Some(Timestamp(time.as_microsecond()))
}

/// The instant of an attribute; `Some(None)`: there is none.
fn time(node: Node<'_, '_>, name: &str) -> Option<Option<Timestamp>> {
    match node.attribute(name) {
        None => Some(None),
        Some(text) => instant(text).map(Some),
    }
}

/// The only Issuer is the provider.
pub(super) fn is_from(node: Node<'_, '_>, entity_id: &str) -> bool {
    node.only(ASSERTION, "Issuer").is_some_and(|issuer| {
        issuer.attribute("Format").is_none_or(|format| format == ENTITY) && issuer.word().as_deref() == Some(entity_id)
    })
}

/// Version and time of a response or an assertion.
pub(super) fn is_current(node: Node<'_, '_>, expected: &Expected<'_>) -> Result<(), &'static str> {
    if node.attribute("Version") != Some("2.0") {
        return Err("ASSERTION_VERSION");
    }
    let issued = node.attribute("IssueInstant").and_then(instant).ok_or("ASSERTION_TIME")?;
    if expected.ahead(issued) {
        return Err("ASSERTION_NOT_YET");
    }
    if expected.now.since(issued) > OLDEST + expected.leeway {
        return Err("ASSERTION_OLD");
    }
    Ok(())
}

/// Reads an assertion whose text was signed.
///
/// # Errors
/// The stable code of the check that failed.
pub(super) fn read(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<Vouched, &'static str> {
    is_current(assertion, expected)?;
    if !is_from(assertion, &expected.settings.entity_id) {
        return Err("ASSERTION_ISSUER");
    }
    let assertion_id = assertion.attribute("ID").ok_or("RESPONSE_IDS")?.to_owned();
    let subject = assertion.only(ASSERTION, "Subject").ok_or("ASSERTION_SUBJECT")?;
    let confirmed = confirmation(subject, expected)?;
    let end = conditions(assertion, expected)?;
    let authenticated = authentication(assertion, expected)?;
    let said = Attributes::read(assertion)?;
    let name = Name::read(subject, expected.keys, authenticated.sid.as_deref());
    let claimed = who(&name, &said, expected.settings)
        .and_then(|subject| claimed(subject, authenticated.sid, &said, expected.settings));
    // Where another attribute says who that is, the name is for signing out alone: one that cannot be read is none.
    let name = name.unwrap_or(None);
    let until = Timestamp(end.0.max(confirmed.until.0)).plus(expected.leeway + Timestamp::SECOND);
    let issued = assertion.attribute("IssueInstant").and_then(instant);
    let in_response_to = confirmed.in_response_to;
    let Authenticated { at: proved_at, end: session_end, .. } = authenticated;
    Ok(Vouched {
        claimed,
        attributes: said.0,
        issued,
        proved_at,
        in_response_to,
        assertion_id,
        until,
        session_end,
        name,
    })
}

struct Confirmed {
    in_response_to: Option<String>,
    until: Timestamp,
}

/// Whoever brings it is the person: in time, to us, for the request (profiles section 4.1.4.2).
fn confirmation(subject: Node<'_, '_>, expected: &Expected<'_>) -> Result<Confirmed, &'static str> {
    let confirmations = subject.every(ASSERTION, "SubjectConfirmation");
    let [bearer] = confirmations[..] else { return Err("ASSERTION_CONFIRMATION") };
    if bearer.attribute("Method") != Some(BEARER) {
        return Err("ASSERTION_CONFIRMATION");
    }
    let data = bearer.only(ASSERTION, "SubjectConfirmationData").ok_or("ASSERTION_CONFIRMATION")?;
    if data.attribute("Recipient") != Some(expected.acs) {
        return Err("ASSERTION_RECIPIENT");
    }
    // The profile forbids it.
    if data.attribute("NotBefore").is_some() {
        return Err("ASSERTION_CONFIRMATION");
    }
    let until = time(data, "NotOnOrAfter").ok_or("ASSERTION_TIME")?.ok_or("ASSERTION_CONFIRMATION")?;
    if expected.over(until) {
        return Err("ASSERTION_EXPIRED");
    }
    Ok(Confirmed { in_response_to: data.attribute("InResponseTo").map(str::to_owned), until })
}

/// Conditions, all of them understood and met. Returns their end.
fn conditions(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<Timestamp, &'static str> {
    let conditions = assertion.only(ASSERTION, "Conditions").ok_or("ASSERTION_CONDITIONS")?;
    let begin = time(conditions, "NotBefore").ok_or("ASSERTION_TIME")?;
    let end = time(conditions, "NotOnOrAfter").ok_or("ASSERTION_TIME")?.ok_or("ASSERTION_CONDITIONS")?;
    if begin.is_some_and(|begin| expected.ahead(begin)) {
        return Err("ASSERTION_NOT_YET");
    }
    if expected.over(end) {
        return Err("ASSERTION_EXPIRED");
    }
    let mut restricted = false;
    for condition in conditions.children() {
        if condition.is(ASSERTION, "AudienceRestriction") {
            // Of one restriction any audience will do, but every restriction has to be met.
            let audiences = condition.every(ASSERTION, "Audience");
            if !audiences.iter().any(|audience| audience.word().as_deref() == Some(expected.audience)) {
                return Err("ASSERTION_AUDIENCE");
            }
            restricted = true;
        } else if !condition.is(ASSERTION, "OneTimeUse") && !condition.is(ASSERTION, "ProxyRestriction") {
            return Err("ASSERTION_CONDITIONS");
        }
    }
    if restricted { Ok(end) } else { Err("ASSERTION_AUDIENCE") }
}

/// The provider's own session: its name, when the person proved who they are, its end.
struct Authenticated {
    sid: Option<String>,
    at: Timestamp,
    end: Option<Timestamp>,
}

/// That somebody signed in there, and still is.
fn authentication(assertion: Node<'_, '_>, expected: &Expected<'_>) -> Result<Authenticated, &'static str> {
    let statements = assertion.every(ASSERTION, "AuthnStatement");
    let [statement] = statements[..] else { return Err("ASSERTION_AUTHENTICATION") };
    let at = statement.attribute("AuthnInstant").and_then(instant).ok_or("ASSERTION_AUTHENTICATION")?;
    if expected.ahead(at) {
        return Err("ASSERTION_NOT_YET");
    }
    let end = time(statement, "SessionNotOnOrAfter").ok_or("ASSERTION_TIME")?;
    if end.is_some_and(|end| expected.now >= end) {
        return Err("ASSERTION_SESSION_OVER");
    }
    let sid = statement.attribute("SessionIndex").filter(|sid| !sid.is_empty() && sid.len() <= SUBJECT);
    Ok(Authenticated { sid: sid.map(str::to_owned), at, end })
}

/// Attributes by name and by friendly name.
struct Attributes(Vec<(Vec<String>, Vec<String>)>);

impl Attributes {
    fn read(assertion: Node<'_, '_>) -> Result<Self, &'static str> {
        let mut all = Vec::new();
        for statement in assertion.every(ASSERTION, "AttributeStatement") {
            if !statement.every(ASSERTION, "EncryptedAttribute").is_empty() {
                return Err("ASSERTION_ENCRYPTED");
            }
            for attribute in statement.every(ASSERTION, "Attribute") {
                let names = ["Name", "FriendlyName"].into_iter().filter_map(|name| attribute.attribute(name));
                // What is no plain text is nothing that is looked for.
                let values = attribute.every(ASSERTION, "AttributeValue").into_iter().filter_map(Node::word);
                all.push((names.map(str::to_owned).collect(), values.collect()));
            }
        }
        Ok(Self(all))
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a String> {
        let named = self.0.iter().filter(move |(names, _)| names.iter().any(|known| known == name));
        named.flat_map(|(_, values)| values)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(names, _)| names.iter().any(|known| known == name))
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        let found = names.iter().find_map(|name| self.values(name).find(|value| !value.is_empty()))?;
        Some(plain(found)).filter(|text| !text.is_empty())
    }
}

/// What stays the same of a person.
fn who(
    name: &Result<Option<Name>, &'static str>,
    said: &Attributes,
    settings: &Settings,
) -> Result<String, &'static str> {
    let who = match &settings.subject_attribute {
        Some(attribute) => {
            let mut values = said.values(attribute);
            let first = values.next().cloned().ok_or("SUBJECT_ATTRIBUTE")?;
            if values.next().is_some() {
                return Err("SUBJECT_ATTRIBUTE");
            }
            first
        }
        None => {
            let name = name.as_ref().map_err(|code| *code)?.as_ref().ok_or("ASSERTION_SUBJECT")?;
            if name.format.as_deref() == Some(TRANSIENT) {
                return Err("SUBJECT_TRANSIENT");
            }
            name.value.clone()
        }
    };
    let odd = who.is_empty() || who.len() > SUBJECT || who.chars().any(char::is_control);
    if odd { Err("ASSERTION_SUBJECT") } else { Ok(who) }
}

fn claimed(
    subject: String,
    sid: Option<String>,
    said: &Attributes,
    settings: &Settings,
) -> Result<Claimed, &'static str> {
    let groups: Vec<String> =
        said.values(&settings.groups_attribute).filter(|group| !group.is_empty()).take(GROUPS).cloned().collect();
    if groups.is_empty() && said.values(ELSEWHERE).next().is_some() {
        return Err("GROUPS_ELSEWHERE");
    }
    let both = || {
        let whole = [said.first(&["sn", "surname"]), said.first(&["givenName", "givenname"])];
        Some(whole.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
    };
    let mail = said.first(&MAILS).filter(|mail| mail.contains('@') && mail.len() <= 254);
    let name = said.first(&NAMES).or_else(both).or_else(|| mail.clone()).unwrap_or_else(|| plain(&subject));
    // There is no word for it: whoever runs the provider vouches for what it says.
    let mail_verified = mail.is_some();
    let groups_sent = said.has(&settings.groups_attribute);
    Ok(Claimed { subject, name, mail, mail_verified, groups, groups_sent, sid })
}
