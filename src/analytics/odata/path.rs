//! What an address below the service root names.

use std::borrow::Cow;

use super::{
    lexer,
    options::split,
    refusal::{Refusal, quoted},
};
use crate::store::feed::{Comparison, Expr, Literal, Navigation, Set};

const LONGEST: usize = 2_000;
const MOST_STEPS: usize = 6;

/// What is asked for.
#[derive(Debug)]
pub enum Resource {
    /// The service document.
    Root,
    Metadata,
    Rows(Rows),
}

/// Rows of a set, perhaps by way of others.
#[derive(Debug)]
pub struct Rows {
    /// The set that the address begins with, and the row of it.
    pub first: &'static Set,
    pub key: Option<Expr>,
    pub steps: Vec<Step>,
    /// `/$count` stands at the end.
    pub count: bool,
}

#[derive(Debug)]
pub struct Step {
    pub way: &'static Navigation,
    pub key: Option<Expr>,
}

/// `path` is percent-encoded, without the service root.
pub fn resource(path: &str) -> Result<Resource, Refusal> {
    if path.len() > LONGEST {
        return Err(Refusal::missing("there is nothing here: the address is too long"));
    }
    let path = path.trim_start_matches('/').trim_end_matches('/');
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        segments.push(decoded(segment)?);
    }
    let Some((first, rest)) = segments.split_first() else { return Ok(Resource::Root) };
    match (first.as_ref(), rest) {
        ("$metadata", []) => return Ok(Resource::Metadata),
        (name, _) if name.starts_with('$') => {
            return Err(Refusal::unsupported(name, "ask for one set after the other"));
        }
        _ => {}
    }
    let (name, inside) = opened(first)?;
    let Some(set) = Set::named(name) else {
        let message =
            format!("there is no set {}; the service document lists them, names are to the letter", quoted(name));
        return Err(Refusal::missing(message));
    };
    let key = inside.map(|inside| key(set, inside)).transpose()?;
    let mut rows = Rows { first: set, key, steps: Vec::new(), count: false };
    rows.follow(rest)?;
    Ok(Resource::Rows(rows))
}

impl Rows {
    fn follow(&mut self, rest: &[Cow<'_, str>]) -> Result<(), Refusal> {
        let mut set = self.first;
        let mut one = self.key.is_some();
        for (at, segment) in rest.iter().enumerate() {
            if segment == "$count" {
                if one || at + 1 != rest.len() {
                    return Err(Refusal::wrong("PATH_INVALID", "/$count stands at the end of many rows"));
                }
                self.count = true;
                return Ok(());
            }
            let (name, inside) = opened(segment)?;
            if name.starts_with('$') || name.contains('.') || set.property(name).is_some() {
                return Err(Refusal::unsupported(
                    &format!("the address part {}", quoted(name)),
                    "read the row with $select",
                ));
            }
            if !one {
                let message = format!("{} are many rows; name one by its key, or use $expand", set.name);
                return Err(Refusal::wrong("PATH_INVALID", message));
            }
            let Some(way) = set.navigation(name) else {
                return Err(Refusal::missing(format!("{} leads nowhere by {}", set.name, quoted(name))));
            };
            set = way.target();
            let key = match inside {
                Some(_) if !way.many => {
                    return Err(Refusal::wrong("PATH_INVALID", format!("{name} is one row; it takes no key")));
                }
                inside => inside.map(|inside| key(set, inside)).transpose()?,
            };
            one = !way.many || key.is_some();
            self.steps.push(Step { way, key });
            if self.steps.len() > MOST_STEPS {
                return Err(Refusal::unsupported("longer ways", "begin at a set nearer to the rows"));
            }
        }
        Ok(())
    }
}

/// A name and what stands in its parentheses.
fn opened(segment: &str) -> Result<(&str, Option<&str>), Refusal> {
    match segment.split_once('(') {
        None => Ok((segment, None)),
        Some((name, rest)) => match rest.strip_suffix(')') {
            // `Orders()` is the set.
            Some("") => Ok((name, None)),
            Some(inside) => Ok((name, Some(inside))),
            None => Err(Refusal::wrong("PATH_INVALID", "a '(' is not closed")),
        },
    }
}

/// The condition that a key stands for: `'ord_…'`, `Id='ord_…'`, `OrderId='ord_…',LineNo=1`.
fn key(set: &'static Set, inside: &str) -> Result<Expr, Refusal> {
    let wrong = || {
        let form: Vec<String> = set.key.iter().map(|name| format!("{name}=…")).collect();
        Refusal::wrong("KEY_INVALID", format!("a row of {} is named {}({})", set.name, set.name, form.join(",")))
    };
    let parts = split(inside, ',')?;
    let mut conditions: Vec<Expr> = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for part in &parts {
        let (name, value) = match part.split_once('=').filter(|(name, _)| !name.contains('\'')) {
            Some((name, value)) => (name.trim(), value),
            None if parts.len() == 1 && set.key.len() == 1 => {
                (set.key.first().copied().unwrap_or_default(), part.as_str())
            }
            None => return Err(wrong()),
        };
        if named.contains(&name) || !set.key.contains(&name) {
            return Err(wrong());
        }
        let property = set.property(name).ok_or_else(wrong)?;
        let value = lexer::literal(value)?;
        if value.ty() != Some(property.kind.ty()) {
            return Err(wrong());
        }
        named.push(name);
        conditions.push(equals(property, value));
    }
    if conditions.len() == set.key.len() { Ok(Expr::And(conditions)) } else { Err(wrong()) }
}

/// `property eq value`.
pub fn equals(property: &'static crate::store::feed::Property, value: Literal) -> Expr {
    Expr::Compare(Comparison::Eq, Box::new(Expr::own(property)), Box::new(Expr::Literal(value)))
}

/// A percent-encoded part of a path. `+` stands for itself here.
fn decoded(segment: &str) -> Result<Cow<'_, str>, Refusal> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let invalid = || Refusal::wrong("PATH_INVALID", "the address is not percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
            let (high, low) = (digit().ok_or_else(invalid)?, digit().ok_or_else(invalid)?);
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| invalid())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| invalid())
}
