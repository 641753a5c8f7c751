//! `/admin/audit`: who did what, when, on what, from where, and how it ended.

use crate::{http::console::Shell, model::Timestamp};

/// Kinds of acts that the list can be narrowed to: the first word of an action.
pub const KINDS: [&str; 14] = [
    "session",
    "user",
    "token",
    "idp",
    "sso",
    "customer",
    "connection",
    "failure",
    "import",
    "receiver",
    "settings",
    "sample",
    "audit",
    "access",
];

/// One entry.
#[derive(Clone, Debug)]
pub struct AuditLine {
    pub id: String,
    pub at: Timestamp,
    /// User id, `system` or `cli`.
    pub actor: String,
    pub actor_name: Option<String>,
    pub action: String,
    pub object_kind: String,
    pub object_id: String,
    pub object_name: Option<String>,
    pub refused: bool,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    /// Name and value, as they were written.
    pub detail: Vec<(String, String)>,
    /// Place in the chain and hash; `None`: sealed within a second.
    pub place: Option<(i64, String)>,
}

impl AuditLine {
    #[must_use]
    pub fn who(&self, s: &Shell) -> String {
        match (self.actor.as_str(), &self.actor_name) {
            (_, Some(name)) => name.clone(),
            ("system", _) => s.t("audit.system").to_owned(),
            ("cli", _) => s.t("audit.cli").to_owned(),
            (other, None) => other.to_owned(),
        }
    }

    /// What was done, in words.
    #[must_use]
    pub fn what<'a>(&'a self, s: &Shell) -> &'a str
    where
        'static: 'a,
    {
        let word = s.lang.find(&format!("audit_action.{}", self.action.replace('.', "_")));
        word.unwrap_or(&self.action)
    }

    /// On what: its name where it has one.
    #[must_use]
    pub fn object(&self, s: &Shell) -> String {
        let kind = s.word("audit_object", &self.object_kind);
        match &self.object_name {
            Some(name) => name.clone(),
            None if self.object_kind == "action" => s.word("permission", &self.object_id).to_owned(),
            None => kind.to_owned(),
        }
    }

    #[must_use]
    pub fn object_href(&self) -> Option<String> {
        let id = &self.object_id;
        match self.object_kind.as_str() {
            "user" if id.starts_with("usr_") => Some(format!("/admin/users/{id}")),
            "customer" if !id.is_empty() => Some(format!("/customers/{id}")),
            "import" => Some(format!("/imports/{id}")),
            "connection" => Some(format!("/connections/{id}")),
            "receiver" => Some(format!("/webhooks/receivers/{id}")),
            "idp" if id.starts_with("idp_") => Some(format!("/admin/idp/{id}")),
            _ => None,
        }
    }

    /// Class and icon of the outcome.
    #[must_use]
    pub fn look(&self) -> (&'static str, &'static str) {
        if self.refused { ("bad", "bad") } else { ("ok", "check") }
    }

    #[must_use]
    pub fn outcome(&self, s: &Shell) -> &'static str {
        if self.refused { s.t("audit.refused") } else { s.t("audit.ok") }
    }

    fn said(&self, name: &str) -> Option<&str> {
        self.detail.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The failed check of a refusal, in words where there are any.
    #[must_use]
    pub fn why(&self, s: &Shell) -> Option<String> {
        let code = self.said("code")?;
        Some(s.lang.find(&format!("audit_code.{code}")).map_or_else(|| code.to_owned(), str::to_owned))
    }

    /// `社員 → 管理者`, where a value was changed.
    #[must_use]
    pub fn change(&self, s: &Shell) -> Option<String> {
        let (from, to) = (self.said("from")?, self.said("to")?);
        Some(format!("{} → {}", s.word("role", from), s.word("role", to)))
    }

    /// The second line of the list: what changed, else why it was refused.
    #[must_use]
    pub fn short(&self, s: &Shell) -> String {
        self.change(s).or_else(|| self.why(s)).unwrap_or_default()
    }
}

/// What the last look at the chain found.
#[derive(Clone, Debug)]
pub struct Check {
    pub at: Timestamp,
    pub entries: i64,
    pub head: String,
    /// Place, entry and code of the first that disagrees.
    pub broken: Option<(i64, Option<String>, String)>,
}

impl Check {
    #[must_use]
    pub fn sentence(&self, s: &Shell) -> String {
        match &self.broken {
            Some((number, _, code)) => {
                let words = s.lang.find(&format!("audit_code.{code}")).unwrap_or(code);
                s.f2("audit.broken", s.num(number), words)
            }
            None => String::new(),
        }
    }
}

/// `/admin/audit`.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    pub rows: Vec<AuditLine>,
    pub q: String,
    pub who: String,
    pub kind: String,
    /// `ok`, `refused` or empty.
    pub outcome: String,
    /// Calendar days as the form sends them.
    pub from: String,
    pub until: String,
    /// The query of what is shown, for the files: empty or `?…`.
    pub query: String,
    pub next: Option<String>,
    pub check: Option<Check>,
    pub may_check: bool,
}

impl AuditPage {
    #[must_use]
    pub fn kinds(&self) -> [&'static str; KINDS.len()] {
        KINDS
    }

    #[must_use]
    pub fn narrowed(&self) -> bool {
        [&self.q, &self.who, &self.kind, &self.outcome, &self.from, &self.until].iter().any(|text| !text.is_empty())
    }
}

/// `/admin/audit/{id}`.
#[derive(Clone, Debug)]
pub struct AuditDetailPage {
    pub line: AuditLine,
}
