//! Who is calling and what they may do: first owner, local sign-in, sessions, roles, audit.
//!
//! Invariant: every handler gets a [`Principal`]; what a role may do is decided in `access` only.

pub mod access;
pub mod alert;
pub mod api_token;
pub mod audit;
mod cache;
mod device;
pub mod federation;
mod fresh;
pub mod glass;
pub mod invitation;
mod local;
pub mod members;
pub mod offer;
mod pace;
pub mod passkey;
pub mod password;
pub mod people;
pub mod principal;
pub mod second;
mod service;
pub mod session;
pub mod settings;
pub mod setup;
#[cfg(test)]
pub(crate) mod testing;
mod throttle;
pub mod token;
pub mod view;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

pub use access::{Action, Denied, Lacks, can};
pub use api_token::{Bearer, BearerError, NewToken, Scope, Scopes, TokenError, TokenView};
pub use audit::{AuditEntry, Origin, Outcome, reads::Seen};
pub use federation::Federation;
pub use fresh::LocalProof;
pub use glass::{GlassError, SignInRules};
pub use local::{Door, SignInError};
pub use members::{By, MemberError};
pub use offer::Offer;
pub use principal::{Principal, Proof, Role};
pub use second::{Factor, FactorError, Factors};
pub use service::service_key;
pub use session::{Found, Session, SessionView, SignedIn};
pub use settings::{Audience, SampleState, Settings};
pub use setup::{FieldError, SetupError, SetupForm, mail_key};
pub use view::{Access, DepartmentError};

use crate::{clock::Clock, config, mail::Post, store::Db};

/// How long sessions and tokens last, how often a token may call and how much hashing may cost, from the
/// configuration.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A session ends this long after its last use.
    pub session_idle: Duration,
    /// A session ends this long after sign-in, used or not.
    pub session_max: Duration,
    /// A proof of who somebody is counts this long for what is dangerous.
    pub fresh: Duration,
    /// Passphrases hashed at the same time.
    pub hashes_at_once: usize,
    /// A token lives this long where nobody says otherwise.
    pub token_life: Duration,
    /// No token lives longer.
    pub token_longest: Duration,
    /// Calls of one token at once, and then in a minute, on each node.
    pub token_calls: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_hours(8),
            session_max: Duration::from_hours(24 * 7),
            fresh: Duration::from_mins(10),
            hashes_at_once: 4,
            token_life: Duration::from_hours(24 * 90),
            token_longest: Duration::from_hours(24 * 365),
            token_calls: 600,
        }
    }
}

impl From<&config::Config> for Limits {
    fn from(config: &config::Config) -> Self {
        let (session, tokens) = (&config.session, &config.tokens);
        Self {
            session_idle: session.idle.0,
            session_max: session.absolute.0,
            fresh: session.fresh.0,
            token_life: tokens.expiry.0,
            token_longest: tokens.longest.0,
            token_calls: tokens.per_minute,
            ..Self::default()
        }
    }
}

type Announce = Arc<dyn Fn(&str) + Send + Sync>;

/// See the module. One per process.
pub struct Identity {
    db: Db,
    clock: Clock,
    limits: Limits,
    access: Access,
    passwords: password::Passwords,
    throttle: throttle::Throttle,
    setup: setup::Setup,
    cache: cache::Cache<Session>,
    bearers: cache::Cache<Bearer>,
    token_pace: pace::Pace<String>,
    /// Wrong tokens by address; apart from sign-in, so that a forgotten script keeps nobody from signing in.
    token_guesses: throttle::Throttle,
    uses: api_token::Uses,
    reads: audit::reads::Reads,
    /// Remembered once true; an installation never loses its last owner.
    owned: AtomicBool,
    announce: Announce,
    /// `None`: there is no mail.
    post: Option<Post>,
}

impl Identity {
    #[must_use]
    pub fn new(db: Db, clock: Clock, limits: Limits, access: Access) -> Self {
        Self {
            db,
            clock,
            limits,
            access,
            passwords: password::Passwords::new(limits.hashes_at_once),
            throttle: throttle::Throttle::default(),
            setup: setup::Setup::default(),
            cache: cache::Cache::default(),
            bearers: cache::Cache::default(),
            token_pace: pace::Pace::new(limits.token_calls),
            token_guesses: throttle::Throttle::default(),
            uses: api_token::Uses::default(),
            reads: audit::reads::Reads::default(),
            owned: AtomicBool::new(false),
            // The one secret that may stand in a log: whoever reads the log owns the machine.
            announce: Arc::new(|code| tracing::warn!(target: "setup.code", code, "new first-run code: {code}")),
            post: None,
        }
    }

    /// Says elsewhere than in the log which first-run code is in force after wrong tries.
    #[must_use]
    pub fn announcing(mut self, announce: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.announce = Arc::new(announce);
        self
    }

    /// Writes mails, where there is a post.
    #[must_use]
    pub fn posting(self, post: Option<Post>) -> Self {
        Self { post, ..self }
    }

    /// Whether mails are sent.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.post.is_some()
    }

    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    #[must_use]
    pub fn passwords(&self) -> &password::Passwords {
        &self.passwords
    }

    /// Call after a person's role, state or preferences changed, so that it holds here at once and
    /// not only in a second.
    pub fn forget(&self, user_id: &str) {
        self.cache.forget_user(user_id);
        self.bearers.forget_user(user_id);
    }
}
