//! `docs/bi.md`: its calls run as they stand there, and it names everything that there is.

use std::process::Command;

use musubi::identity::Role;

use super::{
    oracle::declared,
    scene::{Tool, filled},
};
use crate::real::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_bi_tools_is_true_and_whole() {
    let page = include_str!("../../../docs/bi.md");
    let database = TestDatabase::sqlite().await;
    let t = filled(&database).await;
    let tool = Tool::of(&t, Role::Viewer).await;
    let calls: Vec<&str> = page.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(calls.len() >= 5, "{calls:?}");
    for call in calls {
        let command = call.replacen("curl ", "curl -sS --fail --noproxy '*' ", 1);
        let ran = tokio::task::block_in_place(|| {
            Command::new("sh").args(["-c", &command]).env("TOKEN", tool.secret()).env("HUB", &t.url).output().unwrap()
        });
        assert!(ran.status.success(), "{call}: {}", String::from_utf8_lossy(&ran.stderr));
        assert!(!ran.stdout.is_empty() && !ran.stdout.ends_with(b"\"value\":[]}"), "{call} finds something");
    }
    let xml = tool.request("/$metadata").send().await.unwrap().text().await.unwrap();
    for (set, types) in declared(&xml) {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{set}` |"))).expect(&set);
        let named: Vec<&str> = row.split('|').nth(3).unwrap().split(',').map(str::trim).collect();
        assert_eq!(named, types.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), "{set}");
    }
    t.stop().await;
}
