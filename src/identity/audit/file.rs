//! Entries as files: CSV for spreadsheets, JSON for programs. Instants are RFC 3339 in UTC.

use serde_json::json;

use crate::{model::Timestamp, store::audit::AuditRow};

/// Names of the columns, and of the fields in JSON.
const COLUMNS: [&str; 12] = [
    "number",
    "id",
    "at",
    "actor",
    "action",
    "object_kind",
    "object_id",
    "outcome",
    "ip",
    "request_id",
    "detail",
    "hash",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
}

impl Format {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// What comes before the entries. The mark lets spreadsheets see that it is UTF-8.
    #[must_use]
    pub fn head(self) -> String {
        match self {
            Self::Csv => format!("\u{feff}{}\r\n", COLUMNS.join(",")),
            Self::Json => "[".to_owned(),
        }
    }

    #[must_use]
    pub fn line(self, row: &AuditRow, first: bool) -> String {
        match self {
            Self::Csv => {
                let cells = cells(row).map(|cell| quoted(&cell));
                format!("{}\r\n", cells.join(","))
            }
            Self::Json => format!("{}\n{}", if first { "" } else { "," }, document(row)),
        }
    }

    #[must_use]
    pub fn tail(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => "\n]\n",
        }
    }
}

fn cells(row: &AuditRow) -> [String; 12] {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        row.number.map(|number| number.to_string()).unwrap_or_default(),
        row.id.clone(),
        Timestamp(row.at).rfc3339(),
        row.actor.clone(),
        row.action.clone(),
        row.object_kind.clone(),
        row.object_id.clone(),
        row.outcome.clone(),
        or_empty(&row.ip),
        or_empty(&row.request_id),
        row.detail.clone(),
        or_empty(&row.hash),
    ]
}

/// One entry as every `--json` and the file have it.
#[must_use]
pub fn document(row: &AuditRow) -> serde_json::Value {
    let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
    json!({
        "number": row.number, "id": row.id, "at": Timestamp(row.at).rfc3339(), "actor": row.actor,
        "action": row.action, "object_kind": row.object_kind, "object_id": row.object_id,
        "outcome": row.outcome, "ip": row.ip, "request_id": row.request_id, "detail": detail, "hash": row.hash,
    })
}

/// A cell that no spreadsheet takes for a formula: some of what stands in it came from outside.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AuditRow {
        AuditRow {
            id: "aud_1".into(),
            at: 0,
            actor: "usr_1".into(),
            action: "user.role".into(),
            object_kind: "user".into(),
            object_id: "=HYPERLINK(\"x\")".into(),
            outcome: "ok".into(),
            ip: None,
            request_id: None,
            detail: r#"{"from":"a"}"#.into(),
            number: Some(1),
            hash: None,
        }
    }

    #[test]
    fn cells_are_text_and_never_formulas() {
        let line = Format::Csv.line(&row(), true);
        assert_eq!(
            line,
            "\"1\",\"aud_1\",\"1970-01-01T00:00:00Z\",\"usr_1\",\"user.role\",\"user\",\"'=HYPERLINK(\"\"x\"\")\",\
             \"ok\",\"\",\"\",\"{\"\"from\"\":\"\"a\"\"}\",\"\"\r\n"
        );
        assert_eq!(Format::Csv.head().matches(',').count() + 1, COLUMNS.len());
    }

    #[test]
    fn the_document_is_json() -> Result<(), serde_json::Error> {
        let f = Format::Json;
        let text = format!("{}{}{}{}", f.head(), f.line(&row(), true), f.line(&row(), false), f.tail());
        let read: Vec<serde_json::Value> = serde_json::from_str(&text)?;
        assert_eq!(read.len(), 2);
        assert_eq!(read[0]["detail"]["from"], "a");
        let empty: Vec<serde_json::Value> = serde_json::from_str(&format!("{}{}", f.head(), f.tail()))?;
        assert!(empty.is_empty());
        Ok(())
    }
}
