//! As much of CBOR (RFC 8949) as authenticators write: definite lengths, nothing deeper than their extensions.

/// A value. Numbers with a fraction, tags and the like are skipped over, as nothing here asks for them.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Map(Vec<(Item<'a>, Item<'a>)>),
    Other,
}

const DEEPEST: u8 = 6;

impl<'a> Item<'a> {
    /// What stands under a key, if it stands there once.
    pub fn get(&self, key: &Item<'_>) -> Option<&Item<'a>> {
        let Self::Map(pairs) = self else { return None };
        let mut found = pairs.iter().filter(|(known, _)| known == key).map(|(_, value)| value);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    pub fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub fn int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }
}

/// The first value, and what comes after it. `None`: it is none of ours, or cut off.
pub fn read(input: &[u8]) -> Option<(Item<'_>, &[u8])> {
    item(input, 0)
}

fn item(input: &[u8], depth: u8) -> Option<(Item<'_>, &[u8])> {
    if depth > DEEPEST {
        return None;
    }
    let (first, rest) = input.split_first()?;
    let (major, info) = (first >> 5, first & 0x1f);
    let wide = match info {
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        28.. => return None,
        _ => 0,
    };
    let (head, rest) = rest.split_at_checked(wide)?;
    let value = head.iter().fold(if wide == 0 { u64::from(info) } else { 0 }, |sum, byte| sum << 8 | u64::from(*byte));
    match major {
        0 => Some((Item::Int(i64::try_from(value).ok()?), rest)),
        1 => Some((Item::Int(-1 - i64::try_from(value).ok()?), rest)),
        2 => rest.split_at_checked(usize::try_from(value).ok()?).map(|(bytes, rest)| (Item::Bytes(bytes), rest)),
        3 => {
            let (bytes, rest) = rest.split_at_checked(usize::try_from(value).ok()?)?;
            Some((Item::Text(std::str::from_utf8(bytes).ok()?), rest))
        }
        4 => {
            // Each value is a byte at least, so the count ends with the input.
            let mut left = rest;
            for _ in 0..value {
                left = item(left, depth + 1)?.1;
            }
            Some((Item::Other, left))
        }
        5 => {
            let (mut pairs, mut left) = (Vec::new(), rest);
            for _ in 0..value {
                let (key, after) = item(left, depth + 1)?;
                let (value, after) = item(after, depth + 1)?;
                pairs.push((key, value));
                left = after;
            }
            Some((Item::Map(pairs), left))
        }
        6 => item(rest, depth + 1).map(|(_, rest)| (Item::Other, rest)),
        _ => Some((Item::Other, rest)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 8949, appendix A.
    #[test]
    fn values_are_those_of_the_standard() -> Result<(), hex::FromHexError> {
        for (bytes, wanted) in [
            ("17", Item::Int(23)),
            ("1903e8", Item::Int(1_000)),
            ("3903e7", Item::Int(-1_000)),
            ("1b000000e8d4a51000", Item::Int(1_000_000_000_000)),
            ("4401020304", Item::Bytes(&[1, 2, 3, 4])),
            ("63e6b0b4", Item::Text("水")),
            ("a201020304", Item::Map(vec![(Item::Int(1), Item::Int(2)), (Item::Int(3), Item::Int(4))])),
            ("8301820203820405", Item::Other),
            ("f5", Item::Other),
            ("fb3ff199999999999a", Item::Other),
            ("c074323031332d30332d32315432303a30343a30305a", Item::Other),
        ] {
            assert_eq!(read(&hex::decode(bytes)?), Some((wanted, &[][..])), "{bytes}");
        }
        for bytes in
            ["", "18", "5801", "62ff", "a101", "5f42010243030405ff", "1bffffffffffffffff", "9b7fffffffffffffff"]
        {
            assert_eq!(read(&hex::decode(bytes)?), None, "{bytes}");
        }
        assert_eq!(read(&[0x81; 40]), None, "too deep");
        Ok(())
    }

    #[test]
    fn a_key_twice_is_no_key() {
        let twice = Item::Map(vec![(Item::Int(1), Item::Int(2)), (Item::Int(1), Item::Int(3))]);
        assert_eq!(twice.get(&Item::Int(1)), None);
    }

    proptest! {
        #[test]
        fn nothing_upsets_it(bytes: Vec<u8>) {
            if let Some((_, rest)) = read(&bytes) {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
