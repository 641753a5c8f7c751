//! Properties and functions that an expression names.

use super::{
    filter::edm,
    refusal::{Refusal, quoted},
};
use crate::store::feed::{Expr, Function, Literal, Set, Type};

/// A property of the set, or of the one row that a navigation leads to: `Total`, `Customer/Name`.
pub fn property(set: &'static Set, name: &str) -> Result<Expr, Refusal> {
    let unknown = |set: &Set, name: &str| {
        Refusal::wrong(
            "PROPERTY_UNKNOWN",
            format!("{} has no property {}; names are as in $metadata, to the letter", set.name, quoted(name)),
        )
    };
    if name.starts_with('$') || name.starts_with('@') {
        return Err(Refusal::unsupported(&quoted(name), "name properties of the set itself"));
    }
    let (way, rest) = match name.split_once('/') {
        None => {
            if set.navigation(name).is_some() {
                return Err(Refusal::wrong(
                    "PROPERTY_UNKNOWN",
                    format!("{name} leads to rows; name a property of theirs: {name}/Id"),
                ));
            }
            return set.property(name).map(Expr::own).ok_or_else(|| unknown(set, name));
        }
        Some((way, rest)) => (set.navigation(way).ok_or_else(|| unknown(set, way))?, rest),
    };
    if way.many {
        return Err(Refusal::unsupported(
            &format!("conditions on many {}", way.name),
            &format!("filter {} itself", way.to),
        ));
    }
    if rest.contains('/') {
        return Err(Refusal::unsupported("paths of more than one step", "filter the set at their end"));
    }
    let found = way.target().property(rest).ok_or_else(|| unknown(way.target(), rest))?;
    Ok(Expr::Property { via: Some(way), property: found })
}

/// A function with arguments of the right types.
pub fn typed(name: &str, arguments: Vec<Expr>) -> Result<Expr, Refusal> {
    use Type::{Date, Instant, Text};
    let (function, wanted): (Function, &[&[Type]]) = match name {
        "contains" => (Function::Contains, &[&[Text], &[Text]]),
        "startswith" => (Function::StartsWith, &[&[Text], &[Text]]),
        "endswith" => (Function::EndsWith, &[&[Text], &[Text]]),
        "indexof" => (Function::IndexOf, &[&[Text], &[Text]]),
        "concat" => (Function::Concat, &[&[Text], &[Text]]),
        "length" => (Function::Length, &[&[Text]]),
        "tolower" => (Function::ToLower, &[&[Text]]),
        "toupper" => (Function::ToUpper, &[&[Text]]),
        "trim" => (Function::Trim, &[&[Text]]),
        "substring" if arguments.len() == 2 => (Function::Substring, &[&[Text], &[Type::Int]]),
        "substring" => (Function::Substring, &[&[Text], &[Type::Int], &[Type::Int]]),
        "year" => (Function::Year, &[&[Date, Instant]]),
        "month" => (Function::Month, &[&[Date, Instant]]),
        "day" => (Function::Day, &[&[Date, Instant]]),
        "hour" => (Function::Hour, &[&[Instant]]),
        "minute" => (Function::Minute, &[&[Instant]]),
        "second" => (Function::Second, &[&[Instant]]),
        "date" => (Function::Date, &[&[Instant]]),
        "substringof" => {
            return Err(Refusal::wrong("FUNCTION_UNKNOWN", "substringof is of OData 3; write contains(Name,'x')"));
        }
        _ => {
            let instead = "it has contains, startswith, endswith, indexof, concat, length, tolower, toupper, trim, \
                           substring, year, month, day, hour, minute, second and date";
            return Err(Refusal::unsupported(&format!("the function {}", quoted(name)), instead));
        }
    };
    if arguments.len() != wanted.len() {
        let message = format!("{name} takes {} values, here are {}", wanted.len(), arguments.len());
        return Err(Refusal::wrong("FUNCTION_ARGUMENTS", message));
    }
    for (argument, types) in arguments.iter().zip(wanted) {
        if !argument.ty().is_some_and(|ty| types.contains(&ty)) {
            let takes: Vec<&str> = types.iter().map(|ty| edm(*ty)).collect();
            let is = argument.ty().map_or("null", edm);
            let message = format!("{name} takes {} here, not {is}", takes.join(" or "));
            return Err(Refusal::wrong("FUNCTION_ARGUMENTS", message));
        }
    }
    if function == Function::Substring && !arguments.iter().skip(1).all(small) {
        let message = "substring takes whole numbers from 0 to 1000000 as they stand, not computed ones";
        return Err(Refusal::wrong("FUNCTION_ARGUMENTS", message));
    }
    Ok(Expr::Call(function, arguments))
}

fn small(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(Literal::Int(0..=1_000_000)))
}
