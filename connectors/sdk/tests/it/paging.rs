use musubi_sdk::{Connector, Cursor, PullRequest, conformance};
use serde_json::json;

use crate::{TestResult, connector, page, pull, source::Source};

const PAGERS: [(&str, &str); 6] = [
    ("page", "{ type: page, param: page, size_param: size, size: 2 }"),
    ("offset", "{ type: offset, param: start, size_param: size, size: 2 }"),
    ("cursor", "{ type: cursor, param: start, next: next, size_param: size, size: 2 }"),
    ("next", "{ type: next_url, next: links.next, size_param: size, size: 2 }"),
    ("link", "{ type: link_header, size_param: size, size: 2 }"),
    ("none", "{ type: none }"),
];

const ROWS: [(&str, &str); 5] = [
    ("a", "2026-01-01T00:00:00Z"),
    ("b", "2026-01-02T00:00:00Z"),
    ("c", "2026-01-02T00:00:00Z"),
    ("d", "2026-01-02T00:00:00Z"),
    ("e", "2026-01-03T00:00:00Z"),
];

fn stream(kind: &str, pager: &str, more: &str) -> String {
    format!("    request: {{ path: /list/{kind} }}\n    records: items\n    paginator: {pager}\n{more}")
}

const KEYSET: &str = "    total: total\n    cursor: { param: since, id_param: after_id, sorted: true }";
const SORTED: &str = "    cursor: { param: since, overlap: 1h, sorted: true }";
const UNSORTED: &str = "    cursor: { param: since, overlap: 1h, sorted: false }";

#[tokio::test]
async fn every_way_of_paging_brings_every_record_once() -> TestResult {
    for count in 0..=ROWS.len() {
        let address = Source::new(&ROWS[..count], true).start().await?;
        for (kind, pager) in PAGERS {
            for (total, size) in [("", None), ("    total: total", None), ("", Some(1)), ("", Some(100))] {
                let connector = connector(address, "{ type: none }", &stream(kind, pager, total))?;
                let (keys, cursor) = pull(&connector, None, size).await?;
                let expected: Vec<&str> = ROWS[..count].iter().map(|(id, _)| *id).collect();
                assert_eq!(keys, expected, "{kind} {total} {size:?}");
                assert_eq!(cursor, None);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn ties_over_page_borders_are_read_exactly_once_by_key() -> TestResult {
    let source = Source::new(&ROWS, true);
    let address = source.clone().start().await?;
    let connector = connector(address, "{ type: none }", &stream("page", PAGERS[0].1, KEYSET))?;
    for size in 1..=6 {
        // Stop after every page in turn and go on from its cursor alone.
        let mut cursor: Option<Cursor> = None;
        let mut keys = Vec::new();
        loop {
            let request = PullRequest { stream: "things", cursor: cursor.as_ref(), token: None, page_size: Some(size) };
            let page = connector.pull(request).await?;
            keys.extend(page.records.iter().map(|record| record.external_id.clone()));
            cursor = page.cursor.or(cursor);
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(keys, ["a", "b", "c", "d", "e"], "size {size}");
        assert_eq!(cursor, Some(Cursor(json!({"time": "2026-01-03T00:00:00Z", "id": "e"}))));
        assert_eq!(pull(&connector, cursor.as_ref(), None).await?.0, Vec::<String>::new());
    }
    let checks = conformance::run(&connector, &conformance::Options::default()).await;
    let failed: Vec<_> = checks.iter().filter(|c| c.outcome == conformance::Outcome::Failed).collect();
    assert!(failed.is_empty(), "{failed:?}");
    Ok(())
}

/// A mass update gives many records one time. As text 99 comes after 100; the source sorts numbers.
#[tokio::test]
async fn numeric_keys_of_one_instant_are_read_to_the_end() -> TestResult {
    let at = "2026-01-02T00:00:00Z";
    let rows = [("8", at), ("9", at), ("10", at), ("99", at), ("100", at), ("1000", at)];
    let address = Source::new(&rows, true).start().await?;
    let connector = connector(address, "{ type: none }", &stream("page", PAGERS[0].1, KEYSET))?;
    for size in 1..=6 {
        let (keys, _) = pull(&connector, None, Some(size)).await?;
        assert_eq!(keys, ["8", "9", "10", "99", "100", "1000"], "size {size}");
    }
    Ok(())
}

#[tokio::test]
async fn records_that_move_during_a_pull_hide_no_other_by_key() -> TestResult {
    let source = Source::new(&ROWS, true);
    let connector = connector(source.clone().start().await?, "{ type: none }", &stream("page", PAGERS[0].1, KEYSET))?;
    let first = page(&connector, None).await?;
    source.add("a", "2026-01-04T00:00:00Z");
    let mut keys: Vec<String> = first.records.into_iter().map(|record| record.external_id).collect();
    let mut token = first.next;
    while let Some(at) = token {
        let request = PullRequest { stream: "things", cursor: None, token: Some(&at), page_size: None };
        let page = connector.pull(request).await?;
        keys.extend(page.records.into_iter().map(|record| record.external_id));
        token = page.next;
    }
    assert_eq!(keys, ["a", "b", "c", "d", "e", "a"]);
    Ok(())
}

#[tokio::test]
async fn late_commits_within_the_overlap_are_not_lost() -> TestResult {
    for (more, rows) in [(SORTED, ROWS), (UNSORTED, [ROWS[4], ROWS[0], ROWS[2], ROWS[1], ROWS[3]])] {
        let source = Source::new(&rows, more == SORTED);
        let connector = connector(source.clone().start().await?, "{ type: none }", &stream("page", PAGERS[0].1, more))?;
        let (keys, cursor) = pull(&connector, None, None).await?;
        assert_eq!(keys.len(), 5);
        let cursor = cursor.ok_or("no cursor")?;
        assert_eq!(cursor.0, json!({"time": "2026-01-03T00:00:00Z", "id": "e"}));
        source.add("late", "2026-01-02T23:30:00Z");
        let (keys, again) = pull(&connector, Some(&cursor), None).await?;
        assert!(keys.contains(&"late".to_owned()), "{keys:?}");
        assert_eq!(again.as_ref(), Some(&cursor), "never backwards");
    }
    Ok(())
}

#[tokio::test]
async fn an_unsorted_source_gives_its_cursor_only_at_the_end() -> TestResult {
    let rows = [ROWS[4], ROWS[0], ROWS[2], ROWS[1], ROWS[3]];
    // Declared unsorted, and declared sorted though it is not.
    for more in [UNSORTED, SORTED] {
        let connector =
            connector(Source::new(&rows, false).start().await?, "{ type: none }", &stream("page", PAGERS[0].1, more))?;
        let first = page(&connector, None).await?;
        assert!(first.next.is_some());
        assert_eq!(first.cursor, None);
        let (_, cursor) = pull(&connector, None, None).await?;
        assert_eq!(cursor, Some(Cursor(json!({"time": "2026-01-03T00:00:00Z", "id": "e"}))));
    }
    Ok(())
}

#[tokio::test]
async fn a_time_in_the_future_does_not_carry_the_cursor_away() -> TestResult {
    let rows = [("a", "2026-01-01T00:00:00Z"), ("z", "2999-01-01T00:00:00Z")];
    let connector =
        connector(Source::new(&rows, true).start().await?, "{ type: none }", &stream("page", PAGERS[0].1, SORTED))?;
    let (_, cursor) = pull(&connector, None, None).await?;
    let time = cursor.as_ref().and_then(|cursor| cursor.0["time"].as_str()).unwrap_or_default();
    assert!(!time.is_empty() && time < "2900", "{time}");
    Ok(())
}

#[tokio::test]
async fn a_halved_page_goes_on_where_the_large_one_stopped() -> TestResult {
    let rows: Vec<(String, String)> =
        (0..20).map(|n| (format!("{n:02}"), format!("2026-01-{:02}T00:00:00Z", n + 1))).collect();
    let rows: Vec<(&str, &str)> = rows.iter().map(|(id, at)| (id.as_str(), at.as_str())).collect();
    let address = Source::new(&rows, true).start().await?;
    for (kind, pager) in [PAGERS[0], PAGERS[1]] {
        let pager = pager.replace("size: 2", "size: 8");
        let connector = connector(address, "{ type: none }", &stream(kind, &pager, "    total: total"))?;
        let mut token = None;
        let mut keys = std::collections::BTreeSet::new();
        for size in [8, 3, 3, 5, 2, 2, 2, 2, 2, 2] {
            let request = PullRequest { stream: "things", cursor: None, token: token.as_ref(), page_size: Some(size) };
            let page = connector.pull(request).await?;
            keys.extend(page.records.into_iter().map(|record| record.external_id));
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(keys.len(), 20, "{kind}");
    }
    Ok(())
}

/// A source that means "after", read without an overlap, loses ties at page borders: the
/// conformance list must say so, and must be content once an overlap is declared.
#[tokio::test]
async fn conformance_notices_lost_ties() -> TestResult {
    let source = Source { exclusive: true, ..Source::new(&ROWS, true) };
    let address = source.start().await?;
    for (more, lossy) in [("    cursor: { param: since, sorted: true }", true), (SORTED, false)] {
        let connector = connector(address, "{ type: none }", &stream("page", PAGERS[0].1, more))?;
        let checks = conformance::run(&connector, &conformance::Options::default()).await;
        let failed: Vec<&str> = checks
            .iter()
            .filter(|check| check.outcome == conformance::Outcome::Failed)
            .map(|check| check.name.as_str())
            .collect();
        assert_eq!(failed, if lossy { vec!["resume:things"] } else { vec![] }, "{checks:#?}");
    }
    Ok(())
}
