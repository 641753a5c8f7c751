//! Providers as administrators add, change and end them; the console and the command line call the same.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    Federation,
    assertion::OurKey,
    provider::{self, Metadata, ProviderError},
    settings::{ALGORITHMS, Authentication, Settings},
};
use crate::{
    identity::{AuditEntry, GlassError, Origin, Outcome, Role, alert, audit, glass::keep_provider},
    model::{Id, Timestamp, ids::Noun},
    secrets::{Keys, SecretError},
    store::{
        StoreError, Tx,
        idp::{self, Row},
        session,
    },
};

/// A provider as a person describes it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub name: String,
    /// `algorithms` and `scopes` may be empty: the provider's own description then decides.
    pub settings: Settings,
    pub secret: Option<SecretString>,
}

/// Why a provider is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// `field` of the draft, and a stable code.
    #[error("{code} {field}: {message}")]
    Field { field: &'static str, code: &'static str, message: String },
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn wrong(field: &'static str, code: &'static str, message: &str) -> Rejected {
    Rejected::Field { field, code, message: message.to_owned() }
}

/// A name as people read it on the sign-in page.
pub(super) fn named(name: &str) -> Result<String, Rejected> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.contains('\0') {
        return Err(wrong("name", "IDP_NAME", "a name has 1 to 100 characters"));
    }
    Ok(name)
}

/// Roles that groups may give.
pub(super) fn roles(roles: &BTreeMap<String, Role>, default: Option<Role>) -> Result<(), Rejected> {
    if roles.values().any(|role| *role == Role::Owner) {
        return Err(wrong("roles", "ROLE_OWNER", "nobody becomes owner by a group"));
    }
    if default.is_some_and(|role| !matches!(role, Role::Employee | Role::Viewer)) {
        return Err(wrong("default_role", "ROLE_DEFAULT", "without a group people are employee or viewer, or not in"));
    }
    Ok(())
}

/// What a stored provider was told; `None`: by another version of this program.
pub(super) fn settings(row: &Row) -> Option<Settings> {
    serde_json::from_str(&row.settings).ok()
}

pub(super) fn place(id: &str) -> String {
    format!("idp/{id}/secret")
}

/// The client secret in the clear.
pub(super) fn secret(keys: &Keys, row: &Row) -> Result<Option<String>, SecretError> {
    let open = |sealed: &Vec<u8>| Ok(String::from_utf8_lossy(&keys.open(&place(&row.id), sealed)?).into_owned());
    row.secret.as_ref().map(open).transpose()
}

/// Ids, never names: who holds a name can change.
pub(super) fn tenants(tenants: &mut [String]) -> Result<(), Rejected> {
    for tenant in tenants {
        *tenant = tenant.trim().to_ascii_lowercase();
        if tenant.len() != 36 || !tenant.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            let why = "a tenant is named by its id, as 8-4-4-4-12 hexadecimal digits";
            return Err(wrong("tenants", "IDP_TENANT", why));
        }
    }
    Ok(())
}

/// At least one, and each of those that are taken.
pub(super) fn algorithms(all: &[String]) -> Result<(), Rejected> {
    if all.is_empty() || all.iter().any(|one| !ALGORITHMS.contains(&one.as_str())) {
        return Err(wrong("algorithms", "IDP_ALGORITHM", &format!("known are {}", ALGORITHMS.join(", "))));
    }
    Ok(())
}

pub(super) fn scopes(all: &[String]) -> Result<(), Rejected> {
    if all.iter().any(|scope| scope == "openid") {
        return Ok(());
    }
    Err(wrong("scopes", "IDP_SCOPE", "without the scope openid there is no ID token"))
}

/// The key of our own that there is, or a new one, for a provider that understands it.
fn our_key(metadata: &Metadata, kept: Option<SecretString>) -> Result<SecretString, Rejected> {
    let wrong = |why| wrong("authentication", "IDP_AUTH", why);
    if !metadata.takes_our_proof() {
        return Err(wrong("the provider does not take private_key_jwt with ES256"));
    }
    kept.or_else(|| OurKey::generate().map(SecretString::from))
        .ok_or_else(|| wrong("no key could be made on this machine"))
}

impl Federation {
    /// Checks a description against what the provider says of itself, and fills in what it leaves open.
    pub async fn check(&self, draft: Draft) -> Result<Draft, Rejected> {
        let mut draft = draft;
        draft.name = named(&draft.name)?;
        let s = &mut draft.settings;
        if s.client_id.trim().is_empty() {
            return Err(wrong("client_id", "IDP_CLIENT", "the client id is missing"));
        }
        let has_secret = draft.secret.as_ref().is_some_and(|secret| !secret.expose_secret().is_empty());
        let has_key = draft.secret.as_ref().is_some_and(|secret| OurKey::read(secret.expose_secret()).is_some());
        let by_key = s.authentication == Authentication::Key;
        if has_secret != (s.authentication.takes_secret() || by_key && has_key) {
            return Err(wrong("secret", "IDP_SECRET", "a secret belongs to basic and post, and to no other"));
        }
        roles(&s.roles, s.default_role)?;
        tenants(&mut s.tenants)?;
        let metadata = provider::discover(&self.wire, s).await?;
        if by_key {
            draft.secret = Some(our_key(&metadata, draft.secret)?);
        }
        if s.algorithms.is_empty() {
            // RS256 is what every provider has to have (Core section 15.1); else the first that we know.
            let offers = |algorithm: &&str| metadata.algorithms.iter().any(|offered| offered == algorithm);
            let first = ALGORITHMS.iter().find(|algorithm| offers(algorithm));
            s.algorithms = first.map(|algorithm| vec![(*algorithm).to_owned()]).unwrap_or_default();
        }
        algorithms(&s.algorithms)?;
        if s.scopes.is_empty() {
            let wanted = ["openid", "profile", "email", "groups"];
            let offered = |scope: &&str| *scope == "openid" || metadata.scopes.iter().any(|known| known == scope);
            s.scopes = wanted.iter().filter(|scope| offered(scope)).map(|scope| (*scope).to_owned()).collect();
        }
        scopes(&s.scopes)?;
        Ok(draft)
    }

    /// Makes a provider that was checked. Returns its id.
    pub async fn create(&self, tx: &mut Tx, draft: &Draft, now: Timestamp) -> Result<String, Rejected> {
        let id = Id::new(Noun::Idp).into_string();
        let sealed = match &draft.secret {
            Some(secret) => Some(self.keys.seal(&place(&id), secret.expose_secret().as_bytes())?),
            None => None,
        };
        let settings = encoded(&draft.settings)?;
        insert(tx, row(id, &draft.name, "oidc", settings, sealed, now)).await
    }
}

/// Settings as they are stored.
pub(super) fn encoded(settings: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(settings).map_err(|e| StoreError::Encode(e.into()))
}

/// A provider that is on.
pub(super) fn row(
    id: String,
    name: &str,
    kind: &str,
    settings: String,
    secret: Option<Vec<u8>>,
    now: Timestamp,
) -> Row {
    Row {
        id,
        name: name.to_owned(),
        kind: kind.to_owned(),
        settings,
        secret,
        enabled: true,
        draft: false,
        preset: None,
        created_at: now.0,
        updated_at: now.0,
    }
}

/// Makes a provider. Returns its id.
pub(super) async fn insert(tx: &mut Tx, row: Row) -> Result<String, Rejected> {
    if idp::insert(tx, &row).await? { Ok(row.id) } else { Err(name_taken()) }
}

pub(super) fn name_taken() -> Rejected {
    wrong("name", "IDP_NAME_TAKEN", "another provider has this name")
}

/// Switches a provider off: nobody signs in by it, and whoever did is out. Returns how many sessions ended.
pub async fn switch_off(tx: &mut Tx, id: &str, actor: &str, now: Timestamp) -> Result<usize, GlassError> {
    keep_provider(tx, id).await?;
    if idp::set_enabled(tx, id, false, now).await? {
        alert::raise(tx, alert::Kind::IdpOff, id, now).await?;
    }
    Ok(end_sessions(tx, id, actor, now).await?)
}

/// Forgets a provider, and ends what was opened by it; its people stay. Returns how many sessions ended.
pub async fn forget(tx: &mut Tx, id: &str, actor: &str, now: Timestamp) -> Result<usize, GlassError> {
    keep_provider(tx, id).await?;
    // A draft signs nobody in, so nobody misses it.
    if let Some(row) = idp::get(&mut *tx, id).await?.filter(|row| !row.draft) {
        alert::raise_gone(tx, alert::Kind::IdpRemoved, (id, &row.name), now).await?;
    }
    idp::remove(tx, id).await?;
    Ok(end_sessions(tx, id, actor, now).await?)
}

/// The provider's row was written before, so no sign-in that is on its way opens another one.
async fn end_sessions(tx: &mut Tx, id: &str, actor: &str, now: Timestamp) -> Result<usize, StoreError> {
    let ended = session::end_of_provider(tx, id).await?;
    note_ended(tx, &ended, (id, Some(actor)), &Origin::default(), now).await?;
    Ok(ended.len())
}

/// Sessions that ended with their provider's, in the audit trail: by whom, or by the word of the person who left.
pub(super) async fn note_ended(
    tx: &mut Tx,
    sessions: &[(String, String)],
    (idp_id, by): (&str, Option<&str>),
    origin: &Origin,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (session_id, user_id) in sessions {
        let detail = match by {
            Some(_) => json!({"idp": idp_id, "user": user_id}),
            None => json!({"idp": idp_id}),
        };
        let entry = AuditEntry {
            actor: by.unwrap_or(user_id),
            action: "session.end",
            object_kind: "session",
            object_id: session_id,
            outcome: Outcome::Ok,
            origin,
            detail,
        };
        audit::record(tx, entry, now).await?;
    }
    Ok(())
}
