//! Forms of identity providers: what was posted, and what is wrong with it.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::{
    http::{AppError, console::view::idp::Wrong},
    identity::{
        Role,
        federation::{
            Authentication,
            manage::Rejected,
            saml::manage::Source,
            setup::{Mapping, OidcValues, SamlValues},
        },
    },
};

/// A form as it was posted.
pub struct Posted(Vec<(String, String)>);

impl Posted {
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first value of a name, without blanks around it; empty where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.every(name).next().unwrap_or_default().trim().to_owned()
    }

    #[must_use]
    pub fn ticked(&self, name: &str) -> bool {
        self.every(name).next().is_some()
    }

    fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn words(&self, name: &str) -> Vec<String> {
        self.text(name).split([' ', ',', '\u{3000}']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    }

    /// Groups with role and department as they stand in the rows of the form, rows without a group left out.
    #[must_use]
    pub fn rows(&self) -> Vec<(String, String, String)> {
        let departments = self.every("department").map(str::trim).chain(std::iter::repeat(""));
        let rows = self.every("group").zip(self.every("role")).zip(departments);
        let rows =
            rows.map(|((group, role), department)| (group.trim().to_owned(), role.to_owned(), department.to_owned()));
        rows.filter(|(group, _, _)| !group.is_empty()).collect()
    }

    /// # Errors
    /// The field that is wrong.
    pub fn oidc(&self) -> Result<OidcValues, Wrong> {
        let max_age = match self.text("max_age").as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| wrong("max_age", "FMT_NUMBER"))?),
        };
        let secret = self.text("secret");
        Ok(OidcValues {
            issuer: self.text("issuer"),
            client_id: self.text("client_id"),
            secret: (!secret.is_empty()).then(|| SecretString::from(secret)),
            authentication: Authentication::parse(&self.text("authentication")).unwrap_or_default(),
            scopes: self.words("scopes"),
            algorithms: self.words("algorithms"),
            max_age,
            tenants: self.words("tenants"),
            private: self.ticked("private"),
        })
    }

    /// Metadata as text goes before an address: it was pasted last.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        match (self.text("metadata"), self.text("metadata_url")) {
            (text, _) if !text.is_empty() => Some(Source::Document(text.into_bytes())),
            (_, url) if !url.is_empty() => Some(Source::Url(url)),
            _ => None,
        }
    }

    #[must_use]
    pub fn saml(&self) -> SamlValues {
        let subject = self.text("subject_attribute");
        SamlValues {
            source: self.source(),
            subject_attribute: (!subject.is_empty()).then_some(subject),
            unsolicited: self.ticked("unsolicited"),
            response_signed: self.ticked("response_signed"),
            private: self.ticked("private"),
        }
    }

    /// # Errors
    /// The field that is wrong.
    pub fn mapping(&self) -> Result<Mapping, Wrong> {
        let mut roles = BTreeMap::new();
        let mut departments = BTreeMap::new();
        for (group, role, department) in self.rows() {
            let role = Role::parse(&role).ok_or_else(|| wrong("roles", "IDP_ROLE_MISSING"))?;
            if group.chars().count() > 200 || group.contains('\0') {
                return Err(wrong("roles", "TOO_LONG"));
            }
            if department.chars().count() > 100 || department.chars().any(char::is_control) {
                return Err(wrong("roles", "DEPARTMENT_NAME"));
            }
            if !department.is_empty() {
                departments.insert(group.clone(), department);
            }
            roles.insert(group, role);
        }
        let default_role = Role::parse(&self.text("default_role"));
        Ok(Mapping { groups: self.text("groups_claim"), roles, departments, default_role })
    }
}

fn wrong(field: &str, code: &str) -> Wrong {
    Wrong::plain(field, code)
}

/// What a page says of a refusal. What the provider's own description does to it belongs to `field`.
pub fn explain(rejected: Rejected, field: &str) -> Result<Wrong, AppError> {
    match rejected {
        Rejected::Field { field, code, .. } => Ok(wrong(field, code)),
        Rejected::Provider(error) => {
            Ok(Wrong { field: field.to_owned(), code: error.code.to_owned(), detail: error.detail })
        }
        Rejected::Secret(error) => Err(AppError::internal(error)),
        Rejected::Store(error) => Err(error.into()),
    }
}
