//! Every way a request can fail, with a stable code.
//!
//! A handler returns [`AppError`]; the `present` layer turns it into a page or into problem+json
//! (RFC 9457), adds the request id and logs the cause once. To add an error: a variant with
//! status, code and title below.

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    analytics::odata::{Refusal, Status},
    identity::{Action, Denied, FactorError, FieldError, Lacks, Role, Scope},
    store::StoreError,
};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("there is nothing here")]
    NotFound,
    #[error("this address does not take that method")]
    MethodNotAllowed,
    #[error(transparent)]
    Forbidden(#[from] Denied),
    /// Nobody is signed in, and the caller is not a page that could go and sign in.
    #[error("sign in first")]
    SignInRequired,
    /// A call of the API without a token, or with one that lets nobody in; `with` says which. The caller is told
    /// no more than that.
    #[error("{}", no_token(*with))]
    TokenRequired { with: bool },
    /// The request names a token in a way that could be read as two.
    #[error("name one token, in one Authorization header, as `Bearer TOKEN`")]
    TokenAmbiguous,
    /// Where a browser goes instead: sign-in, first run.
    #[error("go to {0}")]
    Elsewhere(String),
    /// As [`Self::Elsewhere`], for a page that replaces a part of itself.
    #[error("the whole page goes to {0}")]
    PageElsewhere(String),
    #[error("the form is not of this session; load the page again")]
    FormExpired,
    /// An identity provider's word was not taken. `code` names the failed check, for the audit trail; the
    /// caller is told no more than that it failed.
    #[error("signing in did not work")]
    Refused { code: &'static str },
    #[error("the request comes from another site")]
    CrossSite,
    #[error("this hub is not known under that host name; set server.public_url")]
    Misdirected,
    /// Something in the request is wrong; `code` says what, `fields` where.
    #[error("{detail}")]
    Invalid { code: &'static str, detail: String, fields: Vec<FieldError> },
    /// Values of a record that cannot be taken, each with its field.
    #[error("{detail}")]
    Values { detail: String, wrong: Vec<Wrong> },
    /// The record moved since the caller saw it.
    #[error("{detail}")]
    Stale { detail: String },
    /// A change that does not say which state it was made on.
    #[error("say which state you change: send its ETag as If-Match, as GET of the same address gave it")]
    IfMatchRequired,
    /// The record is not what the caller thinks it is.
    #[error("{detail}")]
    Conflict { code: &'static str, detail: String },
    /// There was something here, and it does not come back.
    #[error("{detail}")]
    Gone { code: &'static str, detail: &'static str },
    /// What was asked of the feed has no answer.
    #[error("{}", .0.message)]
    Feed(Refusal),
    #[error("the body is larger than this address takes")]
    TooLarge,
    #[error("too many requests; wait {} s", .0.as_secs())]
    TooMany(Duration),
    #[error("the answer took too long")]
    Timeout,
    #[error("the database is away; the same request can succeed later")]
    Outage(#[source] Source),
    #[error("something broke inside the hub")]
    Internal(#[source] Source),
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl AppError {
    /// A defect or a broken dependency. The cause goes to the log, not to the caller.
    pub fn internal(cause: impl Into<Source>) -> Self {
        Self::Internal(cause.into())
    }

    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid { code, detail: detail.into(), fields: Vec::new() }
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Forbidden(_) | Self::FormExpired | Self::CrossSite | Self::Refused { .. } => StatusCode::FORBIDDEN,
            Self::SignInRequired | Self::PageElsewhere(_) | Self::TokenRequired { .. } => StatusCode::UNAUTHORIZED,
            Self::TokenAmbiguous => StatusCode::BAD_REQUEST,
            Self::Elsewhere(_) => StatusCode::SEE_OTHER,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid { .. } | Self::Values { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Stale { .. } => StatusCode::PRECONDITION_FAILED,
            Self::IfMatchRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Gone { .. } => StatusCode::GONE,
            Self::Feed(refusal) => match refusal.status {
                Status::Wrong => StatusCode::BAD_REQUEST,
                Status::Missing => StatusCode::NOT_FOUND,
                Status::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
                Status::NotSupported => StatusCode::NOT_IMPLEMENTED,
            },
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout | Self::Outage(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Forbidden(denied) => match denied.lacks {
                Lacks::Role => "FORBIDDEN",
                Lacks::Scope(_) => "SCOPE_MISSING",
                Lacks::Person => "NOT_FOR_TOKENS",
            },
            Self::SignInRequired | Self::PageElsewhere(_) | Self::Elsewhere(_) => "SIGNIN_REQUIRED",
            Self::TokenRequired { with: false } => "TOKEN_REQUIRED",
            Self::TokenRequired { with: true } => "TOKEN_INVALID",
            Self::TokenAmbiguous => "TOKEN_AMBIGUOUS",
            Self::FormExpired => "FORM_EXPIRED",
            Self::Refused { code } => refusal(code),
            Self::CrossSite => "CROSS_SITE",
            Self::Misdirected => "HOST_UNKNOWN",
            Self::Invalid { code, .. } | Self::Conflict { code, .. } | Self::Gone { code, .. } => code,
            Self::Values { .. } => "VALUES_INVALID",
            Self::Stale { .. } => "VERSION_STALE",
            Self::IfMatchRequired => "IF_MATCH_REQUIRED",
            Self::Feed(refusal) => refusal.code,
            Self::TooLarge => "BODY_TOO_LARGE",
            Self::TooMany(_) => "TOO_MANY_REQUESTS",
            Self::Timeout => "TIMEOUT",
            Self::Outage(_) => "DATABASE_AWAY",
            Self::Internal(_) => "INTERNAL",
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_secs().max(1)),
            Self::Timeout | Self::Outage(_) => Some(5),
            _ => None,
        }
    }
}

fn no_token(with: bool) -> &'static str {
    if with {
        "this token is not valid, or no longer; make another one at [自分の設定] (My settings)"
    } else {
        "send a token: `Authorization: Bearer mus_…`"
    }
}

/// What a person may know of a refusal: whose turn it is, not which check failed.
fn refusal(code: &'static str) -> &'static str {
    match code {
        "INSECURE_TRANSPORT" => "INSECURE_TRANSPORT",
        "ROLE_NONE" => "SIGNIN_NO_ROLE",
        "PERSON_OFF" | "PERSON_GONE" => "SIGNIN_OFF",
        "GROUPS_ELSEWHERE" => "SIGNIN_GROUPS",
        "PERSON_LOCAL" => "SIGNIN_LOCAL",
        "PROOF_TIME" | "PROOF_OLD" => "SIGNIN_PROOF",
        "PROOF_OTHER" => "SIGNIN_PROOF_OTHER",
        "LINK_TAKEN" => "SIGNIN_LINK_TAKEN",
        "ACT_SESSION" => "SIGNIN_AGAIN",
        "INVITATION_ADDRESS" | "INVITATION_USED" => "SIGNIN_INVITATION",
        "STATE_MISSING" | "STATE_UNKNOWN" | "STATE_EXPIRED" | "BROWSER_UNKNOWN" | "BROWSER_OTHER" | "PERSON_BUSY" => {
            "SIGNIN_AGAIN"
        }
        _ => "SIGNIN_REFUSED",
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        if error.is_outage() { Self::Outage(Box::new(error)) } else { Self::Internal(Box::new(error)) }
    }
}

/// A field of a request and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Wrong {
    /// `phone`, `custom.grade`.
    pub field: String,
    pub code: &'static str,
}

/// What no page of its own says.
impl From<FactorError> for AppError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Store(error) => error.into(),
            FactorError::Over => Self::SignInRequired,
            other => Self::internal(other),
        }
    }
}

/// What the `present` layer knows of a failure. Travels in the extensions of the response.
#[derive(Clone)]
pub struct Problem {
    pub code: &'static str,
    pub detail: String,
    pub fields: Vec<Wrong>,
    pub needs: Option<Role>,
    /// The scope that the caller's token lacks.
    pub scope: Option<Scope>,
    /// What the caller's role or token does not allow.
    pub refused: Option<Action>,
    pub retry_after: Option<u64>,
    /// The part of the address that is wrong, in the feed.
    pub target: Option<&'static str>,
    /// For the log only.
    pub(super) cause: Option<Arc<dyn fmt::Display + Send + Sync>>,
}

impl Problem {
    /// A failure that did not come from our code: a refusal of the framework.
    pub(super) fn from_status(status: StatusCode) -> Self {
        let error = match status {
            StatusCode::NOT_FOUND => AppError::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => AppError::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge,
            StatusCode::UNAUTHORIZED => AppError::SignInRequired,
            status if status.is_server_error() => AppError::internal("an answer without a cause"),
            _ => AppError::invalid("REQUEST_INVALID", "the request cannot be read"),
        };
        Self::from(error)
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let (code, detail, retry_after) = (error.code(), error.to_string(), error.retry_after());
        let mut problem = Self {
            code,
            detail,
            fields: Vec::new(),
            needs: None,
            scope: None,
            refused: None,
            retry_after,
            target: None,
            cause: None,
        };
        match error {
            AppError::Forbidden(denied) => {
                match denied.lacks {
                    Lacks::Role => problem.needs = Some(denied.needs),
                    Lacks::Scope(scope) => problem.scope = Some(scope),
                    Lacks::Person => {}
                }
                problem.refused = Some(denied.action);
            }
            AppError::Invalid { fields, .. } => {
                let wrong = |one: FieldError| Wrong { field: one.field.to_owned(), code: one.code };
                problem.fields = fields.into_iter().map(wrong).collect();
            }
            AppError::Values { wrong, .. } => problem.fields = wrong,
            AppError::Feed(refusal) => problem.target = refusal.target,
            AppError::Outage(cause) | AppError::Internal(cause) => problem.cause = Some(Arc::new(chain(&*cause))),
            _ => {}
        }
        problem
    }
}

/// The whole chain in one line: the outermost text alone rarely says why.
fn chain(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = match &self {
            Self::Elsewhere(to) => return Redirect::to(to).into_response(),
            Self::PageElsewhere(to) => match HeaderValue::from_str(to) {
                Ok(to) => (status, [("hx-redirect", to)]).into_response(),
                Err(_) => status.into_response(),
            },
            _ => status.into_response(),
        };
        let challenge = match &self {
            Self::TokenRequired { with: false } => Some("Bearer realm=\"musubi\""),
            Self::TokenRequired { with: true } => Some("Bearer realm=\"musubi\", error=\"invalid_token\""),
            Self::TokenAmbiguous => Some("Bearer realm=\"musubi\", error=\"invalid_request\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Problem::from(self));
        response
    }
}
