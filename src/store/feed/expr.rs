//! Typed expressions over the properties of a set: what a reader filters and sorts by.
//!
//! Invariant: values are [`Literal`]s, which are bound, never written into SQL.

use super::shape::{Kind, Navigation, Property};
use crate::model::Date;

/// What an expression yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Date,
    Instant,
    Bool,
    Int,
    Decimal,
}

impl Kind {
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Text => Type::Text,
            Self::Date => Type::Date,
            Self::Instant => Type::Instant,
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Amount { .. } | Self::Number => Type::Decimal,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Null,
    Text(String),
    Date(Date),
    /// UTC microseconds.
    Instant(i64),
    Bool(bool),
    Int(i64),
    /// As [`super::decimal`] reads it.
    Decimal(String),
}

impl Literal {
    /// `None`: null, which is of every type.
    #[must_use]
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Self::Null => return None,
            Self::Text(_) => Type::Text,
            Self::Date(_) => Type::Date,
            Self::Instant(_) => Type::Instant,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Decimal(_) => Type::Decimal,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Contains,
    StartsWith,
    EndsWith,
    Length,
    IndexOf,
    /// Text, first character from 0, and how many; both literal.
    Substring,
    /// A to Z only, on both databases.
    ToLower,
    ToUpper,
    Trim,
    Concat,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// The UTC day of an instant.
    Date,
}

impl Function {
    #[must_use]
    pub fn yields(self) -> Type {
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith => Type::Bool,
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Concat | Self::Substring => Type::Text,
            Self::Date => Type::Date,
            Self::Length
            | Self::IndexOf
            | Self::Year
            | Self::Month
            | Self::Day
            | Self::Hour
            | Self::Minute
            | Self::Second => Type::Int,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A property, of the row itself or of the one row that a navigation leads to.
    Property {
        via: Option<&'static Navigation>,
        property: &'static Property,
    },
    Literal(Literal),
    Call(Function, Vec<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    In(Box<Self>, Vec<Literal>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

impl Expr {
    #[must_use]
    pub fn own(property: &'static Property) -> Self {
        Self::Property { via: None, property }
    }

    /// `None`: null.
    #[must_use]
    pub fn ty(&self) -> Option<Type> {
        match self {
            Self::Property { property, .. } => Some(property.kind.ty()),
            Self::Literal(literal) => literal.ty(),
            Self::Call(function, _) => Some(function.yields()),
            Self::Compare(..) | Self::In(..) | Self::And(_) | Self::Or(_) | Self::Not(_) => Some(Type::Bool),
        }
    }

    /// Whether it can be without a value.
    #[must_use]
    pub fn nullable(&self) -> bool {
        match self {
            Self::Property { via, property } => via.is_some() || property.nullable,
            Self::Literal(literal) => *literal == Literal::Null,
            Self::Call(_, arguments) => arguments.iter().any(Self::nullable),
            Self::Compare(..) | Self::In(..) => false,
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::nullable),
            Self::Not(part) => part.nullable(),
        }
    }
}

/// One thing to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub by: Expr,
    pub descending: bool,
}
