//! dlt (PyPI) loading the same source flat into PostgreSQL: `dlt_orders.py`, in an environment of its
//! own under `target/`.

use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

use crate::target::Target;

/// Orders a second, measured by dlt's own process around its run; `None`: not installed.
pub async fn measure(target: &Target, base_url: &str) -> anyhow::Result<Option<f64>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = folder.join("../../target/bench-dlt/bin/python");
    if !python.exists() {
        return Ok(None);
    }
    let state = tempfile::tempdir()?;
    let output = Command::new(python)
        .arg(folder.join("dlt_orders.py"))
        // It asks for a password even where the server does not.
        .args([base_url, &target.beside().await.replace("postgres://musubi@", "postgresql://musubi:none@")])
        .env("DLT_DATA_DIR", state.path())
        .env("HOME", state.path())
        .current_dir(state.path())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(output.status.success(), "dlt: {}", String::from_utf8_lossy(&output.stderr));
    let line = said.lines().find_map(|l| l.strip_prefix("orders_per_second ")).context("dlt said nothing")?;
    Ok(Some(line.trim().parse()?))
}
