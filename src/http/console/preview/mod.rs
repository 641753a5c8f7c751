//! Renders every page with realistic invented data in both languages. This is the test that no
//! template lacks a text, and the files it leaves in `target/ui-preview` are what a person looks
//! at: serve that folder and open `/ja/customer.html`.

mod connection_form;
mod customer;
mod customer_open;
mod customer_record;
mod entries;
mod event;
mod idp;
mod import;
mod inbox;
mod lists;
mod mapping;
mod operations;
mod people;
mod receivers;
mod record;
mod start;
mod sync_health;
mod tokens;

use std::{fs, path::Path};

use jiff::tz::TimeZone;

use super::{Lang, Me, Section, Shell, assets, view::Page};
use crate::{
    identity::{Audience, Role},
    model::Timestamp,
};

/// 2026-11-20 10:14 in Tokyo.
const NOW: Timestamp = Timestamp(1_795_137_240_000_000);

fn minutes(back: i64) -> Timestamp {
    NOW.plus(-back * Timestamp::MINUTE)
}

fn shell(lang: Lang, section: Section, path: &str) -> Shell {
    Shell {
        lang,
        theme: "system".to_owned(),
        company: "ひのき精機株式会社".to_owned(),
        zone: TimeZone::get("Asia/Tokyo").unwrap_or(TimeZone::UTC),
        now: NOW,
        me: Some(Me {
            name: "高梨 拓".to_owned(),
            mail: "takanashi@hinoki-seiki.example".to_owned(),
            role: Role::Owner,
            csrf: "t0ken".to_owned(),
        }),
        section,
        path: path.to_owned(),
        shortcuts: true,
        customers: Some(1284),
        connections: Some(2),
        open_failures: 12,
        notice: None,
        glass: false,
        alarms: Vec::new(),
        refresh: None,
        fields: customer_record::custom_fields(),
        currency: crate::model::Currency::JPY,
        audience: Audience::default(),
    }
}

type Sample = (&'static str, Section, bool, Box<dyn Page>);

fn samples(lang: Lang) -> Vec<Sample> {
    let mut all = customer::samples();
    all.extend(customer_record::samples());
    all.extend(event::samples());
    all.extend(operations::samples(lang));
    all.extend(connection_form::samples());
    all.extend(mapping::samples());
    all.extend(people::samples());
    all.extend(idp::samples());
    all.extend(import::samples());
    all.extend(receivers::samples());
    all.extend(record::samples());
    all.extend(lists::samples());
    all.extend(start::samples());
    all.extend(sync_health::samples());
    all.extend(tokens::samples());
    let api = super::page::api_docs::view(lang, "https://hub.hinoki-seiki.example".to_owned());
    all.push(("api_docs", Section::None, false, Box::new(api)));
    all
}

/// Things that must hold for every page.
fn check(name: &str, html: &str) {
    for forbidden in [" style=", "<style", "onclick=", "javascript:", "{{", "{%", "<script>"] {
        assert!(!html.contains(forbidden), "{name} contains {forbidden}");
    }
    assert_eq!(html.matches("<h1").count(), 1, "{name} needs exactly one h1");
    assert_eq!(html.matches("id=\"main\"").count(), 1, "{name} needs one main");
    for (at, _) in html.match_indices("<table") {
        let table = &html[at..at + html[at..].find("</table>").unwrap_or(0)];
        assert!(table.contains("<caption"), "{name}: a table without caption");
    }
    for (at, _) in html.match_indices("<form") {
        let form = &html[at..at + html[at..].find("</form>").unwrap_or(0)];
        // A form for another site must not carry our token there.
        let ours = form.contains("method=\"post\"") && !form.contains(" data-leave");
        assert_eq!(form.contains("name=\"csrf\""), ours, "{name}: csrf where the form goes to us, and only there");
    }
    let sprite = assets::get("icons.svg").map(|asset| String::from_utf8_lossy(&asset.body).into_owned());
    let sprite = sprite.unwrap_or_default();
    for (at, hit) in html.match_indices("icons.svg#") {
        let id = html[at + hit.len()..].split('"').next().unwrap_or_default();
        assert!(sprite.contains(&format!("id=\"{id}\"")), "{name}: no icon {id}");
    }
    let mut ids: Vec<&str> =
        html.match_indices(" id=\"").filter_map(|(at, hit)| html[at + hit.len()..].split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{name}: an id twice");
}

/// Sentences of the other catalogue that stand on a page. Short words may be data: a sentence has kana, or spaces.
fn foreign_words(lang: Lang, html: &str) -> Vec<&'static str> {
    let other = if lang == Lang::En { Lang::Ja } else { Lang::En };
    let is_sentence = |text: &str| match other {
        Lang::Ja => text.chars().count() >= 8 && text.chars().any(|c| ('ぁ'..='ん').contains(&c)),
        Lang::En => text.split(' ').count() >= 4 && text.is_ascii(),
    };
    // What both catalogues say alike is of no language; sentences with placeholders are looked for by their parts.
    let own = |key: &str, text: &str| lang.find(key) == Some(text);
    let parts = other.all().filter(|(key, text)| !own(key, text)).flat_map(|(_, text)| text.split(['{', '}', '|']));
    parts.map(str::trim).filter(|part| is_sentence(part) && html.contains(part)).collect()
}

#[test]
fn renders_every_page_with_samples() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ui-preview");
    for name in assets::all() {
        let file = root.join(assets::url(&name).trim_start_matches('/'));
        fs::create_dir_all(file.parent().unwrap_or(&root))?;
        fs::write(file, assets::get(&name).map(|asset| asset.body.into_owned()).unwrap_or_default())?;
    }
    for lang in [Lang::Ja, Lang::En] {
        for theme in ["light", "dark"] {
            let folder = root.join(lang.code()).join(theme);
            fs::create_dir_all(&folder)?;
            for (name, section, signed_in, page) in samples(lang) {
                let mut shell = shell(lang, section, &format!("/{name}"));
                theme.clone_into(&mut shell.theme);
                if !signed_in {
                    shell.me = None;
                }
                let html = page.render(&shell).0;
                check(name, &html);
                if lang == Lang::En {
                    // Words of the page itself may not be Japanese; data may.
                    assert!(!html.contains("顧客"), "{name}: Japanese text on an English page");
                }
                let foreign = foreign_words(lang, &html);
                assert!(foreign.is_empty(), "{name} in {}: words of the other language: {foreign:?}", lang.code());
                fs::write(folder.join(format!("{name}.html")), html)?;
            }
        }
    }
    Ok(())
}

#[test]
fn menus_show_what_a_role_may_use() {
    let entries = |role| {
        let mut shell = shell(Lang::Ja, Section::Home, "/");
        shell.me = shell.me.map(|me| Me { role, ..me });
        shell.nav().iter().map(|item| item.href).collect::<Vec<_>>()
    };
    assert_eq!(entries(Role::Employee), ["/", "/customers"]);
    assert_eq!(entries(Role::Viewer), ["/", "/customers"]);
    assert_eq!(entries(Role::Steward), ["/", "/customers", "/failures"]);
    assert_eq!(entries(Role::Auditor), ["/", "/admin/users", "/admin/audit"]);
    let all = [
        "/",
        "/customers",
        "/sync",
        "/connections",
        "/failures",
        "/webhooks",
        "/admin/users",
        "/admin/idp",
        "/admin/audit",
        "/settings",
    ];
    assert_eq!(entries(Role::Owner), all);
    assert_eq!(entries(Role::Admin), all);
}

#[test]
fn hostile_names_stay_text() {
    for (name, section, _, page) in customer::hostile() {
        let html = page.render(&shell(Lang::Ja, section, "/\"><script>alert(1)</script>")).0;
        assert!(!html.contains("<script>alert"), "{name}");
        assert!(!html.contains("\"><img"), "{name}");
    }
}
