//! Who reads which rows and values: the departments and masks of the pages hold here too, also in filters.

use musubi::identity::{By, Origin, Role, Scope};
use serde_json::Value;

use super::scene::{Tool, encoded, everything};
use crate::{
    real::TestDatabase,
    scope::scene::{CREDIT, OUTSIDE, PERSONAL, Scene, TERMS},
    tokens::scene::{service, token},
};

const OWN: &str = "営業1課";

async fn reader(s: &Scene, role: Role) -> Tool {
    let id = service(&s.t, &format!("読む {}", role.as_str()), role).await;
    let by = By { actor: "cli", role: None };
    assert!(s.t.hub().identity.give_department(by, &id, OWN, &Origin::default()).await.unwrap());
    Tool::new(&s.t, &token(&s.t, &id, &[Scope::BiRead]).await)
}

async fn count(tool: &Tool, set: &str, filter: &str) -> String {
    let answer = tool.request(&format!("/{set}/$count?$filter={}", encoded(filter))).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{filter}");
    assert_eq!(answer.headers()["content-type"], "text/plain");
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_their_departments_and_what_their_role_sees_in_the_clear() {
    for database in TestDatabase::both().await {
        let s = Scene::new(&database).await;
        let classes = [CREDIT.as_slice(), &TERMS, &PERSONAL];
        for (role, clear) in [
            (Role::Steward, [true, false, false]),
            (Role::Employee, [true, true, true]),
            (Role::Viewer, [false, false, false]),
        ] {
            let tool = reader(&s, role).await;
            let read = everything(&tool).await;
            assert!(read["Customers"].iter().any(|row| row["Id"] == s.id("own")), "{role:?}");
            assert!(read["Customers"].iter().any(|row| row["Id"] == s.id("free")), "without a department");
            let all = Value::Array(read.into_values().flatten().collect()).to_string();
            for outside in OUTSIDE {
                assert!(!all.contains(outside), "{} {role:?} reads {outside}", database.name);
            }
            assert!(!all.contains(s.id("other")), "{role:?} learns of who pays");
            assert!(!all.contains("sit_other"), "{role:?} learns of where it goes");
            for (class, clear) in classes.iter().zip(clear) {
                let seen = class.iter().any(|value| all.contains(value));
                assert_eq!(seen, clear, "{} {role:?} {class:?}", database.name);
            }
            for (set, filter, clear) in [
                ("Customers", "CreditLimit gt 0", clear[0]),
                ("Customers", "ClosingDay ne null", clear[1]),
                ("Customers", "Kind eq 'person' and contains(Address,'ひみつ町')", clear[2]),
                ("Contacts", "Mail eq 'tanto@kojin.example'", clear[2]),
                ("Orders", "Customer/CreditLimit gt 0", clear[0]),
            ] {
                assert_eq!(count(&tool, set, filter).await != "0", clear, "{} {role:?} {filter}", database.name);
            }
            nobody_elses(&s, &tool).await;
        }
        let admin = Tool::of(&s.t, Role::Admin).await;
        let other = format!("BillToId eq '{}'", s.id("other"));
        assert_eq!(count(&admin, "Orders", &other).await, "1");
        assert_eq!(count(&admin, "Customers", "contains(Address,'ひみつ町')").await, "1");
        s.t.stop().await;
    }
}

/// Neither by key, nor by a way, nor by a question about it.
async fn nobody_elses(s: &Scene, tool: &Tool) {
    let (other, order) = (s.id("other"), s.id("other_order"));
    for path in [
        format!("/Customers('{other}')"),
        format!("/Customers('{other}')/Orders"),
        format!("/Orders('{order}')"),
        format!("/Orders('{order}')/Customer"),
        "/Customers('cus_nobody')".to_owned(),
    ] {
        assert_eq!(tool.get(&path, 404).await.body["error"]["code"], "NOT_FOUND", "{path}");
    }
    for filter in
        [format!("BillToId eq '{other}'"), format!("CustomerId eq '{other}'"), "ShipToId eq 'sit_other'".to_owned()]
    {
        assert_eq!(count(tool, "Orders", &filter).await, "0", "{filter}");
    }
    let own = s.id("own");
    let expanded = tool.get(&format!("/Customers('{own}')?$expand=Orders($expand=Customer)"), 200).await.body;
    assert!(!expanded.to_string().contains(other));
    assert_eq!(expanded["Orders"][0]["Customer"]["Id"], own);
}
