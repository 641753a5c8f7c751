//! What is not the answer to what was asked, is too late, or is somebody else's.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use musubi::{clock::Clock, model::Timestamp, store::sql};

use super::{Authenticator, answer, asked, half, register};
use crate::{
    oidc_cases::{
        people::owner,
        scene::{SESSION, Scene},
    },
    real::TestDatabase as Database,
    signing::person::{MAIL, PASSPHRASE, Person},
};

const OTHER: &str = "kishi@hinoki-seiki.example";

type Lie = fn(&mut Authenticator);

struct Lies<'a> {
    scene: &'a Scene,
    now: Arc<AtomicI64>,
}

impl Lies<'_> {
    /// Later than any wrong try keeps the next one waiting.
    fn later(&self) {
        self.now.fetch_add(31 * Timestamp::SECOND, Ordering::SeqCst);
    }

    /// How often a sign-in was refused for this.
    async fn refused(&self, code: &str) -> usize {
        let details: Vec<(String,)> =
            sql("SELECT detail FROM audit WHERE action = 'session.start' AND outcome = 'refused'")
                .all(&self.scene.t.hub().db)
                .await
                .unwrap();
        details.iter().filter(|(detail,)| detail.contains(code)).count()
    }

    /// An answer that is refused for this, and opens nothing.
    async fn refuses(&self, what: &str, code: &str, person: &Person<'_>, token: &str, passkey: &str) {
        self.later();
        let before = self.refused(code).await;
        let end = answer(person, token, passkey).await;
        assert_eq!((end.status, end.sets(SESSION)), (401, None), "{what}: {}", end.body);
        assert_eq!(self.refused(code).await, before + 1, "{what}");
        self.later();
    }
}

async fn colleague(scene: &Scene) -> Person<'_> {
    let mut tx = scene.t.hub().db.begin().await.unwrap();
    sql("INSERT INTO app_user (id, mail, mail_key, name, role, password_hash, language, theme, created_at)
         SELECT 'usr_colleague', $1, $1, '岸 由美', 'admin', password_hash, 'ja', theme, created_at FROM app_user")
    .bind(OTHER)
    .execute(&mut tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let person = Person::new(scene);
    assert_eq!(person.knock("/signin", OTHER, PASSPHRASE).await.status, 303);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_signs_in() {
    for database in Database::both().await {
        let now = Arc::new(AtomicI64::new(Clock::System.now().0));
        let scene = Scene::at(&database, Clock::Manual(now.clone())).await;
        owner(&scene, MAIL).await;
        let lies = Lies { scene: &scene, now };
        let mut key = Authenticator::new(&scene.t.address());
        let mut theirs = Authenticator::new(&scene.t.address());
        let boss = Person::local(&scene, "/signin").await;
        assert_eq!(register(&boss, &key, "Laptop").await.status, 200);
        let kishi = colleague(&scene).await;
        let taken = register(&kishi, &key, "Not mine").await;
        assert_eq!(taken.status, 422, "one passkey, two people: {}", taken.body);
        assert_eq!(register(&kishi, &theirs, "Phone").await.status, 200);

        let honest = |key: &Authenticator| (key.origin.clone(), key.rp.clone(), key.flags, key.counter);
        let usual = honest(&key);
        let person = Person::new(&scene);
        let cases: [(&str, Lie); 4] = [
            ("another origin", |key| key.origin = "https://hub.example".to_owned()),
            ("another site's passkey", |key| key.rp = Some("hub.example".to_owned())),
            ("nobody was asked for a PIN", |key| key.flags &= !super::authenticator::VERIFIED),
            ("a copy that counts for itself", |key| key.counter = 0),
        ];
        for (what, lie) in cases {
            let token = half(&person, "/signin", MAIL).await;
            let options = asked(&person, "/signin/passkey/ask", &token).await;
            lie(&mut key);
            let answered = key.get(&options);
            (key.origin, key.rp, key.flags, key.counter) = usual.clone();
            lies.refuses(what, "PASSKEY_WRONG", &person, &token, &answered).await;
        }
        for (what, other) in [("a colleague's", &mut theirs), ("a forged one", &mut key.forged())] {
            let token = half(&person, "/signin", MAIL).await;
            let options = asked(&person, "/signin/passkey/ask", &token).await;
            lies.refuses(what, "PASSKEY_WRONG", &person, &token, &other.get(&options)).await;
        }
        let token = half(&person, "/signin", MAIL).await;
        asked(&person, "/signin/passkey/ask", &token).await;
        lies.refuses("no answer at all", "PASSKEY_WRONG", &person, &token, "{\"id\":").await;
        lies.refuses("asked once, answered twice", "PASSKEY_OVER", &person, &token, "").await;

        // Replayed, after another question and in another browser.
        let token = half(&person, "/signin", MAIL).await;
        let options = asked(&person, "/signin/passkey/ask", &token).await;
        let good = key.get(&options);
        lies.later();
        let stranger = Person::new(&scene);
        let foreign = half(&stranger, "/signin", MAIL).await;
        lies.refuses("in another browser", "PASSKEY_OVER", &stranger, &foreign, &good).await;
        asked(&stranger, "/signin/passkey/ask", &foreign).await;
        lies.refuses("asked there, too", "PASSKEY_WRONG", &stranger, &foreign, &good).await;
        let end = answer(&person, &token, &good).await;
        assert!(end.status == 303 && end.sets(SESSION).is_some(), "{}: {}", database.name, end.body);
        lies.later();
        let again = Person::new(&scene);
        let token = half(&again, "/signin", MAIL).await;
        asked(&again, "/signin/passkey/ask", &token).await;
        lies.refuses("replayed", "PASSKEY_WRONG", &again, &token, &good).await;

        let token = half(&again, "/signin", MAIL).await;
        let options = asked(&again, "/signin/passkey/ask", &token).await;
        lies.now.fetch_add(6 * Timestamp::MINUTE, Ordering::SeqCst);
        lies.refuses("too late", "PASSKEY_OVER", &again, &token, &key.get(&options)).await;
        // What was asked for a sign-in is no proof, and the other way round.
        let options = asked(&boss, "/me/prove/passkey/ask", &boss.token("/me").await).await;
        let proof = key.get(&options);
        let token = half(&again, "/signin", MAIL).await;
        lies.refuses("a proof", "PASSKEY_OVER", &again, &token, &proof).await;
        scene.t.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passkeys_wait_as_wrong_codes_do() {
    let database = Database::sqlite().await;
    let now = Arc::new(AtomicI64::new(Clock::System.now().0));
    let scene = Scene::at(&database, Clock::Manual(now)).await;
    owner(&scene, MAIL).await;
    let key = Authenticator::new(&scene.t.address());
    let boss = Person::local(&scene, "/signin").await;
    assert_eq!(register(&boss, &key, "Laptop").await.status, 200);
    let person = Person::new(&scene);
    let token = half(&person, "/signin", MAIL).await;
    assert_eq!(answer(&person, &token, "{}").await.status, 401);
    let end = answer(&person, &token, "{}").await;
    assert!(end.status == 429 && end.header("retry-after") == "1", "{} {}", end.status, end.body);
    assert_eq!(person.code("ABCDEFGH-23456789").await.status, 429, "codes wait with them");
    scene.t.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_takes_what_was_asked_of_this_session() {
    for database in Database::both().await {
        let now = Arc::new(AtomicI64::new(Clock::System.now().0));
        let scene = Scene::at(&database, Clock::Manual(now)).await;
        owner(&scene, MAIL).await;
        let boss = Person::local(&scene, "/signin").await;
        let kishi = colleague(&scene).await;
        let key = Authenticator::new(&scene.t.address());
        let save = "/me/second-factor/passkeys";
        let ask = async |person: &Person<'_>| {
            let token = person.token("/me").await;
            asked(person, "/me/second-factor/passkeys/ask", &token).await
        };
        let made = key.create(&ask(&boss).await);
        assert_eq!(kishi.post(save, &[("label", "x"), ("passkey", &made)]).await.status, 422, "asked of another");
        assert_eq!(boss.post(save, &[("label", " "), ("passkey", &made)]).await.status, 422, "without a name");
        assert_eq!(boss.post(save, &[("label", "x"), ("passkey", &made)]).await.status, 422, "a second time");
        let options = ask(&boss).await;
        let mut there = Authenticator::new("https://hub.example");
        assert_eq!(boss.post(save, &[("label", "x"), ("passkey", &there.create(&options))]).await.status, 422);
        there.origin = scene.t.address();
        there.flags &= !super::authenticator::VERIFIED;
        let options = ask(&boss).await;
        assert_eq!(boss.post(save, &[("label", "x"), ("passkey", &there.create(&options))]).await.status, 422);
        assert_eq!(scene.t.count("SELECT COUNT(*) FROM passkey").await, 0, "{}", database.name);
        scene.t.stop().await;
    }
}
