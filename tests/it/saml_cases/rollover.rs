//! Another key of our own: people sign in at every step, with encrypted assertions, whichever of our keys the
//! provider knows.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::{
    encryption::with_gcm,
    pen::{Draft, Site, request_of},
    scene::Saml,
};
use crate::{
    issuer::{Visitor, keys},
    real::TestDatabase as Database,
};

/// Certificates of our metadata by what they are for.
fn certificates<'a>(described: &'a str, used: &str) -> Vec<&'a str> {
    let keys = described.split("<md:KeyDescriptor ").skip(1).filter(|key| key.starts_with(&format!("use=\"{used}\"")));
    keys.map(|key| key.split("X509Certificate>").nth(1).unwrap().trim_end_matches("</ds:")).collect()
}

fn signed_by(certificate: &str, location: &str) -> bool {
    let der = BASE64_STANDARD.decode(certificate).unwrap();
    let certificate: x509_cert::Certificate = x509_cert::der::Decode::from_der(&der).unwrap();
    let key = certificate.tbs_certificate.subject_public_key_info.subject_public_key;
    let (signed, value) = location.split_once('?').unwrap().1.split_once("&Signature=").unwrap();
    let value = url::form_urlencoded::parse(format!("v={value}").as_bytes()).next().unwrap().1.into_owned();
    let value = BASE64_STANDARD.decode(value).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.raw_bytes()).verify(signed.as_bytes(), &value).is_ok()
}

struct Office {
    saml: Saml,
    idp: String,
    people: usize,
}

impl Office {
    async fn described(&self) -> String {
        Visitor::new().get(&self.saml.address(&self.idp, "metadata")).await.body
    }

    async fn step(&self, step: &str) -> i32 {
        self.saml.scene.shell(&["idp", "key", step, "rolling"], "").await.code
    }

    /// A provider that knows this metadata of ours signs people in, whichever key in it it encrypts to.
    async fn signs_in(&mut self, known: &str, when: &str) {
        for certificate in certificates(known, "encryption") {
            self.people += 1;
            let visitor = Visitor::new();
            let location = visitor.get(&self.saml.address(&self.idp, "start")).await.location().to_owned();
            let is_ours = certificates(known, "signing").iter().any(|known| signed_by(known, &location));
            assert!(is_ours, "{when}: the provider does not know who asks");
            let text = request_of(&location);
            let request = text.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let case: &'static str = Box::leak(format!("rolling-{}", self.people).into_boxed_str());
            let site = self.saml.site(case, ("rolling", &self.idp), request);
            let site = Site { certificate: certificate.to_owned(), ..site };
            let value = BASE64_STANDARD.encode(Draft { seal: with_gcm, ..Draft::default() }.write(&site));
            let end = self.saml.bring(&visitor, &site.acs, &[("SAMLResponse", value)]).await;
            assert_eq!(end.status, 303, "{when}: {}", end.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_ours_is_replaced_without_a_sign_in_that_fails() {
    for database in Database::both().await {
        let saml = Saml::new(&database).await;
        let idp = saml.add("rolling", &[&keys().main], &[]).await;
        let mut office = Office { saml, idp, people: 0 };
        let before = office.described().await;
        assert_eq!((certificates(&before, "signing").len(), certificates(&before, "encryption").len()), (1, 1));
        office.signs_in(&before, "before").await;
        for step in ["switch", "retire"] {
            assert_eq!(office.step(step).await, 2, "there is nothing to {step}");
        }

        assert_eq!(office.step("next").await, 0);
        let announced = office.described().await;
        assert_eq!((certificates(&announced, "signing").len(), certificates(&announced, "encryption").len()), (2, 2));
        office.signs_in(&before, "announced, not read yet").await;
        office.signs_in(&announced, "announced").await;
        assert_eq!(office.step("next").await, 2, "one at a time");

        assert_eq!(office.step("switch").await, 0);
        let switched = office.described().await;
        let (old, new) = (certificates(&before, "signing")[0], certificates(&switched, "encryption")[0]);
        assert!(certificates(&switched, "encryption").len() == 1 && new != old, "nobody is sent to a key that goes");
        office.signs_in(&announced, "switched, not read yet").await;
        office.signs_in(&switched, "switched").await;
        assert_eq!(office.step("switch").await, 2, "there is no way back but another key");

        assert_eq!(office.step("retire").await, 0);
        let retired = office.described().await;
        assert_eq!((certificates(&retired, "signing"), certificates(&retired, "encryption")), (vec![new], vec![new]));
        office.signs_in(&switched, "retired, not read yet").await;
        office.signs_in(&retired, "retired").await;

        // A key that was announced may be withdrawn again.
        assert_eq!((office.step("next").await, office.step("retire").await), (0, 0));
        assert_eq!(certificates(&office.described().await, "signing"), [new]);
        let (t, people) = (&office.saml.scene.t, i64::try_from(office.people).unwrap());
        assert_eq!(t.count("SELECT COUNT(*) FROM session WHERE idp_id IS NOT NULL").await, people, "{}", database.name);
        assert_eq!(t.count("SELECT COUNT(*) FROM audit WHERE action = 'idp.key'").await, 5);
        assert_eq!(t.count("SELECT COUNT(*) FROM idp WHERE other_secret IS NOT NULL").await, 0);
        office.saml.scene.t.stop().await;
    }
}
