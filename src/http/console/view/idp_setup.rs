//! `/admin/idp/new` and `/admin/idp/{id}/…`: setting an identity provider up, an address a step.

use super::idp::{Facts, Pending, Wrong, kind_name};
use crate::{
    http::console::Shell,
    identity::{
        Role,
        federation::{
            preset::Preset,
            report::{Check, State},
            trial::Finding,
        },
    },
};

/// Steps, by their addresses and their words in `idp_step`.
pub const STEPS: [&str; 6] = ["method", "give", "take", "roles", "test", "activate"];

/// One step as the head draws it.
#[derive(Clone, Debug)]
pub struct Step {
    pub number: usize,
    pub word: &'static str,
    /// Where it leads; `None`: not before the others.
    pub href: Option<String>,
    pub done: bool,
    pub current: bool,
}

/// What the pages of all steps know.
#[derive(Clone, Debug)]
pub struct Frame {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub preset: Preset,
    /// The page's own step, from 0.
    pub at: usize,
    /// How many steps are done.
    pub done: usize,
    /// Else it is in use, and single pages change it.
    pub draft: bool,
    /// What was changed of a provider in use.
    pub pending: Option<Pending>,
}

impl Frame {
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        kind_name(&self.kind)
    }

    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let step = |(number, word): (usize, &&'static str)| Step {
            number: number + 1,
            word,
            href: (number <= self.done && number != self.at).then(|| format!("/admin/idp/{}/{word}", self.id)),
            done: number < self.done,
            current: number == self.at,
        };
        STEPS.iter().enumerate().map(step).collect()
    }

    /// Something is typed here that would be lost.
    #[must_use]
    pub fn has_form(&self) -> bool {
        matches!(STEPS[self.at], "method" | "take" | "roles")
    }

    /// From when on what is entered here holds.
    #[must_use]
    pub fn holds(&self, s: &Shell) -> &'static str {
        match STEPS[self.at] {
            _ if self.draft => s.t("idp.draft_text"),
            "method" | "roles" => s.t("idp.live_text"),
            _ => s.t("idp.change_text"),
        }
    }

    /// The word before this one's, in the address.
    #[must_use]
    pub fn before(&self) -> &'static str {
        STEPS[self.at.saturating_sub(1)]
    }
}

/// Step 1, also before there is a draft.
#[derive(Clone, Debug)]
pub struct MethodPage {
    pub frame: Option<Frame>,
    pub preset: Preset,
    pub name: String,
    pub wrong: Option<Wrong>,
}

impl MethodPage {
    /// A draft keeps its protocol.
    #[must_use]
    pub fn presets(&self) -> Vec<Preset> {
        let fits = |preset: &Preset| self.frame.as_ref().is_none_or(|frame| frame.kind == preset.kind());
        Preset::ALL.into_iter().filter(fits).collect()
    }

    /// It is in use: name and menus change at once.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.frame.as_ref().is_some_and(|frame| !frame.draft)
    }

    #[must_use]
    pub fn id(&self) -> &str {
        self.frame.as_ref().map(|frame| frame.id.as_str()).unwrap_or_default()
    }

    /// Its name says the protocol already.
    #[must_use]
    pub fn is_plain(&self, preset: &Preset) -> bool {
        matches!(preset, Preset::Oidc | Preset::Saml)
    }

    #[must_use]
    pub fn kind_of(&self, preset: &Preset) -> &'static str {
        kind_name(preset.kind())
    }

    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&Wrong> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field)
    }
}

/// Step 2: what the provider is given.
#[derive(Clone, Debug)]
pub struct GivePage {
    pub frame: Frame,
    /// Word of `idp`, value.
    pub values: Vec<(&'static str, String)>,
    /// Our certificate of a SAML provider, base64 of DER.
    pub certificate: Option<String>,
    /// Where the page is to be opened instead.
    pub astray: Option<String>,
}

/// Step 3: what the provider gave.
#[derive(Clone, Debug)]
pub struct TakePage {
    pub frame: Frame,
    /// Which settings the form was drawn from.
    pub seen: String,
    pub issuer: String,
    pub client_id: String,
    pub has_secret: bool,
    /// A word of `idp_authentication`.
    pub authentication: String,
    pub scopes: String,
    pub algorithms: String,
    pub max_age: String,
    pub tenants: String,
    pub private: bool,
    pub metadata_url: String,
    pub metadata: String,
    pub subject_attribute: String,
    pub unsolicited: bool,
    pub response_signed: bool,
    /// What was read; `None`: nothing yet.
    pub facts: Option<Facts>,
    /// Where the provider reads our keys, when it knows us by one.
    pub keys_url: Option<String>,
    pub wrong: Option<Wrong>,
}

impl TakePage {
    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&Wrong> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field)
    }

    /// A field of the folded part was typed in, or is wrong.
    #[must_use]
    pub fn unfolded(&self) -> bool {
        let fields = ["scopes", "algorithms", "tenants", "max_age", "authentication"];
        let switches = self.private || self.unsolicited || self.response_signed || self.authentication != "basic";
        let typed = [&self.tenants, &self.max_age, &self.subject_attribute].iter().any(|text| !text.is_empty());
        // The box that allows an address of our own network stands there.
        let wrong = |wrong: &Wrong| wrong.code == "IDP_ADDRESS" || fields.contains(&wrong.field.as_str());
        switches || typed || self.wrong.as_ref().is_some_and(wrong)
    }
}

/// Step 4: who gets which role.
#[derive(Clone, Debug)]
pub struct RolesPage {
    pub frame: Frame,
    pub groups_claim: String,
    /// Group, role and department; empty ones to type into.
    pub rows: Vec<(String, String, String)>,
    /// Empty: they do not get in.
    pub default_role: String,
    /// Groups that the last trial received.
    pub seen: Option<String>,
    /// What names a person.
    pub subject: String,
    pub wrong: Option<Wrong>,
}

impl RolesPage {
    #[must_use]
    pub fn wrong(&self, field: &str) -> Option<&Wrong> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field)
    }

    /// Roles that a group may give: nobody becomes owner by one.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| *role != Role::Owner).collect()
    }

    #[must_use]
    pub fn others(&self) -> [Role; 2] {
        [Role::Employee, Role::Viewer]
    }

    #[must_use]
    pub fn word(&self, s: &Shell, role: &Role) -> &'static str {
        s.word("role", role.as_str())
    }
}

/// Step 5: a trial.
#[derive(Clone, Debug)]
pub struct TestPage {
    pub frame: Frame,
    pub finding: Option<Finding>,
    /// Name of whoever tried.
    pub who: String,
    /// The reader tried: what was received is theirs to see.
    pub mine: bool,
    pub local_owner: bool,
    /// Where the page is to be opened instead.
    pub astray: Option<String>,
    /// Of `form_error`: why what was changed is not put in force.
    pub error: Option<&'static str>,
}

impl TestPage {
    /// A trial of these settings went well.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.finding.as_ref().is_some_and(|finding| finding.passed && finding.current)
    }

    /// Class and icon of a check.
    #[must_use]
    pub fn look(&self, check: &Check) -> (&'static str, &'static str) {
        match check.state {
            State::Ok => ("ok", "check"),
            State::Warn => ("warn", "warn"),
            State::Bad => ("bad", "bad"),
            State::Open => ("idle", "dot"),
        }
    }

    /// One line about a check.
    #[must_use]
    pub fn says(&self, s: &Shell, check: &Check) -> String {
        let detail = check.detail.as_str();
        let role = || s.word("role", detail).to_owned();
        match (check.state, check.what.as_str(), check.code.as_str()) {
            (State::Open, ..) => s.t("idp_test.open").to_owned(),
            (_, _, "GROUPS_NONE") if !detail.is_empty() => s.f1("idp_test.groups_none_default", role()),
            (_, _, "ROLE_OWNER") => s.f1("idp_test.role_owner", role()),
            (_, _, "ROLE_DEFAULT") => s.f1("idp_test.role_default", role()),
            (_, _, code @ ("PERSON_LOCAL" | "MAIL_NONE" | "GROUPS_NONE" | "GROUPS_EMPTY")) => {
                s.word("idp_test", code).to_owned()
            }
            (State::Bad | State::Warn, _, code) => {
                s.lang.find(&format!("audit_code.{code}")).map_or_else(|| code.to_owned(), str::to_owned)
            }
            (_, "connection", _) if detail.is_empty() => s.t("idp_test.connected").to_owned(),
            (_, "connection", _) => s.f1("idp_test.connection_ok", detail),
            (_, "signature", _) if !detail.is_empty() => s.f1("idp_test.signature_ok", detail),
            (_, "signature", _) if self.frame.kind == "saml" => s.t("idp_test.signature_ok_saml").to_owned(),
            (_, "signature", _) => s.t("idp_test.verified").to_owned(),
            (_, "recipient", _) if detail.is_empty() => s.t("idp_test.meant").to_owned(),
            (_, "recipient", _) => s.f1("idp_test.recipient_ok", detail),
            (_, "role", _) => s.f1("idp_test.role_ok", role()),
            _ => s.t("idp_test.attributes_ok").to_owned(),
        }
    }

    /// What to change, on which side: by the code, else by the check.
    #[must_use]
    pub fn fix(&self, s: &Shell, check: &Check) -> &'static str {
        let by_code = s.lang.find(&format!("idp_fix.{}", check.code));
        by_code.unwrap_or_else(|| s.t(&format!("idp_fix.{}", check.what.as_str())))
    }

    /// Names of the attributes that did come and are used for nothing, for somebody who looks for the groups.
    #[must_use]
    pub fn arrived(&self, s: &Shell) -> Option<String> {
        let finding = self.finding.as_ref()?;
        finding.report.failed().filter(|check| check.code == "GROUPS_NONE")?;
        let came = finding.report.received.iter().filter(|one| one.value.is_some() && one.usage.is_empty());
        let names: Vec<&str> = came.map(|one| one.name.as_str()).collect();
        Some(match &names[..] {
            [] => s.t("idp_test.arrived_none").to_owned(),
            names => s.f1("idp_test.arrived", names.join(s.t("comma"))),
        })
    }

    /// The provider's own menu words for groups.
    #[must_use]
    pub fn groups_help(&self, s: &Shell) -> &'static str {
        s.word("idp_groups", self.frame.preset.as_str())
    }
}

/// Step 6.
#[derive(Clone, Debug)]
pub struct ActivatePage {
    pub frame: Frame,
    pub passed: bool,
    pub local_owner: bool,
    /// What was refused.
    pub error: Option<&'static str>,
}
