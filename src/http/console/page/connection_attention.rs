//! What of a connection should be looked at although everything runs: fields of the source that changed, credentials
//! that end.

use std::collections::BTreeMap;

use crate::{
    app::Hub,
    connection::{Live, expiry, shape},
    http::console::{Shell, view::connection::Attention},
    model::Timestamp,
    store::{self, StoreError, connection::Row, shape::Change},
};

/// New fields that are named.
const NAMED: usize = 8;

/// What breaks first, then what ends, then what is new.
pub async fn ahead(hub: &Hub, shell: &Shell, row: &Row, live: Option<&Live>) -> Result<Vec<Attention>, StoreError> {
    let (breaking, new): (Vec<Change>, Vec<Change>) =
        store::shape::open(&hub.db, Some(&row.id)).await?.into_iter().partition(Change::is_breaking);
    let mut all: Vec<Attention> = breaking.iter().filter_map(|change| lost(shell, row, live, change)).collect();
    all.extend(expiry::of(&hub.keys, row).and_then(|end| ending(shell, row, end)));
    let mut by_stream: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for change in &new {
        by_stream.entry(&change.stream).or_default().push(&change.path);
    }
    all.extend(by_stream.into_iter().map(|(stream, paths)| Attention {
        tone: "info",
        title: shell.f1("schema.new", named(shell, &paths)),
        text: shell.f1("schema.new_text", shell.word("stream", stream)),
        link: mapping(shell, row, stream),
        button: None,
    }));
    Ok(all)
}

fn named(shell: &Shell, paths: &[&str]) -> String {
    let more = if paths.len() > NAMED { "…" } else { "" };
    format!("{}{more}", paths.iter().take(NAMED).copied().collect::<Vec<_>>().join(shell.t("comma")))
}

fn mapping(shell: &Shell, row: &Row, stream: &str) -> Option<(String, String)> {
    Some((format!("/connections/{}/mapping/{stream}", row.id), shell.t("schema.to_mapping").to_owned()))
}

/// A field that the mapping in force reads, and that is gone or another one.
fn lost(shell: &Shell, row: &Row, live: Option<&Live>, change: &Change) -> Option<Attention> {
    let fields = match live.and_then(|live| live.manifest.stream(&change.stream)) {
        Some(stream) => shape::filled_from(&stream.mapping, &change.path, &change.change),
        None => change.filled(),
    };
    if fields.is_empty() {
        return None;
    }
    let fields: Vec<&str> = fields.iter().map(|name| shell.field(name)).collect();
    let stream = shell.word("stream", &change.stream);
    Some(Attention {
        tone: "warn",
        title: shell.f1(if change.change == "gone" { "schema.gone" } else { "schema.kind" }, &change.path),
        text: shell.f3("schema.held", fields.join(shell.t("comma")), &change.path, stream),
        link: mapping(shell, row, &change.stream),
        button: None,
    })
}

fn ending(shell: &Shell, row: &Row, end: Timestamp) -> Option<Attention> {
    let left = end.since(shell.now);
    (left <= expiry::AHEAD).then(|| Attention {
        tone: if left > 0 { "warn" } else { "bad" },
        title: match left {
            1.. => shell.n("schema.expires", left / Timestamp::DAY),
            _ => shell.t("schema.expired").to_owned(),
        },
        text: shell.f1("schema.expires_text", shell.date_of(end)),
        link: Some((format!("/connections/{}/settings/edit", row.id), shell.t("schema.renew").to_owned())),
        button: None,
    })
}
