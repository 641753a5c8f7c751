//! From expressions to SQL that means the same on both databases.
//!
//! Text is compared by its bytes, null as OData says (`null eq null` is true, an order with null is false), dates
//! as the text they are, decimals without floating point. What a reader may not see is null before anything else
//! is done with it, so that nobody filters or sorts by it.

use super::{
    decimal,
    expr::{Comparison, Expr, Function, Literal, Type},
    shape::{Kind, Property, Sees, Set},
};
use crate::{
    model::{Class, Currency, View},
    store::{Dialect, Value, product, scope},
};

/// White space that `trim` takes away.
const SPACES: &str = "\u{9}\u{a}\u{b}\u{c}\u{d} \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\
    \u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

/// A statement that is being written.
pub struct Render<'a> {
    pub dialect: Dialect,
    pub view: &'a View,
    /// In the order of their placeholders.
    pub values: Vec<Value>,
}

impl Render<'_> {
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Which rows of a set there are for this reader.
    pub fn rows(&mut self, set: &Set) -> String {
        match set.customer {
            None => set.live.to_owned(),
            Some(alias) => format!("{} AND {}", set.live, self.within(alias)),
        }
    }

    fn within(&mut self, alias: &str) -> String {
        let condition = scope::condition(self.view, self.dialect, alias, self.values.len() + 1);
        self.values.extend(condition.values);
        condition.text
    }

    /// The stored value as this reader may have it.
    fn seen(&mut self, set: &Set, property: &Property) -> String {
        let sql = property.sql.replace("{called}", &product::called("t", "d"));
        let person = set.customer.unwrap_or("c");
        let limited = self.view.departments().is_some();
        match property.sees {
            Sees::Cleared(class) if self.view.hides(class) => self.none(property),
            Sees::ClearedOfPersons if self.view.hides(Class::Personal) => {
                format!("CASE WHEN {person}.kind = 'person' THEN NULL ELSE {sql} END")
            }
            Sees::Customer if limited => {
                format!("(SELECT o.id FROM customer o WHERE o.id = {sql} AND {})", self.within("o"))
            }
            Sees::Site if limited => format!(
                "(SELECT p.id FROM site p JOIN customer o ON o.id = p.customer_id WHERE p.id = {sql} AND {})",
                self.within("o")
            ),
            Sees::Invoice if limited => format!(
                "(SELECT p.id FROM invoice p JOIN customer o ON o.id = p.customer_id WHERE p.id = {sql} AND {})",
                self.within("o")
            ),
            _ => sql,
        }
    }

    fn none(&self, property: &Property) -> String {
        let kind = match property.kind {
            Kind::Text | Kind::Date | Kind::Number => "TEXT",
            Kind::Instant | Kind::Int | Kind::Amount { .. } => "BIGINT",
            Kind::Bool => "BOOLEAN",
        };
        format!("CAST(NULL AS {kind})")
    }

    /// A property as text, the same on both databases; amounts as minor units with their exponent.
    pub fn cell(&mut self, set: &Set, property: &Property) -> String {
        let sql = self.seen(set, property);
        match property.kind {
            Kind::Text | Kind::Date | Kind::Number => sql,
            Kind::Instant | Kind::Int => format!("CAST({sql} AS TEXT)"),
            Kind::Bool => truth(&sql),
            Kind::Amount { currency } => format!("CAST({sql} AS TEXT) || {}", suffix(currency)),
        }
    }

    /// What is sorted by, as text from which the place can be found again.
    pub fn place(&mut self, set: &Set, by: &Expr) -> String {
        match by {
            Expr::Property { via: None, property } => self.cell(set, property),
            _ => {
                let sql = self.value(set, by);
                match by.ty() {
                    Some(Type::Bool) => truth(&sql),
                    Some(Type::Text | Type::Date) => sql,
                    _ => format!("CAST({sql} AS TEXT)"),
                }
            }
        }
    }

    /// What is sorted by or compared, with the collation that orders it.
    pub fn ordered(&mut self, set: &Set, by: &Expr) -> String {
        let sql = self.value(set, by);
        self.collated(sql, by.ty())
    }

    fn collated(&self, sql: String, ty: Option<Type>) -> String {
        match (self.dialect, ty) {
            (Dialect::Sqlite, Some(Type::Decimal)) => format!("({sql}) COLLATE {}", decimal::COLLATION),
            (Dialect::Postgres, Some(Type::Text | Type::Date)) => format!("({sql}) COLLATE \"C\""),
            _ => format!("({sql})"),
        }
    }

    /// An expression as a value of its own type.
    pub fn value(&mut self, set: &Set, expr: &Expr) -> String {
        match expr {
            Expr::Property { via: None, property } => self.own(set, property),
            Expr::Property { via: Some(way), property } => {
                let there = way.target();
                let Some((from, to)) = set.property(way.on.0).zip(there.property(way.on.1)) else {
                    return "NULL".to_owned();
                };
                let (from, to) = (self.seen(set, from), to.sql);
                let value = self.own(there, property);
                let rows = self.rows(there);
                // The inner names stand for themselves; `t` outside is the row that is asked about.
                format!(
                    "(SELECT x.v FROM (SELECT {to} AS k, {value} AS v FROM {} WHERE {rows}) x WHERE x.k = {from})",
                    there.from
                )
            }
            Expr::Literal(literal) => self.literal(literal),
            Expr::Call(function, arguments) => {
                let arguments: Vec<(String, Option<Type>)> =
                    arguments.iter().map(|argument| (self.value(set, argument), argument.ty())).collect();
                self.call(*function, &arguments)
            }
            _ => self.truth_of(set, expr, false),
        }
    }

    fn own(&mut self, set: &Set, property: &Property) -> String {
        let sql = self.seen(set, property);
        match (property.kind, self.dialect) {
            (Kind::Amount { currency }, Dialect::Sqlite) => format!("CAST({sql} AS TEXT) || {}", suffix(currency)),
            (Kind::Amount { currency }, Dialect::Postgres) => format!("CAST({sql} AS numeric) * {}", factor(currency)),
            (Kind::Number, Dialect::Postgres) => format!("CAST({sql} AS numeric)"),
            _ => sql,
        }
    }

    pub fn literal(&mut self, literal: &Literal) -> String {
        match literal {
            Literal::Null => "NULL".to_owned(),
            Literal::Text(text) => self.bind(text.as_str()),
            Literal::Date(date) => self.bind(*date),
            Literal::Instant(micros) => self.bind(*micros),
            Literal::Bool(value) => self.bind(*value),
            Literal::Int(value) => self.bind(*value),
            Literal::Decimal(text) => {
                let place = self.bind(text.as_str());
                self.decimal_of(place)
            }
        }
    }

    fn decimal_of(&self, sql: String) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("CAST({sql} AS TEXT)"),
            Dialect::Postgres => format!("CAST({sql} AS numeric)"),
        }
    }

    /// A condition. `holds`: null counts as false here, so that an index can serve it.
    pub fn truth_of(&mut self, set: &Set, expr: &Expr, holds: bool) -> String {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => {
                let word = if matches!(expr, Expr::And(_)) { " AND " } else { " OR " };
                let parts: Vec<String> = parts.iter().map(|part| self.truth_of(set, part, holds)).collect();
                format!("({})", parts.join(word))
            }
            Expr::Not(part) => format!("(NOT {})", self.truth_of(set, part, false)),
            Expr::Compare(comparison, left, right) => self.compare(set, *comparison, (left, right), holds),
            Expr::In(left, list) => self.among(set, left, list, holds),
            Expr::Literal(Literal::Null) => "(1 = 0)".to_owned(),
            Expr::Literal(Literal::Bool(value)) => if *value { "(1 = 1)" } else { "(1 = 0)" }.to_owned(),
            _ => format!("({})", self.value(set, expr)),
        }
    }

    /// Both sides as values that can be compared, the left one with its collation.
    fn sides(&mut self, set: &Set, left: &Expr, right: &Expr) -> (String, String) {
        let (mut l, mut r) = (self.value(set, left), self.value(set, right));
        let mut ty = left.ty().or(right.ty());
        if [left.ty(), right.ty()].contains(&Some(Type::Decimal)) {
            ty = Some(Type::Decimal);
            if left.ty() == Some(Type::Int) {
                l = self.decimal_of(l);
            }
            if right.ty() == Some(Type::Int) {
                r = self.decimal_of(r);
            }
        }
        (self.collated(l, ty), format!("({r})"))
    }

    fn compare(&mut self, set: &Set, comparison: Comparison, (left, right): (&Expr, &Expr), holds: bool) -> String {
        let null = |expr: &Expr| *expr == Expr::Literal(Literal::Null);
        let equal = matches!(comparison, Comparison::Eq | Comparison::Ne);
        if null(left) || null(right) {
            if !equal || (null(left) && null(right)) {
                return if comparison == Comparison::Eq { "(1 = 1)" } else { "(1 = 0)" }.to_owned();
            }
            let other = self.value(set, if null(left) { right } else { left });
            let not = if comparison == Comparison::Ne { " NOT" } else { "" };
            return format!("(({other}) IS{not} NULL)");
        }
        let (l, r) = self.sides(set, left, right);
        let (a, b) = (left.nullable(), right.nullable());
        let plain = match comparison {
            Comparison::Eq if (!a && !b) || (holds && (!a || !b)) => "=",
            Comparison::Eq => "IS NOT DISTINCT FROM",
            Comparison::Ne if !a && !b => "<>",
            Comparison::Ne => "IS DISTINCT FROM",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
        };
        let text = format!("({l} {plain} {r})");
        if equal || holds || (!a && !b) { text } else { format!("COALESCE({text}, FALSE)") }
    }

    fn among(&mut self, set: &Set, left: &Expr, list: &[Literal], holds: bool) -> String {
        let decimal = left.ty() == Some(Type::Decimal) || list.iter().any(|l| l.ty() == Some(Type::Decimal));
        let value = self.value(set, left);
        let value = if decimal && left.ty() == Some(Type::Int) { self.decimal_of(value) } else { value };
        let ty = if decimal { Some(Type::Decimal) } else { left.ty() };
        let mut places = Vec::new();
        for literal in list.iter().filter(|literal| **literal != Literal::Null) {
            let place = self.literal(literal);
            let int = matches!(literal, Literal::Int(_));
            places.push(if decimal && int { self.decimal_of(place) } else { place });
        }
        let null = list.contains(&Literal::Null).then(|| format!("({value}) IS NULL"));
        let within = (!places.is_empty()).then(|| {
            let text = format!("{} IN ({})", self.collated(value.clone(), ty), places.join(", "));
            if holds || !left.nullable() { text } else { format!("COALESCE({text}, FALSE)") }
        });
        let parts: Vec<String> = within.into_iter().chain(null).collect();
        if parts.is_empty() { "(1 = 0)".to_owned() } else { format!("({})", parts.join(" OR ")) }
    }

    fn call(&mut self, function: Function, arguments: &[(String, Option<Type>)]) -> String {
        let argument = |at: usize| arguments.get(at).map_or("NULL", |(sql, _)| sql.as_str());
        let (a, b) = (argument(0), argument(1));
        let found = match self.dialect {
            Dialect::Sqlite => format!("instr({a}, {b})"),
            Dialect::Postgres => format!("CAST(strpos({a}, {b}) AS BIGINT)"),
        };
        let ascii = if self.dialect == Dialect::Postgres { " COLLATE \"C\"" } else { "" };
        let instant = arguments.first().is_some_and(|(_, ty)| *ty == Some(Type::Instant));
        let day = |sql: &str| if instant { self.day(sql) } else { sql.to_owned() };
        match function {
            Function::Contains => format!("{found} > 0"),
            Function::StartsWith => format!("substr({a}, 1, length({b})) = {b}"),
            Function::EndsWith => {
                format!("substr({a}, length({a}) - length({b}) + 1) = {b} AND length({a}) >= length({b})")
            }
            Function::Length => format!("CAST(length({a}) AS BIGINT)"),
            Function::IndexOf => format!("{found} - 1"),
            // Literal and not negative; one past the end is the empty text on both.
            Function::Substring if arguments.len() == 2 => format!("substr({a}, CAST({b} + 1 AS INTEGER))"),
            Function::Substring => {
                format!("substr({a}, CAST({b} + 1 AS INTEGER), CAST({} AS INTEGER))", argument(2))
            }
            Function::ToLower => format!("lower(({a}){ascii})"),
            Function::ToUpper => format!("upper(({a}){ascii})"),
            Function::Trim => {
                let (trim, spaces) =
                    (if self.dialect == Dialect::Sqlite { "trim" } else { "btrim" }, self.bind(SPACES));
                format!("{trim}({a}, {spaces})")
            }
            Function::Concat => format!("({a}) || ({b})"),
            Function::Year => format!("CAST(substr({}, 1, 4) AS BIGINT)", day(a)),
            Function::Month => format!("CAST(substr({}, 6, 2) AS BIGINT)", day(a)),
            Function::Day => format!("CAST(substr({}, 9, 2) AS BIGINT)", day(a)),
            Function::Date => day(a),
            Function::Hour => format!("(({s} % 86400) + 86400) % 86400 / 3600", s = seconds(a)),
            Function::Minute => format!("(({s} % 3600) + 3600) % 3600 / 60", s = seconds(a)),
            Function::Second => format!("(({s} % 60) + 60) % 60", s = seconds(a)),
        }
    }

    /// The UTC day of an instant, as text.
    fn day(&self, micros: &str) -> String {
        let seconds = seconds(micros);
        match self.dialect {
            Dialect::Sqlite => format!("strftime('%Y-%m-%d', {seconds}, 'unixepoch')"),
            Dialect::Postgres => format!("to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
        }
    }
}

/// Whole seconds, rounded down also before 1970.
fn seconds(micros: &str) -> String {
    format!("((({micros}) - ((({micros}) % 1000000) + 1000000) % 1000000) / 1000000)")
}

fn truth(sql: &str) -> String {
    format!("CASE WHEN {sql} THEN 'true' WHEN NOT ({sql}) THEN 'false' END")
}

/// `'e-0'`, `'e-2'` …: the exponent behind minor units.
fn suffix(currency: &str) -> String {
    by_exponent(currency, |exponent| format!("'e-{exponent}'"))
}

/// What minor units are multiplied with.
fn factor(currency: &str) -> String {
    by_exponent(currency, |exponent| match exponent {
        0 => "CAST(1 AS numeric)".to_owned(),
        exponent => format!("CAST('1e-{exponent}' AS numeric)"),
    })
}

fn by_exponent(currency: &str, word: impl Fn(u32) -> String) -> String {
    let mut text = format!("CASE WHEN {currency} = 'JPY' THEN {}", word(Currency::JPY.exponent()));
    for (exponent, codes) in Currency::UNUSUAL {
        // Our own table, not outside data.
        text.push_str(&format!(" WHEN {currency} IN ('{}') THEN {}", codes.join("', '"), word(exponent)));
    }
    format!("{text} ELSE {} END", word(2))
}
