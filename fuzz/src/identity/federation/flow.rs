//! A refusal, as the hub's `flow` has it: that file also knows the data base and the network.

pub enum Refused {
    Unknown,
    Check { code: &'static str, detail: Option<String> },
}

impl From<&'static str> for Refused {
    fn from(code: &'static str) -> Self {
        Self::Check { code, detail: None }
    }
}
