//! Who somebody is, from an ID token and from userinfo.

use serde_json::{Map, Value};

use super::settings::Settings;

/// A person as their provider says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub subject: String,
    pub name: String,
    /// For people to read; it identifies nobody.
    pub mail: Option<String>,
    /// The provider says that the address is this person's.
    pub mail_verified: bool,
    pub groups: Vec<String>,
    /// The provider said something of groups, be it that there are none.
    pub groups_sent: bool,
    /// The provider's own session.
    pub sid: Option<String>,
}

/// Most groups that are looked at.
pub(super) const GROUPS: usize = 1_000;

/// Puts both together; userinfo must be of the same subject (Core section 5.3.2).
///
/// # Errors
/// The stable code of what is wrong.
pub(super) fn claimed(
    token: &Map<String, Value>,
    userinfo: Option<&Map<String, Value>>,
    settings: &Settings,
) -> Result<Claimed, &'static str> {
    let subject = token.get("sub").and_then(Value::as_str).ok_or("TOKEN_SUBJECT")?;
    if let Some(info) = userinfo
        && info.get("sub").and_then(Value::as_str) != Some(subject)
    {
        return Err("USERINFO_SUBJECT");
    }
    let find = |name: &str| token.get(name).or_else(|| userinfo?.get(name));
    if are_elsewhere(token, userinfo, settings) {
        return Err("GROUPS_ELSEWHERE");
    }
    let text = |name: &str| find(name).and_then(Value::as_str).map(plain).filter(|text| !text.is_empty());
    let both = || {
        let whole = [text("family_name"), text("given_name")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(whole).filter(|name| !name.is_empty())
    };
    let mail = text("email").filter(|mail| mail.contains('@') && mail.len() <= 254);
    let name = text("name").or_else(both).or_else(|| text("preferred_username")).or_else(|| mail.clone());
    // Entra ID says it by another name: the domain belongs to the tenant.
    let verified = find("email_verified").or_else(|| find("xms_edov")).is_some_and(is_true);
    Ok(Claimed {
        subject: subject.to_owned(),
        name: name.unwrap_or_else(|| plain(subject)),
        mail_verified: mail.is_some() && verified,
        mail,
        groups: groups(find(&settings.groups_claim)),
        groups_sent: find(&settings.groups_claim).is_some_and(|value| value.is_array() || value.is_string()),
        sid: token
            .get("sid")
            .and_then(Value::as_str)
            .filter(|sid| sid.len() <= 255 && !sid.contains('\0'))
            .map(str::to_owned),
    })
}

/// Whether a provider says that somebody has groups, and not which: no groups must not be taken from that. Entra ID
/// names a place where they are, or says `hasgroups`, which is about its groups alone and not about other claims.
pub(super) fn are_elsewhere(
    token: &Map<String, Value>,
    userinfo: Option<&Map<String, Value>>,
    settings: &Settings,
) -> bool {
    let claim = settings.groups_claim.as_str();
    let named = |claims: &Map<String, Value>| {
        claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some())
            || claim == "groups" && claims.get("hasgroups").is_some_and(is_true)
    };
    let found = token.get(claim).or_else(|| userinfo?.get(claim));
    groups(found).is_empty() && [Some(token), userinfo].into_iter().flatten().any(named)
}

/// Some providers write truth as a text or a number.
fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value == "true" || value == "1" || value == 1
}

/// A list, or one name alone, as some providers send it.
fn groups(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) if !one.is_empty() => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).take(GROUPS).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// One line without control characters, not endless.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::federation::settings::Authentication;

    #[test]
    fn groups_that_are_elsewhere_are_not_none() {
        let settings = |claim: &str| Settings {
            issuer: String::new(),
            client_id: String::new(),
            authentication: Authentication::Basic,
            algorithms: vec![],
            scopes: vec![],
            groups_claim: claim.into(),
            roles: Default::default(),
            default_role: None,
            departments: Default::default(),
            private: false,
            max_age: None,
            tenants: vec![],
            unchecked: false,
        };
        let names = json!({"groups": "src1"});
        for (claim, token, info, verdict) in [
            ("groups", json!({"groups": ["a"]}), json!({}), Ok(1)),
            ("groups", json!({}), json!({}), Ok(0)),
            ("groups", json!({"_claim_names": names}), json!({}), Err("GROUPS_ELSEWHERE")),
            ("groups", json!({"_claim_names": names, "groups": []}), json!({}), Err("GROUPS_ELSEWHERE")),
            ("groups", json!({}), json!({"_claim_names": names}), Err("GROUPS_ELSEWHERE")),
            ("groups", json!({"_claim_names": names}), json!({"groups": ["a", "b"]}), Ok(2)),
            ("groups", json!({"_claim_names": {"wids": "src1"}}), json!({}), Ok(0)),
            ("groups", json!({"_claim_names": "odd"}), json!({}), Ok(0)),
            ("groups", json!({"hasgroups": true}), json!({}), Err("GROUPS_ELSEWHERE")),
            ("groups", json!({"hasgroups": "true"}), json!({}), Err("GROUPS_ELSEWHERE")),
            ("groups", json!({"hasgroups": false}), json!({}), Ok(0)),
            // Roles of an application are not of a directory, and always come whole.
            ("roles", json!({"hasgroups": true, "_claim_names": names}), json!({}), Ok(0)),
            ("roles", json!({"hasgroups": true, "roles": ["staff"]}), json!({}), Ok(1)),
        ] {
            let whole = |claims: &Value| {
                let mut claims = claims.as_object().cloned().unwrap_or_default();
                claims.insert("sub".into(), "a".into());
                claims
            };
            let found = claimed(&whole(&token), Some(&whole(&info)), &settings(claim));
            assert_eq!(found.map(|claimed| claimed.groups.len()), verdict, "{claim} {token} {info}");
        }
    }
}
