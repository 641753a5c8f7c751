//! What one reader sees: of which customers, and which of their fields in the clear.
//!
//! Every question about customers takes a [`View`], so a new one cannot forget it. A person's view is made
//! in one place, `identity::view`; [`View::everything`] is for the command line and the hub's own work.
//! Whoever has neither departments nor a role that sees more, sees nothing: that is [`View::nothing`].

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// Fields that only some roles see in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The credit limit.
    Credit,
    /// What was agreed: closing day, payment terms, price class.
    Terms,
    /// How single people are reached: contacts, and customers who are persons.
    Personal,
}

impl Class {
    pub const ALL: [Self; 3] = [Self::Credit, Self::Terms, Self::Personal];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Terms => "terms",
            Self::Personal => "personal",
        }
    }

    /// The class of a customer's field, as [`super::record::CUSTOMER_FIELDS`] names it. `person`: the customer
    /// is one.
    #[must_use]
    pub fn of(field: &str, person: bool) -> Option<Self> {
        match field {
            "credit_limit" | "credit_limit_minor" => Some(Self::Credit),
            "closing_day" | "payment_terms" | "price_class" => Some(Self::Terms),
            "phone" | "mail" | "postal_code" | "address" if person => Some(Self::Personal),
            _ => None,
        }
    }
}

/// A department as it is compared: width, case and spaces make no difference.
#[must_use]
pub fn department_key(name: &str) -> String {
    name.nfkc().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect()
}

/// The customers of some departments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departments {
    /// As people write them.
    pub names: Vec<String>,
    /// As [`department_key`] has them, in the same order.
    pub keys: Vec<String>,
    /// With the customers that have no department.
    pub unassigned: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Everything,
    Departments(Arc<Departments>),
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    scope: Scope,
    /// One bit for each class that is hidden.
    hidden: u8,
}

impl View {
    /// Every customer, every field in the clear: for who has the machine, and for the hub itself.
    #[must_use]
    pub const fn everything() -> Self {
        Self { scope: Scope::Everything, hidden: 0 }
    }

    /// No customer and no field.
    #[must_use]
    pub fn nothing() -> Self {
        Self::of_departments(Vec::new(), false).hiding(&Class::ALL)
    }

    /// Only the customers of these departments; `unassigned`: and those of none.
    #[must_use]
    pub fn of_departments(names: Vec<String>, unassigned: bool) -> Self {
        let keys = names.iter().map(|name| department_key(name)).collect();
        Self { scope: Scope::Departments(Arc::new(Departments { names, keys, unassigned })), hidden: 0 }
    }

    /// The same customers, with these fields hidden.
    #[must_use]
    pub fn hiding(mut self, classes: &[Class]) -> Self {
        classes.iter().for_each(|class| self.hidden |= 1 << *class as u8);
        self
    }

    /// The departments to which the reader is limited; `None`: to none.
    #[must_use]
    pub fn departments(&self) -> Option<&Departments> {
        match &self.scope {
            Scope::Everything => None,
            Scope::Departments(of) => Some(of),
        }
    }

    #[must_use]
    pub fn hides(&self, class: Class) -> bool {
        self.hidden & (1 << class as u8) != 0
    }

    /// Anything is hidden: what holds fields of all kinds at once, as a source sent it, is not shown.
    #[must_use]
    pub fn hides_any(&self) -> bool {
        self.hidden != 0
    }

    /// Whether a field of a customer is hidden.
    #[must_use]
    pub fn hides_field(&self, field: &str, person: bool) -> bool {
        Class::of(field, person).is_some_and(|class| self.hides(class))
    }

    /// Whether a customer of this department would be seen.
    #[must_use]
    pub fn reaches(&self, department: Option<&str>) -> bool {
        let Some(of) = self.departments() else { return true };
        match department.map(str::trim).filter(|name| !name.is_empty()) {
            None => of.unassigned,
            Some(name) => of.keys.contains(&department_key(name)),
        }
    }

    /// A value as the reader may have it.
    #[must_use]
    pub fn shown(&self, class: Class, value: String) -> Shown {
        if self.hides(class) { Shown::Hidden } else { Shown::Clear(value) }
    }
}

/// Of who sees everything, for where a view is borrowed.
pub static EVERYTHING: View = View::everything();

/// A value, or that there is one which the reader may not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    Clear(String),
    Hidden,
}

impl Shown {
    #[must_use]
    pub fn clear(&self) -> Option<&str> {
        match self {
            Self::Clear(value) => Some(value),
            Self::Hidden => None,
        }
    }

    #[must_use]
    pub fn is_hidden(&self) -> bool {
        *self == Self::Hidden
    }
}

impl From<&str> for Shown {
    fn from(value: &str) -> Self {
        Self::Clear(value.to_owned())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.clear().unwrap_or("•••"))
    }
}

impl Serialize for Shown {
    /// The text, or `{"masked": true}`: nobody takes the dots for a value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Clear(value) => serializer.serialize_str(value),
            Self::Hidden => {
                let mut map = serializer.serialize_map(Some(1))?;
                serde::ser::SerializeMap::serialize_entry(&mut map, "masked", &true)?;
                serde::ser::SerializeMap::end(map)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn departments_are_compared_as_people_mean_them() {
        let view = |names: &[&str], unassigned| {
            View::of_departments(names.iter().map(|name| (*name).to_owned()).collect(), unassigned)
        };
        for (view, department, reaches) in [
            (View::everything(), Some("営業一課"), true),
            (View::everything(), None, true),
            (view(&["営業１課"], true), Some("営業1課"), true),
            (view(&["東京 営業部"], true), Some("東京営業部"), true),
            (view(&["Sales"], true), Some("ＳＡＬＥＳ"), true),
            (view(&["営業一課"], true), Some("営業二課"), false),
            (view(&["営業"], true), Some("営業一課"), false),
            (view(&["営業一課"], true), None, true),
            (view(&["営業一課"], false), Some(" "), false),
            (view(&[], true), Some("営業一課"), false),
            (View::nothing(), None, false),
        ] {
            assert_eq!(view.reaches(department), reaches, "{view:?} {department:?}");
        }
    }

    #[test]
    fn each_field_is_hidden_by_its_class() {
        for class in Class::ALL {
            let view = View::everything().hiding(&[class]);
            for other in Class::ALL {
                assert_eq!(view.hides(other), class == other);
            }
        }
        let view = View::everything().hiding(&[Class::Credit, Class::Personal]);
        for (field, person, hidden) in [
            ("credit_limit", false, true),
            ("payment_terms", false, false),
            ("phone", false, false),
            ("phone", true, true),
            ("address", true, true),
            ("name", true, false),
        ] {
            assert_eq!(view.hides_field(field, person), hidden, "{field}");
        }
        assert_eq!(view.shown(Class::Credit, "1000".into()).to_string(), "•••");
        assert_eq!(serde_json::to_string(&Shown::Hidden).unwrap_or_default(), r#"{"masked":true}"#);
    }
}
