//! `/customers/export`: the customers of the list as a file.

use axum::{
    extract::State,
    http::header,
    response::{Html, IntoResponse, Response},
};

use super::{
    ShellOf,
    bulk::Chosen,
    outcome::{Act, audited_alone},
};
use crate::{
    app::{Hub, SharedHub},
    exports::{self, Format},
    http::{
        AppError,
        console::{
            Lang, Section,
            view::{Page, export::ExportPage},
        },
    },
    identity::{Action, Origin},
};

/// Lost characters shown one by one.
const SHOWN: usize = 100;

/// Ids of the list that the address describes, in its order, or of the customers that it names.
fn listed(hub: &Hub, frame: &ShellOf) -> (String, Vec<String>) {
    let picked = url::form_urlencoded::parse(frame.query.as_bytes()).any(|(key, _)| key == "id");
    // Single ones are named one by one; everything else is everybody that the question finds.
    let raw = if picked { frame.query.clone() } else { format!("{}&all=1", frame.query) };
    let chosen = Chosen::read(hub, frame, &raw, exports::MOST);
    let mut filter = chosen.query.filter();
    if picked {
        let mut more = url::form_urlencoded::Serializer::new(filter);
        more.extend_pairs(chosen.ids.iter().map(|id| ("id", id)));
        filter = more.finish();
    }
    (filter, chosen.ids)
}

pub async fn form(State(hub): State<SharedHub>, frame: ShellOf) -> Result<Html<String>, AppError> {
    frame.me.require(Action::ViewCustomers)?;
    let (filter, ids) = listed(&hub, &frame);
    let page = ExportPage { count: ids.len(), fields: fields(&filter), filter, lost: 0, losses: Vec::new() };
    Ok(page.render(&frame.at(Section::Customers)))
}

fn fields(filter: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(filter.as_bytes()).into_owned().collect()
}

pub async fn file(State(hub): State<SharedHub>, frame: ShellOf, origin: Origin) -> Result<Response, AppError> {
    frame.me.require(Action::ViewCustomers)?;
    let get = |name: &str| fields(&frame.query).into_iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let format = get("format").and_then(|word| Format::parse(&word)).ok_or(AppError::NotFound)?;
    let (filter, ids) = listed(&hub, &frame);
    let english = frame.shell.lang == Lang::En;
    let sheet = frame.shell.t("export.sheet");
    let written = exports::customers(&hub.db, &frame.me.view, &ids, format, sheet, english).await;
    let written = written.map_err(AppError::internal)?;
    if written.lost > 0 && get("anyway").is_none() {
        let losses = written.losses.into_iter().take(SHOWN).collect();
        let page = ExportPage { count: ids.len(), fields: fields(&filter), filter, lost: written.lost, losses };
        return Ok(page.render(&frame.at(Section::Customers)).into_response());
    }
    let detail = serde_json::json!({
        "format": get("format"), "rows": written.rows, "narrowed": !filter.is_empty(), "lost": written.lost,
    });
    // Before the file leaves: who has it stands in the trail.
    audited_alone(&hub, Act::on(&frame.me, &origin, "customer.export", "customer", "").detail(detail)).await?;
    let name = format!("musubi-customers-{}.{}", frame.shell.today(), format.extension());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, written.bytes).into_response())
}
