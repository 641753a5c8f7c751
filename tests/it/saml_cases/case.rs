//! What a case is, and how it is played.

use super::pen::{Draft, Site};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Signs in, as the provider's person and nobody else.
    In,
    /// Refused, with this code in the audit trail.
    Refused(&'static str),
}

/// Which connection of the hub the provider plays at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// As it is when nothing is asked for.
    Strict,
    /// Added with `--response-signature`.
    Whole,
    /// Added with `--idp-initiated`.
    Open,
}

/// What the browser does with the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Asks, posts, follows.
    Straight,
    /// Posts a second time.
    Twice,
    /// Posts again after it began a new sign-in, with other cookies.
    AgainElsewhere,
    /// Another browser asked; this one has begun its own sign-in.
    OfAnother,
    /// This browser never asked for anything.
    WithoutCookies,
    /// Nobody asked.
    Unasked,
    /// As an address.
    Got,
    /// With a `RelayState`.
    Relayed(&'static str),
    /// Two fields of the same name.
    Doubled,
    /// As another kind of body.
    Plain,
    /// The answer to a request that went to another connection.
    ToAnother,
}

/// See the module. Tables of these are constants, so what a case does is a function.
#[derive(Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    /// Numbers of the list of shapes that it stands for, and what happens.
    pub meaning: &'static str,
    pub expect: Expect,
    /// Why, where the standards leave it open.
    pub because: Option<&'static str>,
    pub at: At,
    pub way: Way,
    pub draft: fn(&mut Draft),
    /// What is posted, in place of base64 of the document.
    pub post: Option<fn(&Site, String) -> Vec<u8>>,
}

const fn case(name: &'static str, expect: Expect, meaning: &'static str, draft: fn(&mut Draft)) -> Case {
    Case { name, meaning, expect, because: None, at: At::Strict, way: Way::Straight, draft, post: None }
}

pub const fn signs_in(name: &'static str, meaning: &'static str, draft: fn(&mut Draft)) -> Case {
    case(name, Expect::In, meaning, draft)
}

pub const fn refused(name: &'static str, code: &'static str, meaning: &'static str, draft: fn(&mut Draft)) -> Case {
    case(name, Expect::Refused(code), meaning, draft)
}

impl Case {
    /// For people.
    pub fn outcome(&self) -> String {
        match self.expect {
            Expect::In => "signed in".to_owned(),
            Expect::Refused(code) => format!("refused: `{code}`"),
        }
    }

    pub const fn because(mut self, reason: &'static str) -> Self {
        self.because = Some(reason);
        self
    }

    pub const fn at(mut self, at: At) -> Self {
        self.at = at;
        self
    }

    pub const fn by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    /// The bytes that the document stands for; they are posted in base64.
    pub const fn posts(mut self, post: fn(&Site, String) -> Vec<u8>) -> Self {
        self.post = Some(post);
        self
    }
}
