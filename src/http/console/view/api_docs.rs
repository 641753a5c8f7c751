//! `/api/docs`: the document of the API, laid out for reading.

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct ApiDocsPage {
    /// What holds for all of it.
    pub about: String,
    /// Address of the hub, as people type it.
    pub hub: String,
    pub nouns: Vec<Noun>,
}

/// The operations on one kind of record.
#[derive(Clone, Debug, Default)]
pub struct Noun {
    pub name: String,
    pub about: String,
    pub operations: Vec<Operation>,
}

#[derive(Clone, Debug, Default)]
pub struct Operation {
    /// Unique: also the anchor.
    pub id: String,
    /// `GET`, `POST` …
    pub method: String,
    /// Below `/api/v1`.
    pub path: String,
    pub summary: String,
    pub about: Option<String>,
    /// What the token needs; none: any token will do.
    pub scope: Option<String>,
    pub parameters: Vec<Field>,
    /// What is sent.
    pub body: Vec<Field>,
    /// What comes back: of a list, its items.
    pub answer: Vec<Field>,
    pub list: bool,
    pub refusals: Vec<Refusal>,
    pub curl: String,
}

/// A parameter, or a field of what is sent or comes back.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// With dots where it is inside another: `lines[].amount`.
    pub name: String,
    /// `string`, `integer`, `date` …; with `null` where it may be null.
    pub kind: String,
    pub about: String,
    pub required: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Refusal {
    pub status: String,
    pub codes: Vec<String>,
    pub about: String,
}
