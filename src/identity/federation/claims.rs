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
    // Entra and others name a place where the groups are instead of the groups: no groups must not be
    // taken from that.
    let elsewhere = [Some(token), userinfo].into_iter().flatten().any(|claims| {
        claims.get("_claim_names").is_some_and(|names| names.get(settings.groups_claim.as_str()).is_some())
            || claims.get("hasgroups").is_some_and(|has| has == true || has == "true")
    });
    if elsewhere && find(&settings.groups_claim).is_none() {
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
