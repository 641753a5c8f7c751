use std::{sync::atomic::Ordering, time::Duration};

use musubi_sdk::{Connector, SourceError};

use crate::{SECRET, TestResult, connector, page, source::Source};

const KEY: &str = "{ type: api_key, query: key, value: \"{{ key }}\" }";

fn fault(kind: &str) -> String {
    format!(
        "    request: {{ path: /fault/{kind} }}\n    records: items\n    paginator: {{ type: page, param: page, size_param: size, size: 200 }}"
    )
}

#[tokio::test]
async fn every_fault_has_its_class_and_code() -> TestResult {
    let address = Source::default().start().await?;
    let table = [
        ("rate", "RateLimited", "RATE_LIMIT"),
        ("broken", "Transient", "SRC_UNAVAILABLE"),
        ("later", "Transient", "SRC_UNAVAILABLE"),
        ("auth", "Auth", "AUTH_REFUSED"),
        ("missing", "Malformed", "SRC_NOT_FOUND"),
        ("refused", "Malformed", "SRC_STATUS"),
        ("large", "TooLarge", "SRC_PAGE_TOO_LARGE"),
        ("html", "Malformed", "SRC_NOT_JSON"),
        ("hidden_html", "Malformed", "SRC_NOT_JSON"),
        ("half_json", "Transient", "SRC_TRUNCATED"),
        ("cut", "Transient", "SRC_TRUNCATED"),
        ("bad_json", "Malformed", "SRC_BAD_JSON"),
        ("deep", "Malformed", "SRC_BAD_JSON"),
        ("shape", "Malformed", "SRC_SHAPE"),
        ("no_key", "Malformed", "SRC_NO_KEY"),
        ("elsewhere", "Malformed", "SRC_REDIRECT"),
        ("huge", "TooLarge", "SRC_PAGE_TOO_LARGE"),
        ("bomb", "TooLarge", "SRC_PAGE_TOO_LARGE"),
        ("slow", "Transient", "SRC_TIMEOUT"),
    ];
    for (kind, class, code) in table {
        let error = page(&connector(address, KEY, &fault(kind))?, None).await.err().ok_or(kind)?;
        let text = format!("{error:?} {error}");
        assert!(text.starts_with(class), "{kind}: {text}");
        assert_eq!(error.code(), code, "{kind}");
        for leak in [SECRET, "Hanako", "key="] {
            assert!(!text.contains(leak), "{kind}: {text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn waits_are_read_in_both_forms() -> TestResult {
    let address = Source::default().start().await?;
    let wait = |error: SourceError| match error {
        SourceError::RateLimited { retry_after } | SourceError::Transient { retry_after, .. } => retry_after,
        _ => None,
    };
    for (kind, seconds) in [("rate", 17), ("later", 5), ("rate_date", 86_400)] {
        let error = page(&connector(address, KEY, &fault(kind))?, None).await.err().ok_or(kind)?;
        assert_eq!(wait(error), Some(Duration::from_secs(seconds)), "{kind}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_too_large_can_be_halved_until_it_fits() -> TestResult {
    let connector = connector(Source::default().start().await?, KEY, &fault("large"))?;
    let mut size = 200;
    while page(&connector, Some(size)).await.is_err() {
        size /= 2;
    }
    assert_eq!(size, 50);
    Ok(())
}

#[tokio::test]
async fn a_source_that_ignores_pages_is_noticed() -> TestResult {
    let stream = fault("same").replace("size: 200", "size: 2");
    let connector = connector(Source::default().start().await?, KEY, &stream)?;
    let error = crate::pull(&connector, None, None).await.err().ok_or("no error")?;
    assert_eq!(error.code(), "SRC_NO_PROGRESS");
    Ok(())
}

#[tokio::test]
async fn nobody_there() -> TestResult {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    drop(listener);
    let connector = connector(address, KEY, &fault("x"))?;
    let error = page(&connector, None).await.err().ok_or("no error")?;
    assert_eq!(error.code(), "SRC_UNREACHABLE");
    assert!(!format!("{error:?} {connector:?}").contains(SECRET));
    let items = connector.check().await;
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].item.as_str(), items[0].ok), ("reach", false));
    Ok(())
}

#[tokio::test]
async fn redirects_stay_on_the_host() -> TestResult {
    let source = Source::new(&[("a", "2026-01-01T00:00:00Z")], true);
    let stream = "    request: { path: /hop }\n    records: items";
    let connector = connector(source.start().await?, KEY, stream)?;
    assert_eq!(page(&connector, None).await?.records.len(), 1);
    Ok(())
}

#[tokio::test]
async fn one_token_serves_all_and_a_refused_one_is_renewed() -> TestResult {
    let source = Source::default();
    let address = source.clone().start().await?;
    let auth = format!(
        "{{ type: oauth2_client_credentials, token_url: \"http://{address}/token\", client_id: client, client_secret: \"{{{{ key }}}}\", scope: read }}"
    );
    let connector = connector(address, &auth, "    request: { path: /guarded }\n    records: items")?;
    let pulls = futures::future::join_all((0..8).map(|_| page(&connector, None))).await;
    for outcome in pulls {
        assert_eq!(outcome?.records.len(), 1);
    }
    assert_eq!(source.tokens.load(Ordering::SeqCst), 2, "the first, and the one after its refusal");
    Ok(())
}

#[tokio::test]
async fn one_record_is_fetched_by_its_key() -> TestResult {
    let source = Source::new(&[("a/b c", "2026-01-01T00:00:00Z"), ("x.1", "2026-01-01T00:00:00Z")], true);
    let connector = connector(source.start().await?, KEY, "    request: { path: /list/none }\n    records: items")?;
    for (key, found) in [("a/b c", true), ("x.1", true), ("zz", false), ("..", false), ("../ping", false)] {
        assert_eq!(connector.fetch("things", key).await?.is_some(), found, "{key}");
    }
    assert!(connector.fetch("nothing", "a").await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_check_answers_in_the_order_of_questions() -> TestResult {
    let source = Source::new(&[("a", "2026-01-01T00:00:00Z")], true);
    let address = source.start().await?;
    let stream = "    request: { path: /list/none }\n    records: items\n    total: total";
    let items = connector(address, KEY, stream)?.check().await;
    let seen: Vec<_> = items.iter().map(|i| (i.item.as_str(), i.ok, i.detail.as_str())).collect();
    assert_eq!(
        seen[2..],
        [("rights", true, "1 streams readable"), ("version", true, "7.2"), ("count:things", true, "1")]
    );
    assert_eq!((seen[0].0, seen[1].0, seen[0].1, seen[1].1), ("reach", "auth", true, true));
    let items = connector(address, KEY, &fault("auth"))?.check().await;
    let rights = items.iter().find(|item| item.item == "rights").ok_or("no rights")?;
    assert_eq!((rights.ok, rights.code.as_deref()), (false, Some("AUTH_REFUSED")));
    Ok(())
}
