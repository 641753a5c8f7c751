//! `musubi connector new NAME`: a commented connector to start from.

use std::path::Path;

use crate::cli::{CliError, CliResult, Context, Outcome, installation};

#[derive(clap::Args)]
pub struct Args {
    /// Name: lower-case letters, digits and hyphens, for example acme-orders
    name: String,
}

/// Stands for the connector's name in the files.
const PLACE: &str = "my-system";

/// What is written, by path inside the connector's folder.
const FILES: [(&str, &str); 4] = [
    ("connector.yaml", include_str!("starter/connector.yaml")),
    ("README.md", include_str!("starter/README.md")),
    ("fixtures/settings.json", include_str!("starter/settings.json")),
    ("fixtures/answers.json", include_str!("starter/answers.json")),
];

pub fn run(context: &Context, args: &Args) -> CliResult {
    let name = args.name.as_str();
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.split('-').all(word) || name.len() > 60 {
        return Err(CliError::Usage(format!(
            "\"{name}\" is no name for a connector: use lower-case letters, digits and single hyphens, a letter first"
        )));
    }
    if installation::catalogue(context)?.get(name).is_some() {
        return Err(CliError::Usage(format!("there is a connector {name} already; choose another name")));
    }
    let folder = context.config.connectors.dir.join(name);
    if folder.exists() {
        return Err(CliError::Usage(format!("{} exists; nothing was written", folder.display())));
    }
    for (path, text) in FILES {
        write(&folder.join(path), &text.replace(PLACE, name))?;
    }
    let files: Vec<String> = FILES.iter().map(|(path, _)| folder.join(path).display().to_string()).collect();
    context.output.result(
        &serde_json::json!({"name": name, "folder": folder.display().to_string(), "files": files}),
        &files.join("\n"),
    );
    context.output.note(&format!(
        "\nNow: change {} to what your system answers (docs/connectors.md explains every word),\n\
         then `musubi connector test {name}`, and restart the hub.",
        folder.join("connector.yaml").display()
    ));
    Ok(Outcome::Done)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    made.map_err(|e| CliError::Other(anyhow::Error::from(e).context(format!("cannot write {}", path.display()))))
}
