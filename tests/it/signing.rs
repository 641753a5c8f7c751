//! Mandatory single sign-on and its break-glass page, fresh proofs, and further identities of one person.

mod link;
mod looks;
mod mandatory;
mod passphrase;
pub mod person;
mod proof;
mod proof_saml;
