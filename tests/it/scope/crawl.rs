//! Every page that a person can reach, by its links and by every route with every id, holds nothing that the
//! person may not see.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
};

use musubi::{identity::Role, store::sql};

use super::scene::{CREDIT, OUTSIDE, PERSONAL, Person, Scene, TERMS};
use crate::real::TestDatabase;

/// Questions that no link asks.
const ASKED: [&str; 12] = [
    "/customers?q=%E5%88%A5%E9%83%A8%E7%BD%B2",
    "/customers?q=ZX-9001",
    "/customers?q=080-5555-0001",
    "/customers?q=kojin.example",
    "/customers?q=09077770001",
    "/customers?q=06-0000-0001",
    "/customers?department=%E5%96%B6%E6%A5%AD%E4%BA%8C%E8%AA%B2&sort=name",
    "/customers?tab=overdue",
    "/customers?page=2",
    "/failures?q=%E5%88%A5",
    "/failures?state=resolved",
    "/setup/progress",
];

/// The routes that are read, as the sources have them.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
            for rest in text.split(".route(\"").skip(1) {
                let Some((route, how)) = rest.split_once("\",") else { continue };
                if how.starts_with("get(") && !route.starts_with("/static/") && route != "/signout" {
                    found.insert(route.to_owned());
                }
            }
        }
    }
    assert!(found.len() > 30 && found.contains("/customers/{id}/events/{event}"), "{found:?}");
    found
}

/// Everything in the database that has an id.
async fn ids(s: &Scene) -> Vec<String> {
    let tables = [
        ("customer", "id"),
        ("sales_order", "id"),
        ("invoice", "id"),
        ("payment", "id"),
        ("deal", "id"),
        ("deal_move", "id"),
        ("quote", "id"),
        ("contract", "id"),
        ("inquiry", "id"),
        ("customer_relation", "id"),
        ("activity", "id"),
        ("failure", "id"),
        ("connection", "id"),
        ("run", "id"),
        ("inbox", "id"),
        ("app_user", "id"),
        ("version", "record_id || '.' || CAST(seq AS TEXT)"),
    ];
    let mut all = Vec::new();
    for (table, id) in tables {
        let of = if table == "version" { " WHERE record_id LIKE 'cus_%'" } else { "" };
        // Deliveries are many and all alike.
        let statement = format!("SELECT {id} FROM {table}{of} ORDER BY 1 LIMIT 12");
        let rows: Vec<(String,)> = sql(statement).all(&s.t.hub().db).await.unwrap();
        all.extend(rows.into_iter().map(|(id,)| id));
    }
    assert!(all.len() > 30, "{all:?}");
    all
}

/// A route with its places filled in every way that may mean something.
fn filled(route: &str, ids: &[String]) -> Vec<String> {
    let (Some(from), Some(to)) = (route.find('{'), route.find('}')) else { return vec![route.to_owned()] };
    let put = |value: &str| format!("{}{value}{}", &route[..from], &route[to + 1..]);
    let of_customers = route.starts_with("/customers/{id}");
    let fits = |id: &&String| !of_customers || id.starts_with("cus_") && !id.contains('.');
    let fillings = match &route[from + 1..to] {
        "noun" => vec!["contracts".to_owned(), "inquiries".to_owned()],
        "connector" => vec!["webhook".to_owned()],
        "kind" => vec!["csv".to_owned(), "json".to_owned()],
        _ => ids.iter().filter(fits).cloned().collect(),
    };
    fillings.iter().flat_map(|value| filled(&put(value), ids)).collect()
}

/// Links of a page to this site, as a reader follows them.
fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    ["href=\"/", "action=\"/", "data-live=\"/"].into_iter().flat_map(move |mark| {
        text.split(mark).skip(1).filter_map(|rest| rest.split_once('"')).map(|(path, _)| format!("/{path}"))
    })
}

/// What of `hidden` stands on a page, which pages it stands on, and how many pages there were.
async fn crawl(s: &Scene, who: &Person, hidden: &[&'static str]) -> (BTreeMap<&'static str, BTreeSet<String>>, usize) {
    let ids = ids(s).await;
    let mut waiting: VecDeque<String> = ["/".to_owned()].into();
    waiting.extend(ASKED.map(str::to_owned));
    waiting.extend(routes().iter().flat_map(|route| filled(route, &ids)));
    let mut known: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut leaks: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    while let Some(path) = waiting.pop_front() {
        let (status, text) = who.get(&path).await;
        assert!(status < 500, "{path}: {status}");
        let asked: String = url::form_urlencoded::parse(path.as_bytes()).map(|(k, v)| format!("{k}={v} ")).collect();
        for word in hidden {
            // What somebody asks for stands in the field that they typed it into.
            if text.contains(word) && !asked.contains(word) {
                leaks.entry(word).or_default().insert(path.clone());
            }
        }
        for link in links(&text).map(|link| link.replace("&amp;", "&")) {
            let link = link.split('#').next().unwrap_or_default().to_owned();
            let away = ["/static/", "/me/", "/signout", "/auth/", "/hooks/"].iter().any(|path| link.starts_with(path));
            if !away && !link.contains("lang=") && !link.contains("after=") && known.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    (leaks, known.len())
}

fn secrets(role: Role) -> Vec<&'static str> {
    match role {
        Role::Steward => [&OUTSIDE[..], &TERMS, &PERSONAL].concat(),
        Role::Employee => OUTSIDE.to_vec(),
        _ => [&OUTSIDE[..], &CREDIT, &TERMS, &PERSONAL].concat(),
    }
}

async fn nothing_leaks(database: &TestDatabase) {
    let s = Scene::new(database).await;
    // What is looked for can be found: the owner's pages have all of it.
    let everything = [&OUTSIDE[..], &CREDIT, &TERMS, &PERSONAL].concat();
    let (seen, _) = crawl(&s, &s.owner, &everything).await;
    let missing: Vec<&&str> = everything.iter().filter(|word| !seen.contains_key(**word)).collect();
    assert!(missing.is_empty(), "{}: no page shows {missing:?}", database.name);
    for role in [Role::Steward, Role::Employee, Role::Viewer] {
        let who = s.person(role, &["営業1課"]).await;
        let (leaks, pages) = crawl(&s, &who, &secrets(role)).await;
        assert!(leaks.is_empty(), "{} {role:?}, of {pages} pages: {leaks:#?}", database.name);
        assert!(pages > 200, "{role:?} was asked for {pages} pages only");
        // The own customer is there all the same.
        let (status, text) = who.get(&format!("/customers/{}", s.id("own"))).await;
        assert_eq!((status, text.contains("朝凪電装")), (200, true), "{role:?}");
    }
    // Who is in no department sees the customers of none.
    let stranger = s.person(Role::Steward, &[]).await;
    let own = ["朝凪電装", "個人 一郎", "A-1", "N-ao1", "INV-A1"];
    let (leaks, _) = crawl(&s, &stranger, &[&secrets(Role::Steward)[..], &own].concat()).await;
    assert!(leaks.is_empty(), "{}: without a department: {leaks:#?}", database.name);
    s.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_a_limited_person_holds_what_is_hidden_sqlite() {
    nothing_leaks(&TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_a_limited_person_holds_what_is_hidden_postgres() {
    nothing_leaks(&TestDatabase::postgres().await).await;
}
