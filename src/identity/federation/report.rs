//! What a trial found: each check as people read it, and what the provider said of the person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    claims::{self, Claimed, plain},
    exchange::Told,
    saml,
    settings::{Settings, role_of},
    trial::There,
};
use crate::{identity::Role, model::Timestamp};

/// Most attributes that a report shows.
const MOST: usize = 40;
/// Claims about the token, not about the person.
const MACHINERY: [&str; 18] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "azp",
    "sid",
    "jti",
    "auth_time",
    "acr",
    "amr",
    "ver",
    "aio",
    "rh",
];

/// What is checked, in the order in which people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Connection,
    Signature,
    Recipient,
    Attributes,
    Role,
}

impl What {
    pub const ALL: [Self; 5] = [Self::Connection, Self::Signature, Self::Recipient, Self::Attributes, Self::Role];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Signature => "signature",
            Self::Recipient => "recipient",
            Self::Attributes => "attributes",
            Self::Role => "role",
        }
    }

    /// Which check a refusal is of.
    fn of(code: &str) -> Self {
        let begins = |all: &[&str]| all.iter().any(|begin| code.starts_with(begin));
        if begins(&["GROUPS", "ROLE"]) {
            Self::Role
        } else if begins(&["SUBJECT", "USERINFO", "TOKEN_SUBJECT", "ASSERTION_SUBJECT"]) {
            Self::Attributes
        } else if begins(&["SIGNATURE", "TOKEN_SIGNATURE", "TOKEN_KEY", "TOKEN_ALGORITHM", "TOKEN_FORM", "TOKEN_TYPE"])
            || begins(&["TOKEN_CRITICAL", "RESPONSE_UNSIGNED", "ASSERTION_UNSIGNED", "ASSERTION_ENCRYPTED"])
            || begins(&["RESPONSE_DECRYPTION", "TOKEN_ACCESS_HASH", "TOKEN_CODE_HASH"])
        {
            Self::Signature
        } else if begins(&["TOKEN_KIND", "IDP", "CALLBACK", "CODE", "PROVIDER", "RESPONSE_STATUS"]) {
            Self::Connection
        } else if begins(&["TOKEN", "ASSERTION", "REQUEST", "BROWSER", "STATE"])
            || ["RESPONSE_ISSUER", "RESPONSE_DESTINATION", "RESPONSE_REQUEST"].contains(&code)
        {
            Self::Recipient
        } else {
            Self::Connection
        }
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// People can sign in, but perhaps not as was meant.
    Warn,
    Bad,
    /// Not looked at, because of one that failed.
    Open,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub what: What,
    pub state: State,
    /// Why it is not well; empty where it is.
    pub code: String,
    /// A value for people who know the protocol: an issuer, a key's id, seconds, a role.
    pub detail: String,
}

/// One attribute as it was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub name: String,
    /// `None`: expected, and not there.
    pub value: Option<String>,
    /// `subject`, `mail`, `name`, `groups`; empty: not used.
    pub usage: String,
}

/// What a trial found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub checks: Vec<Check>,
    pub received: Vec<Received>,
}

impl Report {
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| matches!(check.state, State::Ok | State::Warn))
    }

    /// The check that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.state == State::Bad)
    }
}

/// What a provider said of somebody, whichever way.
pub(super) struct Heard {
    pub claimed: Result<Claimed, &'static str>,
    received: Vec<Received>,
    /// By what it was signed.
    signed: String,
    pub issuer: String,
    issued: Option<Timestamp>,
    roles: BTreeMap<String, Role>,
    default_role: Option<Role>,
}

impl Heard {
    pub fn of_token(settings: &Settings, told: &Told) -> Self {
        let Told { token, userinfo, issuer, signed, .. } = told;
        let mut all: Map<String, Value> = userinfo.clone().unwrap_or_default();
        all.extend(token.clone());
        let usage = |name: &str| match name {
            "sub" => "subject",
            "email" => "mail",
            "name" => "name",
            other if other == settings.groups_claim => "groups",
            _ => "",
        };
        let known = all.iter().filter(|(name, _)| !MACHINERY.contains(&name.as_str()));
        let received = known.map(|(name, value)| received(name, words(value), usage(name))).collect();
        // Where no group decides, none is missing.
        let groups = (!settings.roles.is_empty()).then_some(settings.groups_claim.as_str());
        let expected: Vec<&str> = ["sub", "email", "name"].into_iter().chain(groups).collect();
        let seconds = token.get("iat").and_then(Value::as_f64).unwrap_or_default();
        Self {
            claimed: claims::claimed(token, userinfo.as_ref(), settings),
            received: whole(received, &expected.iter().map(|name| (*name, usage(name))).collect::<Vec<_>>()),
            signed: signed.clone(),
            issuer: issuer.clone(),
            issued: Some(Timestamp((seconds * 1e6) as i64)),
            roles: settings.roles.clone(),
            default_role: settings.default_role,
        }
    }

    pub fn of_assertion(settings: &saml::Settings, vouched: saml::assertion::Vouched) -> Self {
        use saml::assertion::{MAILS, NAMES};
        let groups = settings.groups_attribute.as_str();
        let usage = |names: &[String]| {
            let has = |all: &[&str]| names.iter().any(|name| all.contains(&name.as_str()));
            match () {
                () if has(&[groups]) => "groups",
                () if has(&MAILS) => "mail",
                () if has(&NAMES) => "name",
                () => "",
            }
        };
        let subject = settings.subject_attribute.as_deref().unwrap_or("NameID");
        let said = vouched.claimed.as_ref().ok().map(|claimed| claimed.subject.clone());
        let named = || vouched.name.as_ref().map(|name| name.value.clone());
        let said = said.or_else(|| named().filter(|_| settings.subject_attribute.is_none()));
        let mut all: Vec<Received> = said.map(|said| received(subject, said, "subject")).into_iter().collect();
        let told = |names: &[String]| !all.is_empty() && names.iter().any(|name| name == subject);
        let attributes: Vec<_> = vouched.attributes.iter().filter(|(names, _)| !told(names)).collect();
        all.extend(
            attributes.into_iter().map(|(names, values)| {
                received(names.last().map_or("", String::as_str), values.join(", "), usage(names))
            }),
        );
        let mut expected = vec![(subject, "subject"), ("mail", "mail"), ("displayName", "name")];
        expected.extend((!settings.roles.is_empty()).then_some((groups, "groups")));
        Self {
            claimed: vouched.claimed,
            received: whole(all, &expected),
            signed: String::new(),
            issuer: settings.entity_id.clone(),
            issued: vouched.issued,
            roles: settings.roles.clone(),
            default_role: settings.default_role,
        }
    }

    pub fn report(&self, now: Timestamp, there: There) -> Report {
        let check = |what, state, code: &str, detail: String| Check { what, state, code: code.to_owned(), detail };
        let off = self.issued.map(|at| format!("{:.1}", now.since(at) as f64 / 1e6)).unwrap_or_default();
        let mut checks = vec![
            check(What::Connection, State::Ok, "", self.issuer.clone()),
            check(What::Signature, State::Ok, "", self.signed.clone()),
            check(What::Recipient, State::Ok, "", off),
        ];
        match &self.claimed {
            Err(code) => {
                let of = What::of(code);
                let before = if of == What::Role { State::Ok } else { State::Bad };
                checks.push(check(What::Attributes, before, if of == What::Role { "" } else { code }, String::new()));
                let (state, code) = if of == What::Role { (State::Bad, *code) } else { (State::Open, "") };
                checks.push(check(What::Role, state, code, String::new()));
            }
            Ok(claimed) => {
                checks.push(match () {
                    () if there.taken => check(What::Attributes, State::Warn, "PERSON_LOCAL", String::new()),
                    () if claimed.mail.is_none() => check(What::Attributes, State::Warn, "MAIL_NONE", String::new()),
                    () => check(What::Attributes, State::Ok, "", String::new()),
                });
                checks.push(match self.role(claimed) {
                    role if there.owner && role.state != State::Bad => {
                        Check { state: State::Ok, code: "ROLE_OWNER".to_owned(), ..role }
                    }
                    role => role,
                });
            }
        }
        Report { checks, received: self.received.clone() }
    }

    fn role(&self, claimed: &Claimed) -> Check {
        let role = role_of(&self.roles, self.default_role, &claimed.groups);
        let mapped = claimed.groups.iter().any(|group| self.roles.contains_key(group));
        let (state, code) = match role {
            // Groups decide, and nothing is said of any: most likely the provider does not send them.
            _ if !self.roles.is_empty() && !claimed.groups_sent => (State::Bad, "GROUPS_NONE"),
            None if claimed.groups_sent && claimed.groups.is_empty() => (State::Bad, "GROUPS_EMPTY"),
            None => (State::Bad, "ROLE_NONE"),
            Some(_) if !self.roles.is_empty() && !mapped => (State::Warn, "ROLE_DEFAULT"),
            Some(_) => (State::Ok, ""),
        };
        let detail = role.map(Role::as_str).unwrap_or_default().to_owned();
        Check { what: What::Role, state, code: code.to_owned(), detail }
    }
}

fn received(name: &str, value: String, usage: &str) -> Received {
    Received { name: plain(name), value: Some(plain(&value)), usage: usage.to_owned() }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(many) => many.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// What is used first, and what was expected and is not there.
fn whole(mut all: Vec<Received>, expected: &[(&str, &str)]) -> Vec<Received> {
    for (name, usage) in expected {
        if !all.iter().any(|known| known.usage == *usage) {
            all.push(Received { name: plain(name), value: None, usage: (*usage).to_owned() });
        }
    }
    let rank = |known: &Received| ["subject", "mail", "name", "groups", ""].iter().position(|u| *u == known.usage);
    all.sort_by_key(rank);
    all.truncate(MOST);
    all
}

/// A report of what failed before anything could be believed. `late`: by this protocol, audience and times are
/// looked at behind the signature.
pub(super) fn failure(code: &str, detail: Option<&str>, late: bool) -> Report {
    let of = What::of(code);
    let order = if late {
        What::ALL
    } else {
        [What::Connection, What::Recipient, What::Signature, What::Attributes, What::Role]
    };
    let at = order.iter().position(|what| *what == of).unwrap_or_default();
    let check = |what: What| {
        let place = order.iter().position(|known| *known == what).unwrap_or_default();
        let state = match place.cmp(&at) {
            std::cmp::Ordering::Less if of == What::Signature && what == What::Recipient => State::Open,
            std::cmp::Ordering::Less => State::Ok,
            std::cmp::Ordering::Equal => State::Bad,
            std::cmp::Ordering::Greater => State::Open,
        };
        let said =
            if state == State::Bad { (code.to_owned(), plain(detail.unwrap_or_default())) } else { Default::default() };
        Check { what, state, code: said.0, detail: said.1 }
    };
    Report { checks: What::ALL.map(check).to_vec(), received: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_belongs_to_the_check_that_people_read() {
        for (code, what) in [
            ("IDP_DISCOVERY", What::Connection),
            ("CODE_REFUSED", What::Connection),
            ("PROVIDER_REFUSED", What::Connection),
            ("RESPONSE_STATUS", What::Connection),
            ("TOKEN_SIGNATURE", What::Signature),
            ("TOKEN_KEY_UNKNOWN", What::Signature),
            ("SIGNATURE_WRONG", What::Signature),
            ("ASSERTION_UNSIGNED", What::Signature),
            ("TOKEN_AUDIENCE", What::Recipient),
            ("ASSERTION_EXPIRED", What::Recipient),
            ("RESPONSE_DESTINATION", What::Recipient),
            ("TOKEN_SUBJECT", What::Attributes),
            ("USERINFO", What::Attributes),
            ("SUBJECT_TRANSIENT", What::Attributes),
            ("GROUPS_ELSEWHERE", What::Role),
        ] {
            assert_eq!(What::of(code), what, "{code}");
        }
    }

    #[test]
    fn what_was_not_looked_at_is_not_called_good() {
        let states = |code, late| failure(code, None, late).checks.iter().map(|check| check.state).collect::<Vec<_>>();
        use State::{Bad, Ok, Open};
        assert_eq!(states("IDP_DISCOVERY", false), [Bad, Open, Open, Open, Open]);
        // OpenID: the audience is read before the signature is checked, and the algorithm before both.
        assert_eq!(states("TOKEN_AUDIENCE", false), [Ok, Open, Bad, Open, Open]);
        assert_eq!(states("TOKEN_ALGORITHM", false), [Ok, Bad, Open, Open, Open]);
        // SAML: nothing is read that is not signed.
        assert_eq!(states("ASSERTION_AUDIENCE", true), [Ok, Ok, Bad, Open, Open]);
        assert_eq!(states("SIGNATURE_WRONG", true), [Ok, Bad, Open, Open, Open]);
    }

    #[test]
    fn groups_that_do_not_come_are_a_failure_where_groups_decide() {
        let heard = |roles: &[(&str, Role)], default_role, groups: Option<&[&str]>| Heard {
            claimed: Ok(Claimed {
                subject: "a".into(),
                name: "a".into(),
                mail: None,
                mail_verified: true,
                groups: groups.unwrap_or_default().iter().map(|&group| group.to_owned()).collect(),
                groups_sent: groups.is_some(),
                sid: None,
            }),
            received: vec![],
            signed: String::new(),
            issuer: String::new(),
            issued: None,
            roles: roles.iter().map(|(group, role)| ((*group).to_owned(), *role)).collect(),
            default_role,
        };
        let staff = [("staff", Role::Employee)];
        for (heard, state, code) in [
            (heard(&staff, None, Some(&["staff"])), State::Ok, ""),
            (heard(&staff, Some(Role::Viewer), None), State::Bad, "GROUPS_NONE"),
            (heard(&staff, Some(Role::Viewer), Some(&[])), State::Warn, "ROLE_DEFAULT"),
            (heard(&staff, None, Some(&[])), State::Bad, "GROUPS_EMPTY"),
            (heard(&staff, None, Some(&["others"])), State::Bad, "ROLE_NONE"),
            (heard(&staff, Some(Role::Viewer), Some(&["others"])), State::Warn, "ROLE_DEFAULT"),
            (heard(&[], Some(Role::Viewer), None), State::Ok, ""),
            (heard(&[], None, Some(&["staff"])), State::Bad, "ROLE_NONE"),
        ] {
            let report = heard.report(Timestamp(0), There::default());
            let role = &report.checks[4];
            assert_eq!((role.state, role.code.as_str()), (state, code));
            assert_eq!(report.passed(), state != State::Bad);
        }
    }
}
