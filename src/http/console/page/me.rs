//! What readers choose for themselves: language, theme, shortcuts. Kept in cookies at once and with
//! the person for the next browser.

use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::shell_of::SHORTCUTS;
use crate::{
    app::{Hub, SharedHub},
    http::{AppError, cookie, preferences, session::safe_next},
    identity::Principal,
    store,
};

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Choice {
    language: String,
    theme: String,
    shortcuts: String,
    back: String,
}

impl Choice {
    /// Back to the page it was chosen on, with one cookie.
    fn answer(&self, name: &str, value: &'static str) -> Response {
        let mut response = Redirect::to(safe_next(&self.back).unwrap_or("/")).into_response();
        cookie::set(response.headers_mut(), cookie::preference(name, value));
        response
    }
}

async fn keep(hub: &Hub, me: &Principal, language: &str, theme: &str) -> Result<(), AppError> {
    let mut tx = hub.db.begin().await?;
    store::user::set_preferences(&mut tx, &me.user_id, language, theme).await?;
    tx.commit().await?;
    hub.identity.forget(&me.user_id);
    Ok(())
}

pub async fn language(
    State(hub): State<SharedHub>,
    me: Principal,
    Form(choice): Form<Choice>,
) -> Result<Response, AppError> {
    let language = preferences::language(&choice.language).unwrap_or("ja");
    keep(&hub, &me, language, &me.theme).await?;
    Ok(choice.answer(cookie::LANGUAGE, language))
}

pub async fn theme(
    State(hub): State<SharedHub>,
    me: Principal,
    Form(choice): Form<Choice>,
) -> Result<Response, AppError> {
    let theme = preferences::theme(&choice.theme).unwrap_or("system");
    keep(&hub, &me, &me.language, theme).await?;
    Ok(choice.answer(cookie::THEME, theme))
}

pub async fn shortcuts(_me: Principal, Form(choice): Form<Choice>) -> Response {
    choice.answer(SHORTCUTS, if choice.shortcuts == "off" { "off" } else { "on" })
}

/// Closes the three-point guide: the page without it.
pub async fn guide(_me: Principal, Form(choice): Form<Choice>) -> Response {
    Redirect::to(safe_next(&choice.back).unwrap_or("/")).into_response()
}
