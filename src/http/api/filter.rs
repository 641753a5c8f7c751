//! What lists of customers' records are narrowed by, and the customer that a filter names.

use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Caller,
    kind::{Day, Instant},
};
use crate::{
    app::Hub,
    http::error::AppError,
    store::{self, InView},
};

/// Of sites and contacts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct OfCustomer {
    /// Only of this customer; the id of one that was merged means the one it was merged into.
    #[param(example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1")]
    pub customer: Option<String>,
    /// Only from this connection.
    #[param(example = "con_06a8q2m4e8r4s7v1x3z5b7d9f1")]
    pub connection: Option<String>,
    /// Only what changed at or after this instant.
    pub updated_since: Option<Instant>,
}

/// Of documents.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct OfDocuments {
    /// Only of this customer; the id of one that was merged means the one it was merged into.
    #[param(example = "cus_06a8q2m4e8r4s7v1x3z5b7d9f1")]
    pub customer: Option<String>,
    /// Only from this connection.
    #[param(example = "con_06a8q2m4e8r4s7v1x3z5b7d9f1")]
    pub connection: Option<String>,
    /// The document's own number, whole.
    pub number: Option<String>,
    /// Business date from this day on.
    pub from: Option<Day>,
    /// Business date up to this day, included.
    pub to: Option<Day>,
    /// Only what changed, or was taken away, at or after this instant.
    pub updated_since: Option<Instant>,
    /// `true`: with documents that their source took away (`deleted_at`).
    pub deleted: Option<bool>,
}

/// The customer that a filter names.
pub enum Named {
    /// The filter names none.
    Any,
    One(InView),
    /// There is none of that id, or none that the caller sees: the list is empty.
    Nobody,
}

impl Named {
    pub async fn find(hub: &Hub, caller: &Caller, id: Option<&str>) -> Result<Self, AppError> {
        let Some(id) = id else { return Ok(Self::Any) };
        let found = store::in_view(&hub.db, &caller.me().view, id).await?;
        Ok(found.map_or(Self::Nobody, Self::One))
    }

    pub fn is_nobody(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    pub fn id(&self) -> Option<&str> {
        match self {
            Self::One(customer) => Some(customer.id()),
            Self::Any | Self::Nobody => None,
        }
    }
}

/// An id from a path as a statement takes it: a text with NUL is of no record.
pub fn id_of(path: &str) -> String {
    path.replace('\0', "")
}
