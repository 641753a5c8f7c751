//! `/connections/{id}/mapping/{stream}`: how a source's records become the hub's.

use crate::{http::console::markup::Num, model::Timestamp};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct MappingPage {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub stream: String,
    /// Streams with whether something is drafted for them.
    pub streams: Vec<(String, bool)>,
    /// What holds.
    pub version: i64,
    /// Who published it and when; `None`: it is the connector's own.
    pub published: Option<(String, Timestamp)>,
    pub draft: Option<Draft>,
    /// Version that the next one published gets.
    pub next_version: i64,
    pub rows: Vec<Row>,
    /// Places of the source that no field reads.
    pub unused: Vec<Unused>,
    /// Why it cannot be published: field (empty: the whole) and what is wrong.
    pub problems: Vec<(String, String)>,
    pub verdict: Option<Verdict>,
    pub found: Vec<Finding>,
    pub preview: Option<Preview>,
    pub panel: Option<Panel>,
    /// The source can be asked for records.
    pub pulls: bool,
    /// Why it did not give any.
    pub trouble: Option<(String, String)>,
    pub differences: Vec<Difference>,
    pub view: View,
    pub versions: Vec<Version>,
    pub rehearsal: Option<Rehearsal>,
    /// Failures of this data that wait for a person.
    pub open_failures: i64,
    /// What was not changed and why.
    pub error: Option<String>,
    /// Somebody else changed it while this page was open.
    pub overtaken: bool,
    pub command: String,
}

/// What stands beside the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Map,
    Differences,
    Versions,
    Publish,
}

impl View {
    /// From `?view=`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "diff" => Self::Differences,
            "versions" => Self::Versions,
            "publish" => Self::Publish,
            _ => Self::Map,
        }
    }
}

/// What somebody is working on.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub who: String,
    pub at: Timestamp,
    pub revision: i64,
}

/// One hub field.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// `name`, or `list/name`.
    pub field: String,
    /// What it is called beside its list.
    pub title: String,
    /// The same with the name of its list.
    pub full: String,
    /// Its form: a word of `map_kind`.
    pub kind: &'static str,
    pub required: bool,
    /// Inside a list.
    pub nested: bool,
    /// Places to choose from: path, with an example value.
    pub choices: Vec<(String, String)>,
    pub path: Option<String>,
    /// Paths that follow the first.
    pub more: usize,
    pub default: Option<String>,
    pub steps: Vec<String>,
    pub tally: Option<Tally>,
    pub chosen: bool,
    /// It differs from what holds.
    pub changed: bool,
}

/// How a field fares with the sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub filled: usize,
    pub empty: usize,
    pub bad: usize,
}

impl Tally {
    #[must_use]
    pub fn total(&self) -> usize {
        self.filled + self.empty + self.bad
    }

    /// Records that the field does not stop.
    #[must_use]
    pub fn good(&self) -> usize {
        self.filled + self.empty
    }
}

/// A place of the source that nothing reads.
#[derive(Clone, Debug)]
pub struct Unused {
    pub path: String,
    pub example: String,
}

/// What of the sample would be taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    pub total: usize,
    pub good: usize,
}

impl Verdict {
    #[must_use]
    pub fn bad(&self) -> usize {
        self.total - self.good
    }
}

/// A record that would not be taken.
#[derive(Clone, Debug)]
pub struct Finding {
    pub index: usize,
    pub label: String,
    pub field: String,
    pub field_title: String,
    pub cause: String,
    pub value: String,
}

/// One record before and after.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    pub index: usize,
    pub total: usize,
    pub label: String,
    pub lines: Vec<Line>,
    /// It would be taken.
    pub good: bool,
    /// As what holds would take it.
    pub before: bool,
    pub json: String,
    /// The reader may not see what customers are called: nothing of the record is shown.
    pub veiled: bool,
}

/// One field of the record.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub title: String,
    pub raw: String,
    pub value: String,
    /// The value is not what it was.
    pub changed: bool,
    /// A cause code: it cannot be taken.
    pub cause: Option<String>,
}

/// The steps of one field.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    pub field: String,
    pub title: String,
    pub list: bool,
    pub paths: Vec<String>,
    pub join: String,
    pub default: String,
    pub required: bool,
    /// The hub itself needs it.
    pub always: bool,
    pub raw: Option<String>,
    pub steps: Vec<Step>,
    /// The hub's own check after the steps: what came out, or a cause code.
    pub check: Option<(String, Result<String, String>)>,
    /// A step that is being added and needs more to be said.
    pub adding: Option<String>,
    /// What was typed for it and is not right yet.
    pub typed: Typed,
    /// Values that the field knows, where it knows only some.
    pub known: Vec<String>,
}

/// What a step that is being added says.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub table: String,
    pub pattern: String,
    pub with: String,
    pub separator: String,
    pub index: String,
}

/// One step with what it gives for the record in the preview.
#[derive(Clone, Debug)]
pub struct Step {
    pub words: String,
    pub result: Option<Result<String, String>>,
}

/// A field that is filled differently.
#[derive(Clone, Debug)]
pub struct Difference {
    pub title: String,
    pub before: String,
    pub after: String,
}

/// A published mapping.
#[derive(Clone, Debug)]
pub struct Version {
    pub version: i64,
    pub who: Option<String>,
    pub at: Option<Timestamp>,
    pub comment: Option<String>,
    /// Fields that differ from the version before it.
    pub changed: usize,
    pub holds: bool,
}

/// What publishing would do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rehearsal {
    pub read: i64,
    pub new: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub parked: i64,
    pub failed: i64,
    pub alike: i64,
}

impl MappingPage {
    #[must_use]
    pub fn base(&self) -> String {
        format!("/connections/{}/mapping/{}", self.id, self.stream)
    }

    #[must_use]
    pub fn revision(&self) -> i64 {
        self.draft.as_ref().map_or(0, |draft| draft.revision)
    }

    /// Address of a field beside the record that is shown.
    #[must_use]
    pub fn at(&self, field: impl AsRef<str>, index: impl Num) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !field.as_ref().is_empty() {
            query.append_pair("f", field.as_ref());
        }
        query.append_pair("r", &index.num().to_string());
        format!("{}?{}", self.base(), query.finish())
    }

    #[must_use]
    pub fn index(&self) -> usize {
        self.preview.as_ref().map_or(1, |preview| preview.index)
    }

    #[must_use]
    pub fn field(&self) -> &str {
        self.panel.as_ref().map_or("", |panel| panel.field.as_str())
    }

    #[must_use]
    pub fn required(&self) -> usize {
        self.rows.iter().filter(|row| row.required && !row.nested).count()
    }

    /// Steps that a person may add: those that need more to be said have an own form.
    #[must_use]
    pub fn offered(&self) -> &'static [(&'static str, bool)] {
        &STEPS
    }
}

/// Words of `map_step`, and whether the step needs more to be said.
pub const STEPS: [(&str, bool); 17] = [
    ("trim", false),
    ("width", false),
    ("no_spaces", false),
    ("upper", false),
    ("lower", false),
    ("decimal", false),
    ("integer", false),
    ("date", false),
    ("instant", false),
    ("values", true),
    ("replace", true),
    ("extract", true),
    ("part", true),
    ("registration_number", false),
    ("corporate_number", false),
    ("phone", false),
    ("mail", false),
];
