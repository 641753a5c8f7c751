//! How a provider behaves. Functions without captures, so that a table can hold them.

use serde_json::Value;

use super::draft::{Draft, Site};

/// How an endpoint answers what it would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Json,
    /// The same with `; charset=utf-8` behind the type.
    Charset,
    /// HTML, with this status.
    Page(u16),
    /// An OAuth error.
    Error(u16, &'static str),
    /// The first half.
    Cut,
    /// Sent on to the outside server.
    Elsewhere(u16),
    /// The same after 32 MiB of white space: whoever reads it all finds nothing wrong.
    Huge,
    /// Never.
    Silence,
    /// The same, a byte a second.
    Drip,
    /// The same with 100 000 lists in one another beside it.
    Deep,
}

/// How the client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Basic,
    Post,
    /// A signature; the key is the test's to compare.
    Key,
    Public,
}

/// Parameters of a redirect, in their order.
pub type Pairs = Vec<(String, String)>;

/// See the module. The default is an honest provider.
#[derive(Clone, Copy)]
pub struct Play {
    pub auth: Auth,
    /// The client's, compared as it comes.
    pub secret: &'static str,
    /// What has to be asked for.
    pub max_age: &'static str,
    /// The ID token does not say who somebody is; the userinfo endpoint does.
    pub lean: bool,
    /// Everybody who comes in is somebody else.
    pub crowd: bool,
    pub discovery: fn(&mut Value, &Site),
    pub discovery_answer: Answer,
    pub jwks: fn(&mut Vec<Value>),
    pub jwks_answer: Answer,
    pub token: fn(&mut Draft),
    pub token_body: fn(&mut Value),
    pub token_answer: Answer,
    pub userinfo: fn(&mut Value),
    pub userinfo_answer: Answer,
    /// What Microsoft Graph says beside userinfo, where this provider is like Entra ID.
    pub member_groups: fn(&mut Value),
    pub member_groups_answer: Answer,
    /// What the browser brings back.
    pub back: fn(&mut Pairs, &Site),
}

impl Default for Play {
    fn default() -> Self {
        Self {
            auth: Auth::Basic,
            secret: super::SECRET,
            max_age: "",
            lean: false,
            crowd: false,
            discovery: |_, _| {},
            discovery_answer: Answer::Json,
            jwks: |_| {},
            jwks_answer: Answer::Json,
            token: |_| {},
            token_body: |_| {},
            token_answer: Answer::Json,
            userinfo: |_| {},
            userinfo_answer: Answer::Json,
            member_groups: |_| {},
            member_groups_answer: Answer::Json,
            back: |_, _| {},
        }
    }
}
