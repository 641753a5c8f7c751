//! What a case is.

use crate::issuer::Play;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Signs in, as the provider's person and nobody else.
    In,
    /// Refused, with this code in the audit trail.
    Refused(&'static str),
    /// The provider cannot be added, with this code on the terminal.
    NotAdded(&'static str),
}

/// What the browser does with the callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Follows the provider's redirect.
    Straight,
    /// Opens it a second time.
    Twice,
    /// Comes without the cookies it was given.
    WithoutCookies,
    /// Another browser began the sign-in; this one has begun its own.
    OfAnother,
    /// Posts it as a form of another site.
    Posted,
}

/// See the module. Tables of these are constants, so a provider's behaviour is a function.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub expect: Expect,
    pub meaning: &'static str,
    /// Why, where the standards leave it open.
    pub because: Option<&'static str>,
    /// The provider in question.
    pub play: fn(&mut Play),
    /// How it behaved when somebody signed in before, if somebody did.
    pub before: Option<fn(&mut Play)>,
    pub way: Way,
    /// More words of `musubi idp add`; they stand for the usual ones of the same name.
    pub add: &'static [&'static str],
}

const fn case(name: &'static str, expect: Expect, meaning: &'static str, play: fn(&mut Play)) -> Case {
    Case { name, expect, meaning, because: None, play, before: None, way: Way::Straight, add: &[] }
}

pub const fn signs_in(name: &'static str, meaning: &'static str, play: fn(&mut Play)) -> Case {
    case(name, Expect::In, meaning, play)
}

pub const fn refused(name: &'static str, code: &'static str, meaning: &'static str, play: fn(&mut Play)) -> Case {
    case(name, Expect::Refused(code), meaning, play)
}

pub const fn not_added(name: &'static str, code: &'static str, meaning: &'static str, play: fn(&mut Play)) -> Case {
    case(name, Expect::NotAdded(code), meaning, play)
}

impl Case {
    /// For people.
    pub fn outcome(&self) -> String {
        match self.expect {
            Expect::In => "signed in".to_owned(),
            Expect::Refused("") => "refused".to_owned(),
            Expect::Refused(code) => format!("refused: `{code}`"),
            Expect::NotAdded(code) => format!("not added: `{code}`"),
        }
    }

    pub const fn because(mut self, reason: &'static str) -> Self {
        self.because = Some(reason);
        self
    }

    pub const fn after(mut self, before: fn(&mut Play)) -> Self {
        self.before = Some(before);
        self
    }

    pub const fn by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    pub const fn added_with(mut self, words: &'static [&'static str]) -> Self {
        self.add = words;
        self
    }
}
