use super::*;

const GOOD: &str = r#"musubi: 1
name: sample-sales
title: { ja: 販売管理(見本), en: Sales management (sample) }
summary: { ja: 見本, en: Sample }
kind: sales
sample: true
settings:
  type: object
  required: [base_url, api_key]
  properties:
    base_url: { type: string, format: uri, title: { ja: 住所, en: Address } }
    api_key: { type: string, secret: true }
    size: { type: integer, default: 5 }
    webhook_secret: { type: string, secret: true }
auth: { type: api_key, header: X-Api-Key, value: "{{ api_key }}" }
http:
  base_url: "{{ base_url }}"
  timeout: 30s
  max_body: 32MiB
  quota: { requests: 20, per: 1s }
check: { request: { path: /api/v1/ping }, version: version }
streams:
  customers:
    record: customer
    title: { ja: 得意先, en: Customers }
    request: { method: GET, path: /api/v1/customers, query: { sort: updated_at } }
    records: items
    key: id
    version: { from: updated_at, as: instant }
    deleted: { from: deleted, equals: true }
    cursor: { param: updated_since, format: rfc3339, id_param: after_id, overlap: 2m, sorted: true }
    paginator: { type: page, param: page, size_param: per_page, size: 200, first: 1 }
    total: meta.total
    fetch: { path: "/api/v1/customers/{{ key }}", record: "" }
    mapping:
      name: { from: name, required: true }
      code: code
      corporate_number: { from: houjin_bangou, as: [trim, corporate_number] }
webhook:
  signature: { scheme: hmac_sha256, header: X-Sales-Signature, prefix: "sha256=", encoding: hex, secret: webhook_secret }
  delivery_id: { header: X-Delivery-Id }
  event: type
  events:
    customer.changed: { stream: customers, key: data.id }
  trust: body
links:
  - { from: link_code, kind: sales }
capabilities: { deletes: declared, order: per_record, idempotency: none }
"#;

#[test]
fn the_agreed_shape_is_read() -> Result<(), Vec<ManifestError>> {
    let manifest = Manifest::parse("connector.yaml", GOOD)?;
    assert_eq!((manifest.name.as_str(), manifest.kind, manifest.sample), ("sample-sales", Kind::Sales, true));
    assert_eq!(manifest.title.get("ja-JP"), "販売管理(見本)");
    assert_eq!(manifest.quota().map(|quota| quota.requests), Some(20));
    let names: Vec<_> = manifest.setting_fields().iter().map(|f| (f.name.as_str(), f.required, f.secret)).collect();
    let expected =
        [("base_url", true, false), ("api_key", true, true), ("size", false, false), ("webhook_secret", false, true)];
    assert_eq!(names, expected);
    let stream = &manifest.streams["customers"];
    assert!(stream.is_incremental() && stream.is_pulled());
    assert_eq!(stream.cursor.as_ref().map(|c| c.overlap.as_secs()), Some(120));
    assert!(manifest.mapping("customers").is_some());
    Ok(())
}

/// Each row: what to replace, by what, and the message that must come.
#[test]
fn mistakes_are_named_with_their_place() {
    let table = [
        (
            "overlap: 2m",
            "overlapp: 2m",
            "connector.yaml:31:74: streams.customers.cursor.overlapp is unknown; did you mean \"overlap\"?",
        ),
        ("kind: sales\n", "kind: sails\n", "connector.yaml:5:7: kind \"sails\" is unknown; did you mean \"sales\"?"),
        (
            "      name: {",
            "      nam: {",
            "connector.yaml:36:7: streams.customers.mapping.nam is no field of customer; did you mean \"name\"?",
        ),
        (
            "      name: {",
            "      nam: {",
            "connector.yaml:35:5: streams.customers.mapping does not map \"name\", which every customer needs",
        ),
        (
            "{{ api_key }}",
            "{{ apikey }}",
            "connector.yaml:15:50: auth.value names \"apikey\", which is no declared setting; did you mean \"api_key\"?",
        ),
        (
            "stream: customers",
            "stream: customer",
            "connector.yaml:44:33: webhook.events.customer.changed.stream \"customer\" is unknown; did you mean \"customers\"?",
        ),
        (
            "[trim, corporate_number]",
            "[trim, corporatenumber]",
            "\"corporatenumber\" is unknown; did you mean \"corporate_number\"?",
        ),
        ("secret: webhook_secret }", "secret: webhook_key }", "\"webhook_key\" is unknown"),
        (
            "scheme: hmac_sha256, header: X-Sales-Signature, prefix: \"sha256=\", encoding: hex, secret: webhook_secret",
            "scheme: none",
            "\"trust: refetch\" is needed",
        ),
        (
            "as: instant }\n    deleted",
            "as: integer }\n    deleted",
            "streams.customers.cursor needs \"version\" with \"as: instant\"",
        ),
        ("timeout: 30s", "timeout: 30 seconds", "connector.yaml:18:12: http.timeout"),
        ("    key: id\n", "", "streams.customers needs \"key\""),
        ("header: X-Api-Key, ", "", "auth needs \"header\" or \"query\""),
        ("    fetch: { path: \"/api/v1/customers/{{ key }}\", record: \"\" }\n", "", "needs \"fetch\""),
        ("/api/v1/customers/{{ key }}", "/api/v1/customers/x", "needs \"{{ key }}\""),
        (
            "required: [base_url, api_key]",
            "required: [base_url, apikey]",
            "\"apikey\" is unknown; did you mean \"api_key\"?",
        ),
        (
            "api_key: { type: string, secret: true }",
            "api_key: { type: string, secret: true, default: x }",
            "is not allowed for a secret",
        ),
        ("first: 1", "next: x", "does not fit"),
        ("type: page", "type: pages", "did you mean \"page\"?"),
        ("from: link_code", "from: *x", "connector.yaml:47:"),
        ("musubi: 1", "musubi: 2", "connector.yaml:1:9: musubi"),
        ("name: sample-sales", "name: Sample Sales", "connector.yaml:2:7: name"),
        ("{{ base_url }}", "{{ base_url | trim }}", "may only hold the name of a setting"),
        ("kind: sales\n", "kind: sales\nkind: sales\n", "duplicated key"),
        ("kind: sales\n", "kind: sales\ndriver: trytn\n", "driver \"trytn\" is unknown; did you mean \"tryton\"?"),
        ("kind: sales\n", "kind: sales\ndriver: tryton\n", "check is the driver's own business"),
        ("kind: sales\n", "kind: sales\ndriver: tryton\n", "webhook is the driver's own business"),
        ("kind: sales\n", "kind: sales\ndriver: tryton\n", "streams.customers.paginator is the driver's own business"),
    ];
    for (from, to, expected) in table {
        assert!(GOOD.contains(from), "{from}");
        let errors = Manifest::parse("connector.yaml", &GOOD.replacen(from, to, 1)).err().unwrap_or_default();
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(lines.iter().any(|line| line.contains(expected)), "{to}\nexpected {expected}\ngot {lines:#?}");
    }
}

#[test]
fn a_driver_needs_no_requests_but_an_address() -> Result<(), Vec<ManifestError>> {
    let text = r#"
musubi: 1
name: acme
title: { ja: 例, en: Example }
kind: sales
driver: tryton
settings: { type: object, properties: { base_url: { type: string, format: uri } } }
http: { base_url: "{{ base_url }}" }
streams:
  customers: { record: customer, title: { ja: 客, en: Customers }, key: id, mapping: { name: name } }
"#;
    let manifest = Manifest::parse("connector.yaml", text)?;
    let stream = &manifest.streams["customers"];
    assert_eq!(manifest.driver, Driver::Tryton);
    assert!(stream.is_pulled() && stream.is_incremental() && stream.is_fetched());
    let without = text.replace("http: { base_url: \"{{ base_url }}\" }\n", "");
    let errors = Manifest::parse("connector.yaml", &without).err().unwrap_or_default();
    assert!(errors.iter().any(|error| error.message == "needs \"http\""), "{errors:?}");
    Ok(())
}

#[test]
fn settings_are_checked_without_showing_them() -> Result<(), Vec<ManifestError>> {
    use crate::settings::{split, validate_settings};
    let manifest = Manifest::parse("connector.yaml", GOOD)?;
    let table = [
        (serde_json::json!({"base_url": "https://a.example", "api_key": "k"}), vec![]),
        (serde_json::json!({"base_url": "https://a.example"}), vec![("api_key", "SET_REQUIRED")]),
        (serde_json::json!({"base_url": "https://a.example", "api_key": " "}), vec![("api_key", "SET_REQUIRED")]),
        (serde_json::json!({"base_url": "not a uri", "api_key": "k"}), vec![("base_url", "SET_FORMAT")]),
        (serde_json::json!({"base_url": "mailto:a@b.example", "api_key": "k"}), vec![("base_url", "SET_FORMAT")]),
        (
            serde_json::json!({"base_url": "http://a.example", "api_key": 90071, "extra": 1}),
            vec![("api_key", "SET_TYPE"), ("extra", "SET_UNKNOWN")],
        ),
    ];
    for (settings, expected) in table {
        let settings = settings.as_object().cloned().unwrap_or_default();
        let errors = validate_settings(&manifest, &settings).err().unwrap_or_default();
        let mut seen: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.code)).collect();
        seen.sort_unstable();
        assert_eq!(seen, expected, "{settings:?}");
        assert!(!format!("{errors:?}").contains("90071"));
    }
    let given = serde_json::json!({"base_url": "https://a.example", "api_key": "k-12345"});
    let parts = split(&manifest, given.as_object().cloned().unwrap_or_default());
    assert_eq!(Value::Object(parts.plain.clone()), serde_json::json!({"base_url": "https://a.example", "size": 5}));
    assert!(parts.secret.contains_key("api_key") && !format!("{parts:?}").contains("k-12345"));
    Ok(())
}
