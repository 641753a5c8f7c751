//! Passphrases: Argon2id, hashed off the async threads, a bounded number at a time.
//!
//! Invariants: checking an unknown account costs what checking a known one costs; a passphrase is
//! never logged and never leaves this module except as a hash.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
pub const MIN_CHARS: usize = 12;
/// Longer input costs time and gains nothing.
const MAX_BYTES: usize = 1024;

/// A hash no passphrase has, with our parameters: unknown accounts are checked against it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Long enough to pass the length rule, and in every list of guesses.
const WORST: [&str; 18] = [
    "123456789012",
    "1234567890123",
    "12345678901234",
    "abcdefghijkl",
    "administrator",
    "letmeinletmein",
    "passphrase12",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiopas",
    "1qaz2wsx3edc",
    "trustno1trustno1",
    "welcome12345",
    "correcthorsebatterystaple",
];

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a stored passphrase hash cannot be read")]
    Stored,
    #[error("hashing failed")]
    Hash,
    #[error("the hashing task was stopped")]
    Stopped,
}

/// Why a new passphrase is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    Short,
    Long,
    Common,
}

impl Weakness {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Short => "PASSPHRASE_SHORT",
            Self::Long => "PASSPHRASE_LONG",
            Self::Common => "PASSPHRASE_COMMON",
        }
    }
}

/// Refuses what an attacker tries first; everything else is the person's choice.
pub fn weakness(passphrase: &str, context: &[&str]) -> Option<Weakness> {
    let folded: String = passphrase.nfkc().collect::<String>().to_lowercase();
    if passphrase.len() > MAX_BYTES {
        return Some(Weakness::Long);
    }
    if folded.chars().count() < MIN_CHARS {
        return Some(Weakness::Short);
    }
    let squeezed = squeeze(&folded);
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let contained = |word: &str| {
        let word = squeeze(&word.nfkc().collect::<String>().to_lowercase());
        // Very short words occur by chance, in kanji and kana less so.
        word.chars().count() >= if word.is_ascii() { 4 } else { 3 } && squeezed.contains(&word)
    };
    let common = distinct.len() < 4 || WORST.contains(&squeezed.as_str()) || context.iter().any(|word| contained(word));
    common.then_some(Weakness::Common)
}

/// Letters and digits only: spaces and hyphens do not hide a word.
fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// See the module.
#[derive(Debug)]
pub struct Passwords {
    gate: Arc<Semaphore>,
}

/// The answer to "is it this passphrase".
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    /// A new hash to store, when the stored one was made with other parameters.
    pub rehash: Option<String>,
}

impl Passwords {
    /// At most `at_once` hashes run at the same time; each needs 19 MiB and a core.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self { gate: Arc::new(Semaphore::new(at_once.max(1))) }
    }

    pub async fn hash(&self, passphrase: SecretString) -> Result<String, PasswordError> {
        self.off_thread(move || hash_now(&passphrase)).await
    }

    /// Checks against a stored hash; `None` is an account that does not exist or has no passphrase.
    pub async fn verify(&self, passphrase: SecretString, stored: Option<String>) -> Result<Verdict, PasswordError> {
        self.off_thread(move || {
            let known = stored.is_some();
            let text = stored.unwrap_or_else(|| DECOY.to_owned());
            let parsed = PasswordHash::new(&text).map_err(|_| PasswordError::Stored)?;
            let matches = usable(&passphrase)
                && hasher()?.verify_password(normal(&passphrase).expose_secret().as_bytes(), &parsed).is_ok();
            let right = matches && known;
            let rehash = if right && outdated(&parsed) { Some(hash_now(&passphrase)?) } else { None };
            Ok(Verdict { right, rehash })
        })
        .await
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        // The permit goes into the task: a caller that hangs up does not free the core early.
        let permit = Arc::clone(&self.gate).acquire_owned().await.map_err(|_| PasswordError::Stopped)?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| PasswordError::Stopped)?
    }
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(passphrase: &SecretString) -> Result<String, PasswordError> {
    let hash =
        hasher()?.hash_password(normal(passphrase).expose_secret().as_bytes()).map_err(|_| PasswordError::Hash)?;
    Ok(hash.to_string())
}

fn usable(passphrase: &SecretString) -> bool {
    passphrase.expose_secret().len() <= MAX_BYTES
}

/// The same passphrase typed on another keyboard may come composed differently or full-width.
fn normal(passphrase: &SecretString) -> SecretString {
    SecretString::from(passphrase.expose_secret().nfkc().collect::<String>())
}

fn outdated(hash: &PasswordHash) -> bool {
    let current =
        Params::try_from(hash).is_ok_and(|p| p.m_cost() == MEMORY_KIB && p.t_cost() == PASSES && p.p_cost() == LANES);
    hash.algorithm != Algorithm::Argon2id.ident() || !current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passphrases_are_named() {
        let context = ["mina@hinoki.example", "mina", "ひのき精機株式会社"];
        for (text, expected) in [
            ("short", Some(Weakness::Short)),
            ("password1234", Some(Weakness::Common)),
            ("aaaaaaaaaaaaaaaa", Some(Weakness::Common)),
            ("Mina-2026-spring", Some(Weakness::Common)),
            ("ひのき精機株式会社-2026", Some(Weakness::Common)),
            ("twelve green bicycles", None),
            ("雨の日は長靴をはいて歩く", None),
        ] {
            assert_eq!(weakness(text, &context), expected, "{text}");
        }
        assert_eq!(weakness(&"x1y2".repeat(300), &[]), Some(Weakness::Long));
    }

    #[tokio::test]
    async fn hash_verify_and_unknown_accounts() -> Result<(), PasswordError> {
        let passwords = Passwords::new(2);
        let stored = passwords.hash("twelve green bicycles".into()).await?;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = passwords.verify("twelve green bicycles".into(), Some(stored.clone())).await?;
        assert_eq!(right, Verdict { right: true, rehash: None });
        assert!(!passwords.verify("twelve green bicycle".into(), Some(stored)).await?.right);
        assert!(!passwords.verify("twelve green bicycles".into(), None).await?.right);
        Ok(())
    }

    #[tokio::test]
    async fn weaker_stored_parameters_are_replaced() -> Result<(), Box<dyn std::error::Error>> {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None)?)
            .hash_password(b"twelve green bicycles")?
            .to_string();
        let verdict = Passwords::new(1).verify("twelve green bicycles".into(), Some(old)).await?;
        assert!(verdict.right && verdict.rehash.is_some_and(|hash| hash.contains("m=19456,t=2,p=1")));
        Ok(())
    }
}
