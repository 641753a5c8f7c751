//! Passkeys as the second factor: registered, used, refused, taken away; in a real browser, and with an
//! authenticator in software that can lie.

mod authenticator;
mod chrome;
mod lies;
mod uses;

use serde_json::Value;

use crate::{
    issuer::Page,
    oidc_cases::scene::SESSION,
    signing::person::{MAIL, PASSPHRASE, Person, field},
};
use authenticator::Authenticator;

/// What the hub wants signed.
async fn asked(person: &Person<'_>, path: &str, token: &str) -> Value {
    let page = person.v.press(&person.at(path), &[("csrf", token)]).await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    serde_json::from_str(&page.body).unwrap()
}

/// Registers a passkey on one's own page. Returns that page.
async fn register(person: &Person<'_>, key: &Authenticator, label: &str) -> Page {
    let token = person.token("/me").await;
    let options = asked(person, "/me/second-factor/passkeys/ask", &token).await;
    person.post("/me/second-factor/passkeys", &[("label", label), ("passkey", &key.create(&options))]).await
}

/// Mail address and passphrase; the token of the page that asks for the second half.
async fn half(person: &Person<'_>, page: &str, mail: &str) -> String {
    let end = person.knock(page, mail, PASSPHRASE).await;
    assert!(end.status == 303 && end.location().starts_with("/signin/code"), "{} {}", end.status, end.body);
    field(&person.open("/signin/code").await.body, "csrf")
}

/// The second half of a sign-in.
async fn answer(person: &Person<'_>, token: &str, passkey: &str) -> Page {
    let pairs = [("passkey", passkey), ("next", "/"), ("csrf", token)];
    person.v.press(&person.at("/signin/passkey"), &pairs).await
}

/// Signs in with passphrase and passkey.
async fn sign_in(person: &Person<'_>, page: &str, key: &mut Authenticator) {
    let token = half(person, page, MAIL).await;
    let options = asked(person, "/signin/passkey/ask", &token).await;
    let end = answer(person, &token, &key.get(&options)).await;
    assert!(end.status == 303 && end.sets(SESSION).is_some(), "{} {}", end.status, end.body);
}

/// The recovery codes of a page that shows them.
fn codes(page: &Page) -> Vec<String> {
    let list = page.body.split("<ul class=\"codes mono\">").nth(1).unwrap_or_else(|| panic!("{}", page.body));
    let list = list.split("</ul>").next().unwrap();
    list.split("<li>").skip(1).map(|item| item.split('<').next().unwrap().to_owned()).collect()
}
