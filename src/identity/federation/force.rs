//! Settings come into force: a draft is switched on, or what was changed of a provider in use takes the place of what
//! held. Either was tried before, exactly as it is then.
//!
//! Invariant: people sign in by what holds; what was changed reaches trials alone.
//! Invariant: what goes on by itself or on pages of its own meanwhile is not taken back: groups and roles, our own key,
//! metadata that was read again. Of each setting the changed value counts where it was changed, else the one that holds.
//! Invariant: a provider keeps its people. Once somebody is known by its issuer, the issuer stays, and a provider of an
//! owner is changed by owners.

use serde_json::{Map, Value};

use super::{
    Federation,
    manage::{Rejected, encoded, wrong},
    saml::{self, manage::saml_settings},
    settings::Settings,
    setup::{Filled, oidc_settings, owners_are_safe},
    trial::fingerprint,
};
use crate::{
    identity::Role,
    model::Timestamp,
    store::{
        On, StoreError, Tx, external_identity,
        idp::{self, Row},
        idp_change::{self, Row as Change},
        saml as saml_store, user,
    },
};

/// Why settings do not come into force.
#[derive(Debug, thiserror::Error)]
pub enum Blocked {
    /// No passed trial of exactly these settings.
    #[error("it was not tried with these settings")]
    Untried,
    /// Should the provider fail, nobody could get in to mend it.
    #[error("there is no owner who can sign in without a provider")]
    NoLocalOwner,
    #[error("it changed meanwhile")]
    Changed,
    /// What may not be changed of this provider, or not by this person.
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Blocked {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Untried => "IDP_UNTRIED",
            Self::NoLocalOwner => "IDP_NO_LOCAL_OWNER",
            Self::Changed => "IDP_CHANGED",
            Self::Refused(code) => code,
            Self::Store(_) => "INTERNAL",
        }
    }
}

impl From<Rejected> for Blocked {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Field { code, .. } => Self::Refused(code),
            Rejected::Provider(error) => Self::Refused(error.code),
            Rejected::Secret(_) => Self::Refused("IDP_SECRET"),
            Rejected::Store(error) => Self::Store(error),
        }
    }
}

/// A provider as a trial sees it: with what was changed of it, if anything was.
pub async fn as_tried(on: impl Into<On<'_>>, row: Row) -> Result<Row, StoreError> {
    let change = idp_change::get(on, &row.id).await?;
    Ok(changed(&row, change.as_ref()))
}

/// A provider with what was changed of it, if anything was.
#[must_use]
pub fn changed(row: &Row, change: Option<&Change>) -> Row {
    let Some(change) = change else { return row.clone() };
    // What cannot be read stays as it was written: a trial then says so.
    let settings = merged(row, change).unwrap_or_else(|| change.settings.clone());
    Row {
        settings,
        secret: change.secret.clone().or_else(|| row.secret.clone()),
        updated_at: row.updated_at.max(change.updated_at),
        ..row.clone()
    }
}

/// Of each setting what it was changed to, else what holds now.
fn merged(row: &Row, change: &Change) -> Option<String> {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (base, new, mut all) = (read(&change.base)?, read(&change.settings)?, read(&row.settings)?);
    for name in base.keys().chain(new.keys()) {
        if base.get(name) == new.get(name) {
            continue;
        }
        match new.get(name) {
            Some(value) => all.insert(name.clone(), value.clone()),
            None => all.remove(name),
        };
    }
    // Written as always, so that the same settings are the same text.
    let whole = Value::Object(all);
    match row.kind.as_str() {
        "saml" => encoded(&serde_json::from_value::<saml::Settings>(whole).ok()?).ok(),
        _ => encoded(&serde_json::from_value::<Settings>(whole).ok()?).ok(),
    }
}

/// Names of the settings in which two differ.
fn differing(one: &Row, other: &Row) -> Vec<String> {
    let read = |row: &Row| serde_json::from_str::<Map<String, Value>>(&row.settings).unwrap_or_default();
    let (before, after) = (read(one), read(other));
    let mut names: Vec<String> =
        before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).cloned().collect();
    names.sort();
    names.dedup();
    names.extend((one.secret != other.secret).then(|| "secret".to_owned()));
    names
}

impl Federation {
    /// Keeps what was changed of a provider in use, beside what holds. `filled` was made from the provider
    /// [`as_tried`]. `false`: it changed meanwhile.
    pub async fn keep_change(
        &self,
        tx: &mut Tx,
        idp_id: &str,
        filled: Filled,
        (user_id, by): (&str, Role),
        now: Timestamp,
    ) -> Result<bool, Rejected> {
        if !idp::lock(tx, idp_id).await? {
            return Ok(false);
        }
        let Some(row) = idp::get(&mut *tx, idp_id).await?.filter(|row| !row.draft) else { return Ok(false) };
        let before = idp_change::get(&mut *tx, idp_id).await?;
        if changed(&row, before.as_ref()).settings != filled.before {
            return Ok(false);
        }
        let secret = filled.secret.or_else(|| before.and_then(|before| before.secret));
        let change = Change {
            idp_id: idp_id.to_owned(),
            base: row.settings.clone(),
            settings: filled.settings,
            secret,
            user_id: user_id.to_owned(),
            updated_at: now.0,
        };
        let after = changed(&row, Some(&change));
        keeps_its_people(tx, &row, &after, by).await?;
        if differing(&row, &after).is_empty() {
            idp_change::forget(tx, idp_id).await?;
        } else {
            idp_change::keep(tx, &change).await?;
        }
        Ok(true)
    }

    /// Puts what was changed of a provider in force, tried as it is now. Returns the names of the settings that changed.
    pub async fn put_in_force(
        &self,
        tx: &mut Tx,
        idp_id: &str,
        by: Role,
        now: Timestamp,
    ) -> Result<Vec<String>, Blocked> {
        if !idp::lock(tx, idp_id).await? {
            return Err(Blocked::Changed);
        }
        let row = idp::get(&mut *tx, idp_id).await?.filter(|row| !row.draft).ok_or(Blocked::Changed)?;
        let change = idp_change::get(&mut *tx, idp_id).await?.ok_or(Blocked::Changed)?;
        let after = changed(&row, Some(&change));
        was_tried(tx, &after).await?;
        keeps_its_people(tx, &row, &after, by).await?;
        if !idp::replace(tx, idp_id, (&row.settings, &after.settings), change.secret, now).await? {
            return Err(Blocked::Changed);
        }
        let url = |row: &Row| saml_settings(row).and_then(|known| known.metadata_url);
        if url(&after).is_some_and(|new| url(&row).as_ref() != Some(&new)) {
            // It was read when it was typed; what stands there now is read at once.
            saml_store::read(tx, idp_id, (now, now)).await?;
        }
        idp_change::forget(tx, idp_id).await?;
        idp::forget_trial(tx, idp_id).await?;
        Ok(differing(&row, &after))
    }

    /// Switches a provider on that was tried as it is now.
    pub async fn activate(&self, tx: &mut Tx, idp_id: &str, now: Timestamp) -> Result<(), Blocked> {
        let row = idp::get(&mut *tx, idp_id).await?.filter(|row| row.draft).ok_or(Blocked::Changed)?;
        was_tried(tx, &row).await?;
        if !user::has_local_owner(&mut *tx).await? {
            return Err(Blocked::NoLocalOwner);
        }
        if !idp::activate(tx, &row, now).await? {
            return Err(Blocked::Changed);
        }
        idp::forget_trial(tx, idp_id).await?;
        Ok(())
    }
}

/// A trial of exactly these settings went well.
async fn was_tried(tx: &mut Tx, row: &Row) -> Result<(), Blocked> {
    let trial = idp::trial(&mut *tx, &row.id).await?;
    if trial.is_some_and(|trial| trial.passed && trial.settings_hash == fingerprint(row)) {
        return Ok(());
    }
    Err(Blocked::Untried)
}

/// See the module.
async fn keeps_its_people(tx: &mut Tx, before: &Row, after: &Row, by: Role) -> Result<(), Rejected> {
    if let (Some(old), Some(new)) = (saml_settings(before), saml_settings(after)) {
        if old.entity_id != new.entity_id {
            return Err(wrong("metadata", "IDP_ENTITY_CHANGED", "this is the metadata of another provider"));
        }
        return if old == new { Ok(()) } else { owners_are_safe(tx, &new, by).await };
    }
    let issuer = |row: &Row| oidc_settings(row).map(|known| known.issuer);
    if issuer(before) != issuer(after) && external_identity::any_of_provider(tx, &before.id).await? {
        let why = "people are known by the issuer of this provider: another issuer is another provider";
        return Err(wrong("issuer", "IDP_ISSUER_BOUND", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(settings: &str) -> Row {
        Row {
            id: "idp_1".into(),
            name: "社員アカウント".into(),
            kind: "oidc".into(),
            settings: settings.into(),
            secret: Some(vec![1]),
            enabled: true,
            draft: false,
            preset: None,
            created_at: 0,
            updated_at: 5,
        }
    }

    fn settings(client: &str, groups: &str, max_age: Option<u32>) -> String {
        let max_age = max_age.map(|age| format!(r#","max_age":{age}"#)).unwrap_or_default();
        format!(
            r#"{{"issuer":"https://id.example","client_id":"{client}","authentication":"basic","algorithms":["RS256"],"scopes":["openid"],"groups_claim":"{groups}","roles":{{}},"default_role":"viewer","private":false{max_age}}}"#
        )
    }

    fn change(base: &str, settings: &str, secret: Option<Vec<u8>>) -> Change {
        Change {
            idp_id: "idp_1".into(),
            base: base.into(),
            settings: settings.into(),
            secret,
            user_id: "usr_1".into(),
            updated_at: 7,
        }
    }

    #[test]
    fn only_what_was_changed_takes_the_place_of_what_holds() {
        let base = settings("hub", "groups", Some(60));
        let one = change(&base, &settings("other", "groups", None), None);
        // Meanwhile the groups' claim was changed on the page of the roles.
        let live = row(&settings("hub", "teams", Some(60)));
        let after = changed(&live, Some(&one));
        assert_eq!(after.settings, settings("other", "teams", None));
        assert_eq!((after.secret.clone(), after.updated_at), (Some(vec![1]), 7));
        assert_eq!(differing(&live, &after), ["client_id", "max_age"]);
        let secret = changed(&live, Some(&change(&live.settings, &live.settings, Some(vec![2]))));
        assert_eq!(differing(&live, &secret), ["secret"]);
        // What nobody can read is no reason to try what holds instead.
        assert_eq!(changed(&live, Some(&change("?", "{}", None))).settings, "{}");
    }
}
