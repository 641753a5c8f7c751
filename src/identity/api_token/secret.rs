//! What a token looks like: `mus_`, 43 letters and digits that hold 256 random bits, and six that check them.
//!
//! The prefix lets secret scanners find a token that went astray, the check tells a token from a typo
//! without asking anybody: the first 32 bits of SHA-256 over all that comes before, in base 62. Letters and
//! digits only, so that a double click takes the whole.

use rand::RngExt;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::identity::token;

const PREFIX: &str = "mus_";
const RANDOM: usize = 43;
const CHECK: usize = 6;
const LENGTH: usize = PREFIX.len() + RANDOM + CHECK;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A fresh token and what is stored of it.
pub fn fresh() -> (SecretString, [u8; 32]) {
    let body = format!("{PREFIX}{}", base62(&rand::rng().random::<[u8; 32]>(), RANDOM));
    let secret = format!("{body}{}", check(&body));
    let digest = token::digest(&secret);
    (secret.into(), digest)
}

/// The digest of something that has the form of a token; `None`: it cannot be one.
pub fn digest(presented: &str) -> Option<[u8; 32]> {
    if presented.len() != LENGTH || !presented.is_ascii() {
        return None;
    }
    let (body, said) = presented.split_at(LENGTH - CHECK);
    (body.starts_with(PREFIX) && check(body) == said).then(|| token::digest(presented))
}

fn check(body: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    base62(&hash[..4], CHECK)
}

/// A big-endian number in base 62, with zeros in front up to `width`.
fn base62(number: &[u8], width: usize) -> String {
    let mut rest = number.to_vec();
    let mut digits = vec![DIGITS[0]; width];
    for place in digits.iter_mut().rev() {
        let mut carry = 0_u32;
        for byte in &mut rest {
            let value = carry * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            carry = value % 62;
        }
        *place = DIGITS[carry as usize];
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn numbers_in_base_62_are_whole() {
        for (bytes, width, text) in [
            (&[0_u8, 0, 0, 0][..], 6, "000000"),
            (&[0, 0, 0, 61], 6, "00000z"),
            (&[0, 0, 0, 62], 6, "000010"),
            (&[255, 255, 255, 255], 6, "4gfFC3"),
        ] {
            assert_eq!(base62(bytes, width), text);
        }
        // 62^43 is more than 2^256: the largest number still fits, so no two numbers share a text.
        assert!(base62(&[255; 32], RANDOM).bytes().next() < Some(b'z'));
        assert_eq!(base62(&[255; 32], RANDOM + 1).as_bytes()[0], b'0');
    }

    #[test]
    fn one_wrong_character_anywhere_is_seen() {
        let (secret, stored) = fresh();
        let text = secret.expose_secret();
        assert_eq!((text.len(), digest(text)), (LENGTH, Some(stored)));
        for at in 0..text.len() {
            let other = if text.as_bytes()[at] == b'x' { "y" } else { "x" };
            let wrong = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(digest(&wrong), None, "{at}");
        }
        for wrong in ["", "mus_", &text[1..], &format!("{text}0"), &format!(" {}", &text[1..]), &text.to_lowercase()] {
            assert_eq!(digest(wrong), None);
        }
        assert_eq!(digest(&format!("{}結", &text[..LENGTH - 3])), None, "not only letters");
        assert_ne!(text, fresh().0.expose_secret());
    }
}
