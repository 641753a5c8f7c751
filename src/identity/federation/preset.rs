//! What is known of well-known providers: it saves typing, and decides nothing that could not be typed.
//!
//! To add one: a variant, its rows here, and its words in the console's catalogues (`idp_preset`, `idp_give`,
//! `idp_take`, `idp_groups`).

/// A provider, or a kind of providers, that the console helps with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    Entra,
    Google,
    Okta,
    Keycloak,
    Oidc,
    Saml,
}

impl Preset {
    pub const ALL: [Self; 6] = [Self::Entra, Self::Google, Self::Okta, Self::Keycloak, Self::Oidc, Self::Saml];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Google => "google",
            Self::Okta => "okta",
            Self::Keycloak => "keycloak",
            Self::Oidc => "oidc",
            Self::Saml => "saml",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text)
    }

    /// `oidc` or `saml`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        if self == Self::Saml { "saml" } else { "oidc" }
    }

    /// The preset of a provider that was added without one.
    #[must_use]
    pub fn of(kind: &str, stored: Option<&str>) -> Self {
        let plain = if kind == "saml" { Self::Saml } else { Self::Oidc };
        stored.and_then(Self::parse).filter(|preset| preset.kind() == kind).unwrap_or(plain)
    }

    /// The issuer, where everybody has the same one.
    #[must_use]
    pub fn issuer(self) -> &'static str {
        if self == Self::Google { "https://accounts.google.com" } else { "" }
    }

    /// What an issuer looks like, its own words in capital letters.
    #[must_use]
    pub fn pattern(self) -> &'static str {
        match self {
            Self::Entra => "https://login.microsoftonline.com/TENANT-ID/v2.0",
            Self::Google => "https://accounts.google.com",
            Self::Okta => "https://COMPANY.okta.com",
            Self::Keycloak => "https://HOST/realms/REALM",
            Self::Oidc => "https://id.company.example",
            Self::Saml => "https://id.company.example/metadata",
        }
    }

    /// What is asked for; empty: what the provider offers of the usual.
    #[must_use]
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Entra | Self::Google => &["openid", "profile", "email"],
            _ => &[],
        }
    }

    /// The `prompt` by which somebody else may sign in (Core section 3.1.2.1). Google knows no other than this.
    #[must_use]
    pub fn another(self) -> &'static str {
        if self == Self::Google { "select_account" } else { "login" }
    }

    /// Whether the provider has a place for an address of ours that is optional: where it says that somebody signed out
    /// there (OpenID back-channel logout), and where it sends people who did.
    #[must_use]
    pub fn takes_logout(self) -> bool {
        matches!(self, Self::Keycloak | Self::Oidc)
    }

    /// As [`Self::takes_logout`], for the address that people come back to.
    #[must_use]
    pub fn takes_signed_out(self) -> bool {
        self != Self::Google
    }

    /// Whether the provider can say in which groups people are.
    #[must_use]
    pub fn has_groups(self) -> bool {
        self != Self::Google
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_read_back_and_fit_their_kind() {
        for preset in Preset::ALL {
            assert_eq!(Preset::parse(preset.as_str()), Some(preset));
            assert_eq!(Preset::of(preset.kind(), Some(preset.as_str())), preset);
        }
        assert_eq!(Preset::of("saml", Some("entra")), Preset::Saml);
        assert_eq!(Preset::of("oidc", Some("saml")), Preset::Oidc);
        assert_eq!(Preset::of("oidc", None), Preset::Oidc);
    }
}
