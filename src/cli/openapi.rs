//! `musubi openapi`: the API of this program as an OpenAPI 3.1 document. Needs neither database nor hub.

use super::{CliResult, Context, Outcome};
use crate::app;

#[derive(clap::Args)]
pub struct Args {}

pub fn run(context: &Context, _: Args) -> CliResult {
    context.output.document(app::api_description());
    Ok(Outcome::Done)
}
