//! What a filter means, said a second time: chance makes one, and it is judged here row by row, without SQL.

use std::{cmp::Ordering, collections::BTreeMap};

use rust_decimal::Decimal;
use serde_json::Value;

use super::scene::text;

/// A typed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Is {
    Null,
    Text(String),
    Number(Decimal),
    /// As text, which is how days are ordered too.
    Date(String),
    Instant(i64),
    Bool(bool),
}

pub type Row = BTreeMap<String, Is>;

/// Types of a set's properties, as `$metadata` declares them: name, type, nullable.
pub type Types = Vec<(String, String, bool)>;

/// Reads what stands between quotes after a word.
fn attribute(line: &str, name: &str) -> Option<String> {
    let rest = line.split_once(&format!("{name}=\""))?.1;
    Some(rest.split_once('"')?.0.to_owned())
}

/// The entity types of a CSDL document by their sets' names.
pub fn declared(xml: &str) -> BTreeMap<String, Types> {
    let (mut types, mut sets, mut current) = (BTreeMap::new(), BTreeMap::new(), String::new());
    for line in xml.lines() {
        if line.starts_with("<EntityType ") {
            current = attribute(line, "Name").unwrap();
            types.insert(current.clone(), Types::new());
        } else if line.starts_with("<Property ") {
            let nullable = !line.contains("Nullable=\"false\"");
            let property = (attribute(line, "Name").unwrap(), attribute(line, "Type").unwrap(), nullable);
            types.get_mut(&current).unwrap().push(property);
        } else if line.starts_with("<EntitySet ") {
            let entity = attribute(line, "EntityType").unwrap();
            sets.insert(attribute(line, "Name").unwrap(), types[entity.trim_start_matches("Musubi.")].clone());
        }
    }
    sets
}

/// A value of the type that was declared for it; anything else ends the test.
pub fn typed(kind: &str, nullable: bool, value: &Value) -> Is {
    let Some(text) = text(value) else {
        assert!(nullable, "null where {kind} is required");
        return Is::Null;
    };
    match kind {
        "Edm.String" => Is::Text(text),
        "Edm.Int64" => Is::Number(text.parse::<i64>().unwrap().into()),
        "Edm.Decimal" => Is::Number(Decimal::from_str_exact(&text).unwrap()),
        "Edm.Boolean" => Is::Bool(value.as_bool().unwrap()),
        "Edm.Date" => {
            assert_eq!(text.parse::<jiff::civil::Date>().unwrap().to_string(), text);
            Is::Date(text)
        }
        "Edm.DateTimeOffset" => {
            assert_eq!(text.len(), "2026-01-01T00:00:00.000000Z".len(), "{text}");
            Is::Instant(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
        }
        other => panic!("{other}"),
    }
}

pub fn rows(types: &Types, values: &[Value]) -> Vec<Row> {
    let row = |value: &Value| {
        assert_eq!(value.as_object().unwrap().len(), types.len(), "what is declared, no more: {value}");
        types.iter().map(|(name, kind, nullable)| (name.clone(), typed(kind, *nullable, &value[name]))).collect()
    };
    values.iter().map(row).collect()
}

/// The order of two values of one type. Null is before everything.
pub fn order(a: &Is, b: &Is) -> Ordering {
    match (a, b) {
        (Is::Null, Is::Null) => Ordering::Equal,
        (Is::Null, _) => Ordering::Less,
        (_, Is::Null) => Ordering::Greater,
        (Is::Text(a), Is::Text(b)) | (Is::Date(a), Is::Date(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Is::Number(a), Is::Number(b)) => a.cmp(b),
        (Is::Instant(a), Is::Instant(b)) => a.cmp(b),
        (Is::Bool(a), Is::Bool(b)) => a.cmp(b),
        (a, b) => panic!("{a:?} and {b:?}"),
    }
}

/// What a condition says of a row; none for null.
type Holds = dyn Fn(&Row) -> Option<bool>;

/// A condition, as text and as what it means.
pub struct Condition {
    pub text: String,
    pub holds: Box<Holds>,
}

/// Chance that can be had again.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

pub struct Maker<'a> {
    pub types: &'a Types,
    pub rows: &'a [Row],
    pub dice: Dice,
}

fn literal(is: &Is) -> String {
    match is {
        Is::Null => "null".to_owned(),
        Is::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Is::Number(number) => number.to_string(),
        Is::Date(date) => date.clone(),
        Is::Instant(micros) => jiff::Timestamp::from_microsecond(*micros).unwrap().to_string(),
        Is::Bool(value) => value.to_string(),
    }
}

impl Maker<'_> {
    /// A condition of at most this depth.
    pub fn condition(&mut self, depth: usize) -> Condition {
        match self.dice.below(if depth == 0 { 5 } else { 9 }) {
            0 | 1 => self.compared(),
            2 => self.function(),
            3 => self.number_of(),
            4 => self.among(),
            5 | 6 => self.joined(depth),
            7 => {
                let Condition { text, holds } = self.condition(depth - 1);
                Condition { text: format!("not ({text})"), holds: Box::new(move |row| holds(row).map(|is| !is)) }
            }
            _ => {
                let Condition { text, holds } = self.condition(depth - 1);
                let wanted = self.dice.below(2) == 0;
                // null eq true is false, and so is null eq false.
                Condition {
                    text: format!("({text}) eq {wanted}"),
                    holds: Box::new(move |row| Some(holds(row) == Some(wanted))),
                }
            }
        }
    }

    fn joined(&mut self, depth: usize) -> Condition {
        let (a, b) = (self.condition(depth - 1), self.condition(depth - 1));
        let and = self.dice.below(2) == 0;
        let text = format!("({}) {} ({})", a.text, if and { "and" } else { "or" }, b.text);
        let decides = !and;
        let holds = move |row: &Row| match ((a.holds)(row), (b.holds)(row)) {
            (Some(is), _) | (_, Some(is)) if is == decides => Some(decides),
            (Some(_), Some(_)) => Some(!decides),
            _ => None,
        };
        Condition { text, holds: Box::new(holds) }
    }

    fn property(&mut self, kinds: &[&str]) -> (String, String) {
        let fitting: Vec<&(String, String, bool)> =
            self.types.iter().filter(|(_, kind, _)| kinds.contains(&kind.as_str())).collect();
        let (name, kind, _) = *self.dice.of(&fitting);
        (name.clone(), kind.clone())
    }

    /// A value as it stands in some row.
    fn value(&mut self, name: &str) -> Is {
        self.dice.of(self.rows)[name].clone()
    }

    fn compared(&mut self) -> Condition {
        let all = ["Edm.String", "Edm.Int64", "Edm.Decimal", "Edm.Boolean", "Edm.Date", "Edm.DateTimeOffset"];
        let (name, kind) = self.property(&all);
        let words: &[&str] = if kind == "Edm.Boolean" { &["eq", "ne"] } else { &["eq", "ne", "gt", "ge", "lt", "le"] };
        let word = *self.dice.of(words);
        // Beside another property of the type, or a value.
        if self.dice.below(4) == 0 {
            let (other, _) = self.property(&[kind.as_str()]);
            let text = format!("{name} {word} {other}");
            return Condition { text, holds: Box::new(move |row| Some(compare(word, &row[&name], &row[&other]))) };
        }
        let value = self.value(&name);
        let swapped = self.dice.below(4) == 0;
        let text = if swapped {
            format!("{} {word} {name}", literal(&value))
        } else {
            format!("{name} {word} {}", literal(&value))
        };
        let holds = move |row: &Row| {
            Some(if swapped { compare(word, &value, &row[&name]) } else { compare(word, &row[&name], &value) })
        };
        Condition { text, holds: Box::new(holds) }
    }

    /// A few letters of a value.
    fn piece(&mut self, name: &str) -> String {
        let Is::Text(text) = self.value(name) else { return "x".to_owned() };
        let letters: Vec<char> = text.chars().collect();
        let from = self.dice.below(letters.len() + 1);
        letters.into_iter().skip(from).take(self.dice.below(4)).collect()
    }

    fn function(&mut self) -> Condition {
        let (name, _) = self.property(&["Edm.String"]);
        let piece = self.piece(&name);
        let fold = self.dice.below(4);
        let (before, after) = [("", ""), ("tolower(", ")"), ("toupper(", ")"), ("trim(", ")")][fold];
        let folded = move |text: &str| match fold {
            0 => text.to_owned(),
            1 => text.to_ascii_lowercase(),
            2 => text.to_ascii_uppercase(),
            _ => text.trim().to_owned(),
        };
        let word = *self.dice.of(&["contains", "startswith", "endswith"]);
        let text = format!("{word}({before}{name}{after},{})", literal(&Is::Text(piece.clone())));
        let holds = move |row: &Row| {
            let Is::Text(text) = &row[&name] else { return None };
            let text = folded(text);
            Some(match word {
                "contains" => text.contains(&piece),
                "startswith" => text.starts_with(&piece),
                _ => text.ends_with(&piece),
            })
        };
        Condition { text, holds: Box::new(holds) }
    }

    /// A number that a function makes of a value.
    fn number_of(&mut self) -> Condition {
        let (name, kind) = self.property(&["Edm.String", "Edm.Date", "Edm.DateTimeOffset"]);
        let words: &[&'static str] = match kind.as_str() {
            "Edm.String" => &["length", "indexof", "concat", "substring"],
            "Edm.Date" => &["year", "month", "day"],
            _ => &["year", "month", "day", "hour", "minute", "second"],
        };
        let word = *self.dice.of(words);
        let piece = self.piece(&name);
        let (from, many) = (self.dice.below(5), self.dice.below(5));
        let written = literal(&Is::Text(piece.clone()));
        let text = match word {
            "indexof" => format!("indexof({name},{written})"),
            "concat" => format!("length(concat({name},{written}))"),
            "substring" => format!("length(substring({name},{from},{many}))"),
            _ => format!("{word}({name})"),
        };
        let made = move |is: &Is| number(word, is, &piece, (from, many));
        let compared = *self.dice.of(&["eq", "gt", "le", "ne"]);
        let value = self.value(&name);
        let wanted = made(&value).unwrap_or_else(|| Decimal::from(1));
        let text = format!("{text} {compared} {wanted}");
        let holds = move |row: &Row| {
            let is = made(&row[&name]).map_or(Is::Null, Is::Number);
            Some(compare(compared, &is, &Is::Number(wanted)))
        };
        Condition { text, holds: Box::new(holds) }
    }

    fn among(&mut self) -> Condition {
        let (name, _) = self.property(&["Edm.String", "Edm.Int64", "Edm.Decimal", "Edm.Date", "Edm.DateTimeOffset"]);
        let list: Vec<Is> = (0..=self.dice.below(4)).map(|_| self.value(&name)).collect();
        let texts: Vec<String> = list.iter().map(literal).collect();
        let text = format!("{name} in ({})", texts.join(","));
        Condition { text, holds: Box::new(move |row| Some(list.iter().any(|is| compare("eq", &row[&name], is)))) }
    }
}

fn number(word: &str, is: &Is, piece: &str, (from, many): (usize, usize)) -> Option<Decimal> {
    let zoned = |micros: &i64| jiff::Timestamp::from_microsecond(*micros).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
    let whole = |n: usize| Some(Decimal::from(n));
    match (word, is) {
        ("length", Is::Text(text)) => whole(text.chars().count()),
        ("concat", Is::Text(text)) => whole(text.chars().count() + piece.chars().count()),
        ("substring", Is::Text(text)) => whole(text.chars().skip(from).take(many).count()),
        ("indexof", Is::Text(text)) => {
            Some(text.find(piece).map_or(Decimal::from(-1), |at| Decimal::from(text[..at].chars().count())))
        }
        ("year", Is::Date(date)) => date[..4].parse().ok(),
        ("month", Is::Date(date)) => date[5..7].parse().ok(),
        ("day", Is::Date(date)) => date[8..].parse().ok(),
        ("year", Is::Instant(at)) => Some(Decimal::from(zoned(at).year())),
        ("month", Is::Instant(at)) => Some(Decimal::from(zoned(at).month())),
        ("day", Is::Instant(at)) => Some(Decimal::from(zoned(at).day())),
        ("hour", Is::Instant(at)) => Some(Decimal::from(zoned(at).hour())),
        ("minute", Is::Instant(at)) => Some(Decimal::from(zoned(at).minute())),
        ("second", Is::Instant(at)) => Some(Decimal::from(zoned(at).second())),
        (_, Is::Null) => None,
        other => panic!("{other:?}"),
    }
}

/// Null is equal to null, and in no order with anything.
fn compare(word: &str, a: &Is, b: &Is) -> bool {
    let null = *a == Is::Null || *b == Is::Null;
    match (word, order(a, b)) {
        ("eq", order) => order.is_eq(),
        ("ne", order) => order.is_ne(),
        _ if null => false,
        ("gt", order) => order.is_gt(),
        ("ge", order) => order.is_ge(),
        ("lt", order) => order.is_lt(),
        (_, order) => order.is_le(),
    }
}
