//! Signing in and out, and first run: the forms that need no session.
//!
//! Invariants: nothing here answers over an open wire; a form is taken only with the value of its
//! own cookie; the answer to a wrong try is the same for known and unknown accounts.

use axum::{
    Form, Router,
    extract::{FromRequestParts, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{
    cookie,
    error::AppError,
    pages::{Entry, SetupPage, SignInPage},
    preferences::{self, Preferences},
    session::{safe_next, sign_in_url},
    signin_code,
    transport::Transport,
};
use crate::{
    app::{Hub, SharedHub},
    identity::{
        Origin, Principal, Settings, SetupError, SetupForm, SignInError, SignInRules, SignedIn, federation::CAME_BACK,
        token,
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new()
        .route("/signin", get(show_sign_in).post(sign_in))
        .route("/signin/local", get(show_glass).post(glass))
        .route("/signin/where", get(async || Redirect::to("/signin")).post(lead))
        .route("/signout", post(sign_out))
        .route("/setup", get(show_setup).post(set_up))
}

/// What these handlers know of the browser.
pub(super) struct Visit {
    pub origin: Origin,
    pub preferences: Preferences,
    pub safe: bool,
    /// The session cookie the browser had; it is replaced at sign-in.
    pub previous: Option<String>,
    /// The link of an invitation that it opened.
    pub invitation: Option<String>,
    /// Whose passphrase was right already.
    pub step: Option<String>,
    form_cookie: Option<String>,
    /// Somebody who signed out here may still do so at the provider.
    parting: Option<String>,
}

impl FromRequestParts<SharedHub> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, hub: &SharedHub) -> Result<Self, Self::Rejection> {
        Ok(Self {
            origin: Origin::from_request_parts(parts, hub).await?,
            preferences: Preferences::from_request_parts(parts, hub).await?,
            safe: Transport::of(parts, &hub.edge).is_safe(),
            previous: cookie::get(&parts.headers, cookie::SESSION).map(str::to_owned),
            invitation: cookie::get(&parts.headers, cookie::INVITATION).filter(|v| v.len() == 43).map(str::to_owned),
            step: cookie::get(&parts.headers, cookie::STEP).filter(|v| v.len() == 43).map(str::to_owned),
            form_cookie: cookie::get(&parts.headers, cookie::FORM).filter(|v| v.len() == 43).map(str::to_owned),
            parting: cookie::get(&parts.headers, cookie::PARTING).map(str::to_owned),
        })
    }
}

impl Visit {
    /// Why a posted form is not taken.
    pub fn refusal(&self, csrf: &str) -> Option<&'static str> {
        if !self.safe {
            return Some("INSECURE_TRANSPORT");
        }
        let own = self.form_cookie.as_deref().is_some_and(|cookie| token::equal(cookie, csrf));
        (!own).then_some("FORM_EXPIRED")
    }

    /// Draws a form with its cookie. An open wire gets neither.
    pub fn form(&self, status: StatusCode, draw: impl FnOnce(String) -> Response) -> Response {
        let value = self.form_cookie.clone().unwrap_or_else(token::fresh);
        let mut response = draw(if self.safe { value.clone() } else { String::new() });
        *response.status_mut() = status;
        if self.safe && self.form_cookie.is_none() {
            cookie::set(response.headers_mut(), cookie::guarded(cookie::FORM, &value));
        }
        response
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Arrival {
    next: String,
    why: String,
    /// From a provider at which somebody signed out: what it was given.
    state: String,
    /// With the passphrase or by a button, wherever the domain leads.
    local: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SignInPost {
    mail: String,
    passphrase: SecretText,
    next: String,
    csrf: String,
}

/// A form field that must not be printed.
#[derive(Deserialize, Default)]
#[serde(from = "String")]
pub(super) struct SecretText(pub SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Why somebody is here: words of the page.
const NOTICES: [&str; 7] = ["expired", "ended", "signed_out", "out_there", "out_partly", "out_here_only", "setup_done"];

async fn show_sign_in(
    State(hub): State<SharedHub>,
    principal: Option<Principal>,
    visit: Visit,
    axum::extract::Query(arrival): axum::extract::Query<Arrival>,
) -> Result<Response, AppError> {
    let entry = usual_entry(&hub).await?;
    show(&hub, principal, &visit, arrival, entry).await
}

/// The break-glass page. It looks the same whether there are such accounts or not.
async fn show_glass(
    State(hub): State<SharedHub>,
    principal: Option<Principal>,
    visit: Visit,
    axum::extract::Query(arrival): axum::extract::Query<Arrival>,
) -> Result<Response, AppError> {
    show(&hub, principal, &visit, arrival, Entry::Glass).await
}

async fn usual_entry(hub: &Hub) -> Result<Entry, AppError> {
    Ok(if SignInRules::load(&hub.db).await?.sso_required { Entry::Sso } else { Entry::Any })
}

async fn show(
    hub: &SharedHub,
    principal: Option<Principal>,
    visit: &Visit,
    arrival: Arrival,
    entry: Entry,
) -> Result<Response, AppError> {
    if !hub.identity.has_owner().await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    let next = safe_next(&arrival.next).unwrap_or("/");
    // Who is signed in may still come by the break-glass page: that is how it is tried.
    if principal.is_some() && entry != Entry::Glass {
        return Ok(Redirect::to(next).into_response());
    }
    let why = if arrival.state == CAME_BACK { CAME_BACK } else { arrival.why.as_str() };
    let notice = NOTICES.into_iter().find(|known| *known == why);
    let leaving = match visit.parting.as_deref().filter(|_| notice == Some("signed_out")) {
        Some(ticket) => hub.federation.parting(ticket).await?,
        None => None,
    };
    let leads = entry != Entry::Glass && arrival.local.is_empty() && visit.safe;
    let mail_first = leads && hub.federation.leads_anybody().await?;
    let page = SignInPage { entry, notice, leaving, mail_first, next: next.to_owned(), ..SignInPage::default() };
    let (status, error) =
        if visit.safe { (StatusCode::OK, None) } else { (StatusCode::FORBIDDEN, Some("INSECURE_TRANSPORT")) };
    draw_sign_in(hub, visit, status, SignInPage { error, ..page }).await
}

/// The mail address decides how it goes on, by its domain alone: whether anybody has it is not looked at.
async fn lead(State(hub): State<SharedHub>, visit: Visit, Form(form): Form<SignInPost>) -> Result<Response, AppError> {
    let next = safe_next(&form.next).unwrap_or("/").to_owned();
    let mail: String = form.mail.trim().chars().take(254).collect();
    let entry = usual_entry(&hub).await?;
    let page = SignInPage { entry, mail: mail.clone(), next: next.clone(), ..SignInPage::default() };
    if let Some(error) = visit.refusal(&form.csrf) {
        let page = SignInPage { error: Some(error), mail_first: visit.safe, ..page };
        return draw_sign_in(&hub, &visit, StatusCode::FORBIDDEN, page).await;
    }
    let lead = hub.federation.leads(&mail).await?;
    let start = lead.as_ref().map(|(start, _)| start.clone());
    let mut response = draw_sign_in(&hub, &visit, StatusCode::OK, SignInPage { lead, ..page }).await?;
    if let Some(start) = start {
        // A form may not lead to another site, as our policy has it; a page may.
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &next).finish();
        let refresh = HeaderValue::from_str(&format!("0;url={start}?{query}")).map_err(AppError::internal)?;
        response.headers_mut().insert(header::REFRESH, refresh);
        let hint: String = url::form_urlencoded::byte_serialize(mail.as_bytes()).collect();
        cookie::set(response.headers_mut(), cookie::guarded(cookie::HINT, &hint));
    }
    Ok(response)
}

async fn sign_in(
    State(hub): State<SharedHub>,
    principal: Option<Principal>,
    visit: Visit,
    Form(form): Form<SignInPost>,
) -> Result<Response, AppError> {
    let entry = usual_entry(&hub).await?;
    enter(&hub, principal, &visit, form, entry).await
}

async fn glass(
    State(hub): State<SharedHub>,
    principal: Option<Principal>,
    visit: Visit,
    Form(form): Form<SignInPost>,
) -> Result<Response, AppError> {
    enter(&hub, principal, &visit, form, Entry::Glass).await
}

async fn enter(
    hub: &SharedHub,
    principal: Option<Principal>,
    visit: &Visit,
    form: SignInPost,
    entry: Entry,
) -> Result<Response, AppError> {
    let next = safe_next(&form.next).unwrap_or("/").to_owned();
    let page = SignInPage { entry, mail: form.mail.clone(), next: next.clone(), ..SignInPage::default() };
    if let Some(error) = visit.refusal(&form.csrf) {
        // The same form sent twice, or from a tab that was open before: already in.
        if visit.safe && principal.is_some() {
            return Ok(Redirect::to(&next).into_response());
        }
        return draw_sign_in(hub, visit, StatusCode::FORBIDDEN, SignInPage { error: Some(error), ..page }).await;
    }
    let (door, previous) = (entry.door(), visit.previous.as_deref());
    let tried = hub.identity.sign_in_at(door, &form.mail, form.passphrase.0, previous, &visit.origin).await;
    let error = match tried {
        Ok(signed_in) => return Ok(welcome(&signed_in, &next)),
        Err(SignInError::Store(error)) => return Err(error.into()),
        Err(SignInError::Password(error)) => return Err(AppError::internal(error)),
        Err(SignInError::Code(step)) => return Ok(signin_code::asked(&step, &next)),
        Err(error @ (SignInError::Wrong | SignInError::Elsewhere | SignInError::Wait(_))) => error,
    };
    let (status, wait) = match &error {
        SignInError::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, Some(wait.as_secs().max(1))),
        SignInError::Elsewhere => (StatusCode::FORBIDDEN, None),
        _ => (StatusCode::UNAUTHORIZED, None),
    };
    let page = SignInPage { error: Some(error.code()), wait, ..page };
    draw_sign_in(hub, visit, status, page).await.map(|response| retry_after(response, wait))
}

async fn draw_sign_in(hub: &Hub, visit: &Visit, status: StatusCode, page: SignInPage) -> Result<Response, AppError> {
    let company = Settings::load(&hub.db).await?.company;
    // When the break-glass page is needed, providers are what does not work.
    let providers = if page.entry == Entry::Glass { Vec::new() } else { hub.federation.offered().await? };
    let Preferences { language, theme } = visit.preferences;
    let page = SignInPage { company, providers, language, theme, ..page };
    Ok(visit.form(status, |csrf| (hub.edge.pages.sign_in)(SignInPage { csrf, ..page })))
}

async fn sign_out(State(hub): State<SharedHub>, visit: Visit) -> Result<Response, AppError> {
    let mut parting = None;
    if let Some(cookie) = &visit.previous {
        parting = hub.federation.part(cookie).await?;
        hub.identity.sign_out(cookie, &visit.origin).await?;
    }
    let mut response = Redirect::to(&sign_in_url(None, Some("signed_out"))).into_response();
    if let Some(ticket) = parting {
        cookie::set(response.headers_mut(), cookie::guarded(cookie::PARTING, &ticket));
    }
    cookie::set(response.headers_mut(), cookie::expired(cookie::SESSION));
    Ok(response)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SetupPost {
    code: String,
    mail: String,
    passphrase: SecretText,
    name: String,
    company: String,
    language: String,
    zone: String,
    fiscal_year_start: String,
    csrf: String,
}

/// The address printed at start-up carries the code, so that nobody has to copy it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Printed {
    code: String,
}

async fn show_setup(
    State(hub): State<SharedHub>,
    visit: Visit,
    axum::extract::Query(printed): axum::extract::Query<Printed>,
) -> Result<Response, AppError> {
    if hub.identity.has_owner().await? {
        return Ok(Redirect::to("/").into_response());
    }
    let defaults = Settings::default();
    let (status, error) =
        if visit.safe { (StatusCode::OK, None) } else { (StatusCode::FORBIDDEN, Some("INSECURE_TRANSPORT")) };
    let page = SetupPage {
        error,
        code: printed.code.chars().take(40).collect(),
        chosen_language: visit.preferences.language.to_owned(),
        zone: defaults.zone,
        fiscal_year_start: defaults.fiscal_year_start.to_string(),
        ..SetupPage::default()
    };
    Ok(draw_setup(&hub, &visit, status, page))
}

async fn set_up(State(hub): State<SharedHub>, visit: Visit, Form(form): Form<SetupPost>) -> Result<Response, AppError> {
    let refusal = visit.refusal(&form.csrf);
    let (form, page) = split(form);
    if refusal.is_some() {
        return Ok(draw_setup(&hub, &visit, StatusCode::FORBIDDEN, SetupPage { error: refusal, ..page }));
    }
    let language = preferences::language(&form.language);
    match hub.identity.create_owner(form, &visit.origin).await {
        Ok(signed_in) => {
            let mut response = welcome(&signed_in, hub.edge.pages.after_setup);
            // A language tried out before must not overrule the one chosen in the form.
            let chosen = language.and_then(|language| cookie::preference(cookie::LANGUAGE, language));
            cookie::set(response.headers_mut(), chosen);
            Ok(response)
        }
        Err(SetupError::Done) => Ok(Redirect::to(&sign_in_url(None, Some("setup_done"))).into_response()),
        Err(SetupError::Refused(errors)) => {
            let page = SetupPage { errors, ..page };
            Ok(draw_setup(&hub, &visit, StatusCode::UNPROCESSABLE_ENTITY, page))
        }
        Err(SetupError::Wait(wait)) => {
            let wait = Some(wait.as_secs().max(1));
            let page = SetupPage { error: Some("SIGNIN_WAIT"), wait, ..page };
            Ok(retry_after(draw_setup(&hub, &visit, StatusCode::TOO_MANY_REQUESTS, page), wait))
        }
        Err(SetupError::Store(error)) => Err(error.into()),
        Err(SetupError::Password(error)) => Err(AppError::internal(error)),
    }
}

/// What the service needs, and what the page shows again.
fn split(post: SetupPost) -> (SetupForm, SetupPage) {
    let SetupPost { code, mail, passphrase, name, company, language, zone, fiscal_year_start, csrf: _ } = post;
    let page = SetupPage {
        code: code.clone(),
        mail: mail.clone(),
        name: name.clone(),
        company: company.clone(),
        chosen_language: language.clone(),
        zone: zone.clone(),
        fiscal_year_start: fiscal_year_start.clone(),
        ..SetupPage::default()
    };
    (SetupForm { code, mail, passphrase: passphrase.0, name, company, language, zone, fiscal_year_start }, page)
}

fn draw_setup(hub: &Hub, visit: &Visit, status: StatusCode, page: SetupPage) -> Response {
    let Preferences { language, theme } = visit.preferences;
    visit.form(status, |csrf| (hub.edge.pages.setup)(SetupPage { csrf, language, theme, ..page }))
}

/// The session begins and the form before it ends.
pub(super) fn welcome(signed_in: &SignedIn, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    cookie::set(response.headers_mut(), cookie::guarded(cookie::SESSION, signed_in.token.expose_secret()));
    cookie::set(response.headers_mut(), cookie::expired(cookie::FORM));
    cookie::set(response.headers_mut(), cookie::expired(cookie::STEP));
    cookie::set(response.headers_mut(), cookie::expired(cookie::INVITATION));
    cookie::set(response.headers_mut(), cookie::expired(cookie::HINT));
    response
}

pub(super) fn retry_after(mut response: Response, seconds: Option<u64>) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}
