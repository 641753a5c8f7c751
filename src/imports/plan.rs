//! How a file is read into records: proposed by guessing, decided by a person, stored with the import.

use musubi_files::{Layout, roles};
use musubi_sdk::noun::{FieldKind, Noun};
use serde::{Deserialize, Serialize};

/// Which customer of the hub a row of a customer sheet means, where this source has not brought it before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// The one with the same code and the same name, or the same official number and name.
    #[default]
    CodeAndName,
    /// The one with the same code, whatever it is called.
    Code,
    /// None: only official numbers with the name.
    Numbers,
}

impl Match {
    pub const ALL: [Self; 3] = [Self::CodeAndName, Self::Code, Self::Numbers];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodeAndName => "code_and_name",
            Self::Code => "code",
            Self::Numbers => "numbers",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.as_str() == text)
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub layout: Layout,
    pub noun: Noun,
    /// One for each column: the role it has, and how sure that was, in percent; 100 once a person said so.
    pub columns: Vec<roles::Guess>,
    /// Roles that together name a record.
    pub key: Vec<String>,
    #[serde(default)]
    pub matching: Match,
    /// Lines of conflicts in which the sheet's value was chosen: `line/field`.
    #[serde(default)]
    pub chosen: Vec<String>,
}

impl Plan {
    #[must_use]
    pub fn new(layout: Layout, noun: Noun, columns: Vec<roles::Guess>) -> Self {
        let mut plan = Self { layout, noun, columns, key: Vec::new(), matching: Match::default(), chosen: Vec::new() };
        plan.key = plan.usual_key();
        plan
    }

    /// The column of a role.
    #[must_use]
    pub fn column(&self, role: &str) -> Option<usize> {
        self.columns.iter().position(|guess| guess.role.as_deref() == Some(role))
    }

    #[must_use]
    pub fn has(&self, role: &str) -> bool {
        self.column(role).is_some()
    }

    /// The heading of a role's column.
    #[must_use]
    pub fn heading(&self, role: &str) -> Option<&str> {
        self.column(role).and_then(|at| self.layout.columns.get(at)).map(String::as_str)
    }

    /// A sheet of the hub's own: its rows say which customer they are and at which version they were written.
    #[must_use]
    pub fn is_returning(&self) -> bool {
        self.noun == Noun::Customer && self.has(roles::HUB_ID) && self.has(roles::HUB_VERSION)
    }

    /// Rows of one number are one record.
    #[must_use]
    pub fn groups(&self) -> bool {
        self.columns.iter().any(|guess| guess.role.as_deref().is_some_and(|role| role.contains('.')))
    }

    /// By what records of a noun are usually known again.
    #[must_use]
    pub fn usual_key(&self) -> Vec<String> {
        let of =
            |roles: &[&str]| roles.iter().all(|r| self.has(r)).then(|| roles.iter().map(|r| (*r).to_owned()).collect());
        let ways: &[&[&str]] = match self.noun {
            Noun::Customer => &[&["code"], &[roles::HUB_ID], &["corporate_number"], &["name"]],
            Noun::Site => &[&["code"], &["customer", "name"]],
            Noun::Contact => &[&["customer", "name"]],
            Noun::Product => &[&["code"]],
            Noun::Quote | Noun::Order | Noun::Shipment | Noun::Invoice | Noun::Contract => &[&["number"]],
            Noun::Deal => &[&["number"], &["customer", "name"]],
            Noun::Inquiry => &[&["number"], &["customer", "received_date", "subject"]],
            Noun::Payment => &[&["number"], &["customer", "paid_date", "amount"]],
        };
        ways.iter().find_map(|way| of(way)).unwrap_or_default()
    }

    /// Roles that the noun needs and no column has.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let made = |role: &str| {
            role == "total"
                && matches!(self.noun, Noun::Quote | Noun::Order | Noun::Invoice)
                && (self.has("net") || self.has("lines.amount"))
        };
        let fields = self.noun.fields().iter().filter(|f| f.required && !self.has(f.name) && !made(f.name));
        let mut missing: Vec<String> = fields.map(|f| f.name.to_owned()).collect();
        for field in self.noun.fields() {
            if let FieldKind::Lines(inner) = field.kind {
                let any = inner.iter().any(|i| self.has(&format!("{}.{}", field.name, i.name)));
                let needed = inner.iter().filter(|i| i.required && i.name != "quantity");
                let lacks = needed.map(|i| format!("{}.{}", field.name, i.name)).filter(|role| any && !self.has(role));
                missing.extend(lacks);
            }
        }
        if missing.is_empty() && self.key.is_empty() {
            missing.push("key".to_owned());
        }
        missing
    }

    /// The stream of the sheet connection.
    #[must_use]
    pub fn stream(&self) -> &'static str {
        stream(self.noun)
    }
}

/// The stream of a noun.
#[must_use]
pub fn stream(noun: Noun) -> &'static str {
    match noun {
        Noun::Customer => "customers",
        Noun::Site => "sites",
        Noun::Contact => "contacts",
        Noun::Product => "products",
        Noun::Deal => "deals",
        Noun::Quote => "quotes",
        Noun::Order => "orders",
        Noun::Shipment => "shipments",
        Noun::Invoice => "invoices",
        Noun::Payment => "payments",
        Noun::Contract => "contracts",
        Noun::Inquiry => "inquiries",
    }
}

/// A noun by its word, one or many.
#[must_use]
pub fn noun(text: &str) -> Option<Noun> {
    Noun::ALL.into_iter().find(|noun| noun.as_str() == text || stream(*noun) == text)
}
