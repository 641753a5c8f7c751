//! Invitations: an address and a role, and a link that lets that person in once.
//!
//! Whoever opens the link chooses a passphrase, or signs in with a provider in the same browser. With the provider it
//! counts only when the provider vouches for the very address that was invited: the link alone proves a mailbox, the
//! provider alone an account that somebody there may have named as they liked.
//!
//! Invariant: only the hash of a link is stored, and sending again makes another link. A link that is used, too old,
//! withdrawn or never was is answered the same.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    By, FieldError, Identity, Role, SignInRules, SignedIn,
    access::{self, Denied},
    audit::{self, AuditEntry, Origin, Outcome},
    password::PasswordError,
    people::passphrase_mistake,
    session::Opened,
    setup::{is_mail, mail_key},
    token,
};
use crate::{
    mail::{Recipient, What, carrier::is_address},
    model::{Id, Timestamp, ids::Noun},
    store::{
        StoreError, Tx, external_identity, idp,
        invitation::{self, Row},
        mail, user,
    },
};

/// How long a link lets somebody in.
pub const LASTS: i64 = 3 * Timestamp::DAY;

/// Whom to invite.
#[derive(Clone, Debug)]
pub struct Wish {
    pub mail: String,
    pub role: Role,
    /// `ja` or `en`: of the mail and of the new account.
    pub language: &'static str,
}

/// An invitation that was made.
pub struct Invited {
    pub id: String,
    pub mail: String,
    pub until: Timestamp,
    /// Where no mail is configured: to be handed on by whoever invites. Shown once.
    pub link: Option<SecretString>,
    /// There was an open one: its link is dead now.
    pub again: bool,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    #[error("the form has mistakes")]
    Fields(Vec<FieldError>),
    #[error("there is no such open invitation")]
    Missing,
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an invitation let nobody in.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Used, too old, withdrawn, or never there.
    #[error("this invitation lets nobody in")]
    Dead,
    /// A passphrase opens nothing now; the link still does, by a provider.
    #[error("single sign-on is mandatory: sign in by a provider")]
    Elsewhere,
    #[error("the form has mistakes")]
    Fields(Vec<FieldError>),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// What somebody who follows the link fills in.
pub struct Newcomer {
    pub name: String,
    pub passphrase: SecretString,
}

/// The address of a link.
fn link(public_url: &str, token: &str) -> String {
    format!("{}/invitation?token={token}", public_url.trim_end_matches('/'))
}

impl Identity {
    /// Invites somebody, or once more: the link before is dead then. `public_url`: where links lead.
    pub async fn invite(
        &self,
        by: By<'_>,
        wish: Wish,
        public_url: &str,
        origin: &Origin,
    ) -> Result<Invited, InviteError> {
        let mail = wish.mail.trim().to_owned();
        if let Some(by_role) = by.role {
            access::over_person(by_role, wish.role, wish.role)?;
        }
        let wrong = |field, code| Err(InviteError::Fields(vec![FieldError { field, code }]));
        if !is_mail(&mail) || !is_address(&mail) {
            return wrong("mail", "MAIL_INVALID");
        }
        // There is one owner, and first run made it; others are made of people who are here.
        if wish.role == Role::Owner {
            return wrong("role", "INVITE_OWNER");
        }
        let (key, now) = (mail_key(&mail), self.clock.now());
        let mut tx = self.db.begin().await?;
        let account = match user::by_mail_key(&mut tx, &key).await? {
            Some(there) if !self.may_link(&mut tx, by, &there).await? => return wrong("mail", "MAIL_TAKEN"),
            there => there.map(|row| row.id),
        };
        let before = invitation::lock(&mut tx, "", &key).await?;
        let token = token::fresh();
        let row = Row {
            id: before.as_ref().map_or_else(|| Id::new(Noun::Invitation).into_string(), |row| row.id.clone()),
            mail,
            mail_key: key,
            role: wish.role.as_str().to_owned(),
            language: wish.language.to_owned(),
            invited_by: by.actor.to_owned(),
            user_id: account,
            created_at: now.0,
            expires_at: now.plus(LASTS).0,
        };
        self.issue(&mut tx, &row, before.is_some(), &token, now).await?;
        let action = if before.is_some() { "user.invite_again" } else { "user.invite" };
        self.noted(&mut tx, by.actor, action, &row.id, origin, json!({"role": row.role})).await?;
        tx.commit().await?;
        let link = self.post.is_none().then(|| link(public_url, &token).into());
        Ok(Invited { id: row.id, mail: row.mail, until: Timestamp(row.expires_at), link, again: before.is_some() })
    }

    /// Stores the link's hash and writes the mail.
    async fn issue(&self, tx: &mut Tx, row: &Row, again: bool, token: &str, now: Timestamp) -> Result<(), InviteError> {
        let (hash, until) = (token::digest(token), Timestamp(row.expires_at));
        if again {
            invitation::renew(tx, &row.id, (&row.role, &row.language), &hash, until, now).await?;
            mail::withdraw(tx, &row.id, now).await?;
        } else if !invitation::insert(tx, row, &hash).await? {
            // Somebody else invited the same person this moment.
            return Err(InviteError::Fields(vec![FieldError { field: "mail", code: "MAIL_INVITED" }]));
        }
        let Some(post) = &self.post else { return Ok(()) };
        let inviter = user::by_id(&mut *tx, &row.invited_by).await?.map(|by| by.name).unwrap_or_default();
        let link = link(post.public_url(), token);
        let what = What::Invitation { inviter, link, until: until.0, account: row.user_id.is_some() };
        let letter = self.letter(tx, what).await?;
        let to = Recipient { mail: &row.mail, language: &row.language };
        post.write(tx, to, &letter, Some(&row.id), now).await?;
        Ok(())
    }

    /// Whether an account that is there may be linked to a provider: one that may sign in, by a passphrase only so
    /// far, and by somebody who may change it.
    async fn may_link(&self, tx: &mut Tx, by: By<'_>, there: &user::UserRow) -> Result<bool, StoreError> {
        let of = Role::parse(&there.role).unwrap_or(Role::Owner);
        let may = by.role.is_none_or(|role| access::over_person(role, of, of).is_ok());
        let bound = external_identity::of_users(&mut *tx, &[&there.id]).await?;
        Ok(may && there.disabled_at.is_none() && bound.is_empty() && idp::any_enabled(tx).await?)
    }

    /// Sends an open invitation once more, with another link.
    pub async fn invite_again(
        &self,
        by: By<'_>,
        id: &str,
        public_url: &str,
        origin: &Origin,
    ) -> Result<Invited, InviteError> {
        let mut tx = self.db.begin().await?;
        let row = invitation::lock(&mut tx, id, "").await?.ok_or(InviteError::Missing)?;
        tx.rollback().await?;
        let wish = Wish {
            mail: row.mail,
            role: Role::parse(&row.role).unwrap_or(Role::Viewer),
            language: if row.language == "en" { "en" } else { "ja" },
        };
        self.invite(by, wish, public_url, origin).await
    }

    /// Ends an open invitation, named by id or mail address; a mail that waits is not sent.
    pub async fn withdraw_invitation(&self, by: By<'_>, named: &str, origin: &Origin) -> Result<Row, InviteError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let row = invitation::lock(&mut tx, named, &mail_key(named)).await?.ok_or(InviteError::Missing)?;
        if let Some(by_role) = by.role {
            let role = Role::parse(&row.role).unwrap_or(Role::Owner);
            access::over_person(by_role, role, role)?;
        }
        invitation::withdraw(&mut tx, &row.id, now).await?;
        mail::withdraw(&mut tx, &row.id, now).await?;
        self.noted(&mut tx, by.actor, "user.invite_withdraw", &row.id, origin, Value::Null).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// The invitation of a link, as long as it lets somebody in.
    pub async fn invitation(&self, token: &str) -> Result<Option<Row>, StoreError> {
        invitation::by_token(&self.db, &token::digest(token), self.clock.now()).await
    }

    /// Makes the account of somebody who came by a link and chose a passphrase, and signs them in.
    pub async fn accept(
        &self,
        token: &str,
        who: Newcomer,
        previous: Option<&str>,
        origin: &Origin,
    ) -> Result<SignedIn, AcceptError> {
        // The account that is there keeps its passphrase: only a provider is linked to it.
        let row = self.invitation(token).await?.filter(|row| row.user_id.is_none()).ok_or(AcceptError::Dead)?;
        if SignInRules::load(&self.db).await?.sso_required {
            return Err(AcceptError::Elsewhere);
        }
        let name = who.name.trim().to_owned();
        let wrong = mistakes(&row.mail, &name, &who.passphrase);
        if !wrong.is_empty() {
            return Err(AcceptError::Fields(wrong));
        }
        let hash = self.passwords.hash(who.passphrase).await?;
        let (id, now) = (Id::new(Noun::User), self.clock.now());
        let mut tx = self.db.begin().await?;
        // It may have become mandatory while the passphrase was hashed.
        if SignInRules::hold(&mut tx, now).await?.sso_required {
            tx.rollback().await?;
            return Err(AcceptError::Elsewhere);
        }
        let new = user::NewUser {
            id: &id,
            mail: &row.mail,
            mail_key: &row.mail_key,
            kind: user::PERSON,
            name: &name,
            role: &row.role,
            password_hash: Some(&hash),
            language: &row.language,
            theme: "system",
            now,
        };
        // Taken or made meanwhile: as dead as any other.
        if !invitation::take(&mut tx, &row.id, id.as_str(), now).await? || !user::insert(&mut tx, &new).await? {
            tx.rollback().await?;
            return Err(AcceptError::Dead);
        }
        self.joined(&mut tx, &row, id.as_str(), origin).await?;
        let signed_in = self.start_session(&mut tx, id.as_str(), previous, origin, Opened::Local).await?;
        tx.commit().await?;
        Ok(signed_in)
    }

    /// Somebody came by an invitation, in the trail.
    pub(super) async fn joined(
        &self,
        tx: &mut Tx,
        row: &Row,
        user_id: &str,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let detail = json!({"user": user_id, "role": row.role});
        self.noted(tx, user_id, "user.invite_accept", &row.id, origin, detail).await
    }

    async fn noted(
        &self,
        tx: &mut Tx,
        actor: &str,
        action: &'static str,
        id: &str,
        origin: &Origin,
        detail: Value,
    ) -> Result<(), StoreError> {
        let outcome = Outcome::Ok;
        let entry = AuditEntry { actor, action, object_kind: "invitation", object_id: id, outcome, origin, detail };
        audit::record(tx, entry, self.clock.now()).await
    }
}

fn mistakes(mail: &str, name: &str, passphrase: &SecretString) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    match name.chars().count() {
        0 => wrong.push(FieldError { field: "name", code: "NAME_EMPTY" }),
        201.. => wrong.push(FieldError { field: "name", code: "NAME_LONG" }),
        _ => {}
    }
    if let Some(weakness) = passphrase_mistake(passphrase.expose_secret(), mail, name) {
        wrong.push(FieldError { field: "passphrase", code: weakness.code() });
    }
    wrong
}
