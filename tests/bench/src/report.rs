//! The Markdown report: printed as it grows, so that a run that is cut off has said something.

use std::io::Write as _;

use musubi::store::copy::count_all;

use crate::target::Target;

pub struct Report {
    out: std::io::Stdout,
}

/// The machine's load over the last minute: figures from a busy machine say little.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

impl Report {
    pub fn start() -> anyhow::Result<Self> {
        let mut report = Self { out: std::io::stdout() };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        report.line(&format!("# Musubi bench\n\n{cores} cores shared by hub, database, load and sources.\n"))?;
        report.line("| what | database | figure | beside it | target | reached | load |")?;
        report.line("|---|---|---|---|---|---|---|")?;
        Ok(report)
    }

    /// One figure. `reached`: `None` where there is no target.
    pub fn figure(
        &mut self,
        what: &str,
        kind: &str,
        figure: &str,
        beside: &str,
        target: &str,
        reached: Option<bool>,
    ) -> anyhow::Result<()> {
        let reached = match reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        self.line(&format!("| {what} | {kind} | {figure} | {beside} | {target} | {reached} | {} |", load_average()))
    }

    /// Every table's row count: what was measured was really stored.
    pub async fn rows(&mut self, target: &Target, after: &str) -> anyhow::Result<()> {
        let counted = count_all(&target.db).await?;
        let rows: Vec<String> =
            counted.tables.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect();
        self.line(&format!("| rows after {after} | {} | {} | all other tables 0 | | | |", target.kind, rows.join(", ")))
    }

    pub fn finish(mut self) -> anyhow::Result<()> {
        self.line("")
    }

    fn line(&mut self, text: &str) -> anyhow::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()?;
        Ok(())
    }
}
