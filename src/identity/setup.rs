//! First run: whoever reads the one-time code at start-up becomes the owner, once.
//!
//! The code lives hashed in memory and is void after five wrong tries; the new one is announced
//! where the first was. Two browsers cannot both win: the row `owner` in `setting` is claimed in
//! the transaction that adds the owner. Each node of a cluster has a code of its own.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use super::{
    Identity, Role, SignedIn,
    audit::{self, AuditEntry, Origin, Outcome},
    password::{PasswordError, weakness},
    session::Opened,
    settings::{Audience, Settings},
    token,
};
use crate::{
    model::{Id, ids::Noun},
    store::{StoreError, setting, user},
};

const TRIES: u32 = 5;
const OWNER_CLAIM: &str = "owner";

/// The code in force.
#[derive(Debug, Default)]
pub(super) struct Setup {
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    digest: [u8; 32],
    wrong: u32,
}

/// What the first person fills in. `fiscal_year_start` is a month, as the form sends it.
#[derive(Clone, Default)]
pub struct SetupForm {
    pub code: String,
    pub mail: String,
    pub passphrase: SecretString,
    pub name: String,
    pub company: String,
    pub language: String,
    pub zone: String,
    pub fiscal_year_start: String,
}

impl fmt::Debug for SetupForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupForm").finish_non_exhaustive()
    }
}

/// One thing to correct: the form field and a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    pub field: &'static str,
    pub code: &'static str,
}

#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the form needs corrections")]
    Refused(Vec<FieldError>),
    #[error("this installation already has an owner")]
    Done,
    #[error("too many wrong tries")]
    Wait(Duration),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl SetupError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(fields) => fields.first().map_or("SETUP_REFUSED", |field| field.code),
            Self::Done => "SETUP_DONE",
            Self::Wait(_) => "SIGNIN_WAIT",
            Self::Store(_) | Self::Password(_) => "INTERNAL",
        }
    }
}

/// The form after checking.
struct Checked {
    mail: String,
    mail_key: String,
    name: String,
    settings: Settings,
}

impl Setup {
    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the code in force. The text exists only in what this returns.
    fn renew(&self) -> String {
        let code = token::readable_code();
        *self.lock() = Some(Open { digest: token::digest(&code), wrong: 0 });
        code
    }

    /// Whether `typed` is the code; the second value is a new code when this try voided the old.
    fn try_code(&self, typed: &str) -> (bool, Option<String>) {
        let typed = token::digest(&normal(typed));
        let mut open = self.lock();
        let exhausted = match open.as_mut() {
            Some(open) if bool::from(subtle::ConstantTimeEq::ct_eq(&open.digest[..], &typed[..])) => {
                return (true, None);
            }
            Some(open) => {
                open.wrong += 1;
                open.wrong >= TRIES
            }
            None => true,
        };
        drop(open);
        (false, exhausted.then(|| self.renew()))
    }
}

/// As people type it: lower case, in groups, or with a Japanese keyboard in full width.
pub(super) fn normal(code: &str) -> String {
    code.nfkc().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
}

impl Identity {
    /// Whether first run is over. Once true it stays true.
    pub async fn has_owner(&self) -> Result<bool, StoreError> {
        if self.owned.load(Ordering::Acquire) {
            return Ok(true);
        }
        let held = user::role_is_held(&self.db, Role::Owner.as_str()).await?;
        if held {
            self.owned.store(true, Ordering::Release);
        }
        Ok(held)
    }

    /// The one-time code to print at start-up; `None` when there is an owner.
    pub async fn open_setup(&self) -> Result<Option<String>, StoreError> {
        Ok(if self.has_owner().await? { None } else { Some(self.setup.renew()) })
    }

    /// Makes the first owner and signs them in.
    pub async fn create_owner(&self, form: SetupForm, origin: &Origin) -> Result<SignedIn, SetupError> {
        if self.has_owner().await? {
            return Err(SetupError::Done);
        }
        let now = self.clock.now();
        let admitted = self.throttle.admit(None, origin.ip, now).map_err(SetupError::Wait)?;
        let (right, renewed) = self.setup.try_code(&form.code);
        if let Some(code) = renewed {
            (self.announce)(&code);
        }
        if right {
            self.throttle.right(admitted);
        } else {
            let entry = setup_entry("system", "", Outcome::Refused, origin);
            audit::record_alone(&self.db, entry, now).await?;
            return Err(SetupError::Refused(vec![FieldError { field: "code", code: "SETUP_CODE_WRONG" }]));
        }
        let checked = check(&form).map_err(SetupError::Refused)?;
        let hash = self.passwords.hash(form.passphrase).await?;
        self.claim_ownership(&checked, &hash, origin).await
    }

    async fn claim_ownership(&self, form: &Checked, hash: &str, origin: &Origin) -> Result<SignedIn, SetupError> {
        let now = self.clock.now();
        let id = Id::new(Noun::User);
        let mut tx = self.db.begin().await?;
        let first = setting::claim(&mut tx, OWNER_CLAIM, &id, now).await?
            && !user::role_is_held(&mut tx, Role::Owner.as_str()).await?
            && user::insert(
                &mut tx,
                &user::NewUser {
                    id: &id,
                    mail: &form.mail,
                    mail_key: &form.mail_key,
                    name: &form.name,
                    role: Role::Owner.as_str(),
                    password_hash: Some(hash),
                    language: &form.settings.language,
                    theme: "system",
                    now,
                    kind: user::PERSON,
                },
            )
            .await?;
        if !first {
            tx.rollback().await?;
            return Err(SetupError::Done);
        }
        form.settings.save(&mut tx, now).await?;
        audit::record(&mut tx, setup_entry(id.as_str(), id.as_str(), Outcome::Ok, origin), now).await?;
        let signed_in = self.start_session(&mut tx, id.as_str(), None, origin, Opened::Local).await?;
        tx.commit().await?;
        self.owned.store(true, Ordering::Release);
        *self.setup.lock() = None;
        Ok(signed_in)
    }
}

fn setup_entry<'a>(actor: &'a str, object_id: &'a str, outcome: Outcome, origin: &'a Origin) -> AuditEntry<'a> {
    AuditEntry {
        actor,
        action: "setup.owner",
        object_kind: "user",
        object_id,
        outcome,
        origin,
        detail: serde_json::Value::Null,
    }
}

fn check(form: &SetupForm) -> Result<Checked, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut refuse = |field, code| errors.push(FieldError { field, code });
    let mail = form.mail.trim();
    if !is_mail(mail) {
        refuse("mail", "MAIL_INVALID");
    }
    let local = mail.split('@').next().unwrap_or_default();
    if let Some(weakness) = weakness(form.passphrase.expose_secret(), &[mail, local, &form.company]) {
        refuse("passphrase", weakness.code());
    }
    let (name, company) = (form.name.trim(), form.company.trim());
    for (field, text, empty, long) in
        [("name", name, "NAME_EMPTY", "NAME_LONG"), ("company", company, "COMPANY_EMPTY", "COMPANY_LONG")]
    {
        if text.is_empty() {
            refuse(field, empty);
        } else if text.chars().count() > 200 {
            refuse(field, long);
        }
    }
    if !matches!(form.language.as_str(), "ja" | "en") {
        refuse("language", "LANGUAGE_UNKNOWN");
    }
    if jiff::tz::TimeZone::get(&form.zone).is_err() {
        refuse("zone", "ZONE_UNKNOWN");
    }
    let month = form.fiscal_year_start.trim().parse::<i8>().ok().filter(|month| (1..=12).contains(month));
    if month.is_none() {
        refuse("fiscal_year_start", "FISCAL_YEAR_INVALID");
    }
    match (errors.is_empty(), month) {
        (true, Some(fiscal_year_start)) => Ok(Checked {
            mail: mail.to_owned(),
            mail_key: mail_key(mail),
            name: name.to_owned(),
            settings: Settings {
                company: company.to_owned(),
                zone: form.zone.clone(),
                language: form.language.clone(),
                fiscal_year_start,
                audience: Audience::default(),
            },
        }),
        _ => Err(errors),
    }
}

/// How an address is looked up: people do not remember how they capitalised it.
#[must_use]
pub fn mail_key(mail: &str) -> String {
    mail.trim().nfkc().collect::<String>().to_lowercase()
}

/// Catches typing errors; only a message that arrives proves an address.
pub(super) fn is_mail(mail: &str) -> bool {
    let Some((local, domain)) = mail.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\"\\".contains(c);
    mail.len() <= 254
        && !local.is_empty()
        && !local.contains('@')
        && mail.chars().all(plain)
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
