use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::json;

use super::*;

type TestResult = Result<(), Vec<MappingProblem>>;

fn compiled(noun: Noun, spec: Value) -> Result<Mapping, Vec<MappingProblem>> {
    let broken = |e: serde_json::Error| {
        vec![MappingProblem { pointer: String::new(), code: "MAP_FORM", missing: None, message: e.to_string() }]
    };
    Mapping::compile(noun, &serde_json::from_value::<MappingSpec>(spec).map_err(broken)?)
}

fn order() -> Value {
    json!({
        "customer": "customer_id",
        "number": {"from": "order_no"},
        "order_date": {"from": "ordered_on", "as": "date"},
        "status": {"from": "state", "as": [{"values": {"received": "open", "void": "cancelled"}}], "default": "open"},
        "total": "amounts.total",
        "lines": {"each": "lines", "fields": {
            "description": "name", "quantity": {"from": "qty", "as": ["decimal"]}, "amount": "amount"
        }}
    })
}

#[test]
fn an_order_is_mapped() -> TestResult {
    let mapping = compiled(Noun::Order, order())?;
    let body = json!({
        "customer_id": 42, "order_no": "A-1", "ordered_on": "令和8年4月1日", "state": "void",
        "amounts": {"total": "￥１，１００"}, "unused": [1, 2],
        "lines": [{"name": "ボルト", "qty": 2.5, "amount": "1,000"}]
    });
    let record = mapping.apply(&body).unwrap_or_default();
    assert_eq!(
        Value::Object(record),
        json!({
            "customer": "42", "number": "A-1", "order_date": "2026-04-01", "status": "cancelled", "total": "1100",
            "lines": [{"description": "ボルト", "quantity": "2.5", "amount": "1000"}]
        })
    );
    Ok(())
}

#[test]
fn a_product_and_a_shipment_are_mapped() -> TestResult {
    let product = compiled(
        Noun::Product,
        json!({"code": "sku", "name": "title", "price": "price.amount", "currency": "price.currency", "active": "on_sale"}),
    )?;
    let body = json!({"sku": "KV-220", "title": "制御盤カバー", "price": {"amount": 3850.5, "currency": "JPY"}, "on_sale": false});
    let expected =
        json!({"code": "KV-220", "name": "制御盤カバー", "price": "3850.5", "currency": "JPY", "active": "false"});
    assert_eq!(Value::Object(product.apply(&body).unwrap_or_default()), expected);
    let shipment = compiled(
        Noun::Shipment,
        json!({
            "customer": "to", "number": "no", "ship_date": {"from": "left_on", "as": "date"},
            "status": {"from": "state", "as": [{"values": {"packed": "planned", "sent": "shipped"}}]},
            "orders": {"each": "positions", "item": "order.no"},
            "lines": {"each": "positions", "fields": {"product_code": "sku", "quantity": "qty"}}
        }),
    )?;
    let body = json!({
        "to": 7, "no": "S-1", "left_on": "2026/11/20", "state": "packed",
        "positions": [{"sku": "KV-220", "qty": 80.0, "order": {"no": "SO-1"}}, {"sku": "BR-115", "qty": "2", "order": null}]
    });
    let expected = json!({
        "customer": "7", "number": "S-1", "ship_date": "2026-11-20", "status": "planned", "orders": ["SO-1"],
        "lines": [{"product_code": "KV-220", "quantity": "80"}, {"product_code": "BR-115", "quantity": "2"}]
    });
    assert_eq!(Value::Object(shipment.apply(&body).unwrap_or_default()), expected);
    // Goods without a number of pieces say nothing.
    let without = json!({"customer": "to", "number": "no", "ship_date": "left_on",
        "lines": {"each": "positions", "fields": {"product_code": "sku"}}});
    let problems = compiled(Noun::Shipment, without).err().unwrap_or_default();
    assert_eq!(problems.iter().map(|p| p.pointer.as_str()).collect::<Vec<_>>(), ["/lines/fields"]);
    Ok(())
}

#[test]
fn every_failing_field_is_named() -> TestResult {
    let mapping = compiled(Noun::Order, order())?;
    let body = json!({
        "customer_id": " ", "order_no": {"a": 1}, "ordered_on": "2026-02-30", "state": "lost",
        "amounts": {"total": "1,5"}, "lines": [{"name": "x", "qty": 1, "amount": 1}, {"name": "y", "qty": "two"}]
    });
    let errors = mapping.apply(&body).err().unwrap_or_default();
    let seen: Vec<_> = errors.iter().map(|e| (e.code, e.field.as_str(), e.source_path.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("REQ_EMPTY", "customer", "customer_id"),
            ("FMT_TYPE", "number", "order_no"),
            ("FMT_DATE", "order_date", "ordered_on"),
            ("FMT_VALUE", "status", "state"),
            ("FMT_NUMBER", "total", "amounts.total"),
            ("FMT_NUMBER", "lines[1].quantity", "lines.1.qty"),
            ("REQ_EMPTY", "lines[1].amount", "lines.1.amount"),
        ]
    );
    assert_eq!(errors[2].value, json!("2026-02-30"));
    assert!(!format!("{errors:?}").contains("02-30"), "values stay out of Debug");
    Ok(())
}

#[test]
fn wrong_mappings_are_refused_with_a_hint() {
    let table = [
        (json!({"nmae": "x"}), "/nmae", "did you mean \"name\"?"),
        (json!({"code": "x"}), "", "does not map \"name\""),
        (json!({"name": "x", "kind": {"from": "k", "as": [{"values": {"1": "company"}}]}}), "/kind", "cannot be"),
        (json!({"name": {"as": ["trim"]}}), "/name", "needs \"from\""),
        (json!({"name": {"each": "a", "fields": {"b": "c"}}}), "/name", "single value"),
        (json!({"name": "x", "credit_limit": {"default": "much"}}), "/credit_limit", "cannot be"),
    ];
    for (spec, pointer, message) in table {
        let problems = compiled(Noun::Customer, spec).err().unwrap_or_default();
        let found = problems.iter().any(|p| p.pointer == pointer && p.message.contains(message));
        assert!(found, "{pointer} {message}: {problems:?}");
    }
}

#[test]
fn lists_of_texts_come_in_two_forms() -> TestResult {
    let base = json!({"customer": "c", "number": "n", "issue_date": "d", "total": "t"});
    let body = json!({"c": "1", "n": "I-1", "d": "20260401", "t": 0, "plain": ["A", 2, ""], "deep": [{"no": "A"}]});
    for (spec, expected) in [
        (json!("plain"), json!(["A", "2"])),
        (json!({"each": "deep", "item": "no"}), json!(["A"])),
        (json!("missing"), Value::Null),
    ] {
        let mut whole = base.clone();
        whole["orders"] = spec;
        let record = compiled(Noun::Invoice, whole)?.apply(&body).unwrap_or_default();
        assert_eq!(record.get("orders").cloned().unwrap_or_default(), expected);
        assert_eq!(record["issue_date"], "2026-04-01");
    }
    Ok(())
}

fn ran(step: Step, text: &str) -> Result<Option<String>, &'static str> {
    step::run(&[step], &Value::String(text.to_owned())).map(|text| text.map(Cow::into_owned))
}

#[test]
fn transforms() {
    use Step::*;
    let values = || Values(vec![("a".into(), "b".into())]);
    let table = [
        (Trim, "\u{3000} x \n", Ok("x")),
        (NoSpaces, "1 2\u{3000}3", Ok("123")),
        (Upper, "aé", Ok("AÉ")),
        (Lower, "ＡB", Ok("ａb")),
        (Width, "ＡＢＣ　１２３－ｶﾞｷﾞﾌﾟ㈱①", Ok("ABC 123-ガギプ㈱①")),
        (values(), "a", Ok("b")),
        (values(), "A", Err("FMT_VALUE")),
        (Phone, "03-0000-1234 内線5", Ok("03-0000-1234 内線5")),
        (Phone, "なし", Err("FMT_VALUE")),
        (Mail, " a@b.example ", Ok("a@b.example")),
        (Mail, "a b@c.example", Err("FMT_VALUE")),
        (Mail, "nobody", Err("FMT_VALUE")),
        (Instant, "2026-04-01T09:00:00+09:00", Ok("2026-04-01T00:00:00Z")),
        (Instant, "1775001600", Ok("2026-04-01T00:00:00Z")),
        (Instant, "1775001600123", Ok("2026-04-01T00:00:00.123Z")),
        (Instant, "2026-04-01T09:00:00", Err("FMT_INSTANT")),
        (Instant, "2026-04-01", Err("FMT_INSTANT")),
        (RegistrationNumber, "T3009912345678", Err("FMT_REGNO")),
        (RegistrationNumber, "T 2009912345678", Err("FMT_REGNO")),
        (CorporateNumber, "123", Err("FMT_CORPNO")),
    ];
    for (step, text, expected) in table {
        let name = format!("{step:?} {text}");
        assert_eq!(ran(step, text), expected.map(|text| Some(text.to_owned())), "{name}");
    }
    assert_eq!(ran(Default("d".into()), " "), Ok(Some("d".into())));
    assert_eq!(ran(Decimal, " \u{3000}"), Ok(None));
}

#[test]
fn dates() {
    let good = [
        ("2026-04-01", "2026-04-01"),
        ("2026/4/1", "2026-04-01"),
        ("2026.04.01", "2026-04-01"),
        ("20260401", "2026-04-01"),
        ("２０２６／０４／０１", "2026-04-01"),
        ("2026年4月1日", "2026-04-01"),
        ("2026年 4月 1日", "2026-04-01"),
        ("2026-04-01T23:30:00-09:00", "2026-04-01"),
        ("2026-04-01T00:30:00+09:00", "2026-04-01"),
        ("2026-04-01T00:30:00Z", "2026-04-01"),
        ("2026-04-01 00:30:00", "2026-04-01"),
        ("令和8年4月1日", "2026-04-01"),
        ("令和元年5月1日", "2019-05-01"),
        ("R8.4.1", "2026-04-01"),
        ("r08/04/01", "2026-04-01"),
        ("H31.4.30", "2019-04-30"),
        ("昭和64年1月7日", "1989-01-07"),
        ("S100.4.1", "2025-04-01"),
        ("2024-02-29", "2024-02-29"),
    ];
    for (text, date) in good {
        assert_eq!(ran(Step::Date, text), Ok(Some(date.to_owned())), "{text}");
    }
    let bad = [
        "2026-02-30",
        "2025-02-29",
        "26/4/1",
        "4/1/2026",
        "2026-13-01",
        "R1.4.30",
        "令和0年1月1日",
        "X8.4.1",
        "2026",
        "2026-04-01Txx",
        "2026-4",
        "平成元年1月7日",
        "today",
        "2026-04-01-01",
        "+026-04-01",
        "2026年4月",
    ];
    for text in bad {
        assert_eq!(ran(Step::Date, text), Err("FMT_DATE"), "{text}");
    }
}

#[test]
fn numbers() {
    let good = [
        ("0", "0"),
        ("-0", "0"),
        ("007", "7"),
        ("1,234,567", "1234567"),
        ("１２，３４５．６０", "12345.6"),
        ("¥1,100", "1100"),
        ("￥ 1100", "1100"),
        ("1,100円", "1100"),
        ("-¥500", "-500"),
        ("¥-500", "-500"),
        ("△1,200", "-1200"),
        ("▲5", "-5"),
        ("−5", "-5"),
        ("+5", "5"),
        ("0.10", "0.1"),
        ("1.0", "1"),
        ("-0.00", "0"),
        ("9007199254740993", "9007199254740993"),
    ];
    for (text, number) in good {
        assert_eq!(ran(Step::Decimal, text), Ok(Some(number.to_owned())), "{text}");
    }
    let bad = [
        "1,5",
        "12,34",
        "1,2345",
        "1.2.3",
        "1e5",
        "abc",
        "--5",
        "5.",
        ".",
        "1 000",
        "NaN",
        "0x10",
        ",100",
        "12345678901234567890123456789",
    ];
    for text in bad {
        assert_eq!(ran(Step::Decimal, text), Err("FMT_NUMBER"), "{text}");
    }
    assert_eq!(ran(Step::Integer, "1.0"), Ok(Some("1".into())));
    assert_eq!(ran(Step::Integer, "1.5"), Err("FMT_NUMBER"));
}

fn corporate(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, digit)| u32::from(digit - b'0') * if index % 2 == 0 { 1 } else { 2 })
        .sum();
    format!("{}{body}", 9 - sum % 9)
}

proptest! {
    #[test]
    fn corporate_numbers_have_one_check_digit(tail in 0_u64..100_000_000, wrong in 0_u32..9) {
        let number = corporate(&format!("0099{tail:08}"));
        prop_assert_eq!(ran(Step::CorporateNumber, &number), Ok(Some(number.clone())));
        let other = (number[..1].parse::<u32>().unwrap_or(0) + 1 + wrong) % 10;
        prop_assert_eq!(ran(Step::CorporateNumber, &format!("{other}{}", &number[1..])), Err("FMT_CORPNO"));
        let registered = format!("T{}", &number);
        prop_assert_eq!(ran(Step::RegistrationNumber, &registered), Ok(Some(registered.clone())));
    }

    #[test]
    fn every_day_reads_the_same_in_all_forms(days in 0_i32..60_000) {
        let start = jiff::civil::date(1900, 1, 1);
        let date = start.checked_add(jiff::Span::new().days(days)).unwrap_or(start);
        let (y, m, d) = (date.year(), date.month(), date.day());
        let iso = format!("{y:04}-{m:02}-{d:02}");
        for text in [iso.clone(), format!("{y}/{m}/{d}"), format!("{y:04}{m:02}{d:02}"), format!("{y}年{m}月{d}日")] {
            prop_assert_eq!(ran(Step::Date, &text), Ok(Some(iso.clone())));
        }
        if date >= jiff::civil::date(2019, 5, 1) {
            prop_assert_eq!(ran(Step::Date, &format!("令和{}年{m}月{d}日", y - 2018)), Ok(Some(iso.clone())));
            prop_assert_eq!(ran(Step::Date, &format!("R{}.{m}.{d}", y - 2018)), Ok(Some(iso)));
        }
    }

    #[test]
    fn numbers_keep_their_value(units in any::<i64>(), scale in 0_u32..6) {
        let number = rust_decimal::Decimal::new(units, scale);
        let read = ran(Step::Decimal, &number.to_string());
        let back = read.ok().flatten().and_then(|text| text.parse::<rust_decimal::Decimal>().ok());
        prop_assert_eq!(back, Some(number));
    }

    #[test]
    fn no_text_breaks_a_transform(text in any::<String>()) {
        for step in [Step::Date, Step::Decimal, Step::Instant, Step::Width, Step::Mail, Step::Integer] {
            drop(ran(step, &text));
        }
    }
}

#[test]
fn fields_of_the_administrator_never_stop_a_record() -> TestResult {
    let mapping = compiled(
        Noun::Customer,
        json!({
            "name": "name",
            "custom.since": {"from": "since", "as": ["date"]},
            "custom.tier": {"from": "tier", "as": [{"values": {"1": "gold"}}], "default": "none"},
            "custom": {"from": "more"},
        }),
    )?;
    let filled = |body: Value| mapping.apply(&body).ok().map(Value::Object);
    assert_eq!(
        filled(json!({"name": "a", "since": "令和8年4月1日", "tier": "1", "more": {"vip": true, "n": 3, "x": null}})),
        Some(json!({
            "name": "a", "custom.since": "2026-04-01", "custom.tier": "gold", "custom.vip": "true", "custom.n": "3"
        }))
    );
    // What no step can take goes on as it is: the hub knows the field, and warns.
    assert_eq!(
        filled(json!({"name": "a", "since": "いつか", "tier": "9", "more": ["?"]})),
        Some(json!({"name": "a", "custom.since": "いつか", "custom.tier": "9", "custom.custom": "[\"?\"]"}))
    );
    assert_eq!(filled(json!({"name": "a"})), Some(json!({"name": "a", "custom.tier": "none"})));
    for (spec, said) in [
        (json!({"name": "n", "custom.A": "a"}), "names no field"),
        (json!({"name": "n", "custom.a": {"from": "a", "required": true}}), "cannot be required"),
        (json!({"name": "n", "custom": {"from": "a", "default": "x"}}), "every member"),
    ] {
        let problems = compiled(Noun::Customer, spec).err().unwrap_or_default();
        assert!(problems.iter().any(|p| p.message.contains(said)), "{problems:?}");
    }
    // Only customers have them.
    assert!(compiled(Noun::Site, json!({"customer": "c", "name": "n", "custom.a": "a"})).is_err());
    Ok(())
}

#[test]
fn several_values_become_one_text_and_expressions_cut_it() -> TestResult {
    let mapping = compiled(
        Noun::Customer,
        json!({
            "name": {"from": ["family", "given", "suffix"], "join": "　"},
            "closing_day": {"from": "memo", "as": [{"extract": "締[:：]([^/]+)"}]},
            "payment_terms": {"from": "memo", "as": [{"part": {"separator": "/", "index": -1}}]},
            "registration_number": {"from": "reg", "as": ["width", {"replace": {"pattern": "[\\s-]", "with": ""}}, "registration_number"]},
        }),
    )?;
    let body =
        json!({"family": "高梨", "given": " ", "suffix": "拓", "memo": "締:末日/翌末", "reg": "Ｔ9009901 000098"});
    let record = mapping.apply(&body).unwrap_or_default();
    let expected = json!({"name": "高梨　拓", "closing_day": "末日", "payment_terms": "翌末", "registration_number": "T9009901000098"});
    assert_eq!(Value::Object(record), expected);
    // Without a match there is nothing, which is no error of a field that may be empty.
    let record = mapping.apply(&json!({"family": "高梨", "memo": "なし"})).unwrap_or_default();
    assert_eq!(Value::Object(record), json!({"name": "高梨", "payment_terms": "なし"}));
    Ok(())
}

#[test]
fn expressions_that_cannot_be_are_refused_when_they_are_written() {
    let table = [
        (json!([{"extract": "("}]), "cannot be read: unclosed group"),
        (json!([{"extract": "(?:a{1000}){1000}"}]), "too much memory"),
        (json!([{"extract": ""}]), "1 to 500 characters"),
        (json!([{"part": {"separator": "", "index": 1}}]), "needs a \"separator\""),
        (json!([{"part": {"separator": "/", "index": 0}}]), "counts from 1"),
    ];
    for (steps, message) in table {
        let problems = compiled(Noun::Customer, json!({"name": {"from": "n", "as": steps}})).err().unwrap_or_default();
        assert!(problems.first().is_some_and(|p| p.message.contains(message)), "{steps}: {problems:?}");
    }
    // A value does not grow without end.
    let growing = json!({"name": {"from": "n", "as": [{"replace": {"pattern": "a", "with": "x".repeat(200)}}]}});
    let mapping = compiled(Noun::Customer, growing).expect("compiles");
    let errors = mapping.apply(&json!({"n": "a".repeat(1000)})).err().unwrap_or_default();
    assert_eq!(errors.first().map(|e| e.code), Some("FMT_VALUE"));
}

#[test]
fn a_field_is_explained_step_by_step_and_counted() -> TestResult {
    let mapping = compiled(Noun::Order, order())?;
    let good = json!({"customer_id": 1, "order_no": "A", "ordered_on": "2026/4/1", "amounts": {"total": "1"},
        "lines": [{"qty": "２", "amount": 1}, {"qty": "x", "amount": 1}]});
    let bad = json!({"customer_id": 1, "order_no": "A", "ordered_on": "April", "amounts": {"total": "1"}});
    let explained = mapping.explain("order_date", &good).expect("mapped");
    assert_eq!((explained.raw, explained.steps), (json!("2026/4/1"), vec![Ok("2026-04-01".to_owned())]));
    assert_eq!(mapping.explain("order_date", &bad).expect("mapped").steps, [Err("FMT_DATE")]);
    assert_eq!(mapping.explain("lines/quantity", &good).expect("mapped").steps, [Ok("2".to_owned())]);
    assert!(mapping.explain("lines", &good).is_none() && mapping.explain("subject", &good).is_none());

    let counts = mapping.tally([&good, &bad]);
    let of = |name: &str| counts.iter().find(|(known, _)| known == name).map(|(_, tally)| *tally);
    assert_eq!(of("order_date"), Some(Tally { filled: 1, empty: 0, bad: 1 }));
    assert_eq!(of("status"), Some(Tally { filled: 2, empty: 0, bad: 0 }), "the default fills it");
    assert_eq!(of("lines"), Some(Tally { filled: 0, empty: 1, bad: 1 }));
    assert_eq!(of("lines/quantity"), Some(Tally { filled: 1, empty: 0, bad: 1 }));
    Ok(())
}
