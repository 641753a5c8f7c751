//! Adding people beside the owner, who comes from first run only.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    Denied, Identity, Role,
    audit::{self, AuditEntry, Origin, Outcome},
    password::{PasswordError, Weakness, weakness},
    setup::{FieldError, is_mail, mail_key},
};
use crate::{
    model::{Id, ids::Noun},
    store::{StoreError, user},
};

/// A person to add. `Debug` is left out on purpose: it would show personal data.
pub struct NewPerson {
    pub mail: String,
    pub name: String,
    pub role: Role,
    pub passphrase: SecretString,
    /// `ja` or `en`.
    pub language: &'static str,
}

/// Why nobody was added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error("the form has mistakes")]
    Fields(Vec<FieldError>),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Identity {
    /// Adds a person who may sign in with mail address and passphrase; `actor` as in the audit trail.
    pub async fn add_person(&self, new: NewPerson, actor: &str, origin: &Origin) -> Result<Id, AddError> {
        let (mail, name) = (new.mail.trim(), new.name.trim());
        let wrong = mistakes(mail, name, &new);
        if !wrong.is_empty() {
            return Err(AddError::Fields(wrong));
        }
        let hash = self.passwords.hash(new.passphrase).await?;
        let (id, now) = (Id::new(Noun::User), self.clock.now());
        let mut tx = self.db.begin().await?;
        let row = user::NewUser {
            id: &id,
            mail,
            mail_key: &mail_key(mail),
            name,
            role: new.role.as_str(),
            password_hash: Some(&hash),
            language: new.language,
            theme: "system",
            now,
            kind: user::PERSON,
        };
        if !user::insert(&mut tx, &row).await? {
            return Err(AddError::Fields(vec![FieldError { field: "mail", code: "MAIL_TAKEN" }]));
        }
        let entry = AuditEntry {
            actor,
            action: "user.create",
            object_kind: "user",
            object_id: id.as_str(),
            outcome: Outcome::Ok,
            origin,
            detail: json!({ "role": new.role.as_str() }),
        };
        audit::record(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(id)
    }
}

fn mistakes(mail: &str, name: &str, new: &NewPerson) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut refuse = |field, code| wrong.push(FieldError { field, code });
    if !is_mail(mail) {
        refuse("mail", "MAIL_INVALID");
    }
    match name.chars().count() {
        0 => refuse("name", "NAME_EMPTY"),
        201.. => refuse("name", "NAME_LONG"),
        _ => {}
    }
    // There is one owner, and first run made it.
    if new.role == Role::Owner {
        refuse("role", "ROLE_OWNER");
    }
    if let Some(weakness) = passphrase_mistake(new.passphrase.expose_secret(), mail, name) {
        refuse("passphrase", weakness.code());
    }
    wrong
}

/// What is wrong with somebody's new passphrase.
pub(super) fn passphrase_mistake(passphrase: &str, mail: &str, name: &str) -> Option<Weakness> {
    let local = mail.split('@').next().unwrap_or_default();
    weakness(passphrase, &[mail, local, name])
}
