#[path = "../../../../../src/identity/federation/saml/apart.rs"]
pub mod apart;
#[path = "../../../../../src/identity/federation/saml/assertion.rs"]
mod assertion;
#[path = "../../../../../src/identity/federation/saml/certificate.rs"]
mod certificate;
#[path = "../../../../../src/identity/federation/saml/encryption.rs"]
mod encryption;
#[path = "../../../../../src/identity/federation/saml/gate.rs"]
mod gate;
#[path = "../../../../../src/identity/federation/saml/response.rs"]
mod response;
#[path = "../../../../../src/identity/federation/saml/settings.rs"]
pub mod settings;
#[path = "../../../../../src/identity/federation/saml/signature.rs"]
mod signature;
#[path = "../../../../../src/identity/federation/saml/xml.rs"]
mod xml;

pub use settings::Settings;
