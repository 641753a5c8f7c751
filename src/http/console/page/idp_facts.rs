//! What is known of a provider, and what it has to know of us, as pages show it.

use crate::{
    app::Hub,
    http::console::view::idp::{CertificateRow, Facts, OtherKey, OwnKeys},
    identity::federation::{
        Authentication, callback, our_keys,
        preset::Preset,
        saml::{self, acs, entity_id, manage::saml_settings, slo},
        setup, signed_out,
    },
    model::Timestamp,
    store::idp::Row,
};

fn certificate(text: &str, leaves: Option<Timestamp>) -> CertificateRow {
    CertificateRow { fingerprint: saml::fingerprint(text), ends: saml::ends(text), leaves }
}

/// Our own keys of a SAML provider.
pub fn own_keys(row: &Row) -> Option<OwnKeys> {
    let known = saml_settings(row)?;
    let other = known.other.map(|other| OtherKey {
        certificate: certificate(&other.certificate, None),
        stage: other.stage,
        since: Timestamp(other.since),
    });
    Some(OwnKeys { signs: certificate(&known.certificate, None), other })
}

/// What is known of a provider; empty where nothing was entered.
pub fn facts(row: &Row) -> Facts {
    if let Some(known) = saml_settings(row) {
        let certificate = |text: &String| certificate(text, None);
        let leaving = known.leaving.iter().map(|one| self::certificate(&one.certificate, Some(Timestamp(one.until))));
        return Facts {
            issuer: known.entity_id,
            address: known.redirect.or(known.post).unwrap_or_default(),
            certificates: known.certificates.iter().map(certificate).chain(leaving).collect(),
            ..Facts::default()
        };
    }
    let Some(known) = setup::oidc_settings(row) else { return Facts::default() };
    Facts {
        issuer: known.issuer,
        client_id: known.client_id,
        algorithms: known.algorithms.join(", "),
        scopes: known.scopes.join(" "),
        ..Facts::default()
    }
}

/// What the provider has to be given: word of the catalogue, value. What it has no place for is left out.
pub fn given(hub: &Hub, row: &Row) -> Vec<(&'static str, String)> {
    let public = &hub.edge.public_url;
    if row.kind == "saml" {
        return vec![
            ("idp.give_metadata", entity_id(public, &row.id)),
            ("idp.give_entity", entity_id(public, &row.id)),
            ("idp.give_acs", acs(public, &row.id)),
            ("idp.give_slo", slo(public, &row.id)),
        ];
    }
    let preset = Preset::of(&row.kind, row.preset.as_deref());
    let logout = || public.join(&format!("auth/oidc/{}/backchannel-logout", row.id)).map(String::from);
    let mut all = vec![("idp.give_redirect", callback(public, &row.id))];
    all.extend(keys_url(hub, row).map(|url| ("idp.give_keys", url)));
    all.extend(preset.takes_signed_out().then(|| ("idp.give_signed_out", signed_out(public))));
    all.extend(preset.takes_logout().then(|| ("idp.give_logout", logout().unwrap_or_default())));
    all
}

/// Our certificate, for a SAML provider that does not read our metadata: base64 of DER.
pub fn own_certificate(row: &Row) -> Option<String> {
    saml_settings(row).map(|known| known.certificate)
}

/// Where a provider reads our keys; `None`: it does not know us by one.
pub fn keys_url(hub: &Hub, row: &Row) -> Option<String> {
    let by_key = setup::oidc_settings(row).is_some_and(|known| known.authentication == Authentication::Key);
    by_key.then(|| our_keys(&hub.edge.public_url, &row.id))
}
