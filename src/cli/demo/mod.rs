//! `musubi demo`: the hub with a sample company and two sample systems that send orders.

mod erp;

use std::path::PathBuf;

use erp::Erp;

use super::{CliError, CliResult, Context, serve};

#[derive(clap::Args)]
pub struct Args {
    /// Folder of the demo's database and key
    #[arg(long, value_name = "FOLDER", default_value = ".musubi/demo")]
    folder: PathBuf,
    /// Go on with the folder's data instead of beginning anew
    #[arg(long)]
    keep: bool,
    /// Also start and connect a real ERP, Tryton with a sample company's books: ./x demo --tryton installs it
    #[arg(long)]
    tryton: bool,
    /// Port of that Tryton
    #[arg(long, value_name = "PORT", default_value_t = 8093)]
    tryton_port: u16,
}

pub async fn run(context: Context, args: Args) -> CliResult {
    let context = prepare(context, &args)?;
    let erp = match args.tryton {
        true => Some(Erp::start(&args.folder, args.tryton_port).await?),
        false => None,
    };
    let running = serve::start(&context).await?;
    let hub = &running.hub;
    if let Some(erp) = &erp {
        erp.connect(hub).await?;
    }
    let lead = match serve::first_run_url(hub).await? {
        Some(url) => url,
        None => {
            crate::samples::resume(hub).await.map_err(anyhow::Error::from)?;
            hub.edge.public_url.to_string()
        }
    };
    let greeting = erp.as_ref().map(Erp::greeting).unwrap_or_default();
    context.output.note(&format!(
        "\n  結び Musubi\n\n  Open  {lead}\n\n  It leads to a sample company (見本) in which a new order arrives every few seconds.\n{greeting}  Ctrl-C stops it. Everything it wrote is in {}.\n",
        args.folder.display()
    ));
    serve::until_told(running).await
}

/// Everything of the demo lives in one folder, so that it never touches a real installation.
fn prepare(mut context: Context, args: &Args) -> Result<Context, CliError> {
    let failed = |e: std::io::Error| {
        CliError::Other(anyhow::Error::from(e).context(format!("cannot use {}", args.folder.display())))
    };
    // Only a folder that a demo made is ever removed.
    let mark = args.folder.join("musubi-demo");
    if !args.keep && mark.exists() {
        std::fs::remove_dir_all(&args.folder).map_err(failed)?;
    }
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    std::fs::write(&mark, "This folder belongs to `musubi demo`; the next demo removes it.\n").map_err(failed)?;
    context.config.database.url = format!("sqlite://{}", args.folder.join("musubi.db").display());
    context.config.secrets.key.clear();
    context.config.secrets.key_file = args.folder.join("musubi.key").display().to_string();
    Ok(context)
}
