//! Who is calling and what they may do: first owner, local sign-in, sessions, roles, audit.
//!
//! Invariant: every handler gets a [`Principal`]; what a role may do is decided in `access` only.

pub mod access;
pub mod audit;
pub mod federation;
mod local;
pub mod members;
pub mod password;
pub mod people;
pub mod principal;
pub mod second;
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

pub use access::{Action, Denied, can};
pub use audit::{AuditEntry, Origin, Outcome, reads::Seen};
pub use federation::Federation;
pub use local::SignInError;
pub use members::{By, MemberError};
pub use principal::{Principal, Role};
pub use second::{Factor, FactorError};
pub use session::{Found, Session, SessionView, SignedIn};
pub use settings::{SampleState, Settings};
pub use setup::{FieldError, SetupError, SetupForm, mail_key};
pub use view::{Access, DepartmentError};

use crate::{clock::Clock, config, store::Db};

/// How long sessions last and how much hashing may cost, from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A session ends this long after its last use.
    pub session_idle: Duration,
    /// A session ends this long after sign-in, used or not.
    pub session_max: Duration,
    /// Passphrases hashed at the same time.
    pub hashes_at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { session_idle: Duration::from_hours(8), session_max: Duration::from_hours(24 * 7), hashes_at_once: 4 }
    }
}

impl From<&config::Session> for Limits {
    fn from(session: &config::Session) -> Self {
        Self { session_idle: session.idle.0, session_max: session.absolute.0, ..Self::default() }
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
    cache: session::Cache,
    reads: audit::reads::Reads,
    /// Remembered once true; an installation never loses its last owner.
    owned: AtomicBool,
    announce: Announce,
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
            cache: session::Cache::default(),
            reads: audit::reads::Reads::default(),
            owned: AtomicBool::new(false),
            // The one secret that may stand in a log: whoever reads the log owns the machine.
            announce: Arc::new(|code| tracing::warn!(target: "setup.code", code, "new first-run code: {code}")),
        }
    }

    /// Says elsewhere than in the log which first-run code is in force after wrong tries.
    #[must_use]
    pub fn announcing(mut self, announce: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.announce = Arc::new(announce);
        self
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
    }
}
