//! Filters and orders made by chance, answered by the hub on both databases and judged by the oracle.

use musubi::identity::Role;

use super::{
    oracle::{Dice, Is, Maker, Row, Types, declared, order, rows},
    scene::{Tool, encoded, everything, filled},
};
use crate::real::TestDatabase;

const FILTERS: usize = 100;
/// Sets with a key of text.
const SETS: [&str; 4] = ["Customers", "Orders", "Invoices", "Payments"];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_returned_is_what_was_declared_and_filters_mean_what_the_standard_says() {
    for database in TestDatabase::both().await {
        let t = filled(&database).await;
        let tool = Tool::of(&t, Role::Admin).await;
        let xml = tool.request("/$metadata").send().await.unwrap().text().await.unwrap();
        let declared = declared(&xml);
        let read = everything(&tool).await;
        assert_eq!(declared.keys().collect::<Vec<_>>(), read.keys().collect::<Vec<_>>());
        for (set, types) in &declared {
            assert!(!read[set].is_empty(), "{set} has rows to judge by");
            // Panics where a value is not of its declared type, or null where that is not declared.
            rows(types, &read[set]);
        }
        // A token for each set: one has a pace.
        for (at, set) in SETS.iter().enumerate() {
            let known = rows(&declared[*set], &read[*set]);
            let mut maker = Maker { types: &declared[*set], rows: &known, dice: Dice(0x5EED + at as u64) };
            let tool = Tool::of(&t, Role::Admin).await;
            let mut telling = 0;
            for n in 0..FILTERS {
                telling += usize::from(judge(&tool, set, &mut maker, (database.name, n)).await);
            }
            assert!(telling > FILTERS / 4, "{set}: only {telling} filters told some rows from others");
        }
        t.stop().await;
    }
}

/// Whether the filter told some rows from others.
async fn judge(tool: &Tool, set: &str, maker: &mut Maker<'_>, (database, n): (&str, usize)) -> bool {
    let condition = maker.condition(3);
    let (by, descending) = (sorted_by(maker.types, &mut maker.dice), n % 2 == 0);
    let mut expected: Vec<&Row> = maker.rows.iter().filter(|row| (condition.holds)(row) == Some(true)).collect();
    let id = |row: &Row| match &row["Id"] {
        Is::Text(id) => id.clone(),
        other => panic!("{other:?}"),
    };
    expected.sort_by(|a, b| {
        let order = order(&a[&by], &b[&by]);
        if descending { order.reverse() } else { order }.then_with(|| id(a).cmp(&id(b)))
    });
    let direction = if descending { "desc" } else { "asc" };
    let path = format!(
        "/{set}?$select=Id&$count=true&$top=40&$filter={}&$orderby={by}%20{direction}",
        encoded(&condition.text)
    );
    let answer = tool.get(&path, 200).await.body;
    let found: Vec<&str> = answer["value"].as_array().unwrap().iter().map(|row| row["Id"].as_str().unwrap()).collect();
    let expected_ids: Vec<String> = expected.iter().map(|row| id(row)).collect();
    let case = format!("{database} {set} {n}: {} by {by} {direction}", condition.text);
    assert_eq!(answer["@odata.count"], expected_ids.len(), "{case}");
    assert_eq!(found, expected_ids.iter().take(40).collect::<Vec<_>>(), "{case}");
    !expected_ids.is_empty() && expected_ids.len() < maker.rows.len()
}

fn sorted_by(types: &Types, dice: &mut Dice) -> String {
    dice.of(types).0.clone()
}
