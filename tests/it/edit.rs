//! What people type into the master record, beside what the sources say.

use musubi::{
    master::edit::{self, By, Edit, EditError, Keep, Seen, Values},
    model::view::EVERYTHING,
    store::{customer, customer_value},
};
use serde_json::{Value, json};

use crate::{
    hub::TestHub,
    real::TestDatabase as Database,
    sender::{SECRET, Sender, at},
};

const CUSTOMER: &str = "SELECT id FROM customer";

/// The source's customer `c` with a phone number, as of a minute.
fn told(minute: u32, phone: &str) -> Value {
    json!({"type": "customer.changed", "data": {
        "id": "c", "name": "朝凪電装", "phone": phone, "address": format!("浜松市{minute}番地"), "updated_at": at(minute),
    }})
}

async fn source(t: &TestHub) -> Sender {
    let id = t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    Sender::generic(&t.url, &id)
}

async fn say(t: &TestHub, sender: &Sender, minute: u32, phone: &str) {
    sender.accepted(&minute.to_string(), &told(minute, phone)).await;
    t.inbox_empty().await;
}

fn by(t: &TestHub) -> By<'static> {
    By { actor: "佐伯", now: t.hub().clock.now(), currency: t.hub().engine.currency, view: &EVERYTHING }
}

async fn row(t: &TestHub) -> customer::Row {
    let id = t.text(CUSTOMER).await;
    let mut tx = t.hub().db.begin().await.unwrap();
    customer::by_ids(&mut tx, std::iter::once(id.as_str())).await.unwrap().remove(&id).unwrap()
}

/// Types one value into the form of the only customer.
async fn type_in(t: &TestHub, field: &'static str, value: &str, pinned: bool) -> Result<i64, EditError> {
    let row = row(t).await;
    let seen = edit::values_of(&row);
    let values = Values::from([(field.to_owned(), value.to_owned())]);
    let mut tx = t.hub().db.begin().await.unwrap();
    let done =
        edit::edit(&mut tx, Edit { customer_id: &row.id, seen: Seen::Values(seen), values, pinned }, by(t)).await;
    tx.commit().await.unwrap();
    done
}

async fn release(t: &TestHub, field: &str) -> Result<i64, EditError> {
    let id = t.text(CUSTOMER).await;
    let mut tx = t.hub().db.begin().await.unwrap();
    let done = edit::release(&mut tx, &id, field, by(t)).await;
    tx.commit().await.unwrap();
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_value_stands_until_the_source_says_something_new() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = source(&t).await;
        say(&t, &s, 1, "053-1").await;
        type_in(&t, "phone", " 053-2 ", false).await.unwrap();
        assert_eq!(row(&t).await.phone.as_deref(), Some("053-2"), "{}", database.name);
        assert_eq!(t.text("SELECT actor || ' ' || reason FROM version WHERE valid_to IS NULL").await, "佐伯 edited");
        // Something else changed there: the telephone number did not.
        say(&t, &s, 2, "053-1").await;
        let now = row(&t).await;
        assert_eq!((now.phone.as_deref(), now.address.as_deref()), (Some("053-2"), Some("浜松市2番地")));
        say(&t, &s, 3, "053-3").await;
        assert_eq!(row(&t).await.phone.as_deref(), Some("053-3"));
        assert_eq!(t.count("SELECT COUNT(*) FROM customer_value").await, 0);
        // The same form again changes nothing and adds no version.
        let before = row(&t).await.seq;
        assert_eq!(type_in(&t, "phone", "053-3", true).await.unwrap(), before);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_value_wins_until_it_is_released() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = source(&t).await;
        say(&t, &s, 1, "053-1").await;
        type_in(&t, "phone", "053-2", true).await.unwrap();
        say(&t, &s, 2, "053-9").await;
        let pinned = row(&t).await;
        assert_eq!(pinned.phone.as_deref(), Some("053-2"), "{}", database.name);
        assert!(pinned.provenance.contains("pinned"), "{}", pinned.provenance);
        release(&t, "phone").await.unwrap();
        assert_eq!(row(&t).await.phone.as_deref(), Some("053-9"));
        // An emptied value is a value: there is none, whatever the source says.
        type_in(&t, "phone", "", true).await.unwrap();
        say(&t, &s, 3, "053-10").await;
        assert_eq!(row(&t).await.phone, None);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_meanwhile_is_not_overwritten_unseen() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = source(&t).await;
        say(&t, &s, 1, "053-1").await;
        let old = row(&t).await;
        let seen = edit::values_of(&old);
        say(&t, &s, 2, "053-9").await;
        let id = old.id.clone();
        let attempt = |field: &'static str, value: &str| Edit {
            customer_id: &id,
            seen: Seen::Values(seen.clone()),
            values: Values::from([(field.to_owned(), value.to_owned()), ("name".to_owned(), "朝凪電装".to_owned())]),
            pinned: false,
        };
        let mut tx = t.hub().db.begin().await.unwrap();
        let refused = edit::edit(&mut tx, attempt("phone", "053-2"), by(&t)).await;
        assert!(matches!(&refused, Err(EditError::Overtaken(fields)) if *fields == ["phone"]), "{refused:?}");
        // A field that nobody moved is free, and so is typing what the other one typed.
        edit::edit(&mut tx, attempt("mail", "info@asanagi.example"), by(&t)).await.unwrap();
        edit::edit(&mut tx, attempt("phone", "053-9"), by(&t)).await.unwrap();
        tx.commit().await.unwrap();
        let now = row(&t).await;
        assert_eq!((now.phone.as_deref(), now.mail.as_deref()), (Some("053-9"), Some("info@asanagi.example")));
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_can_begin_in_the_hub() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let mut tx = t.hub().db.begin().await.unwrap();
        let wrong =
            Values::from([("name".to_owned(), " ".to_owned()), ("mail".to_owned(), "keine Adresse".to_owned())]);
        let refused = edit::create(&mut tx, wrong, by(&t)).await;
        assert!(matches!(&refused, Err(EditError::Invalid(all)) if all.len() == 2), "{refused:?}");
        let values =
            Values::from([("name".to_owned(), "灯台商会".to_owned()), ("phone".to_owned(), "03-1".to_owned())]);
        let id = edit::create(&mut tx, values, by(&t)).await.unwrap();
        tx.commit().await.unwrap();
        let made = row(&t).await;
        assert_eq!((made.id.as_str(), made.name.as_str(), made.seq), (id.as_str(), "灯台商会", 1), "{}", database.name);
        type_in(&t, "phone", "03-2", false).await.unwrap();
        assert_eq!(row(&t).await.phone.as_deref(), Some("03-2"));
        assert!(matches!(release(&t, "name").await, Err(EditError::Invalid(_))), "a name only people know stays");
        release(&t, "phone").await.unwrap();
        assert_eq!(row(&t).await.phone, None);
        let typed = customer_value::of(&t.hub().db, std::iter::once(id.as_str())).await.unwrap();
        assert_eq!(typed[&id].iter().map(|v| v.field.as_str()).collect::<Vec<_>>(), ["name"]);
        assert_eq!(t.count("SELECT COUNT(*) FROM version").await, 3);
        t.stop().await;
    }
}

const CONFLICTS: &str = "SELECT COUNT(*) FROM conflict";

async fn settle(t: &TestHub, field: &str, keep: Keep) -> i64 {
    let id = t.text(CUSTOMER).await;
    let mut tx = t.hub().db.begin().await.unwrap();
    let seq = edit::settle(&mut tx, &id, field, keep, by(t)).await.unwrap();
    tx.commit().await.unwrap();
    seq
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_sides_changed_is_shown_and_decided() {
    for database in Database::both().await {
        let t = TestHub::start(&database).await;
        let s = source(&t).await;
        say(&t, &s, 1, "053-1").await;
        type_in(&t, "phone", "053-2", false).await.unwrap();
        // The source writes what was typed its own way: nobody disagrees.
        say(&t, &s, 2, "（０５３）２").await;
        assert_eq!(t.count(CONFLICTS).await, 0, "{}", database.name);
        type_in(&t, "phone", "053-4", false).await.unwrap();
        say(&t, &s, 3, "053-5").await;
        // By the rules the source's newer value stands; what was typed is not lost.
        assert_eq!(row(&t).await.phone.as_deref(), Some("053-5"));
        let noted = "SELECT field || ' ' || typed || ' ' || said || ' ' || won || ' ' || actor FROM conflict";
        assert_eq!(t.text(noted).await, "phone 053-4 053-5 source 佐伯");
        settle(&t, "phone", Keep::Typed).await;
        let kept = row(&t).await;
        assert_eq!((kept.phone.as_deref(), t.count(CONFLICTS).await), (Some("053-4"), 0));
        assert!(kept.provenance.contains("pinned"));
        // Pinned now: the next word of the source is shown, and the typed value stands.
        say(&t, &s, 4, "053-5").await;
        assert_eq!(t.count(CONFLICTS).await, 0, "nothing new was said");
        say(&t, &s, 5, "053-6").await;
        assert_eq!(t.text(noted).await, "phone 053-4 053-6 typed 佐伯");
        assert_eq!(row(&t).await.phone.as_deref(), Some("053-4"));
        settle(&t, "phone", Keep::Source).await;
        assert_eq!((row(&t).await.phone.as_deref(), t.count(CONFLICTS).await), (Some("053-6"), 0));
        // Decided once: the same click again changes nothing.
        let before = row(&t).await.seq;
        assert_eq!(settle(&t, "phone", Keep::Typed).await, before);
        t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_both_values_and_chooses() {
    let desk = crate::console_desk::Desk::new().await;
    let s = source(&desk.t).await;
    say(&desk.t, &s, 1, "053-1").await;
    type_in(&desk.t, "phone", "053-2", false).await.unwrap();
    let id = desk.t.text(CUSTOMER).await;
    desk.open(&format!("/customers/{id}")).await;
    say(&desk.t, &s, 2, "053-3").await;
    // The open page shows it by itself.
    desk.b.wait_for_text("[data-region=conflicts]", "053-2").await;
    desk.b.wait_for_text("[data-region=conflicts]", "053-3").await;
    desk.looks("customer-conflict").await;
    desk.b.click("[data-region=conflicts] button[value=typed]").await;
    desk.b.wait_for_text("main [role=status]", "手入力の値に固定しました").await;
    assert!(!desk.b.exists("[data-region=conflicts] button").await);
    assert_eq!(row(&desk.t).await.phone.as_deref(), Some("053-2"));
    desk.close().await;
}
