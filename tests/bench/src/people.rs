//! People of the bench and the browsers they are signed in with, written where the hub reads them.

use musubi::{
    clock::Clock,
    model::{Id, Timestamp, ids::Noun},
    store::{StoreError, Tx, session, user},
};
use sha2::{Digest as _, Sha256};

/// Somebody at the company, without a passphrase; their id.
pub async fn person(tx: &mut Tx, mail: &str, role: &str) -> Result<Id, StoreError> {
    let id = Id::new(Noun::User);
    let new = user::NewUser {
        id: &id,
        mail,
        mail_key: mail,
        kind: user::PERSON,
        name: "社員",
        role,
        password_hash: None,
        language: "ja",
        theme: "system",
        now: Clock::System.now(),
    };
    user::insert(tx, &new).await?;
    Ok(id)
}

/// A browser with this cookie.
pub async fn browser(tx: &mut Tx, person: &Id, token: &str) -> Result<(), StoreError> {
    let now = Clock::System.now();
    let row = session::NewSession {
        token_hash: &Sha256::digest(token.as_bytes()),
        id: &Id::new(Noun::Session),
        user_id: person.as_str(),
        csrf: "bench",
        now,
        expires_at: now.plus(Timestamp::DAY),
        ip: None,
        agent: None,
        idp_id: None,
        subject: None,
        sid: None,
        proved_at: None,
        glass: false,
        name_id: None,
    };
    session::insert(tx, &row).await
}
