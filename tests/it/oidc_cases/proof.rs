//! The hub proves itself by a signature (`private_key_jwt`): what it sends is signed by the key that it publishes.

use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use super::{case::Way, scene::Scene};
use crate::{
    issuer::{Auth, Play, Visitor, parts, unb64},
    real::TestDatabase as Database,
};

pub const BY_KEY: fn(&mut Play) = |p| {
    p.auth = Auth::Key;
    p.discovery = |d, _| d["token_endpoint_auth_methods_supported"] = serde_json::json!(["private_key_jwt"]);
};

#[tokio::test(flavor = "multi_thread")]
async fn each_proof_is_new_and_signed_with_the_key_that_this_provider_can_read() {
    for database in Database::both().await {
        let scene = Scene::new(&database).await;
        let mut ids = Vec::new();
        for case in ["proof", "another"] {
            scene.issuers.plays(case, BY_KEY);
            let idp = scene.add(case, &["--auth", "key"]).await.unwrap_or_else(|ran| panic!("{}", ran.err));
            for _ in 0..2 {
                assert_eq!(scene.sign_in(&Visitor::new(), &idp, Way::Straight).await.end.status, 303, "{case}");
            }
            let address = format!("{}/auth/oidc/{idp}/jwks.json", scene.t.address());
            let page = Visitor::new().get(&address).await;
            assert!(page.status == 200 && page.header("content-type").starts_with("application/json"), "{}", page.body);
            let set: Value = serde_json::from_str(&page.body).unwrap();
            let key = &set["keys"][0];
            assert!(set["keys"].as_array().unwrap().len() == 1 && key.get("d").is_none(), "{set}");
            let field = |name: &str| unb64(key[name].as_str().unwrap());
            let public = [vec![4], field("x"), field("y")].concat();
            let proofs = scene.issuers.proofs(case);
            assert_eq!(proofs.len(), 2);
            for proof in proofs {
                let [header, _, signature] = parts(&proof);
                let head: Value = serde_json::from_slice(&unb64(&header)).unwrap();
                assert_eq!((&head["kid"], &head["alg"]), (&key["kid"], &key["alg"]));
                let signed = proof.rsplit_once('.').unwrap().0;
                let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
                assert!(public.verify(signed.as_bytes(), &unb64(&signature)).is_ok(), "{case}: another key signed");
            }
            ids.push(key["kid"].clone());

            let shown = scene.shell(&["idp", "show", case, "--json"], "").await;
            assert!(shown.json()["jwks"].as_str().unwrap().ends_with(&format!("/auth/oidc/{idp}/jwks.json")));
        }
        assert_ne!(ids[0], ids[1], "{}: two providers, one key", database.name);
        let secret = scene.added("secret").await;
        for idp in [secret.as_str(), "idp_nobody"] {
            let page = Visitor::new().get(&format!("{}/auth/oidc/{idp}/jwks.json", scene.t.address())).await;
            assert_eq!(page.status, 404, "{}: {}", database.name, page.body);
        }
        scene.t.stop().await;
    }
}
