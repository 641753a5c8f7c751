//! `/help`.

use axum::{Router, response::Html, routing::get};

use super::ShellOf;
use crate::{
    app::SharedHub,
    http::console::{
        Section,
        view::{Page, help::HelpPage},
    },
};

pub fn routes() -> Router<SharedHub> {
    Router::new().route("/help", get(page))
}

async fn page(of: ShellOf) -> Html<String> {
    HelpPage.render(&of.at(Section::None))
}
