//! Further identities of one's own account, on `/me`.

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{ShellOf, done, sessions};
use crate::{
    app::{Hub, SharedHub},
    http::{
        AppError, Preferences,
        console::{
            Section,
            view::{Page, user::LinkRow},
        },
        cookie, saml as saml_page,
        session::own_click,
    },
    identity::{
        Origin,
        federation::{Act, link::UnlinkError},
    },
    model::Timestamp,
    store::{StoreError, idp},
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/me/identities/add/{idp}", get(add)).route("/me/identities/{id}/remove", post(remove))
}

/// What somebody signs in by, and providers (id, name) that could be added.
pub async fn links(hub: &Hub, user_id: &str) -> Result<(Vec<LinkRow>, Vec<(String, String)>), StoreError> {
    let (links, providers) = tokio::try_join!(hub.federation.links(user_id), idp::all(&hub.db))?;
    let rows = links.iter().map(|row| LinkRow {
        id: row.id(),
        provider: row.provider.clone(),
        on: row.enabled,
        since: Timestamp(row.created_at),
        seen_at: Timestamp(row.seen_at),
    });
    let free = providers.iter().filter(|row| row.enabled && !links.iter().any(|link| link.idp_id == row.id));
    Ok((rows.collect(), free.map(|row| (row.id.clone(), row.name.clone())).collect()))
}

async fn add(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    preferences: Preferences,
    origin: Origin,
    Path(idp): Path<String>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    // What another site begins here would end in somebody else's way in.
    own_click(&headers)?;
    frame.fresh(&hub, "/me")?;
    let (bound, public) = (cookie::get(&headers, cookie::LOGIN), &hub.edge.public_url);
    let idp = idp.replace('\0', "");
    let begun = hub.federation.depart(Act::Link, (&frame.me, &idp, "/me"), bound, public, &origin).await?;
    Ok(saml_page::set_out(&hub, begun, preferences))
}

async fn remove(
    State(hub): State<SharedHub>,
    frame: ShellOf,
    origin: Origin,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    frame.fresh(&hub, "/me")?;
    match hub.federation.unlink(&hub.identity, &frame.me, &id, &origin).await {
        Ok(()) => Ok(done("/me", "unlinked", None)),
        Err(UnlinkError::Missing) => Err(AppError::NotFound),
        Err(UnlinkError::Store(error)) => Err(error.into()),
        Err(UnlinkError::LastWay) => {
            let view = sessions::me(&hub, &frame.me, Some("LINK_LAST_WAY")).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, view.render(&frame.at(Section::None))).into_response())
        }
    }
}
