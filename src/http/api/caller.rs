//! From the token to the caller (RFC 6750), for every request of the API before it is routed: whoever has no
//! token does not even learn which addresses there are.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    app::{Hub, SharedHub},
    http::{
        error::{AppError, Problem},
        transport::Transport,
    },
    identity::{Action, Bearer, BearerError, Denied, Origin, Outcome, Principal, Seen},
};

/// Who calls: the owner of a token, bounded by its scopes.
#[derive(Clone, Debug)]
pub struct Caller {
    pub token: Arc<Bearer>,
    pub origin: Origin,
}

impl Caller {
    #[must_use]
    pub fn me(&self) -> &Principal {
        &self.token.principal
    }

    /// Refuses what the owner's role does not allow now, and what the token was not made for.
    pub fn require(&self, action: Action) -> Result<(), Denied> {
        self.me().require(action)
    }

    /// Notes that this token was shown a customer, as a page notes it of a person.
    pub fn seen(&self, hub: &Hub, customer_id: &str) {
        self.note(hub, "customer.view", ("customer", customer_id), Outcome::Ok);
    }

    /// Notes that this token read rows of a set of the feed. Each page is an entry: who reads everything is
    /// seen to do so.
    pub fn read(&self, hub: &Hub, set: &str) {
        self.note(hub, "feed.read", ("feed", set), Outcome::Ok);
    }

    fn note(&self, hub: &Hub, action: &'static str, object: (&'static str, &str), outcome: Outcome) {
        let detail = Some(("token", self.token.id.as_str()));
        hub.identity.note(Seen { actor: &self.me().user_id, action, object, outcome, detail }, &self.origin);
    }
}

impl FromRequestParts<SharedHub> for Caller {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _hub: &SharedHub) -> Result<Self, AppError> {
        parts.extensions.get::<Self>().cloned().ok_or(AppError::TokenRequired { with: false })
    }
}

/// Lets a request in, or answers it.
pub async fn guard(State(hub): State<SharedHub>, request: Request, next: Next) -> Response {
    let_in(&hub, false, request, next).await
}

/// As [`guard`], and with the token as the password of HTTP Basic, whatever the name: spreadsheets and BI tools
/// know nothing else.
pub async fn guard_with_basic(State(hub): State<SharedHub>, request: Request, next: Next) -> Response {
    let mut response = let_in(&hub, true, request, next).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"musubi\", charset=\"UTF-8\"");
        response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn let_in(hub: &SharedHub, basic: bool, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match admit(&mut parts, hub, basic).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    parts.extensions.insert(caller.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(problem) = response.extensions().get::<Problem>()
        && let Some(action) = problem.refused
    {
        let challenge = match problem.scope {
            Some(scope) => {
                format!("Bearer realm=\"musubi\", error=\"insufficient_scope\", scope=\"{}\"", scope.as_str())
            }
            None => "Bearer realm=\"musubi\", error=\"insufficient_scope\"".to_owned(),
        };
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        caller.note(hub, "access.refuse", ("action", action.as_str()), Outcome::Refused);
    }
    response
}

async fn admit(parts: &mut Parts, hub: &SharedHub, basic: bool) -> Result<Caller, AppError> {
    let presented = presented(&parts.headers, basic)?;
    if !Transport::of(parts, &hub.edge).is_safe() {
        // Read by whoever stands in between: not looked at, so that nobody gets used to it.
        return Err(AppError::Refused { code: "INSECURE_TRANSPORT" });
    }
    let Some(presented) = presented else { return Err(AppError::TokenRequired { with: false }) };
    let Ok(origin) = Origin::from_request_parts(parts, hub).await;
    let token = hub.identity.bearer(presented.as_str(), &origin).await.map_err(refused)?;
    Ok(Caller { token, origin })
}

fn refused(error: BearerError) -> AppError {
    match error {
        BearerError::Wrong => AppError::TokenRequired { with: true },
        BearerError::Wait(wait) | BearerError::Pace(wait) => AppError::TooMany(wait),
        BearerError::Store(error) => error.into(),
    }
}

/// The token of the one `Authorization` header. Any other scheme is no token; one in the address is not looked
/// for: addresses are written into logs.
fn presented(headers: &HeaderMap, basic: bool) -> Result<Option<String>, AppError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(AppError::TokenAmbiguous);
    }
    // What is not text is no token of ours, and gets the answer of one that is wrong.
    let text = String::from_utf8_lossy(value.as_bytes());
    let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if basic && scheme.eq_ignore_ascii_case("basic") {
        return Ok(Some(password(token.trim()).unwrap_or_default()));
    }
    Ok(scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned()))
}

/// What stands behind the name in the credentials of HTTP Basic (RFC 7617).
fn password(credentials: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}
