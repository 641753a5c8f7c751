//! Rows to records: one each, or the rows of one number together.
//!
//! The first time through a file only keys are counted, so that the second time a record is complete with its
//! last row, wherever that stands, and a key that stands twice is seen.

use std::collections::HashMap;

use musubi_files::{Entry, Flaw, Layout, Limits, Row, day_of_digits, roles};
use musubi_sdk::{
    mapping,
    noun::{FieldKind, Noun},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{ImportError, Plan};
use crate::store::import::Reject;

/// Rows of records that are not complete yet.
const MOST_WAITING: usize = 100_000;
/// Bytes of a value shown with its cause.
const SHORT: usize = 200;

/// How often each key stands in a file, and where first. Keys are remembered by 8 bytes of their SHA-256.
#[derive(Default)]
pub struct Keys(HashMap<u64, (u32, u32)>);

impl Keys {
    /// Reads the whole file once.
    pub fn count(mut file: &std::fs::File, plan: &Plan, limits: &Limits) -> Result<Self, ImportError> {
        let mut keys = Self::default();
        let mut clone = file.try_clone()?;
        let of = KeyOf::new(plan);
        musubi_files::read(&mut clone, &plan.layout, limits, &mut |entry| {
            if let Entry::Row(row) = entry
                && let Ok(key) = of.key(&row)
            {
                let known = keys.0.entry(digest(&key)).or_insert((0, u32::try_from(row.line).unwrap_or(u32::MAX)));
                known.0 += 1;
            }
            true
        })?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(0))?;
        Ok(keys)
    }
}

fn digest(key: &str) -> u64 {
    let hash = Sha256::digest(key.as_bytes());
    u64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}

/// By which columns a record is known again.
struct KeyOf(Vec<(String, usize)>);

impl KeyOf {
    fn new(plan: &Plan) -> Self {
        Self(plan.key.iter().filter_map(|role| Some((role.clone(), plan.column(role)?))).collect())
    }

    /// The key, or the column that is empty.
    fn key(&self, row: &Row) -> Result<String, usize> {
        let mut parts = Vec::with_capacity(self.0.len());
        for (role, column) in &self.0 {
            let text = mapping::usual_width(row.cells.get(*column).map_or("", String::as_str));
            let text = text.trim();
            if text.is_empty() {
                return Err(*column);
            }
            // The same day or amount, written otherwise, is the same key.
            let same = match role.as_str() {
                "paid_date" => mapping::read(FieldKind::Date, text).ok().flatten(),
                "amount" => mapping::read(FieldKind::Decimal, text).ok().flatten(),
                _ => None,
            };
            parts.push(same.unwrap_or_else(|| text.to_owned()));
        }
        Ok(parts.join(" / "))
    }
}

/// A record as the file has it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub key: String,
    /// In the order of the file; the first gives the fields of the record itself.
    pub rows: Vec<Row>,
    /// By the hub's field names, as text.
    pub body: Map<String, Value>,
}

/// See the module.
pub struct Gather<'p> {
    plan: &'p Plan,
    keys: Keys,
    of: KeyOf,
    open: HashMap<String, Vec<Row>>,
    waiting: usize,
}

/// What a row led to.
pub enum Gathered {
    /// More rows of the record follow.
    Waits,
    Record(Box<Draft>),
    Reject(Reject),
}

impl<'p> Gather<'p> {
    pub fn new(plan: &'p Plan, keys: Keys) -> Self {
        Self { plan, keys, of: KeyOf::new(plan), open: HashMap::new(), waiting: 0 }
    }

    pub fn row(&mut self, row: Row) -> Result<Gathered, ImportError> {
        let layout = &self.plan.layout;
        let key = match self.of.key(&row) {
            Ok(key) => key,
            Err(column) => return Ok(Gathered::Reject(reject(layout, row, "REQ_EMPTY", Some(column), ""))),
        };
        let (times, first) = self.keys.0.get(&digest(&key)).copied().unwrap_or((1, 0));
        if !self.plan.groups() {
            if times > 1 && u64::from(first) != row.line {
                let column = self.of.0.first().map(|(_, column)| *column);
                let value = format!("{key} ({first})");
                return Ok(Gathered::Reject(reject(layout, row, "DUP_ROW", column, &value)));
            }
            return Ok(Gathered::Record(Box::new(self.draft(key, vec![row]))));
        }
        let rows = self.open.entry(key.clone()).or_default();
        rows.push(row);
        if rows.len() < times as usize {
            self.waiting += 1;
            return if self.waiting > MOST_WAITING { Err(ImportError::Scattered) } else { Ok(Gathered::Waits) };
        }
        let rows = self.open.remove(&key).unwrap_or_default();
        self.waiting -= rows.len().saturating_sub(1).min(self.waiting);
        Ok(Gathered::Record(Box::new(self.draft(key, rows))))
    }

    fn draft(&self, key: String, rows: Vec<Row>) -> Draft {
        let mut body = Map::new();
        let mut lists: HashMap<&str, Vec<Value>> = HashMap::new();
        for (column, role) in self.plan.columns.iter().enumerate() {
            let Some(role) = role.role.as_deref().filter(|role| !role.contains('.') && *role != roles::HUB_VERSION)
            else {
                continue;
            };
            // The first row that says something speaks for the record.
            let text = rows.iter().filter_map(|row| row.cells.get(column)).find(|text| !text.trim().is_empty());
            if let Some(text) = text {
                let value = self.value(role, text);
                let is_list = matches!(roles::kind(self.plan.noun, role), Some(FieldKind::Texts));
                body.insert(role.to_owned(), if is_list { Value::Array(vec![value]) } else { value });
            }
        }
        for row in &rows {
            let mut lines: HashMap<&str, Map<String, Value>> = HashMap::new();
            for (column, role) in self.plan.columns.iter().enumerate() {
                let Some((list, field)) = role.role.as_deref().and_then(|role| role.split_once('.')) else { continue };
                let text = row.cells.get(column).map_or("", String::as_str);
                if !text.trim().is_empty() {
                    let value = self.value(&format!("{list}.{field}"), text);
                    lines.entry(list).or_default().insert(field.to_owned(), value);
                }
            }
            lines.into_iter().for_each(|(list, line)| lists.entry(list).or_default().push(Value::Object(line)));
        }
        lists.into_iter().for_each(|(list, lines)| drop(body.insert(list.to_owned(), Value::Array(lines))));
        self.make_total(&mut body);
        Draft { key, rows, body }
    }

    fn value(&self, role: &str, text: &str) -> Value {
        let text = text.trim();
        if matches!(roles::kind(self.plan.noun, role), Some(FieldKind::Date))
            && let Some(day) = day_of_digits(text, self.plan.layout.from_1904())
        {
            return day.into();
        }
        text.into()
    }

    /// A file of lines often has no sum: it is what its lines come to, with the tax where that stands there.
    fn make_total(&self, body: &mut Map<String, Value>) {
        if !matches!(self.plan.noun, Noun::Order | Noun::Invoice) || body.contains_key("total") {
            return;
        }
        let number = |value: Option<&Value>| {
            value
                .and_then(Value::as_str)
                .and_then(|text| mapping::read(FieldKind::Decimal, text).ok().flatten())
                .and_then(|t| t.parse::<rust_decimal::Decimal>().ok())
        };
        let lines = body.get("lines").and_then(Value::as_array);
        let net = match (number(body.get("net")), lines) {
            (Some(net), _) => Some(net),
            (None, Some(lines)) => lines.iter().map(|line| number(line.get("amount"))).sum(),
            _ => None,
        };
        if let Some(net) = net {
            let tax = number(body.get("tax")).unwrap_or_default();
            body.insert("total".to_owned(), (net + tax).normalize().to_string().into());
            body.entry("net").or_insert_with(|| net.normalize().to_string().into());
        }
    }
}

/// A row that is not taken, with its cause.
pub fn reject(layout: &Layout, row: Row, cause: &str, column: Option<usize>, value: &str) -> Reject {
    let heading = column.map(|at| layout.columns.get(at).cloned().unwrap_or_else(|| format!("#{}", at + 1)));
    let clean = |text: &str| text.replace('\0', "\u{2400}");
    let cells: Vec<String> = row.cells.iter().map(|cell| clean(&cell.chars().take(2000).collect::<String>())).collect();
    Reject {
        line: row.line as i64,
        cause: cause.to_owned(),
        column_name: heading,
        value: Some(clean(&value.chars().take(SHORT).collect::<String>())).filter(|v| !v.is_empty()),
        cells: Value::from(cells).to_string(),
    }
}

/// A row that the file itself spoiled.
pub fn flawed(layout: &Layout, row: Row, flaw: &Flaw) -> Reject {
    reject(layout, row, flaw.code, flaw.column, &flaw.value)
}
