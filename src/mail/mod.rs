//! Mails to people: invitations, alerts, notices about one's own account.
//!
//! | part | does |
//! |---|---|
//! | [`letter`] | what a mail tells, as data; the words are the page catalogues' |
//! | [`Post`] | writes a mail in the transaction of its cause |
//! | [`worker`] | sends what waits, with patience |
//! | [`carrier`] | hands one mail to the server (SMTP) |
//!
//! Invariant: a mail exists exactly when its cause does, and what a server took is not sent again by a process that
//! knows it. Cut off between the server's answer and our note of it, a mail goes out once more under the same
//! message id, by which mail systems recognise it.
//! Invariant: what a mail says is sealed while it waits and gone afterwards. Logs hold ids and codes.
//! Invariant: plain text; no value becomes a header without being one line.
//!
//! To add a mail: a variant of [`letter::What`], its words in both catalogues (`[mail]`), its lines in
//! `http::console::letter`.

pub mod carrier;
pub mod letter;
pub mod worker;

use std::sync::Arc;

pub use carrier::Carrier;
pub use letter::{Item, Letter, Problem, What, Writer, Written};
pub use worker::Worker;

use crate::{
    config,
    model::{Id, Timestamp, ids::Noun},
    secrets::Keys,
    store::{StoreError, Tx, mail},
};

/// Where a mail's letter is sealed for.
fn place(id: &str) -> String {
    format!("mail/{id}/letter")
}

/// Whoever may get a mail.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    pub mail: &'a str,
    /// `ja` or `en`.
    pub language: &'a str,
}

/// Writes mails. There is one exactly where mail is configured.
#[derive(Clone)]
pub struct Post {
    keys: Arc<Keys>,
    give_up: i64,
    public_url: String,
}

impl Post {
    /// `None`: no mail is configured.
    #[must_use]
    pub fn new(settings: &config::Mail, keys: Arc<Keys>, public_url: &str) -> Option<Self> {
        let public_url = public_url.trim_end_matches('/').to_owned();
        settings.is_on().then(|| Self { keys, give_up: settings.give_up.micros(), public_url })
    }

    /// The hub's own address, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Writes a mail; it goes when the transaction is committed. `about`: the invitation it belongs to.
    pub async fn write(
        &self,
        tx: &mut Tx,
        to: Recipient<'_>,
        letter: &Letter,
        about: Option<&str>,
        now: Timestamp,
    ) -> Result<Id, StoreError> {
        let id = Id::new(Noun::Mail);
        let plain = serde_json::to_vec(letter).map_err(|error| StoreError::Encode(error.into()))?;
        let sealed = self.keys.seal(&place(id.as_str()), &plain).map_err(|error| StoreError::Encode(error.into()))?;
        let new = mail::New {
            id: &id,
            kind: letter.what.kind(),
            recipient: to.mail,
            language: to.language,
            letter: sealed,
            about,
            give_up_at: now.plus(self.give_up),
            now,
        };
        mail::insert(tx, new).await?;
        Ok(id)
    }
}

/// One line without control characters, at most so many characters long.
fn one_line(text: &str, longest: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(longest).collect::<String>().trim().to_owned()
}
