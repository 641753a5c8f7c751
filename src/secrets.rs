//! Secrets at rest: sealed with XChaCha20-Poly1305 under a key from a file or the environment.
//!
//! Sealed form: version (1 byte), key id (8), nonce (24), ciphertext with tag. The additional data
//! is everything before the nonce plus the *place*, a text such as `connection/con_…/secrets`, so a
//! sealed value cannot be moved to another row or column. The key id lets keys rotate: the current
//! key seals, the previous one still opens.
//!
//! Invariants: keys and opened values appear in no `Debug`, log or error. The key is never in a
//! backup.

use std::{
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::Engine;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, Payload},
};
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};

use crate::config;

const VERSION: u8 = 1;
const ID_LENGTH: usize = 8;
const NONCE_LENGTH: usize = 24;
const HEAD_LENGTH: usize = 1 + ID_LENGTH;

/// The keys of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    current: std::sync::Arc<Key>,
    previous: Option<std::sync::Arc<Key>>,
}

struct Key {
    id: [u8; ID_LENGTH],
    bytes: SecretBox<[u8; 32]>,
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{key} is no key: write 32 bytes as base64 or as 64 hexadecimal digits")]
    BadKey { key: &'static str },
    #[error("the key file {path} of {key} cannot be read")]
    Read {
        key: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the key file {path} cannot be written")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the key file {path} can be read by others: run chmod 600 {path}")]
    Open { path: PathBuf },
    #[error("a stored secret was sealed with another key ({id}): set secrets.previous_key_file to it")]
    UnknownKey { id: String },
    #[error("a stored secret is damaged or was moved to another place")]
    Damaged,
    #[error("a secret could not be sealed")]
    Seal,
}

impl Key {
    fn new(bytes: [u8; 32]) -> Self {
        let digest = Sha256::new().chain_update(b"musubi key id").chain_update(bytes).finalize();
        let mut id = [0; ID_LENGTH];
        id.copy_from_slice(&digest[..ID_LENGTH]);
        Self { id, bytes: SecretBox::new(Box::new(bytes)) }
    }

    fn parse(key: &'static str, text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let bytes = hex::decode(text)
            .ok()
            .filter(|bytes| bytes.len() == 32)
            .or_else(|| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let bytes: [u8; 32] = bytes.and_then(|b| b.try_into().ok()).ok_or(SecretError::BadKey { key })?;
        Ok(Self::new(bytes))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }
}

impl Keys {
    #[must_use]
    pub fn new(current: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        Self { current: Key::new(current).into(), previous: previous.map(|bytes| Key::new(bytes).into()) }
    }

    /// The configured keys. With `create`, a key file that is missing is made: only where the
    /// database is a file beside it, because several nodes must share one key.
    pub fn load(from: &config::Secrets, create: bool) -> Result<Self, SecretError> {
        let current = if from.key.is_empty() {
            let path = Path::new(&from.key_file);
            if create && !path.exists() {
                create_key_file(path)?;
            }
            read_key_file("secrets.key_file", path)?
        } else {
            Key::parse("secrets.key", &from.key)?
        };
        let previous = match (from.previous_key.as_str(), from.previous_key_file.as_str()) {
            ("", "") => None,
            ("", path) => Some(read_key_file("secrets.previous_key_file", Path::new(path))?),
            (text, _) => Some(Key::parse("secrets.previous_key", text)?),
        };
        Ok(Self { current: current.into(), previous: previous.map(Into::into) })
    }

    /// Seals a value for one place.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SecretError> {
        let mut sealed = Vec::with_capacity(HEAD_LENGTH + NONCE_LENGTH + plain.len() + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        let nonce = XNonce::generate();
        let aad = additional_data(&sealed, place);
        let cipher_text =
            self.current.cipher().encrypt(&nonce, Payload { msg: plain, aad: &aad }).map_err(|_| SecretError::Seal)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&cipher_text);
        Ok(sealed)
    }

    /// Opens a value that was sealed for this place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretError> {
        let (head, rest) = sealed.split_at_checked(HEAD_LENGTH).ok_or(SecretError::Damaged)?;
        let (nonce, cipher_text) = rest.split_at_checked(NONCE_LENGTH).ok_or(SecretError::Damaged)?;
        if head[0] != VERSION {
            return Err(SecretError::Damaged);
        }
        let key = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == head[1..])
            .ok_or_else(|| SecretError::UnknownKey { id: hex::encode(&head[1..]) })?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SecretError::Damaged)?;
        let aad = additional_data(head, place);
        key.cipher().decrypt(&nonce, Payload { msg: cipher_text, aad: &aad }).map_err(|_| SecretError::Damaged)
    }

    /// Whether a sealed value should be sealed again because its key is no longer the current one.
    #[must_use]
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        sealed.get(1..HEAD_LENGTH).is_none_or(|id| id != self.current.id)
    }

    /// Names the current key in logs and reports; says nothing about its bytes.
    #[must_use]
    pub fn current_id(&self) -> String {
        hex::encode(self.current.id)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("current", &self.current_id()).finish_non_exhaustive()
    }
}

fn additional_data(head: &[u8], place: &str) -> Vec<u8> {
    [head, place.as_bytes()].concat()
}

fn read_key_file(key: &'static str, path: &Path) -> Result<Key, SecretError> {
    let failed = |source| SecretError::Read { key, path: path.to_path_buf(), source };
    let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
    // A group is let in on purpose: container platforms mount secrets as 0440 for the group.
    if mode & 0o007 != 0 {
        return Err(SecretError::Open { path: path.to_path_buf() });
    }
    Key::parse(key, &std::fs::read_to_string(path).map_err(failed)?)
}

fn create_key_file(path: &Path) -> Result<(), SecretError> {
    let failed = |source| SecretError::Write { path: path.to_path_buf(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let bytes = <[u8; 32]>::generate();
    let mut file = match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        // Another process was faster; its key is the one.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    // On the disk before the first secret is sealed with it.
    file.write_all(format!("{text}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const PLACE: &str = "connection/con_1/secrets";

    #[test]
    fn sealed_values_open_only_at_their_place() {
        let keys = Keys::new([1; 32], None);
        let sealed = keys.seal(PLACE, b"token").unwrap();
        assert_eq!(keys.open(PLACE, &sealed).unwrap(), b"token");
        assert!(!sealed.windows(5).any(|w| w == b"token"));
        assert!(matches!(keys.open("connection/con_2/secrets", &sealed), Err(SecretError::Damaged)));
        assert_ne!(sealed, keys.seal(PLACE, b"token").unwrap(), "a nonce is used once");
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let keys = Keys::new([1; 32], None);
        let sealed = keys.seal(PLACE, b"token").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys.open(PLACE, &changed).is_err(), "byte {at}");
            assert!(keys.open(PLACE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_previous_key_opens_but_never_seals() {
        let old = Keys::new([1; 32], None);
        let sealed = old.seal(PLACE, b"token").unwrap();
        let rotated = Keys::new([2; 32], Some([1; 32]));
        assert_eq!(rotated.open(PLACE, &sealed).unwrap(), b"token");
        assert!(rotated.is_outdated(&sealed));
        let again = rotated.seal(PLACE, b"token").unwrap();
        assert!(!rotated.is_outdated(&again));
        assert!(matches!(old.open(PLACE, &again), Err(SecretError::UnknownKey { .. })));
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("var/musubi.key");
        let from = config::Secrets { key_file: path.display().to_string(), ..config::Config::default().secrets };
        assert!(matches!(Keys::load(&from, false), Err(SecretError::Read { .. })));
        let first = Keys::load(&from, true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = Keys::load(&from, true).unwrap();
        assert_eq!(first.current_id(), second.current_id());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::load(&from, true), Err(SecretError::Open { .. })));
    }

    #[test]
    fn keys_are_read_as_hex_or_base64_and_never_shown() {
        let hex = "07".repeat(32);
        let from = |key: &str| config::Secrets { key: key.into(), ..config::Config::default().secrets };
        let keys = Keys::load(&from(&hex), false).unwrap();
        let base64 = base64::engine::general_purpose::STANDARD.encode([7; 32]);
        assert_eq!(Keys::load(&from(&base64), false).unwrap().current_id(), keys.current_id());
        assert!(!format!("{keys:?}").contains(&hex));
        let error = Keys::load(&from("short-secret"), false).unwrap_err();
        assert!(!error.to_string().contains("short-secret"));
    }
}
