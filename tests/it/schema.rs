//! One schema on both databases, and migrations that can be planned and refused.

use musubi::store::{self, StoreError, catalogue, migrate, sql};

use crate::real::{Postgres, TestDatabase};

#[tokio::test]
async fn both_databases_have_one_schema() {
    let [sqlite, postgres] = TestDatabase::both().await;
    let ours = catalogue::tables(&sqlite.db).await.unwrap();
    let theirs = catalogue::tables(&postgres.db).await.unwrap();
    assert!(ours.iter().any(|table| table.name == "customer"));
    let names = |tables: &[catalogue::Table]| tables.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for (our, their) in ours.iter().zip(&theirs) {
        assert_eq!(our, their, "table {}", our.name);
    }
}

#[tokio::test]
async fn a_plan_changes_nothing_and_a_run_is_repeatable() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("bare.db").display());
    for url in [sqlite, Postgres::shared().bare_database().await] {
        let db = store::open(&url, 2).await.unwrap();
        assert!(migrate::plan(&db).await.unwrap().iter().all(|step| !step.applied));
        assert!(catalogue::tables(&db).await.unwrap().is_empty());
        migrate::run(&db).await.unwrap();
        migrate::run(&db).await.unwrap();
        assert!(migrate::plan(&db).await.unwrap().iter().all(|step| step.applied));
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    for test in TestDatabase::both().await {
        pretend_newer(&test.db).await;
        let error = migrate::run(&test.db).await.unwrap_err();
        assert!(matches!(error, StoreError::SchemaNewer { found: 9999, .. }), "{}: {error}", test.name);
    }
}

/// As a later program would leave the database.
pub async fn pretend_newer(db: &store::Db) {
    let mut tx = db.begin().await.unwrap();
    sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, $1, 0)")
    .bind(vec![0u8])
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
