//! The system query options of an address, and those of an expanded way.
//!
//! What is not known is refused: an option that is overlooked would give out something else than was asked for.

use super::{
    filter,
    refusal::{Refusal, quoted},
};
use crate::store::feed::{Expr, Navigation, Order, Property, Set};

/// Ways within ways.
const DEEPEST: usize = 3;
const LONGEST_TOKEN: usize = 8_000;

/// What was asked of a set.
#[derive(Clone, Debug)]
pub struct Options {
    pub set: &'static Set,
    /// `None`: all of them.
    pub select: Option<Vec<&'static Property>>,
    pub filter: Option<Expr>,
    pub order: Vec<Order>,
    pub top: Option<i64>,
    pub skip: i64,
    pub count: bool,
    pub expand: Vec<Expansion>,
    pub skiptoken: Option<String>,
    pub format: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Expansion {
    pub way: &'static Navigation,
    pub options: Options,
    /// As it was written, for the address of what does not fit.
    pub raw: Vec<(String, String)>,
}

/// Where options stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Many rows.
    Rows,
    /// One row: nothing to filter or to sort.
    One,
    /// `/$count`.
    Count,
}

/// Known to the standard, not to this feed; with what to do instead.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("apply", "aggregate in your tool, or read the figures of Customers"),
    ("compute", "compute in your tool"),
    ("search", "use $filter=contains(Name,'…')"),
    ("levels", "name each way in $expand"),
    ("deltatoken", "read again what changed: $filter=UpdatedAt ge …"),
    ("index", "use $skip and $top"),
    ("schemaversion", "there is one schema"),
    ("id", "name the row by its key: Orders('ord_…')"),
];

impl Options {
    fn new(set: &'static Set) -> Self {
        Self {
            set,
            select: None,
            filter: None,
            order: Vec::new(),
            top: None,
            skip: 0,
            count: false,
            expand: Vec::new(),
            skiptoken: None,
            format: None,
        }
    }

    pub fn read(set: &'static Set, raw: &[(String, String)], of: Of) -> Result<Self, Refusal> {
        Self::within(set, raw, of, 0)
    }

    fn within(set: &'static Set, raw: &[(String, String)], of: Of, depth: usize) -> Result<Self, Refusal> {
        let mut options = Self::new(set);
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in raw {
            let option = known(name)?;
            if seen.contains(&option) {
                return Err(Refusal::wrong("OPTION_TWICE", format!("${option} is there twice")));
            }
            seen.push(option);
            let rows_only = ["filter", "orderby", "top", "skip", "count", "skiptoken"].contains(&option);
            let fits = match of {
                Of::Rows => true,
                Of::One => !rows_only,
                Of::Count => ["filter", "format"].contains(&option),
            };
            if !fits {
                return Err(Refusal::wrong(
                    "OPTION_MISPLACED",
                    format!("${option} says nothing about this address; leave it out"),
                ));
            }
            if depth > 0 && ["count", "format", "skiptoken"].contains(&option) {
                return Err(Refusal::unsupported(&format!("${option} inside $expand"), "leave it out"));
            }
            options.take(option, value, depth)?;
        }
        Ok(options)
    }

    fn take(&mut self, option: &'static str, value: &str, depth: usize) -> Result<(), Refusal> {
        let set = self.set;
        match option {
            "select" => self.select = select(set, value).map_err(|e| e.at("$select"))?,
            "filter" => self.filter = Some(filter::filter(set, value).map_err(|e| e.at("$filter"))?),
            "orderby" => self.order = filter::order(set, value).map_err(|e| e.at("$orderby"))?,
            "top" => self.top = Some(number(value).ok_or_else(|| not_a_number("$top"))?),
            "skip" => self.skip = number(value).ok_or_else(|| not_a_number("$skip"))?,
            "count" => {
                self.count = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(Refusal::wrong("OPTION_INVALID", "$count is true or false").at("$count")),
                }
            }
            "expand" => self.expand = expand(set, value, depth).map_err(|e| e.at("$expand"))?,
            "skiptoken" if value.len() <= LONGEST_TOKEN => self.skiptoken = Some(value.to_owned()),
            "skiptoken" => {
                return Err(Refusal::wrong("SKIPTOKEN_INVALID", "this is no $skiptoken of ours").at("$skiptoken"));
            }
            _ => self.format = Some(value.to_owned()),
        }
        Ok(())
    }

    /// The properties of the answer.
    pub fn properties(&self) -> Vec<&'static Property> {
        self.select.clone().unwrap_or_else(|| self.set.properties.iter().collect())
    }
}

/// The option's name without `$`. Case makes no difference and `$` may be left out, as OData 4.01 has it.
fn known(name: &str) -> Result<&'static str, Refusal> {
    let bare = name.strip_prefix('$').unwrap_or(name).to_ascii_lowercase();
    let all = ["select", "filter", "orderby", "top", "skip", "count", "expand", "skiptoken", "format"];
    if let Some(option) = all.into_iter().find(|option| *option == bare) {
        return Ok(option);
    }
    if let Some((option, instead)) = UNSUPPORTED.into_iter().find(|(option, _)| *option == bare) {
        return Err(Refusal::unsupported(&format!("${option}"), instead));
    }
    let message = format!("there is no option {}; this feed takes ${}", quoted(name), all.join(", $"));
    Err(Refusal::wrong("OPTION_UNKNOWN", message))
}

fn number(value: &str) -> Option<i64> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|n| digits && *n <= 1_000_000_000_000)
}

fn not_a_number(target: &'static str) -> Refusal {
    Refusal::wrong("OPTION_INVALID", format!("{target} is a whole number from 0 on")).at(target)
}

fn select(set: &'static Set, value: &str) -> Result<Option<Vec<&'static Property>>, Refusal> {
    let mut found: Vec<&'static Property> = Vec::new();
    for name in value.split(',').map(str::trim) {
        if name == "*" {
            return Ok(None);
        }
        match (set.property(name), set.navigation(name)) {
            (Some(property), _) if found.contains(&property) => {}
            (Some(property), _) => found.push(property),
            // A way that is selected is one that may be expanded.
            (None, Some(_)) => {}
            (None, None) => {
                let message =
                    format!("{} has no property {}; names are as in $metadata, to the letter", set.name, quoted(name));
                return Err(Refusal::wrong("PROPERTY_UNKNOWN", message));
            }
        }
    }
    Ok(Some(found))
}

fn expand(set: &'static Set, value: &str, depth: usize) -> Result<Vec<Expansion>, Refusal> {
    if depth >= DEEPEST {
        return Err(Refusal::unsupported(
            &format!("more than {DEEPEST} ways within each other"),
            "read the sets one by one",
        ));
    }
    let mut found: Vec<Expansion> = Vec::new();
    for item in split(value, ',')? {
        let item = item.trim();
        let (name, inside) = match item.split_once('(') {
            None => (item, ""),
            Some((name, rest)) => {
                let inside =
                    rest.strip_suffix(')').ok_or_else(|| Refusal::wrong("EXPAND_INVALID", "a '(' is not closed"))?;
                (name.trim(), inside)
            }
        };
        if name == "*" || name.contains('/') || name.starts_with('$') {
            return Err(Refusal::unsupported(
                &format!("$expand={}", quoted(name)),
                "name each way, options in parentheses",
            ));
        }
        let Some(way) = set.navigation(name) else {
            let names: Vec<&str> = set.navigations.iter().map(|way| way.name).collect();
            let message = format!("{} leads nowhere by {}; it has {}", set.name, quoted(name), names.join(", "));
            return Err(Refusal::wrong("EXPAND_INVALID", message));
        };
        if found.iter().any(|other| other.way == way) {
            return Err(Refusal::wrong("EXPAND_INVALID", format!("{name} is expanded twice")));
        }
        let mut raw = Vec::new();
        for option in split(inside, ';')?.into_iter().filter(|option| !option.trim().is_empty()) {
            let Some((name, value)) = option.split_once('=') else {
                return Err(Refusal::wrong("EXPAND_INVALID", format!("{} is no option", quoted(&option))));
            };
            raw.push((name.trim().to_owned(), value.to_owned()));
        }
        let of = if way.many { Of::Rows } else { Of::One };
        let options = Options::within(way.target(), &raw, of, depth + 1)?;
        found.push(Expansion { way, options, raw });
    }
    Ok(found)
}

/// Parts between separators that stand in no quotes and no parentheses.
pub fn split(text: &str, separator: char) -> Result<Vec<String>, Refusal> {
    let (mut parts, mut depth, mut quoted) = (vec![String::new()], 0_i32, false);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            c if c == separator && depth == 0 && !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    if depth != 0 || quoted {
        return Err(Refusal::wrong("EXPRESSION_INVALID", "a quote or a parenthesis has no other half"));
    }
    Ok(parts)
}
