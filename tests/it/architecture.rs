//! Who may import whom, as the design says it. A new room gets a row here and a reason in review.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Room -> the rooms it may name. `tests` and `main` stand outside.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("matching", &["model"]),
    ("clock", &["model"]),
    ("config", &["model"]),
    ("secrets", &["config"]),
    ("telemetry", &["config"]),
    ("store", &["model"]),
    ("master", &["clock", "matching", "model", "store"]),
    ("analytics", &["matching", "clock", "model", "store"]),
    ("mail", &["clock", "config", "model", "secrets", "store"]),
    ("identity", &["clock", "config", "mail", "model", "secrets", "store"]),
    ("connection", &["clock", "config", "master", "model", "secrets", "store"]),
    ("notices", &["clock", "config", "connection", "identity", "mail", "model", "secrets", "store"]),
    ("plan", &["clock", "connection", "model", "secrets", "store", "sync"]),
    ("sync", &["clock", "config", "connection", "master", "model", "secrets", "store"]),
    ("exports", &["master", "model", "store"]),
    ("imports", &["clock", "connection", "matching", "master", "model", "store", "sync"]),
    ("lists", &["analytics", "clock", "identity", "matching", "master", "model", "store"]),
    ("samples", &["app", "connection", "identity", "store", "sync"]),
    (
        "http",
        &[
            "analytics",
            "app",
            "clock",
            "config",
            "connection",
            "exports",
            "identity",
            "imports",
            "lists",
            "mail",
            "master",
            "matching",
            "model",
            "notices",
            "samples",
            "secrets",
            "store",
            "sync",
            "telemetry",
        ],
    ),
    (
        "app",
        &[
            "analytics",
            "clock",
            "config",
            "connection",
            "http",
            "identity",
            "imports",
            "lists",
            "mail",
            "master",
            "model",
            "notices",
            "samples",
            "secrets",
            "store",
            "sync",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "analytics",
            "app",
            "clock",
            "config",
            "connection",
            "exports",
            "identity",
            "imports",
            "mail",
            "master",
            "model",
            "plan",
            "samples",
            "secrets",
            "store",
            "sync",
            "telemetry",
        ],
    ),
    ("main", &["cli"]),
];

/// Outside crate -> the only rooms that may name it.
const FENCED: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("axum", &["http"]),
    ("tower_http", &["http"]),
    ("askama", &["http"]),
    ("utoipa", &["http"]),
    ("utoipa_axum", &["http"]),
    ("clap", &["cli", "main"]),
    ("openidconnect", &["identity"]),
    ("uppsala", &["identity"]),
    ("bergshamra_c14n", &["identity"]),
    ("totp_rs", &["identity"]),
    ("hickory_resolver", &["identity"]),
    ("lettre", &["config", "mail"]),
    ("argon2", &["identity"]),
    ("chacha20poly1305", &["secrets"]),
];

#[test]
fn rooms_import_only_what_the_design_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for file in sources(&root.join("src")) {
        let room = room_of(file.strip_prefix(root.join("src")).unwrap());
        if room == "lib" {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room {room} has no row in tests/it/architecture.rs", file.display()));
            continue;
        };
        let text = without_comments(&std::fs::read_to_string(&file).unwrap());
        for (line, other) in rooms_named(&text) {
            if other != room && ALLOWED.iter().any(|(name, _)| *name == other) && !allowed.contains(&other.as_str()) {
                wrong.push(format!("{}:{line}: {room} may not name {other}", file.display()));
            }
        }
        for (outside, rooms) in FENCED {
            if !rooms.contains(&room.as_str()) {
                let hits = paths(&text, outside);
                wrong.extend(hits.map(|line| format!("{}:{line}: {room} may not name {outside}", file.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A view of everything is for who has the machine and for the hub itself; a page has its reader's.
#[test]
fn only_the_command_line_sees_everything() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let inside = file.strip_prefix(&root).unwrap();
        let name = inside.display().to_string();
        let may = room_of(inside) == "cli" || ["model/view.rs", "identity/view.rs"].contains(&name.as_str());
        let test = name.contains("test") || name.ends_with("timing.rs");
        let text = without_comments(&std::fs::read_to_string(&file).unwrap());
        if !may && !test && (text.contains("View::everything") || text.contains("view::EVERYTHING")) {
            wrong.push(name);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn connectors_know_nothing_of_the_hub() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for file in sources(&root.join("connectors")) {
        let text = without_comments(&std::fs::read_to_string(&file).unwrap());
        for outside in ["musubi", "sqlx"] {
            wrong.extend(paths(&text, outside).map(|line| format!("{}:{line}: names {outside}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_stay_readable() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let long: Vec<String> = [root.join("src"), root.join("connectors"), root.join("tests")]
        .iter()
        .flat_map(|folder| sources(folder))
        .map(|file| (std::fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > 500)
        .map(|(lines, file)| format!("{}: {lines} lines; split it by noun", file.display()))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn the_scan_sees_what_it_should() {
    let text = "use crate::store::Db;\nuse crate::{\n    model::{Id, app},\n    http,\n};\nlet x = crate::sync::go();\nsqlx::query(1); // axum::x\n";
    let text = without_comments(text);
    let named: Vec<(usize, String)> = rooms_named(&text);
    let named: Vec<(usize, &str)> = named.iter().map(|(line, room)| (*line, room.as_str())).collect();
    assert_eq!(named, [(1, "store"), (2, "model"), (2, "http"), (6, "sync")]);
    assert_eq!(paths(&text, "sqlx").collect::<Vec<_>>(), [7]);
    assert_eq!(paths(&text, "axum").count(), 0);
}

/// `store` for `store/sql.rs` and for `store.rs`.
fn room_of(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn sources(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    found
}

/// Comments as blanks, line numbers kept. `://` in a URL is no comment.
fn without_comments(text: &str) -> String {
    let cut = |line: &str| {
        let start = line.match_indices("//").map(|(at, _)| at).find(|&at| !line[..at].ends_with(':'));
        line[..start.unwrap_or(line.len())].to_owned()
    };
    text.lines().map(cut).collect::<Vec<_>>().join("\n")
}

/// Rooms named by `crate::room` and `crate::{room::…, room}`, with line numbers.
fn rooms_named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let line = line_of(text, at);
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => found.extend(top_level(list).into_iter().map(|room| (line, room))),
            None => found.push((line, identifier(rest))),
        }
    }
    found
}

/// First identifiers of the items of a brace list, up to its closing brace.
fn top_level(list: &str) -> Vec<String> {
    let (mut depth, mut item, mut items) = (0, String::new(), Vec::new());
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    items.push(item);
    items.iter().map(|item| identifier(item.trim())).filter(|room| !room.is_empty()).collect()
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Lines on which a path starts with this crate's name.
fn paths<'t>(text: &'t str, outside: &str) -> impl Iterator<Item = usize> + use<'t> {
    let needle = format!("{outside}::");
    let hits: Vec<usize> = text
        .match_indices(&needle)
        .map(|(at, _)| at)
        .filter(|&at| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
        .collect();
    hits.into_iter().map(|at| line_of(text, at))
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
