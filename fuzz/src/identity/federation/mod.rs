#[path = "../../../../src/identity/federation/claims.rs"]
mod claims;
pub mod flow;
pub mod saml;
#[path = "../../../../src/identity/federation/settings.rs"]
pub mod settings;
