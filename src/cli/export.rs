//! `musubi export`: tables of records for offices.

use std::path::PathBuf;

use musubi_files::write::Charset;
use serde_json::json;

use super::{CliError, CliResult, Context, Outcome, installation::Installation};
use crate::{
    exports::{self, Format},
    model::View,
    store::export::{self, What},
};

#[derive(clap::Args)]
pub struct Args {
    /// customers, sites, contacts, products, orders, invoices or payments
    #[arg(value_name = "RECORDS", value_parser = ["customers", "sites", "contacts", "products", "orders", "invoices", "payments"])]
    what: String,
    /// File to write; by default RECORDS.FORMAT in this folder
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[arg(long, default_value = "xlsx", value_parser = ["csv", "xlsx"])]
    format: String,
    /// Of CSV
    #[arg(long, default_value = "utf-8-bom", value_parser = ["utf-8-bom", "cp932"])]
    encoding: String,
    /// Headings in English
    #[arg(long)]
    english: bool,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

pub async fn run(context: &Context, args: Args) -> CliResult {
    let charset = Charset::parse(&args.encoding).unwrap_or(Charset::Utf8Bom);
    let format = if args.format == "xlsx" { Format::Xlsx } else { Format::Csv(charset) };
    let to = args.to.unwrap_or_else(|| PathBuf::from(format!("{}.{}", args.what, format.extension())));
    if to.exists() && !args.force {
        return Err(CliError::Usage(format!("{} is there already; --force replaces it", to.display())));
    }
    let here = Installation::open(context).await?;
    // Who has the file stands in the trail before the file is there.
    here.record_alone("customer.export", ("records", &args.what)).await?;
    let written = match What::ALL.into_iter().find(|what| what.as_str() == args.what) {
        Some(what) => exports::everything(&here.db, what, format, args.english).await,
        None => {
            let ids = export::customer_ids(&here.db).await?;
            exports::customers(&here.db, &View::everything(), &ids, format, "customers", args.english).await
        }
    };
    let written = written.map_err(anyhow::Error::from)?;
    std::fs::write(&to, &written.bytes).map_err(|e| CliError::Usage(format!("{}: {e}", to.display())))?;
    let losses: Vec<_> = written
        .losses
        .iter()
        .map(|loss| json!({"line": loss.line, "column": loss.column, "character": loss.character}))
        .collect();
    let document =
        json!({"file": to.display().to_string(), "rows": written.rows, "lost": written.lost, "losses": losses});
    context.output.result(&document, &format!("{} rows in {}.", written.rows, to.display()));
    if written.lost > 0 && !context.output.is_json() {
        context.output.note(&format!("{} characters are not in CP932; 〓 stands in their place:", written.lost));
        for loss in written.losses.iter().take(50) {
            context.output.note(&format!("line {}, {}: {}", loss.line, loss.column, loss.character));
        }
    }
    Ok(if written.lost > 0 { Outcome::Partly } else { Outcome::Done })
}
