//! `$filter` and `$orderby`: from text to a typed expression, or to what is wrong with it and where.
//!
//! Everything that is accepted has a type; what compares unlike types is refused here, before a database sees it.
//! Depth, length and number of parts are bounded.

use super::{
    call,
    lexer::{Placed, Token, tokens},
    refusal::{Refusal, quoted},
};
use crate::store::feed::{Comparison, Expr, Order, Set, Type};

const DEEPEST: usize = 40;
/// SQLite takes 1,000 levels, and a chain of `or` is one level each.
const MOST_PARTS: usize = 400;
const MOST_ORDERS: usize = 8;

/// A condition over the rows of a set.
pub fn filter(set: &'static Set, text: &str) -> Result<Expr, Refusal> {
    let mut parser = Parser::new(set, text)?;
    let condition = parser.or()?;
    parser.end()?;
    if condition.ty() == Some(Type::Bool) {
        Ok(condition)
    } else {
        Err(Refusal::wrong("FILTER_TYPE", "a filter is true or false; compare the value with something: Total gt 1000"))
    }
}

/// What to sort by.
pub fn order(set: &'static Set, text: &str) -> Result<Vec<Order>, Refusal> {
    let mut parser = Parser::new(set, text)?;
    let mut orders = Vec::new();
    loop {
        let by = parser.operand()?;
        if !matches!(by, Expr::Property { .. } | Expr::Call(..)) {
            return Err(Refusal::wrong("ORDERBY_INVALID", "sort by properties or functions of them"));
        }
        let descending = parser.word("desc");
        if !descending {
            parser.word("asc");
        }
        orders.push(Order { by, descending });
        if orders.len() > MOST_ORDERS {
            return Err(Refusal::wrong("ORDERBY_LONG", format!("sort by {MOST_ORDERS} things at most")));
        }
        if parser.peek() != Some(&Token::Comma) {
            break;
        }
        parser.at += 1;
    }
    parser.end()?;
    Ok(orders)
}

pub(super) struct Parser {
    set: &'static Set,
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    parts: usize,
}

impl Parser {
    fn new(set: &'static Set, text: &str) -> Result<Self, Refusal> {
        Ok(Self { set, tokens: tokens(text)?, at: 0, depth: 0, parts: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    /// Takes a word if it stands here.
    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Name(name)) if name == word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, token: &Token, what: &str) -> Result<(), Refusal> {
        if self.peek() == Some(token) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(what))
    }

    fn unexpected(&self, wanted: &str) -> Refusal {
        let message = match self.tokens.get(self.at) {
            None => format!("it ends where {wanted} should follow"),
            Some((token, place)) => {
                let found = match token {
                    Token::Name(name) => quoted(name),
                    Token::Literal(_) => "a value".to_owned(),
                    Token::Open => "'('".to_owned(),
                    Token::Close => "')'".to_owned(),
                    Token::Comma => "','".to_owned(),
                    Token::Odd(c) => quoted(&c.to_string()),
                };
                format!("at character {place} stands {found} where {wanted} should")
            }
        };
        Refusal::wrong("EXPRESSION_INVALID", message)
    }

    fn end(&self) -> Result<(), Refusal> {
        match self.peek() {
            None => Ok(()),
            Some(Token::Name(name)) if ["add", "sub", "mul", "div", "divby", "mod", "has"].contains(&name.as_str()) => {
                Err(Refusal::unsupported(&format!("the operator {name}"), "compute it in your tool"))
            }
            Some(_) => Err(self.unexpected("and, or, a comparison or the end")),
        }
    }

    fn part(&mut self) -> Result<(), Refusal> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            let message = format!("it has more than {MOST_PARTS} parts; ask for less at a time");
            return Err(Refusal::wrong("EXPRESSION_LONG", message));
        }
        Ok(())
    }

    fn deeper<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, Refusal>) -> Result<T, Refusal> {
        self.depth += 1;
        if self.depth > DEEPEST {
            let message = format!("it is nested deeper than {DEEPEST} levels");
            return Err(Refusal::wrong("EXPRESSION_LONG", message));
        }
        let found = inside(self);
        self.depth -= 1;
        found
    }

    fn or(&mut self) -> Result<Expr, Refusal> {
        self.chain("or", Expr::Or, Self::and)
    }

    fn and(&mut self) -> Result<Expr, Refusal> {
        self.chain("and", Expr::And, Self::not)
    }

    fn chain(
        &mut self,
        word: &str,
        join: fn(Vec<Expr>) -> Expr,
        part: fn(&mut Self) -> Result<Expr, Refusal>,
    ) -> Result<Expr, Refusal> {
        let first = part(self)?;
        if !matches!(self.peek(), Some(Token::Name(name)) if name == word) {
            return Ok(first);
        }
        let mut parts = vec![condition(first, word)?];
        while self.word(word) {
            parts.push(condition(part(self)?, word)?);
        }
        Ok(join(parts))
    }

    fn not(&mut self) -> Result<Expr, Refusal> {
        if self.word("not") {
            let inner = self.deeper(Self::not)?;
            return Ok(Expr::Not(Box::new(condition(inner, "not")?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr, Refusal> {
        let left = self.operand()?;
        if self.word("in") {
            return self.among(left);
        }
        let Some(Token::Name(word)) = self.peek() else { return Ok(left) };
        let comparison = match word.as_str() {
            "eq" => Comparison::Eq,
            "ne" => Comparison::Ne,
            "gt" => Comparison::Gt,
            "ge" => Comparison::Ge,
            "lt" => Comparison::Lt,
            "le" => Comparison::Le,
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.operand()?;
        alike(&left, right.ty())?;
        if left.ty().or(right.ty()) == Some(Type::Bool) && !matches!(comparison, Comparison::Eq | Comparison::Ne) {
            return Err(Refusal::wrong("FILTER_TYPE", "true and false are compared with eq and ne only"));
        }
        Ok(Expr::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn among(&mut self, left: Expr) -> Result<Expr, Refusal> {
        if left.ty().is_none() || left.ty() == Some(Type::Bool) {
            return Err(Refusal::wrong(
                "FILTER_TYPE",
                "in takes a property that is text, a number, a date or an instant",
            ));
        }
        self.expect(&Token::Open, "'('")?;
        let mut list = Vec::new();
        loop {
            self.part()?;
            let Some(Token::Literal(literal)) = self.next() else {
                self.at -= 1;
                return Err(self.unexpected("a value of the list"));
            };
            alike(&left, literal.ty())?;
            list.push(literal);
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(Expr::In(Box::new(left), list)),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected("',' or ')'"));
                }
            }
        }
    }

    fn operand(&mut self) -> Result<Expr, Refusal> {
        self.part()?;
        match self.next() {
            Some(Token::Literal(literal)) => Ok(Expr::Literal(literal)),
            Some(Token::Open) => {
                let inner = self.deeper(Self::or)?;
                self.expect(&Token::Close, "')'")?;
                Ok(inner)
            }
            Some(Token::Name(name)) if self.peek() == Some(&Token::Open) && name.contains('/') => {
                Err(Refusal::unsupported(&quoted(&name), "filter the set of those rows itself"))
            }
            Some(Token::Name(name)) if self.peek() == Some(&Token::Open) => {
                self.at += 1;
                let arguments = self.deeper(Self::arguments)?;
                call::typed(&name, arguments)
            }
            Some(Token::Name(name)) => call::property(self.set, &name),
            _ => {
                self.at -= 1;
                Err(self.unexpected("a property, a value or a function"))
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Refusal> {
        let mut arguments = Vec::new();
        if self.peek() == Some(&Token::Close) {
            self.at += 1;
            return Ok(arguments);
        }
        loop {
            arguments.push(self.or()?);
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(arguments),
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected("',' or ')'"));
                }
            }
        }
    }
}

fn condition(expr: Expr, word: &str) -> Result<Expr, Refusal> {
    match expr.ty() {
        Some(Type::Bool) => Ok(expr),
        _ => Err(Refusal::wrong(
            "FILTER_TYPE",
            format!("{word} stands between conditions; compare the value with something"),
        )),
    }
}

/// Whether two things can be compared.
fn alike(left: &Expr, right: Option<Type>) -> Result<(), Refusal> {
    let (Some(l), Some(r)) = (left.ty(), right) else { return Ok(()) };
    let number = |ty| matches!(ty, Type::Int | Type::Decimal);
    if l == r || (number(l) && number(r)) {
        return Ok(());
    }
    let hint = match (l, r) {
        (Type::Date, Type::Instant) | (Type::Instant, Type::Date) => {
            "; a date is written 2026-04-01, an instant 2026-04-01T00:00:00Z, and date(…) makes the first of the second"
        }
        (Type::Text, _) | (_, Type::Text) => "; texts stand in single quotes, everything else without",
        _ => "",
    };
    let name = match left {
        Expr::Property { property, .. } => property.name,
        _ => "the left side",
    };
    Err(Refusal::wrong("FILTER_TYPE", format!("{name} is {} and is compared with {}{hint}", edm(l), edm(r))))
}

pub(super) fn edm(ty: Type) -> &'static str {
    match ty {
        Type::Text => "Edm.String",
        Type::Date => "Edm.Date",
        Type::Instant => "Edm.DateTimeOffset",
        Type::Bool => "Edm.Boolean",
        Type::Int => "Edm.Int64",
        Type::Decimal => "Edm.Decimal",
    }
}
