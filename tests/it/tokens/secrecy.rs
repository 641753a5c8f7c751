//! The secret of a token is in no table, no log, no trail.

use musubi::{identity::Scope, store::backup::backup};

use super::scene::{Answer, client, read};
use crate::{
    cli_ops::Shell,
    process::{KEY, Plan, Process},
    real::{TestDatabase, free_port},
};

fn holds(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len()).any(|part| part == secret.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_in_no_table_no_log_and_no_trail() {
    for database in TestDatabase::both().await {
        let folder = tempfile::tempdir().unwrap();
        let shell = Shell { folder: folder.path(), url: &database.url };
        let run = |arguments: &[&str]| tokio::task::block_in_place(|| shell.json(arguments));
        let added = run(&["user", "add-service", "販売連携", "--role", "viewer"]);
        let name = "夜間の取り込み";
        let made = run(&["token", "create", "--for", "販売連携", "--name", name, "--scope", "customers:read"]);
        let secret = made["token"].as_str().unwrap().to_owned();
        let port = free_port();
        let plan = Plan {
            database: &database.url,
            port,
            connectors: folder.path(),
            folder: folder.path(),
            variables: &[("MUSUBI_LOG__FILTER", "trace"), ("MUSUBI_SECRETS__KEY", KEY)],
            wrap: &[],
        };
        let mut hub = Process::start(&plan);
        hub.ready().await;
        let ask = async |path: &str, token: &str| -> Answer {
            read(client().get(format!("http://127.0.0.1:{port}{path}")).bearer_auth(token)).await
        };
        let me = ask("/api/v1/me", &secret).await;
        assert_eq!((me.status, &me.body["id"]), (200, &added["id"]), "{}", me.body);
        assert_eq!(me.body["token"]["name"], name);
        assert!(!me.body.to_string().contains(&secret));
        assert_eq!(ask("/api/v1/customers", &secret).await.status, 200);
        // A typing error must not put most of a good token anywhere either.
        let typo = format!("{}x", &secret[..secret.len() - 1]);
        assert_eq!(ask("/api/v1/me", &typo).await.status, 401);
        let listed = run(&["token", "list", "--for", added["id"].as_str().unwrap()]);
        assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&made["id"], &"good".into()));
        assert_eq!(listed[0]["scopes"][0], Scope::CustomersRead.as_str());
        run(&["token", "revoke", made["id"].as_str().unwrap()]);
        hub.signal("TERM").await;
        assert!(hub.gone().await.success());

        let kept = folder.path().join("everything.db");
        backup(&database.db, &kept).await.unwrap();
        let log = std::fs::read(folder.path().join("serve.log")).unwrap();
        assert!(log.len() > 1_000, "there is a log");
        // What tells it from others: without the prefix, and without the check.
        let random = &secret[4..secret.len() - 6];
        for (place, text) in [("log", &log), ("database", &std::fs::read(&kept).unwrap())] {
            assert!(!holds(text, random), "{}: {place}", database.name);
        }
        assert!(holds(&std::fs::read(&kept).unwrap(), made["id"].as_str().unwrap()), "the search finds what is there");
        let trail = run(&["audit", "list"]).to_string();
        for act in ["token.create", "token.use", "token.revoke"] {
            assert!(trail.contains(act), "{act}");
        }
        assert!(!trail.contains(random));
        // Nobody and nothing that was named wrongly.
        let refused = |arguments: &[&str], code| tokio::task::block_in_place(|| shell.run(arguments, code));
        refused(&["token", "revoke", "tok_nothing"], 3);
        refused(&["token", "create", "--for", "だれか", "--name", "x", "--scope", "customers:read"], 3);
        refused(&["token", "create", "--for", "販売連携", "--name", "x", "--scope", "everything"], 2);
        let raised = ["token", "create", "--for", "販売連携", "--name", "x", "--scope", "audit:read"];
        assert!(refused(&raised, 2).err.contains("TOKEN_SCOPE"));
        let long =
            ["token", "create", "--for", "販売連携", "--name", "x", "--scope", "customers:read", "--expires", "2y"];
        refused(&long, 2);
        refused(&["user", "add-service", "販売連携"], 2);
    }
}
