//! Backup, restore and copy: everything arrives, nothing is overwritten.

use std::collections::BTreeSet;

use musubi::store::{
    self, Db, Dialect, StoreError, Value,
    backup::{backup, restore},
    catalogue::{self, Kind, Table},
    copy::{CopyError, copy, count_all},
    sql,
};

use crate::{real::TestDatabase, schema::pretend_newer};

const ROWS: i64 = 40;

#[tokio::test]
async fn every_table_and_value_survives_a_copy_both_ways() {
    let [first, second] = TestDatabase::both().await;
    let third = TestDatabase::sqlite().await;
    fill(&first.db).await;
    let before = dump(&first.db).await;
    let copied = copy(&first.db, &second.db).await.unwrap();
    let names: BTreeSet<_> = copied.tables.iter().map(|(name, _)| name.clone()).collect();
    let all: BTreeSet<_> = catalogue::tables(&first.db).await.unwrap().into_iter().map(|t| t.name).collect();
    assert_eq!(names, all, "every table of the schema is covered");
    assert!(copied.tables.iter().all(|(_, rows)| *rows == ROWS.unsigned_abs()), "{copied:?}");
    assert_eq!(dump(&second.db).await, before);
    copy(&second.db, &third.db).await.unwrap();
    assert_eq!(dump(&third.db).await, before);
}

#[tokio::test]
async fn a_backup_of_either_database_restores_into_either() {
    for source in TestDatabase::both().await {
        fill(&source.db).await;
        let before = dump(&source.db).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hub.backup");
        let made = backup(&source.db, &file).await.unwrap();
        assert_eq!(made.rows(), count_all(&source.db).await.unwrap().rows());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["hub.backup"], "one file, nothing beside it");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        for target in TestDatabase::both().await {
            restore(&file, &target.db).await.unwrap();
            let mut after = dump(&target.db).await;
            // Who follows changes is told that this is another state, by an epoch of its own.
            let (epochs, had): (Vec<_>, Vec<_>) =
                after.iter_mut().zip(&before).filter(|(table, _)| table.0 == "change_head").unzip();
            for (epoch, had) in epochs.into_iter().zip(had) {
                assert_ne!(epoch.1, had.1);
                epoch.1.clone_from(&had.1);
            }
            assert_eq!(after, before, "{} to {}", source.name, target.name);
        }
        let again = backup(&source.db, &file).await.unwrap_err();
        assert!(matches!(again, CopyError::FileExists { .. }));
    }
}

#[tokio::test]
async fn a_target_with_data_is_refused_and_left_alone() {
    for target in TestDatabase::both().await {
        let source = TestDatabase::sqlite().await;
        fill(&source.db).await;
        fill(&target.db).await;
        let before = dump(&target.db).await;
        let error = copy(&source.db, &target.db).await.unwrap_err();
        assert!(matches!(error, CopyError::TargetNotEmpty { .. }), "{error}");
        assert_eq!(dump(&target.db).await, before);
    }
}

#[tokio::test]
async fn a_backup_is_taken_while_the_hub_writes() {
    let source = TestDatabase::sqlite().await;
    fill(&source.db).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.backup");
    let mut tx = source.db.begin().await.unwrap();
    sql("DELETE FROM customer").execute(&mut tx).await.unwrap();
    let made = backup(&source.db, &file).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(made.tables.contains(&("customer".to_owned(), ROWS.unsigned_abs())), "the committed state is in it");
}

#[tokio::test]
async fn what_is_no_backup_of_ours_is_refused() {
    let target = TestDatabase::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "not a database").unwrap();
    for path in [&text, &folder.path().join("missing")] {
        let error = restore(path, &target.db).await.unwrap_err();
        assert!(matches!(error, CopyError::NotABackup { .. }), "{error}");
    }
    let newer = folder.path().join("newer");
    let source = TestDatabase::sqlite().await;
    pretend_newer(&source.db).await;
    backup(&source.db, &newer).await.unwrap();
    let error = restore(&newer, &target.db).await.unwrap_err();
    assert!(matches!(error, CopyError::Store(StoreError::SchemaNewer { found: 9999, .. })), "{error}");
}

#[tokio::test]
async fn a_source_that_was_not_migrated_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bare = store::open(&format!("sqlite://{}", folder.path().join("bare.db").display()), 2).await.unwrap();
    let target = TestDatabase::sqlite().await;
    let error = copy(&bare, &target.db).await.unwrap_err();
    assert!(matches!(error, CopyError::SourceBehind { pending } if pending > 0), "{error}");
}

/// Rows in every table, with the values that copies lose most easily. A text is the same in every
/// column of a row, so references between tables hold.
async fn fill(db: &Db) {
    let tables = catalogue::parents_first(catalogue::tables(db).await.unwrap()).unwrap();
    let mut tx = db.begin().await.unwrap();
    for table in tables {
        let names: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        let marks: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
        for row in 0..ROWS {
            let text = format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(", "), marks.join(", "));
            let values = table.columns.iter().map(|column| match column.name.as_str() {
                // What is being set up is never on.
                "draft" => Value::Bool(Some(row % 2 == 1)),
                _ => value(column.kind, column.nullable, row),
            });
            sql(text).bind_all(values).execute(&mut tx).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
}

fn value(kind: Kind, nullable: bool, row: i64) -> Value {
    let absent = nullable && row % 3 == 0;
    match kind {
        Kind::Text => Value::Text((!absent).then(|| format!("髙橋﨑 '\"\\ {row} ㈱\u{1f600}"))),
        Kind::Int if row % 5 == 0 => Value::Int((!absent).then_some(i64::MAX - row)),
        Kind::Int => Value::Int((!absent).then_some(-row)),
        Kind::Bool => Value::Bool((!absent).then_some(row % 2 == 0)),
        Kind::Bytes => Value::Bytes((!absent).then(|| vec![0, 255, u8::try_from(row).unwrap()])),
    }
}

/// Every row of every table as text, in one order.
async fn dump(db: &Db) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for table in catalogue::tables(db).await.unwrap() {
        let rows: Vec<(String,)> = sql(row_text(&table, db.dialect())).all(db).await.unwrap();
        let mut rows: Vec<String> = rows.into_iter().map(|(row,)| row).collect();
        rows.sort();
        all.push((table.name, rows));
    }
    all
}

fn row_text(table: &Table, dialect: Dialect) -> String {
    let column = |c: &catalogue::Column| {
        let text = match (c.kind, dialect) {
            (Kind::Text | Kind::Int, _) => format!("CAST({} AS TEXT)", c.name),
            (Kind::Bool, _) => format!("CASE WHEN {0} THEN 't' WHEN NOT {0} THEN 'f' END", c.name),
            (Kind::Bytes, Dialect::Sqlite) => {
                format!("CASE WHEN {0} IS NULL THEN NULL ELSE lower(hex({0})) END", c.name)
            }
            (Kind::Bytes, Dialect::Postgres) => format!("encode({}, 'hex')", c.name),
        };
        format!("COALESCE({text}, '(null)')")
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    format!("SELECT {} FROM {}", columns.join(" || '|' || "), table.name)
}
