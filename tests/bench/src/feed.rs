//! The feed for BI tools: orders and their lines read page by page, as JSON, without the wire.

use std::time::Instant;

use anyhow::Context as _;
use musubi::{
    analytics::odata::{self, Asked},
    model::view::EVERYTHING,
};

use crate::{report::Report, target::Target};

const ROOT: &str = "http://localhost/odata/v4";
/// Rows of each set: enough to be beyond the first pages.
const ROWS: usize = 200_000;

pub async fn run(target: &Target, report: &mut Report) -> anyhow::Result<()> {
    for (what, path, query) in [
        ("orders", "/Orders", ""),
        ("order lines", "/OrderLines", ""),
        ("orders by amount", "/Orders", "$orderby=Total%20desc&$filter=Total%20gt%201000"),
    ] {
        let (rows, bytes, took) = read(target, path, query).await?;
        let figure = format!("{:.0} rows/s", rows as f64 / took);
        let beside = format!("{rows} rows, {:.0} MB/s of JSON", bytes as f64 / took / 1e6);
        report.figure(&format!("OData feed, {what}"), target.kind, &figure, &beside, "", None)?;
    }
    Ok(())
}

async fn read(target: &Target, path: &str, query: &str) -> anyhow::Result<(usize, usize, f64)> {
    let (begun, mut rows, mut bytes, mut query) = (Instant::now(), 0, 0, query.to_owned());
    loop {
        let asked = Asked { root: ROOT, path, query: &query, accept: None, page_size: Some(odata::LARGEST_PAGE) };
        let (_, body) = odata::answer(&target.db, &EVERYTHING, asked).await?.body.context("no rows")?;
        // A row stands on a line of its own.
        rows += body.matches(",\n{").count() + 1;
        bytes += body.len();
        let next = body.rsplit_once("\"@odata.nextLink\":\"").and_then(|(_, link)| link.split_once('?'));
        match next.filter(|_| rows < ROWS) {
            Some((_, link)) => query = link.trim_end_matches("\"}").to_owned(),
            None => return Ok((rows, bytes, begun.elapsed().as_secs_f64())),
        }
    }
}
