//! What addresses mean, by table and by chance.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::{
    filter,
    format::{self, Format},
    options::{Of, Options},
    path::{self, Resource},
    refusal::{Refusal, Status},
};
use crate::store::feed::{
    Set,
    shape::{ORDERS, PAYMENT_ALLOCATIONS},
};

fn code<T>(result: Result<T, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.code, |_| "")
}

fn orders() -> &'static Set {
    &ORDERS
}

#[test]
fn filters_are_understood_or_refused_with_their_reason() {
    for (text, expected) in [
        ("Total ge 1000", ""),
        ("(Total ge 1000.50) and (CustomerId eq 'cus_1')", ""),
        ("not (Status eq 'open' or Status eq 'closed')", ""),
        ("not contains(Number,'''') eq false", ""),
        ("startswith(tolower(trim(Number)),'o') and length(concat(Number,'x')) gt 3", ""),
        ("indexof(Number,'2') eq -1 or substring(Number,1,2) eq 'ab'", ""),
        ("year(OrderDate) eq 2026 and month(UpdatedAt) le 12 and hour(UpdatedAt) lt 24", ""),
        ("date(UpdatedAt) eq 2026-11-20", ""),
        ("UpdatedAt gt 2026-11-20T09:00:00.123456+09:00", ""),
        // What a `+` that nobody encoded becomes.
        ("UpdatedAt gt 2026-11-20T09:00:00 09:00", ""),
        ("Status in ('open','shipped',null)", ""),
        ("DeliveryDate eq null and null ne Subject", ""),
        ("Customer/Name eq '朝凪電装'", ""),
        ("Sample", ""),
        ("Sample eq true and Total eq 1e3", ""),
        ("Net lt Total and LineCount lt 2.5", ""),
        ("", "EXPRESSION_INVALID"),
        ("Total", "FILTER_TYPE"),
        ("Total ge", "EXPRESSION_INVALID"),
        ("Total ge 1000)", "EXPRESSION_INVALID"),
        ("Total ge 1000 Net", "EXPRESSION_INVALID"),
        ("Total ge '1000'", "FILTER_TYPE"),
        ("OrderDate ge 2026-11-20T00:00:00Z", "FILTER_TYPE"),
        ("OrderDate ge datetime'2026-11-20'", "LITERAL_INVALID"),
        ("OrderDate ge 2026-02-30", "LITERAL_INVALID"),
        ("UpdatedAt ge 2026-11-20T00:00:00.1234567Z", "LITERAL_INVALID"),
        ("UpdatedAt ge 2026-11-20T00:00:00", "LITERAL_INVALID"),
        ("Total ge 5M", "LITERAL_INVALID"),
        ("Sample gt false", "FILTER_TYPE"),
        ("not Total", "FILTER_TYPE"),
        ("Number and Sample", "FILTER_TYPE"),
        ("total ge 1", "PROPERTY_UNKNOWN"),
        ("Customer eq 'x'", "PROPERTY_UNKNOWN"),
        ("Customer/Nope eq 'x'", "PROPERTY_UNKNOWN"),
        ("Number eq 'open", "EXPRESSION_INVALID"),
        ("contains(Number)", "FUNCTION_ARGUMENTS"),
        ("contains(Total,'1')", "FUNCTION_ARGUMENTS"),
        ("contains(Number,null)", "FUNCTION_ARGUMENTS"),
        ("substring(Number,LineCount) eq 'x'", "FUNCTION_ARGUMENTS"),
        ("substring(Number,-1) eq 'x'", "FUNCTION_ARGUMENTS"),
        ("substringof('x',Number)", "FUNCTION_UNKNOWN"),
        ("Number eq 'a\u{0}'", "EXPRESSION_INVALID"),
        ("Total add 1 gt 2", "NOT_SUPPORTED"),
        ("round(Total) gt 2", "NOT_SUPPORTED"),
        ("Lines/any(l:l/Amount gt 1)", "NOT_SUPPORTED"),
        ("$it/Total gt 1", "NOT_SUPPORTED"),
    ] {
        assert_eq!(code(filter::filter(orders(), text)), expected, "{text}");
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let chain = |n: usize| vec!["Total eq 1"; n].join(" or ");
    assert_eq!(code(filter::filter(orders(), &chain(200))), "");
    let deep = |n: usize| format!("{}Sample{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(code(filter::filter(orders(), &deep(40))), "");
    for text in [chain(201), deep(41), "not ".repeat(41) + "Sample", format!("Number eq '{}'", "x".repeat(16_000))] {
        assert_eq!(code(filter::filter(orders(), &text)), "EXPRESSION_LONG");
    }
    assert_eq!(code(filter::filter(orders(), &deep(5_000))), "EXPRESSION_LONG");
}

#[test]
fn orders_are_properties_and_functions() {
    for (text, expected) in [
        ("Total desc,OrderDate asc, Id", ""),
        ("year(OrderDate) desc", ""),
        ("Customer/Name", ""),
        ("1", "ORDERBY_INVALID"),
        ("(Total gt 1)", "ORDERBY_INVALID"),
        ("Total downwards", "EXPRESSION_INVALID"),
        ("Id,Id,Id,Id,Id,Id,Id,Id,Id", "ORDERBY_LONG"),
    ] {
        assert_eq!(code(filter::order(orders(), text)), expected, "{text}");
    }
}

fn options(query: &str, of: Of) -> Result<Options, Refusal> {
    let raw: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Options::read(orders(), &raw, of)
}

#[test]
fn options_are_understood_whole_or_refused() {
    for (query, of, expected) in [
        ("$select=Id,Total&$top=5&$skip=2&$count=true&$orderby=Total+desc", Of::Rows, ""),
        ("$Filter=Total%20gt%201&TOP=3", Of::Rows, ""),
        ("$expand=Lines($select=Amount;$filter=Amount%20gt%201;$orderby=LineNo;$top=3),Customer", Of::Rows, ""),
        ("$expand=Customer($expand=Sites($select=Name))&$select=Id,Customer", Of::Rows, ""),
        ("$select=*&$format=json", Of::One, ""),
        ("$filter=Sample", Of::Count, ""),
        ("$top=1", Of::Count, "OPTION_MISPLACED"),
        ("$filter=Sample", Of::One, "OPTION_MISPLACED"),
        ("$top=-1", Of::Rows, "OPTION_INVALID"),
        ("$top=ten", Of::Rows, "OPTION_INVALID"),
        ("$count=yes", Of::Rows, "OPTION_INVALID"),
        ("$top=1&top=2", Of::Rows, "OPTION_TWICE"),
        ("$select=Nope", Of::Rows, "PROPERTY_UNKNOWN"),
        ("$select=", Of::Rows, "PROPERTY_UNKNOWN"),
        ("$expand=Nope", Of::Rows, "EXPAND_INVALID"),
        ("$expand=Lines($top=1", Of::Rows, "EXPRESSION_INVALID"),
        ("$expand=Lines,Lines", Of::Rows, "EXPAND_INVALID"),
        ("$expand=Lines($count=true)", Of::Rows, "NOT_SUPPORTED"),
        ("$expand=*", Of::Rows, "NOT_SUPPORTED"),
        ("$expand=Customer($expand=Orders($expand=Customer($expand=Orders)))", Of::Rows, "NOT_SUPPORTED"),
        ("$apply=aggregate(Total)", Of::Rows, "NOT_SUPPORTED"),
        ("$search=x", Of::Rows, "NOT_SUPPORTED"),
        ("access_token=mus_x", Of::Rows, "OPTION_UNKNOWN"),
    ] {
        assert_eq!(code(options(query, of)), expected, "{query}");
    }
}

#[test]
fn addresses_name_rows() {
    for (path, expected) in [
        ("", ""),
        ("/", ""),
        ("/$metadata", ""),
        ("/Orders", ""),
        ("/Orders()", ""),
        ("/Orders/$count", ""),
        ("/Orders('ord_1')", ""),
        ("/Orders(Id='ord_1')/Customer/Sites", ""),
        ("/Orders(%27a%2Fb%27)/Lines/$count", ""),
        ("/OrderLines(LineNo=1,OrderId='ord_1')", ""),
        ("/OrderLines('ord_1')", "KEY_INVALID"),
        ("/OrderLines(OrderId='ord_1',LineNo='1')", "KEY_INVALID"),
        ("/Orders(5)", "KEY_INVALID"),
        ("/Orders('a','b')", "KEY_INVALID"),
        ("/Orders('a'", "PATH_INVALID"),
        ("/Orders(%zz)", "PATH_INVALID"),
        ("/Orders(%ff)", "PATH_INVALID"),
        ("/Orders/Lines", "PATH_INVALID"),
        ("/Orders('a')/$count", "PATH_INVALID"),
        ("/Orders('a')/Customer('b')", "PATH_INVALID"),
        ("/orders", "NOT_FOUND"),
        ("/Orders('a')/Nope", "NOT_FOUND"),
        ("/Orders('a')/Total", "NOT_SUPPORTED"),
        ("/Orders('a')/$ref", "NOT_SUPPORTED"),
        ("/$batch", "NOT_SUPPORTED"),
    ] {
        assert_eq!(code(path::resource(path)), expected, "{path}");
    }
    let Resource::Rows(rows) = path::resource("/PaymentAllocations(PaymentId='p',InvoiceNumber='a''b,c=d')").unwrap()
    else {
        panic!("rows")
    };
    assert_eq!(rows.first, &PAYMENT_ALLOCATIONS);
    assert!(format!("{:?}", rows.key).contains("a'b,c=d"));
}

#[test]
fn the_form_is_what_the_client_can_read() {
    let text = Format { numbers_as_text: true, ..Format::default() };
    let bare = Format { bare: true, ..Format::default() };
    for (wanted, accept, expected) in [
        (None, None, Some(Format::default())),
        (None, Some("*/*"), Some(Format::default())),
        (None, Some("application/atom+xml, application/json;q=0.8"), Some(Format::default())),
        (None, Some("application/json;odata.metadata=full"), Some(Format::default())),
        (None, Some("application/json;odata.metadata=minimal;IEEE754Compatible=true"), Some(text)),
        (Some("application/json;odata.metadata=none"), Some("text/html"), Some(bare)),
        (Some("json"), None, Some(Format::default())),
        (Some("atom"), None, None),
        (Some("application/json;odata.metadata=full"), None, None),
        (None, Some("text/html"), None),
    ] {
        let found = format::json(wanted, accept);
        assert_eq!(found.clone().ok(), expected, "{wanted:?} {accept:?}");
        assert!(found.map_or_else(|refusal| refusal.status == Status::NotAcceptable, |_| true));
    }
    assert!(format::xml(None).is_ok() && format::xml(Some("xml")).is_ok() && format::xml(Some("json")).is_err());
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in ".{0,200}") {
        let _ = filter::filter(orders(), &text);
        let _ = filter::order(orders(), &text);
        let _ = path::resource(&text);
        let _ = options(&text, Of::Rows);
    }

    #[test]
    fn no_row_of_words_breaks_it_either(words in prop::collection::vec(prop::sample::select(vec![
        "Total", "Number", "Sample", "eq", "ne", "and", "or", "not", "in", "(", ")", ",", "'x'", "1", "-1.5", "null",
        "true", "2026-01-01", "contains(", "year(", "Customer/Name", "desc", "'", "$expand=Lines(", ";", "&", "$filter=",
    ]), 0..40)) {
        let text = words.join(" ");
        let _ = filter::filter(orders(), &text);
        let _ = filter::order(orders(), &text);
        let _ = options(&words.concat(), Of::Rows);
        let _ = path::resource(&words.concat());
    }
}
