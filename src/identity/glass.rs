//! Mandatory single sign-on, and the break-glass accounts that get in when no provider does.
//!
//! Invariant: while single sign-on is mandatory a passphrase opens a session on the break-glass page only, and only
//! with a second factor; a sign-in that is on its way when it becomes mandatory finds it so in its own transaction.
//! Invariant: it becomes mandatory only with a provider by which people do sign in and a break-glass account that
//! was tried, and while it is, one such account and one provider stay. Each act takes its locks in this order: the
//! setting, providers, owners, the person.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    By, Identity, Role, access,
    audit::{self, AuditEntry, Origin, Outcome},
    members,
    people::passphrase_mistake,
};
use crate::{
    mail::What,
    model::Timestamp,
    store::{
        On, StoreError, Tx,
        glass::{self, Account},
        session, setting, user,
    },
};

/// A break-glass sign-in proves for this long that it works.
pub const TEST_HOLDS: i64 = 90 * Timestamp::DAY;

const SETTING: &str = "sign_in";

/// How people may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignInRules {
    /// By a provider only; break-glass accounts excepted.
    pub sso_required: bool,
}

impl SignInRules {
    pub async fn load(on: impl Into<On<'_>>) -> Result<Self, StoreError> {
        Ok(setting::get(on, SETTING).await?.unwrap_or_default())
    }

    /// As they stay until the transaction ends.
    pub(super) async fn hold(tx: &mut Tx, now: Timestamp) -> Result<Self, StoreError> {
        setting::hold(tx, SETTING, &Self::default(), now).await
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum GlassError {
    #[error("nobody has signed in by a provider since it was set up or changed: sign in by one first")]
    NoProvider,
    #[error(
        "there is no break-glass account: mark an owner who has a passphrase and a second factor (musubi user break-glass)"
    )]
    NoAccount,
    #[error("no break-glass account was tried in the last 90 days: sign in with one at /signin/local first")]
    Untested,
    #[error("a break-glass account is an owner with a passphrase")]
    NotLocalOwner,
    #[error("a break-glass account needs a second factor, which its owner sets up at /me/second-factor")]
    NoFactor,
    #[error(
        "single sign-on is mandatory and this is the last break-glass account: release it first (musubi idp release)"
    )]
    Last,
    #[error(
        "single sign-on is mandatory and this is the last provider that is on: release it first (musubi idp release)"
    )]
    LastProvider,
    #[error("there is no such person")]
    Missing,
    #[error(transparent)]
    Denied(#[from] access::Denied),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl GlassError {
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoProvider => "SSO_NO_PROVIDER",
            Self::NoAccount => "SSO_NO_GLASS",
            Self::Untested => "SSO_GLASS_UNTESTED",
            Self::NotLocalOwner => "GLASS_NOT_LOCAL_OWNER",
            Self::NoFactor => "GLASS_NO_FACTOR",
            Self::Last => "GLASS_LAST",
            Self::LastProvider => "SSO_LAST_PROVIDER",
            Self::Missing => "USER_MISSING",
            Self::Denied(_) => "FORBIDDEN",
            Self::Store(_) => "INTERNAL",
        }
    }
}

/// How far an installation is from mandatory single sign-on.
#[derive(Clone)]
pub struct Standing {
    pub required: bool,
    /// Names of providers by which people do sign in.
    pub providers: Vec<String>,
    pub accounts: Vec<Account>,
    /// People whom it would shut out: they have a passphrase only.
    pub stranded: i64,
    /// Why it cannot become mandatory.
    pub missing: Option<&'static str>,
}

fn missing(providers: &[String], accounts: &[Account], now: Timestamp) -> Result<(), GlassError> {
    if providers.is_empty() {
        return Err(GlassError::NoProvider);
    }
    if accounts.is_empty() {
        return Err(GlassError::NoAccount);
    }
    if accounts.iter().any(|account| is_tested(account, now)) { Ok(()) } else { Err(GlassError::Untested) }
}

/// Whether a break-glass account was tried not too long ago.
#[must_use]
pub fn is_tested(account: &Account, now: Timestamp) -> bool {
    account.tested_at.is_some_and(|at| now.since(Timestamp(at)) < TEST_HOLDS)
}

/// Refuses to go on without `without`, when that person is the last break-glass account and one is needed. The
/// caller holds the owners.
pub(super) async fn keep_one(tx: &mut Tx, without: &str) -> Result<(), GlassError> {
    if !SignInRules::load(&mut *tx).await?.sso_required {
        return Ok(());
    }
    let accounts = glass::accounts(tx).await?;
    if accounts.len() == 1 && accounts.iter().any(|account| account.id == without) {
        return Err(GlassError::Last);
    }
    Ok(())
}

/// Refuses to go on without a provider that is the last one on, when one is needed.
pub(super) async fn keep_provider(tx: &mut Tx, without: &str) -> Result<(), GlassError> {
    let on = glass::hold_providers(&mut *tx).await?;
    if on == [without] && SignInRules::load(tx).await?.sso_required { Err(GlassError::LastProvider) } else { Ok(()) }
}

impl Identity {
    /// What stands between now and mandatory single sign-on.
    pub async fn sso_standing(&self) -> Result<Standing, StoreError> {
        let now = self.clock.now();
        let (rules, providers, accounts, stranded) = tokio::try_join!(
            SignInRules::load(&self.db),
            glass::proven_providers(&self.db),
            glass::accounts(&self.db),
            glass::stranded(&self.db)
        )?;
        let missing = missing(&providers, &accounts, now).err().map(|error| error.code());
        Ok(Standing { required: rules.sso_required, providers, accounts, stranded, missing })
    }

    /// From now on people sign in by a provider only. Sessions that a passphrase opened end, but `keep` and those
    /// of the break-glass page. Returns how many ended.
    pub async fn require_sso(&self, actor: &str, keep: &str, origin: &Origin) -> Result<usize, GlassError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let rules = SignInRules::hold(&mut tx, now).await?;
        glass::hold_providers(&mut tx).await?;
        user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        if rules.sso_required {
            return Ok(0);
        }
        let (providers, accounts) = (glass::proven_providers(&mut tx).await?, glass::accounts(&mut tx).await?);
        missing(&providers, &accounts, now)?;
        setting::put(&mut tx, SETTING, &SignInRules { sso_required: true }, now).await?;
        let ended = session::end_local(&mut tx, keep).await?;
        self.rule(&mut tx, actor, "sso.require", origin, json!({ "ended": ended.len() })).await?;
        tx.commit().await?;
        ended.iter().for_each(|(_, user_id)| self.cache.forget_user(user_id));
        Ok(ended.len())
    }

    /// Passphrases open sessions again. `false`: they did before.
    pub async fn release_sso(&self, actor: &str, origin: &Origin) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if !SignInRules::hold(&mut tx, now).await?.sso_required {
            return Ok(false);
        }
        setting::put(&mut tx, SETTING, &SignInRules { sso_required: false }, now).await?;
        self.rule(&mut tx, actor, "sso.release", origin, Value::Null).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes somebody's account a break-glass one, or an ordinary one again. `false`: it was so before.
    pub async fn set_glass(&self, by: By<'_>, user_id: &str, on: bool, origin: &Origin) -> Result<bool, GlassError> {
        if let Some(role) = by.role
            && !access::can(role, access::Action::ManageOwners)
        {
            return Err(access::over_person(role, Role::Owner, Role::Owner)
                .err()
                .map_or(GlassError::Missing, Into::into));
        }
        let mut tx = self.db.begin().await?;
        user::lock_role(&mut tx, Role::Owner.as_str()).await?;
        let person = user::lock(&mut tx, user_id).await?.ok_or(GlassError::Missing)?;
        if person.glass == on {
            return Ok(false);
        }
        if on {
            if person.role != Role::Owner.as_str() || person.password_hash.is_none() || person.disabled_at.is_some() {
                return Err(GlassError::NotLocalOwner);
            }
            if !crate::store::second_factor::is_on(&mut tx, user_id).await? {
                return Err(GlassError::NoFactor);
            }
        } else {
            keep_one(&mut tx, user_id).await?;
        }
        glass::mark(&mut tx, user_id, on).await?;
        let action = if on { "user.glass_on" } else { "user.glass_off" };
        self.record(&mut tx, by, action, user_id, origin, Value::Null).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Somebody has seen that the break-glass page was used. Whoever came by it does not say so themselves.
    pub async fn see_glass(
        &self,
        me: &super::Principal,
        session_id: &str,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        if me.proof.glass {
            return Ok(false);
        }
        let (mut tx, now) = (self.db.begin().await?, self.clock.now());
        let seen = glass::seen(&mut tx, session_id, &me.user_id, now).await?;
        if seen {
            let entry = AuditEntry {
                actor: &me.user_id,
                action: "session.break_glass_seen",
                object_kind: "session",
                object_id: session_id,
                outcome: Outcome::Ok,
                origin,
                detail: Value::Null,
            };
            audit::record(&mut tx, entry, now).await?;
        }
        tx.commit().await?;
        Ok(seen)
    }

    /// Gives somebody another passphrase: from the shell, the way in when nothing else is left, or their own. Their
    /// sessions end, but `keep`.
    pub async fn set_passphrase(
        &self,
        by: By<'_>,
        (user_id, keep): (&str, &str),
        passphrase: secrecy::SecretString,
        origin: &Origin,
    ) -> Result<u64, members::PassphraseError> {
        use secrecy::ExposeSecret;
        // Nobody signs in as a service account.
        let person = user::by_id(&self.db, user_id).await?.filter(|row| row.kind == user::PERSON);
        let person = person.ok_or(members::MemberError::Missing)?;
        if let Some(weakness) = passphrase_mistake(passphrase.expose_secret(), &person.mail, &person.name) {
            return Err(members::PassphraseError::Weak(weakness));
        }
        let hash = self.passwords.hash(passphrase).await?;
        let mut tx = self.db.begin().await?;
        user::lock(&mut tx, user_id).await?.ok_or(members::MemberError::Missing)?;
        user::set_password(&mut tx, user_id, &hash).await?;
        glass::untest(&mut tx, user_id).await?;
        let ended = session::end_others(&mut tx, user_id, keep).await?;
        self.notify(&mut tx, user_id, What::PassphraseChanged { at: self.clock.now().0 }).await?;
        self.record(&mut tx, by, "user.passphrase", user_id, origin, json!({ "ended": ended })).await?;
        tx.commit().await?;
        self.cache.forget_user(user_id);
        Ok(ended)
    }

    async fn rule(
        &self,
        tx: &mut Tx,
        actor: &str,
        action: &'static str,
        origin: &Origin,
        detail: Value,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry {
            actor,
            action,
            object_kind: "settings",
            object_id: SETTING,
            outcome: Outcome::Ok,
            origin,
            detail,
        };
        audit::record(tx, entry, self.clock.now()).await
    }
}
