//! Service accounts: owners of tokens that are no person. They have a role, never owner, and nobody signs in
//! as one: no mail address, no passphrase, no provider. They are ended and changed as people are
//! ([`super::members`]).

use serde_json::json;

use super::{
    AuditEntry, By, Identity, Origin, Outcome, Role, access, audit,
    people::AddError,
    setup::{FieldError, mail_key},
};
use crate::{
    model::{Id, ids::Noun},
    store::user,
};

/// By what a service account is told from others; stands where people have their mail address.
#[must_use]
pub fn service_key(name: &str) -> String {
    format!("service:{}", mail_key(name))
}

impl Identity {
    /// Adds a service account.
    pub async fn add_service(&self, by: By<'_>, name: &str, role: Role, origin: &Origin) -> Result<Id, AddError> {
        if let Some(by_role) = by.role {
            access::over_person(by_role, role, role)?;
        }
        let name = name.trim();
        let mut wrong = Vec::new();
        match name.chars().count() {
            0 => wrong.push(FieldError { field: "name", code: "NAME_EMPTY" }),
            101.. => wrong.push(FieldError { field: "name", code: "NAME_LONG" }),
            _ => {}
        }
        if role == Role::Owner {
            wrong.push(FieldError { field: "role", code: "SERVICE_OWNER" });
        }
        if !wrong.is_empty() {
            return Err(AddError::Fields(wrong));
        }
        let (id, now) = (Id::new(Noun::User), self.clock.now());
        let key = service_key(name);
        let mut tx = self.db.begin().await?;
        let row = user::NewUser {
            id: &id,
            mail: "",
            mail_key: &key,
            name,
            role: role.as_str(),
            password_hash: None,
            language: "ja",
            theme: "system",
            now,
            kind: user::SERVICE,
        };
        if !user::insert(&mut tx, &row).await? {
            return Err(AddError::Fields(vec![FieldError { field: "name", code: "SERVICE_NAME_TAKEN" }]));
        }
        let entry = AuditEntry {
            actor: by.actor,
            action: "user.create",
            object_kind: "user",
            object_id: id.as_str(),
            outcome: Outcome::Ok,
            origin,
            detail: json!({ "role": role.as_str(), "kind": user::SERVICE }),
        };
        audit::record(&mut tx, entry, now).await?;
        tx.commit().await?;
        Ok(id)
    }
}
