//! The shell of a signed-in request. Handlers take [`ShellOf`] and get the reader with it.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError, Preferences,
        console::{Alarm, Lang, Me, Section, Shell},
        cookie, session,
    },
    identity::{Action, Principal, Settings},
    model::Timestamp,
    store::{self, read_console},
};

pub const SHORTCUTS: &str = "musubi-keys";
/// Break-glass sign-ins that stand above a page.
const MOST_ALARMS: i64 = 3;

/// Reader, shell and raw query of a page.
#[derive(Debug)]
pub struct ShellOf {
    pub me: Principal,
    pub shell: Shell,
    pub query: String,
    /// A page that refreshes itself asks, not a person.
    pub by_itself: bool,
}

impl ShellOf {
    /// Refuses readers whose role may not do this, and marks the menu entry.
    pub fn allow(mut self, action: Action, section: Section) -> Result<Self, AppError> {
        self.me.require(action)?;
        self.shell.section = section;
        Ok(self)
    }

    /// Lets a reader do what is dangerous who proved a moment ago who they are; others do so now, and come back to
    /// `back`.
    pub fn fresh(&self, hub: &Hub, back: &str) -> Result<(), AppError> {
        self.fresh_for(hub, back, back)
    }

    /// The same for a page that only they see: who does not prove it after all goes to `otherwise`.
    pub fn fresh_for(&self, hub: &Hub, page: &str, otherwise: &str) -> Result<(), AppError> {
        if hub.identity.is_fresh(&self.me.proof) {
            return Ok(());
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("next", page).append_pair("back", otherwise);
        Err(AppError::Elsewhere(format!("/me/prove?{}", query.finish())))
    }

    /// The shell with its menu entry marked.
    #[must_use]
    pub fn at(self, section: Section) -> Shell {
        Shell { section, ..self.shell }
    }
}

impl FromRequestParts<SharedHub> for ShellOf {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, AppError> {
        let me = <Principal as FromRequestParts<SharedHub>>::from_request_parts(parts, hub).await?;
        let Ok(preferences) = Preferences::from_request_parts(parts, hub).await;
        let failures = async {
            if me.can(Action::ViewFailures) { read_console::open_failures(&hub.db, &me.view).await } else { Ok(0) }
        };
        let watches = me.can(Action::ManageSignIn) && !me.proof.glass;
        let alarms = async { if watches { store::glass::unseen(&hub.db, MOST_ALARMS).await } else { Ok(Vec::new()) } };
        let (settings, open_failures, alarms, fields) =
            tokio::try_join!(Settings::load(&hub.db), failures, alarms, store::custom_field::list(&hub.db))?;
        let shell = Shell {
            lang: Lang::parse(preferences.language),
            theme: preferences.theme.to_owned(),
            zone: settings.time_zone(),
            company: settings.company,
            now: hub.clock.now(),
            me: Some(Me { name: me.name.clone(), mail: me.mail.clone(), role: me.role, csrf: me.csrf.clone() }),
            section: Section::None,
            path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), |path| path.as_str().to_owned()),
            shortcuts: wants_shortcuts(&parts.headers),
            customers: i64::try_from(hub.directory.count(&me.view)).ok(),
            connections: i64::try_from(hub.registry.all().len()).ok(),
            open_failures,
            notice: super::outcome::notice(Lang::parse(preferences.language), parts.uri.query().unwrap_or_default()),
            glass: me.proof.glass,
            alarms: alarms.into_iter().map(alarm).collect(),
            refresh: None,
            fields,
            currency: hub.currency,
            audience: settings.audience,
        };
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Self { me, shell, query, by_itself: session::is_by_itself(parts) })
    }
}

fn alarm(of: store::glass::Use) -> Alarm {
    Alarm { id: of.session_id, name: of.name, at: Timestamp(of.at), ip: of.ip }
}

fn wants_shortcuts(headers: &HeaderMap) -> bool {
    cookie::get(headers, SHORTCUTS) != Some("off")
}
