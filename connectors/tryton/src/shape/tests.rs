use super::*;

fn shaped(with: fn(&mut Object) -> bool, body: Value) -> (Value, bool) {
    let mut body = body.as_object().cloned().unwrap_or_default();
    let gone = with(&mut body);
    (Value::Object(body), gone)
}

#[test]
fn a_party_has_one_phone_one_mail_one_number_and_one_address() {
    let (body, gone) = shaped(
        party,
        json!({
            "active": false,
            "addresses": [
                {"street": "みなみ台2-14", "city": "浜松市", "postal_code": "430-0128", "country": {"code": "JP"}, "invoice": 0},
                {"street": "工場通2-14\n3階", "city": "浜松市", "subdivision": {"name": "静岡県"}, "postal_code": "430-0127",
                    "country": {"code": "JP"}, "invoice": 1},
            ],
            "contact_mechanisms": [
                {"type": "mobile", "value": "090-0000-0127"}, {"type": "phone", "value": " 053-000-0127 "},
                {"type": "phone", "value": "053-000-9999"}, {"type": "email", "value": "kobai@asanagi.example"},
            ],
            "identifiers": [{"type": "eu_vat", "code_compact": "BE0000000097"}, {"type": null, "code_compact": "4711"},
                {"type": null, "code_compact": "cus_01"},
                {"type": "jp_vat", "code_compact": "5009901000127"}],
        }),
    );
    let expected = json!({
        "phone": "053-000-0127", "mail": "kobai@asanagi.example", "corporate_number": "5009901000127",
        "postal_code": "430-0127", "address": "静岡県浜松市工場通2-14 3階", "hub_id": "cus_01",
    });
    assert_eq!(body["hub"], expected);
    assert!(!gone, "a party that is switched off stays");
    let (bare, _) = shaped(party, json!({"contact_mechanisms": [{"type": "mobile", "value": "090-0000-0127"}]}));
    let expected = json!({"phone": "090-0000-0127", "mail": null, "corporate_number": null, "postal_code": null,
        "address": null, "hub_id": null});
    assert_eq!(bare["hub"], expected);
}

#[test]
fn addresses_are_written_as_their_country_does() {
    let table = [
        (
            json!({"street": "1-2", "city": "静岡市", "subdivision": {"name": "静岡県"}, "country": {"code": "JP"}}),
            Some("静岡県静岡市1-2"),
        ),
        (
            json!({"street": "Rue Neuve 1", "city": "Bruxelles", "country": {"code": "BE"}}),
            Some("Rue Neuve 1, Bruxelles"),
        ),
        (json!({"street": "1-2-3", "city": "Osaka", "country": null}), Some("1-2-3, Osaka")),
        (json!({"street": "1-2-3", "city": "大阪市"}), Some("大阪市1-2-3")),
        (json!({"street": "1-2-3", "city": "大阪市", "country": {"code": "BE"}}), Some("1-2-3, 大阪市")),
        (json!({"street": "", "city": null}), None),
    ];
    for (address, expected) in table {
        assert_eq!(one_line(&address).as_deref(), expected);
    }
}

#[test]
fn an_address_is_a_site_until_it_is_switched_off() {
    let at = |more: Value| {
        let mut body = json!({"active": true, "city": "Osaka", "party": {"rec_name": "朝凪電装"}});
        body.as_object_mut().into_iter().for_each(|body| body.extend(more.as_object().cloned().unwrap_or_default()));
        let (body, gone) = shaped(address, body);
        (body["hub"]["name"].clone(), body["hub"]["role"].clone(), gone)
    };
    let table = [
        (json!({}), "Osaka", "both", false),
        (json!({"party_name": "朝凪電装 本社", "delivery": 1}), "朝凪電装 本社", "ship_to", false),
        (json!({"attn": "経理課", "invoice": true, "delivery": false}), "経理課", "bill_to", false),
        (json!({"city": null, "invoice": true, "delivery": true}), "朝凪電装", "both", false),
        (json!({"active": 0}), "Osaka", "both", true),
    ];
    for (more, name, role, gone) in table {
        assert_eq!(at(more.clone()), (json!(name), json!(role), gone), "{more}");
    }
}

#[test]
fn only_what_was_confirmed_is_an_order() {
    let table = [
        ("draft", "none", true, "open", true),
        ("quotation", "none", true, "open", true),
        ("confirmed", "none", true, "open", false),
        ("processing", "waiting", true, "open", false),
        ("processing", "sent", true, "shipped", false),
        ("done", "sent", true, "closed", false),
        ("cancelled", "none", true, "cancelled", false),
        ("cancelled", "none", false, "cancelled", true),
    ];
    for (state, shipment, dated, status, gone) in table {
        let date = dated.then_some("2026-11-20");
        let body = json!({"state": state, "shipment_state": shipment, "sale_date": date});
        let (body, is_gone) = shaped(sale, body);
        assert_eq!((&body["hub"]["status"], is_gone), (&json!(status), gone), "{state} {shipment} {dated}");
    }
}

#[test]
fn lines_have_a_text_and_a_rate_where_there_is_one() {
    let ten = json!({"type": "percentage", "rate": "0.10"});
    let table = [
        (json!({"description": "取付工事", "taxes": [ten]}), "取付工事", json!("10")),
        (json!({"description": null, "product": {"name": "カバー", "code": "KV"}, "taxes": []}), "カバー", Value::Null),
        (json!({"description": " ", "product": {"name": "", "code": "KV"}, "taxes": [ten, ten]}), "KV", Value::Null),
        (json!({"product": null, "taxes": [{"type": "fixed", "rate": null}]}), "—", Value::Null),
        (json!({"description": "x", "taxes": [{"type": "percentage", "rate": "0.0825"}]}), "x", json!("8.25")),
    ];
    for (line, description, rate) in table {
        let (body, _) = shaped(sale, json!({"state": "done", "line_lines": [line]}));
        assert_eq!(body["line_lines"][0]["hub"], json!({"description": description, "tax_rate": rate}));
    }
}

#[test]
fn a_negative_invoice_is_a_credit_note_with_positive_amounts() {
    let sent = |sign: &str, state: &str| {
        json!({
            "state": state, "total_amount": format!("{sign}33880"), "untaxed_amount": format!("{sign}30800.00"),
            "tax_amount": "0",
            "lines_to_pay": [{"maturity_date": "2026-12-31"}, {"maturity_date": null}, {"maturity_date": "2027-01-31"}],
            "line_lines": [{"quantity": if sign.is_empty() { 8.0 } else { -8.0 }, "amount": format!("{sign}30800"), "taxes": []}],
            "taxes": [{"base": format!("{sign}30800"), "amount": format!("{sign}3080"),
                "tax": {"type": "percentage", "rate": "0.1"}}, {"base": "0", "amount": "0", "tax": null}],
        })
    };
    let (note, gone) = shaped(invoice, sent("-", "posted"));
    let hub = json!({"kind": "credit_note", "status": "open", "due_date": "2027-01-31", "net": "30800.00", "tax": "0",
        "total": "33880"});
    assert_eq!((&note["hub"], gone), (&hub, false));
    let line = &note["line_lines"][0]["hub"];
    assert_eq!((&line["quantity"], &line["amount"]), (&json!("8.0"), &json!("30800")));
    assert_eq!(note["taxes"][0]["hub"], json!({"rate": "10", "taxable": "30800", "tax": "3080"}));
    assert_eq!(note["taxes"][1]["hub"], json!({"rate": "0", "taxable": "0", "tax": "0"}));
    let (plain, _) = shaped(invoice, sent("", "paid"));
    assert_eq!((&plain["hub"]["kind"], &plain["hub"]["status"]), (&json!("invoice"), &json!("paid")));
    assert_eq!(plain["line_lines"][0]["hub"]["quantity"], json!(8.0));
    for (state, gone) in [("draft", true), ("validated", true), ("posted", false), ("cancelled", false)] {
        assert_eq!(shaped(invoice, sent("", state)).1, gone, "{state}");
    }
}

#[test]
fn money_that_came_is_a_payment_in_the_currency_of_its_invoice() {
    let table = [
        (
            json!({"credit": "282000", "debit": "0", "currency": {"code": "JPY"}, "invoice_payment": {"number": "1"}}),
            json!({"amount": "282000", "currency": "JPY", "allocations": [{"invoice": "1", "amount": "282000"}]}),
        ),
        (
            json!({"credit": "0", "debit": "500", "currency": {"code": "JPY"}, "invoice_payment": null}),
            json!({"amount": "-500", "currency": "JPY", "allocations": []}),
        ),
        (
            json!({"credit": "15000", "debit": "0", "currency": {"code": "JPY"}, "amount_second_currency": "-100.00",
                "second_currency": {"code": "USD"}, "invoice_payment": {"number": "7"}}),
            json!({"amount": "100.00", "currency": "USD", "allocations": [{"invoice": "7", "amount": "100.00"}]}),
        ),
    ];
    for (body, expected) in table {
        assert_eq!(shaped(payment, body).0["hub"], expected);
    }
}

#[test]
fn a_shipment_has_a_day_and_the_goods_that_left() {
    let table = [
        ("draft", None, Some("2026-12-01"), ("planned", Some("2026-12-01"), true)),
        ("waiting", None, Some("2026-12-01"), ("planned", Some("2026-12-01"), false)),
        ("waiting", None, None, ("planned", None, true)),
        ("assigned", None, Some("2026-12-01"), ("planned", Some("2026-12-01"), false)),
        ("packed", Some("2026-11-30"), Some("2026-12-01"), ("planned", Some("2026-11-30"), false)),
        ("shipped", None, Some("2026-12-01"), ("shipped", Some("2026-12-01"), false)),
        ("done", Some("2026-12-02"), Some("2026-12-01"), ("shipped", Some("2026-12-02"), false)),
        ("done", Some("2026-12-02"), None, ("shipped", Some("2026-12-02"), false)),
        ("cancelled", None, Some("2026-12-01"), ("cancelled", Some("2026-12-01"), false)),
        ("cancelled", None, None, ("cancelled", None, true)),
    ];
    for (state, effective, planned, (status, day, gone)) in table {
        let body = json!({"state": state, "effective_date": effective, "planned_date": planned, "outgoing_moves": []});
        let (body, is_gone) = shaped(shipment, body);
        let expected = json!({"status": status, "day": day});
        assert_eq!((&body["hub"], is_gone), (&expected, gone), "{state} {effective:?} {planned:?}");
    }
    let moves = |state: &str| {
        let body = json!({"state": state, "planned_date": "2026-12-01", "outgoing_moves": [
            {"id": 1, "state": "done", "product": {"code": "KV-220", "name": "制御盤カバー"}},
            {"id": 2, "state": "cancelled", "product": {"code": "BR-115", "name": "ブラケット"}},
            {"id": 3, "state": "assigned", "product": {"code": null, "name": "見本品"}},
        ]});
        let (body, _) = shaped(shipment, body);
        let moves = body["outgoing_moves"].as_array().cloned().unwrap_or_default();
        moves.iter().map(|one| (one["id"].clone(), one["hub"]["description"].clone())).collect::<Vec<_>>()
    };
    let (first, second, third) = ((json!(1), Value::Null), (json!(2), Value::Null), (json!(3), json!("見本品")));
    assert_eq!(moves("done"), [first.clone(), third.clone()], "what was called off did not leave");
    assert_eq!(moves("cancelled"), [first, second, third], "all of it was called off");
}

#[test]
fn a_product_has_one_price_or_none() {
    let price = |product: Option<i64>, price: Option<&str>, currency: &str| json!({"product": product, "list_price": price, "company": {"currency": {"code": currency}}});
    let table = [
        (json!([]), json!([price(None, Some("3850"), "JPY")]), Some(("3850", "JPY"))),
        // Its own, which the template lists as well.
        (
            json!([price(Some(1), Some("4100"), "JPY")]),
            json!([price(None, Some("3850"), "JPY"), price(Some(1), Some("4100"), "JPY")]),
            Some(("4100", "JPY")),
        ),
        (json!([price(Some(1), None, "JPY")]), json!([price(None, Some("3850"), "JPY")]), Some(("3850", "JPY"))),
        (json!([]), json!([price(Some(2), Some("4100"), "JPY")]), None),
        (json!([]), json!([price(None, Some("10"), "EUR"), price(None, Some("10"), "EUR")]), Some(("10", "EUR"))),
        (json!([]), json!([price(None, Some("10"), "EUR"), price(None, Some("10"), "USD")]), None),
        (Value::Null, Value::Null, None),
    ];
    for (own, shared, expected) in table {
        let body = json!({"active": true, "list_prices": own, "template": {"active": true, "list_prices": shared}});
        let (body, gone) = shaped(product, body);
        let (amount, currency) = expected.unzip();
        assert_eq!(body["hub"], json!({"active": true, "price": amount, "currency": currency}));
        assert!(!gone);
    }
    for (own, shared, active) in [(1, 1, true), (1, 0, false), (0, 1, false)] {
        let (body, gone) = shaped(product, json!({"active": own, "template": {"active": shared}}));
        assert_eq!((body["hub"]["active"].as_bool(), gone), (Some(active), false), "switched off is not gone");
    }
}
