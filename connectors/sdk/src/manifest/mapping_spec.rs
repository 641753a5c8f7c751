//! What a mapping says, before it is compiled. Serialisable: connections may carry their own.

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::spec::one_or_many;

/// Hub field to source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MappingSpec(pub IndexMap<String, FieldSpec>);

/// Where one hub field comes from. `code: shop_code` is short for `code: { from: shop_code }`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSpec {
    /// Dotted path in the source record.
    pub from: Option<String>,
    /// Further paths whose values follow the first one's, where there are some. `from: [family, given]` says
    /// both.
    pub and: Vec<String>,
    /// What stands between the values of several paths; a space unless it is said.
    pub join: Option<String>,
    /// Applied from left to right.
    pub transforms: Vec<Transform>,
    pub required: bool,
    /// Taken when the source has no value.
    pub default: Option<Value>,
    /// For lists: the dotted path of the source's list.
    pub each: Option<String>,
    /// With `each`: the fields of one item.
    pub fields: Option<MappingSpec>,
    /// With `each`: the dotted path of one text in an item; empty: the item itself.
    pub item: Option<String>,
}

/// One closed step from a source value towards the hub's form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    Trim,
    Integer,
    Decimal,
    Date,
    Instant,
    Width,
    NoSpaces,
    Upper,
    Lower,
    Values(IndexMap<String, Value>),
    Default(Value),
    /// Every match of a regular expression becomes the text `with`, in which `$1` is the first group.
    Replace {
        pattern: String,
        with: String,
    },
    /// The first group of a regular expression's first match, else the whole match; empty without a match.
    Extract(String),
    /// One part of a text that is cut at `separator`: 1 is the first, -1 the last; empty where there is none.
    Part {
        separator: String,
        index: i32,
    },
    CorporateNumber,
    RegistrationNumber,
    Phone,
    Mail,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    join: Option<String>,
    #[serde(rename = "as", default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    transforms: Vec<Transform>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    each: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<MappingSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<String>,
}

impl FieldSpec {
    /// Every path that is read for the field, in the order of its values.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.from.iter().chain(&self.and).map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for FieldSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        if let Value::String(path) = value {
            return Ok(Self { from: Some(path), ..Self::default() });
        }
        let Long { from, join, transforms, required, default, each, fields, item } =
            serde_json::from_value(value).map_err(serde::de::Error::custom)?;
        let mut paths = from.into_iter();
        let (from, and) = (paths.next(), paths.collect());
        Ok(Self { from, and, join, transforms, required, default, each, fields, item })
    }
}

impl Serialize for FieldSpec {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { from, and, join, transforms, required, default, each, fields, item } = self.clone();
        let from = from.into_iter().chain(and).collect();
        Long { from, join, transforms, required, default, each, fields, item }.serialize(to)
    }
}
