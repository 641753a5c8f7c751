//! Departments come from the groups that a provider names at sign-in, and follow them when they change.

use musubi::{clock::Clock, store::sql};
use serde_json::{Value, json};

use super::scene::limited;
use crate::{
    issuer::{Play, Visitor},
    oidc_cases::{
        case::Way,
        people::owner,
        scene::{SESSION, Scene},
    },
    real::TestDatabase,
    saml_cases::{
        pen::{Draft, Edit, Site, of_one},
        scene::Saml,
        slo::somebody,
    },
    sender::{SECRET, Sender, at},
};

const OWNER: &str = "takanashi@hinoki-seiki.example";
/// What a provider's groups mean here, beside the role of `staff`.
const MEANT: [&str; 4] = ["--department", "sales-1=営業一課", "--department", "sales-2=営業二課"];

/// A hub where employees see their own departments' customers only; those of the first, of the second, of none.
async fn company(database: &TestDatabase) -> (Scene, [String; 3]) {
    let scene = Scene::with(database, Clock::System, |config| {
        limited(config);
        config.access.unassigned = false;
        config.signin.per_address = 1_000_000;
    })
    .await;
    owner(&scene, OWNER).await;
    let connection = scene.t.connect("webhook", json!({"webhook_secret": SECRET})).await;
    let sender = Sender::generic(&scene.t.url, &connection);
    for (id, department) in [("a", "営業一課"), ("b", "営業二課"), ("c", "")] {
        let mut data = json!({"id": id, "updated_at": at(1), "name": format!("見本商会 {id}"), "code": id});
        if !department.is_empty() {
            data["department"] = department.into();
        }
        sender.accepted(id, &json!({"type": "customer.changed", "data": data})).await;
        scene.t.inbox_empty().await;
    }
    let mut customers = Vec::new();
    for code in ["a", "b", "c"] {
        let found = sql("SELECT id FROM customer WHERE code = $1").bind(code);
        customers.push(found.one::<(String,)>(&scene.t.hub().db).await.unwrap().0);
    }
    (scene, customers.try_into().unwrap())
}

/// Which of the customers are there for somebody.
async fn seen(scene: &Scene, visitor: &Visitor, customers: &[String; 3]) -> [bool; 3] {
    let mut there = [false; 3];
    for (there, id) in there.iter_mut().zip(customers) {
        let status = visitor.get(&format!("{}/customers/{id}", scene.t.address())).await.status;
        assert!([200, 404].contains(&status), "{status}");
        *there = status == 200;
    }
    let list = visitor.get(&format!("{}/customers", scene.t.address())).await.body;
    let listed = customers.each_ref().map(|id| list.contains(&format!("/customers/{id}")));
    assert_eq!(listed, there, "the list and the pages");
    there
}

/// What the audit trail says of departments, oldest first: given, taken.
async fn trail(scene: &Scene) -> Vec<(String, String)> {
    let rows = sql("SELECT detail FROM audit WHERE action = 'user.department' ORDER BY id");
    let rows: Vec<(String,)> = rows.all(&scene.t.hub().db).await.unwrap();
    let named = |detail: &Value, which: &str| {
        let mut names: Vec<String> =
            detail[which].as_str().unwrap_or_default().split(", ").map(str::to_owned).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let read = |(detail,): &(String,)| {
        let detail: Value = serde_json::from_str(detail).unwrap();
        (named(&detail, "given"), named(&detail, "taken"))
    };
    rows.iter().map(read).collect()
}

const EXPECTED: [(&str, &str); 4] =
    [("営業一課", ""), ("営業二課", "営業一課"), ("営業一課", ""), ("", "営業一課 営業二課")];

fn owned((given, taken): (&str, &str)) -> (String, String) {
    (given.to_owned(), taken.to_owned())
}

/// Groups that somebody has one sign-in after another, and what is seen then.
const TIMES: [[bool; 3]; 4] = [[true, false, false], [false, true, false], [true, true, false], [false, false, false]];

#[tokio::test(flavor = "multi_thread")]
async fn of_openid_connect() {
    const SAID: [fn(&mut Play); 4] = [
        |p| p.token = |t| t.claim("groups", json!(["staff", "sales-1"])),
        |p| p.token = |t| t.claim("groups", json!(["staff", "sales-2", "choir"])),
        |p| p.token = |t| t.claim("groups", json!(["sales-1", "staff", "sales-2"])),
        |p| p.token = |t| t.claim("groups", json!(["staff", "Sales-1"])),
    ];
    for database in TestDatabase::both().await {
        let (scene, customers) = company(&database).await;
        let idp = scene.add("groups", &MEANT).await.unwrap_or_else(|ran| panic!("{}", ran.err));
        let open = Visitor::new();
        for (n, (said, there)) in SAID.into_iter().zip(TIMES).enumerate() {
            scene.issuers.plays("groups", said);
            if n == 0 {
                assert_eq!(scene.sign_in(&open, &idp, Way::Straight).await.end.status, 303);
            }
            let visitor = Visitor::new();
            let end = scene.sign_in(&visitor, &idp, Way::Straight).await.end;
            assert!(end.status == 303 && end.sets(SESSION).is_some(), "{}: {n}: {}", database.name, end.body);
            assert_eq!(seen(&scene, &visitor, &customers).await, there, "{}: {n}", database.name);
            assert_eq!(seen(&scene, &open, &customers).await, there, "{}: {n}: in a session of before", database.name);
        }
        assert_eq!(trail(&scene).await, EXPECTED.map(owned), "{}", database.name);

        // What somebody gave by hand is not the groups' to take.
        let mail = scene.issuers.site("groups").mail();
        let ran = scene.shell(&["user", "department", &mail, "--add", "営業二課"], "").await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        let visitor = Visitor::new();
        assert_eq!(scene.sign_in(&visitor, &idp, Way::Straight).await.end.status, 303);
        assert_eq!(seen(&scene, &visitor, &customers).await, [false, true, false], "{}", database.name);

        // Too many groups to be named: nobody comes in, and nothing is taken from what is not known.
        scene.issuers.plays("groups", |p| {
            p.token = |t| {
                t.without(&["groups"]);
                t.claim("_claim_names", json!({"groups": "src1"}));
            };
            p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
        });
        let end = scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end;
        assert!(end.status == 403 && end.body.contains("This account has too many groups"), "{}", end.body);
        assert_eq!(trail(&scene).await.len(), 5, "{}", database.name);
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_saml() {
    fn and(site: &Site, text: &str, groups: &[&str]) -> String {
        let values: String =
            groups.iter().map(|group| format!("<saml:AttributeValue>{group}</saml:AttributeValue>")).collect();
        of_one(site, text).replace("<saml:AttributeValue>staff<", &format!("{values}<saml:AttributeValue>staff<"))
    }
    const SAID: [(&str, Edit); 4] = [
        ("first", |s, t| and(s, &t, &["sales-1"])),
        ("second", |s, t| and(s, &t, &["sales-2", "choir"])),
        ("both", |s, t| and(s, &t, &["sales-1", "sales-2"])),
        ("neither", |s, t| and(s, &t, &["Sales-1"])),
    ];
    for database in TestDatabase::both().await {
        let (scene, customers) = company(&database).await;
        let saml = Saml::within(scene).await;
        let idp = saml.add("groups", &[&crate::issuer::keys().main], &MEANT).await;
        for ((case, assertion), there) in SAID.into_iter().zip(TIMES) {
            let draft = Draft { assertion, ..Draft::default() };
            let (visitor, _) = somebody(&saml, case, ("groups", &idp), draft).await;
            assert_eq!(seen(&saml.scene, &visitor, &customers).await, there, "{}: {case}", database.name);
        }
        let people = "SELECT COUNT(*) FROM external_identity";
        assert_eq!(saml.scene.t.count(people).await, 1, "the same person each time");
        assert_eq!(trail(&saml.scene).await, EXPECTED.map(owned), "{}", database.name);
        saml.scene.t.stop().await;
    }
}
