//! HTML that is already safe, and how templates pass numbers, instants and currencies.

use std::fmt;

use crate::model::{Timestamp, money::Currency};

/// HTML that is already safe.
#[derive(Clone, Debug, Default)]
pub struct Markup(String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

impl Markup {
    /// Only for markup built in this room, with everything from outside passed through [`escape`].
    pub(super) fn new(html: String) -> Self {
        Self(html)
    }
}

/// Text as it may stand in HTML text and in quoted attributes.
#[must_use]
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Whole numbers as templates pass them: by value or behind references.
pub trait Num {
    fn num(&self) -> i64;
}

macro_rules! num {
    ($($t:ty),*) => { $(impl Num for $t {
        fn num(&self) -> i64 {
            i64::try_from(*self).unwrap_or(i64::MAX)
        }
    })* };
}
num!(i64, i32, usize, u64, u32, u8);

impl<T: Num + ?Sized> Num for &T {
    fn num(&self) -> i64 {
        (**self).num()
    }
}

/// Instants as templates pass them.
pub trait Instant {
    fn instant(&self) -> Timestamp;
}

impl Instant for Timestamp {
    fn instant(&self) -> Timestamp {
        *self
    }
}

impl<T: Instant + ?Sized> Instant for &T {
    fn instant(&self) -> Timestamp {
        (**self).instant()
    }
}

/// Currencies as templates pass them.
pub trait Unit {
    fn unit(&self) -> Currency;
}

impl Unit for Currency {
    fn unit(&self) -> Currency {
        *self
    }
}

impl<T: Unit + ?Sized> Unit for &T {
    fn unit(&self) -> Currency {
        (**self).unit()
    }
}
