//! `/static/{hash}/{name}`: kept by browsers for ever, because the hash changes with the content.

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use crate::http::{AppError, console::assets};

pub async fn file(Path((hash, name)): Path<(String, String)>) -> Result<Response, AppError> {
    let asset = assets::get(&name).ok_or(AppError::NotFound)?;
    // A page of the version before may still ask: it gets the file, but not for ever.
    let keep = if hash == assets::hash() { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, keep)], asset.body.into_owned())
        .into_response())
}
