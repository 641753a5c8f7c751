//! The shell of a signed-in request. Handlers take [`ShellOf`] and get the reader with it.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};

use crate::{
    app::SharedHub,
    http::{
        AppError, Preferences,
        console::{Lang, Me, Section, Shell},
        cookie, session,
    },
    identity::{Action, Principal, Settings},
    store::read_console,
};

pub const SHORTCUTS: &str = "musubi-keys";

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
        let (settings, open_failures) = tokio::try_join!(Settings::load(&hub.db), failures)?;
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
            refresh: None,
        };
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Ok(Self { me, shell, query, by_itself: session::is_by_itself(parts) })
    }
}

fn wants_shortcuts(headers: &HeaderMap) -> bool {
    cookie::get(headers, SHORTCUTS) != Some("off")
}
