//! Somebody with too many groups for a token of Entra ID: Microsoft Graph is asked, or nobody gets in.

use musubi::store::sql;
use serde_json::{Value, json};

use super::{case::Way, scene::Scene};
use crate::{
    issuer::{Answer, Page, Play, Visitor},
    real::TestDatabase as Database,
};

const MEMBER_GROUPS: &str = "v1.0/me/getMemberGroups";
const STAFF: &str = "5f1c2d90-0000-4000-8000-00000000a001";
const IT: &str = "5f1c2d90-0000-4000-8000-00000000a002";
const OTHER: &str = "5f1c2d90-0000-4000-8000-00000000a003";

/// As Entra ID describes itself, with a token that only says where the groups are.
fn entra(p: &mut Play) {
    p.discovery = |d, site| d["userinfo_endpoint"] = json!(format!("{}/oidc/userinfo", site.issuer));
    p.token = |t| {
        t.without(&["groups"]);
        t.claim("_claim_names", json!({"groups": "src1"}));
        t.claim("_claim_sources", json!({"src1": {"endpoint": format!("{}/groups", t.site.outside)}}));
    };
    p.userinfo = |u| drop(u.as_object_mut().unwrap().shift_remove("groups"));
    p.member_groups = |g| g["value"] = json!([OTHER, STAFF]);
}

/// A provider of a preset, where two groups mean something.
async fn provider(scene: &Scene, case: &str, preset: Option<&str>, groups: [&str; 2], play: fn(&mut Play)) -> String {
    scene.issuers.plays(case, play);
    let [staff, it] = groups.map(str::to_owned);
    let roles = ["--role".to_owned(), format!("{staff}=employee"), "--role".to_owned(), format!("{it}=admin")];
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let idp = scene.add(case, &roles).await.unwrap_or_else(|ran| panic!("{case}: {}", ran.err));
    // The command line knows no presets.
    let mut tx = scene.t.hub().db.begin().await.unwrap();
    sql("UPDATE idp SET preset = $1 WHERE id = $2").bind(preset).bind(&idp).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    idp
}

async fn come(scene: &Scene, idp: &str) -> Page {
    scene.sign_in(&Visitor::new(), idp, Way::Straight).await.end
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_asked_for_where_userinfo_is_and_decide_each_time() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let idp = provider(&scene, "graph", Some("entra"), [STAFF, IT], entra).await;
        assert_eq!(come(&scene, &idp).await.status, 303, "{:?}", scene.standing("graph", &idp).await.refusals);
        assert_eq!(scene.role(&idp).await, "employee");
        // The one that matters, behind more than are looked at.
        scene.issuers.plays("graph", |p| {
            entra(p);
            p.member_groups = |g| {
                let many = (0..1_500).map(|n| format!("00000000-0000-4000-8000-{n:012}"));
                g["value"] = many.chain([IT.to_owned()]).collect();
            };
        });
        assert_eq!((come(&scene, &idp).await.status, scene.role(&idp).await.as_str()), (303, "admin"));
        // An empty list of the token's own is no list.
        scene.issuers.plays("graph", |p| {
            entra(p);
            p.token = |t| {
                t.claim("groups", json!([]));
                t.claim("_claim_names", json!({"groups": "src1"}));
            };
        });
        assert_eq!((come(&scene, &idp).await.status, scene.role(&idp).await.as_str()), (303, "employee"));
        assert_eq!(scene.issuers.times("graph", MEMBER_GROUPS), 3);
        // Who has few is not asked about.
        scene.issuers.plays("graph", |p| {
            entra(p);
            p.token = |t| t.claim("groups", json!([IT]));
        });
        assert_eq!((come(&scene, &idp).await.status, scene.role(&idp).await.as_str()), (303, "admin"));
        assert_eq!(scene.issuers.times("graph", MEMBER_GROUPS), 3, "{}", database.name);
        assert_eq!(scene.issuers.wrong("graph"), Vec::<String>::new());
        assert_eq!(scene.issuers.all_strays(), Vec::<String>::new(), "the place that the token names is not asked");
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_resolved_is_refused() {
    let database = Database::sqlite().await;
    let scene = Scene::new(&database).await;
    let ids = [STAFF, IT];
    type Row =
        (&'static str, Option<&'static str>, [&'static str; 2], fn(&mut Play), &'static str, usize, &'static str);
    let rows: [Row; 10] = [
        ("no-preset", None, ids, entra, "GROUPS_ELSEWHERE", 0, ""),
        ("other-preset", Some("okta"), ids, entra, "GROUPS_ELSEWHERE", 0, ""),
        ("by-name", Some("entra"), ["staff", IT], entra, "GROUPS_ELSEWHERE", 0, "by name"),
        (
            "other-userinfo",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.discovery = |_, _| {};
            },
            "GROUPS_ELSEWHERE",
            0,
            "",
        ),
        (
            "no-right",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.member_groups_answer = Answer::Error(403, "Authorization_RequestDenied");
            },
            "GROUPS_ELSEWHERE",
            1,
            "User.Read",
        ),
        (
            "sent-on",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.member_groups_answer = Answer::Elsewhere(307);
            },
            "GROUPS_ELSEWHERE",
            1,
            "HTTP 307",
        ),
        (
            "no-list",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.member_groups = |g| g["value"] = json!(STAFF);
            },
            "GROUPS_ELSEWHERE",
            1,
            "JSON",
        ),
        (
            "too-large",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.member_groups_answer = Answer::Huge;
            },
            "GROUPS_ELSEWHERE",
            1,
            "larger",
        ),
        (
            "more-pages",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.member_groups = |g| {
                    g["value"] = json!([STAFF]);
                    g["@odata.nextLink"] = json!("https://graph.microsoft.com/v1.0/me/more");
                };
            },
            "GROUPS_ELSEWHERE",
            1,
            "at once",
        ),
        (
            "of-none",
            Some("entra"),
            ids,
            |p| {
                entra(p);
                p.member_groups = |g| g["value"] = json!([OTHER]);
            },
            "ROLE_NONE",
            1,
            "",
        ),
    ];
    for (case, preset, groups, play, code, asked, said) in rows {
        let idp = provider(&scene, case, preset, groups, play).await;
        let end = come(&scene, &idp).await;
        assert_eq!(end.status, 403, "{case}: {}", end.body);
        assert_eq!(end.body.contains("This account has too many groups"), code == "GROUPS_ELSEWHERE", "{case}");
        let seen = scene.standing(case, &idp).await;
        assert_eq!((seen.identities, seen.users, seen.sessions, seen.refusals.len()), (0, 0, 0, 1), "{case}");
        let detail: &Value = &seen.refusals[0].0;
        assert_eq!(detail["code"], code, "{case}");
        assert!(detail["detail"].as_str().unwrap_or_default().contains(said), "{case}: {detail}");
        assert_eq!(scene.issuers.times(case, MEMBER_GROUPS), asked, "{case}");
        assert_eq!(scene.issuers.wrong(case), Vec::<String>::new(), "{case}");
    }
    assert_eq!(scene.issuers.all_strays(), Vec::<String>::new());
    scene.t.stop().await;
}
