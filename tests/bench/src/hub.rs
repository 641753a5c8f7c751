//! The hub as a process: the binary beside this one.

use tokio::process::Command;

use crate::{process::Process, target::Target, watchdog::free_port};

/// Starts `musubi serve` on a database.
pub async fn start(target: &Target) -> anyhow::Result<Process> {
    start_with(target, &[]).await
}

/// With more in its environment.
pub async fn start_with(target: &Target, more: &[(&str, &str)]) -> anyhow::Result<Process> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("musubi");
    anyhow::ensure!(program.exists(), "{} is not built: use ./x bench", program.display());
    let port = free_port();
    let mut command = Command::new(program);
    command.arg("serve").envs(target.environment()).env("MUSUBI_SERVER__LISTEN", format!("127.0.0.1:{port}"));
    command.envs(more.iter().copied());
    // Warnings and errors belong to the report's reader; the invitation to first run does not.
    command.stdout(std::process::Stdio::null()).stderr(target.log()?);
    Process::start(command, port, "/health/ready").await
}
