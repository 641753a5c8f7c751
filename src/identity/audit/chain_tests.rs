use super::*;
use crate::{
    identity::{
        AuditEntry, Origin, Outcome,
        audit::record_alone,
        testing::{Bench, TestResult},
    },
    store::sql,
};

fn keys() -> Keys {
    Keys::new([7; 32], None)
}

async fn write(bench: &Bench, count: usize) -> Result<(), StoreError> {
    for n in 0..count {
        let entry = AuditEntry {
            actor: "usr_1",
            action: "settings.save",
            object_kind: "settings",
            object_id: "company",
            outcome: Outcome::Ok,
            origin: &Origin::default(),
            detail: json!({ "n": n }),
        };
        record_alone(&bench.db, entry, Timestamp(n as i64)).await?;
    }
    Ok(())
}

async fn change(bench: &Bench, statement: &'static str) -> Result<(), StoreError> {
    let mut tx = bench.db.begin().await?;
    sql(statement).execute(&mut tx).await?;
    tx.commit().await
}

async fn found(bench: &Bench, keys: &Keys) -> Result<Option<(i64, String)>, StoreError> {
    let verdict = verify(&bench.db, keys, None, Timestamp(1)).await?;
    Ok(verdict.broken.map(|broken| (broken.number, broken.code)))
}

/// A trail of seven sealed entries.
async fn trail() -> Result<Bench, Box<dyn std::error::Error>> {
    let bench = Bench::new().await?;
    write(&bench, 7).await?;
    assert_eq!(seal_open(&bench.db, &keys(), Timestamp(9)).await?, 7);
    assert_eq!(seal_open(&bench.db, &keys(), Timestamp(9)).await?, 0, "each entry once");
    assert_eq!(found(&bench, &keys()).await?, None);
    Ok(bench)
}

#[tokio::test]
async fn an_empty_trail_is_whole_and_grows() -> TestResult {
    let bench = Bench::new().await?;
    assert_eq!(found(&bench, &keys()).await?, None);
    assert_eq!(seal_open(&bench.db, &keys(), Timestamp(9)).await?, 0);
    for n in 1..4 {
        write(&bench, 2).await?;
        assert_eq!(seal_open(&bench.db, &keys(), Timestamp(9)).await?, 2);
        let verdict = verify(&bench.db, &keys(), None, Timestamp(1)).await?;
        assert_eq!((verdict.entries, verdict.broken), (2 * n, None));
    }
    Ok(())
}

#[tokio::test]
async fn whatever_is_done_to_an_entry_is_found_at_its_place() -> TestResult {
    for (statement, number, code) in [
        ("UPDATE audit SET detail = '{}' WHERE number = 3", 3, "CHAIN_CHANGED"),
        ("UPDATE audit SET actor = 'usr_2' WHERE number = 1", 1, "CHAIN_CHANGED"),
        ("UPDATE audit SET ip = '192.0.2.1' WHERE number = 7", 7, "CHAIN_CHANGED"),
        ("UPDATE audit SET at = at + 1 WHERE number = 4", 4, "CHAIN_CHANGED"),
        (
            "UPDATE audit SET hash = (SELECT a.hash FROM audit a WHERE a.number = 1) WHERE number = 2",
            2,
            "CHAIN_CHANGED",
        ),
        ("DELETE FROM audit WHERE number = 1", 1, "CHAIN_MISSING"),
        ("DELETE FROM audit WHERE number = 5", 5, "CHAIN_MISSING"),
        ("DELETE FROM audit WHERE number > 5", 6, "CHAIN_END"),
        ("UPDATE audit SET number = NULL WHERE number = 6", 6, "CHAIN_MISSING"),
        ("UPDATE audit_head SET number = 5, hash = (SELECT hash FROM audit WHERE audit.number = 5)", 5, "CHAIN_SEAL"),
        ("DELETE FROM audit_head", 0, "CHAIN_SEAL"),
    ] {
        let bench = trail().await?;
        change(&bench, statement).await?;
        assert_eq!(found(&bench, &keys()).await?, Some((number, code.to_owned())), "{statement}");
    }
    Ok(())
}

#[tokio::test]
async fn who_has_the_database_but_not_the_key_cannot_make_the_chain_anew() -> TestResult {
    let bench = trail().await?;
    change(&bench, "UPDATE audit SET detail = '{}', number = NULL, hash = NULL WHERE number >= 3").await?;
    change(&bench, "DELETE FROM audit_head").await?;
    change(&bench, "UPDATE audit SET number = NULL, hash = NULL").await?;
    let theirs = Keys::new([8; 32], None);
    assert_eq!(seal_open(&bench.db, &theirs, Timestamp(9)).await?, 7);
    assert_eq!(found(&bench, &keys()).await?, Some((7, "CHAIN_SEAL".to_owned())));
    write(&bench, 1).await?;
    let refused = seal_open(&bench.db, &keys(), Timestamp(9)).await;
    assert!(matches!(refused, Err(ChainError::Foreign)), "what happened is not sealed over");
    Ok(())
}

#[tokio::test]
async fn a_rotated_key_goes_on_and_a_lost_one_is_told() -> TestResult {
    let bench = trail().await?;
    let rotated = Keys::new([9; 32], Some([7; 32]));
    write(&bench, 1).await?;
    assert_eq!(seal_open(&bench.db, &rotated, Timestamp(9)).await?, 1);
    assert_eq!(found(&bench, &rotated).await?, None);
    let new = Keys::new([9; 32], None);
    assert_eq!(found(&bench, &new).await?, None, "the head is sealed with the new key by now");
    let lost = Keys::new([1; 32], None);
    assert_eq!(found(&bench, &lost).await?, Some((8, "CHAIN_SEAL".to_owned())));
    let mut tx = bench.db.begin().await?;
    assert_eq!(reseal(&mut tx, &lost, Timestamp(9)).await?, 8);
    tx.commit().await?;
    assert_eq!(found(&bench, &lost).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_noted_head_finds_a_trail_that_was_put_back() -> TestResult {
    let bench = trail().await?;
    let noted = verify(&bench.db, &keys(), None, Timestamp(1)).await?;
    write(&bench, 2).await?;
    seal_open(&bench.db, &keys(), Timestamp(9)).await?;
    let with = async |place, hash| -> Result<_, StoreError> {
        let verdict = verify(&bench.db, &keys(), Some((place, hash)), Timestamp(1)).await?;
        Ok(verdict.broken.map(|broken| (broken.number, broken.code)))
    };
    assert_eq!(with(7, noted.head.as_str()).await?, None);
    assert_eq!(with(6, noted.head.as_str()).await?, Some((6, "CHAIN_OTHER".to_owned())));
    assert_eq!(with(12, noted.head.as_str()).await?, Some((10, "CHAIN_END".to_owned())));
    Ok(())
}

#[tokio::test]
async fn two_nodes_that_seal_at_once_give_each_entry_one_place() -> TestResult {
    let bench = Bench::new().await?;
    write(&bench, 40).await?;
    let keys = keys();
    let (a, b) = tokio::join!(seal_open(&bench.db, &keys, Timestamp(9)), seal_open(&bench.db, &keys, Timestamp(9)));
    assert_eq!(a? + b?, 40);
    assert_eq!(found(&bench, &keys).await?, None);
    Ok(())
}
