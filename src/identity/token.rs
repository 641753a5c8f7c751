//! High-entropy values: cookies, form tokens, the first-run code.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits as 43 characters that need no escaping.
#[must_use]
pub fn fresh() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// What is stored of a token. Plain SHA-256 is enough for 256 random bits.
#[must_use]
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Compares without telling by its time how much was equal.
#[must_use]
pub fn equal(a: &str, b: &str) -> bool {
    !a.is_empty() && bool::from(digest(a).ct_eq(&digest(b)))
}

/// Letters and digits that nobody confuses when reading them aloud.
const READABLE: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";

/// Eight readable characters, about 40 bits: enough where five wrong tries void it.
#[must_use]
pub fn readable_code() -> String {
    let mut rng = rand::rng();
    (0..8).map(|_| char::from(READABLE[rng.random_range(0..READABLE.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_differ() {
        let (a, b) = (fresh(), fresh());
        assert_eq!(a.len(), 43);
        assert_ne!(a, b);
        assert!(equal(&a, &a.clone()) && !equal(&a, &b) && !equal("", ""));
    }

    #[test]
    fn codes_are_readable() {
        let code = readable_code();
        assert_eq!(code.len(), 8);
        assert!(code.bytes().all(|b| READABLE.contains(&b)), "{code}");
    }
}
