//! A process under measurement: started, watched, stopped by its own id.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::{Child, Command},
};

pub struct Process {
    child: Child,
    pub port: u16,
    /// From spawn to the first 200 of the path it was asked for.
    pub ready_after: Duration,
}

impl Process {
    /// Starts a program that listens on `port` and waits until `path` answers 200.
    pub async fn start(mut command: Command, port: u16, path: &str) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let mut child = command.kill_on_drop(true).spawn().context("cannot start the program under measurement")?;
        while !answers_200(port, path).await {
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("it ended at once: {status}");
            }
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(60), "it is not ready after a minute");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Self { child, port, ready_after: begun.elapsed() })
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Resident memory now, in MiB.
    pub fn memory(&self) -> f64 {
        memory_of(self.id(), "VmRSS:")
    }

    /// The most resident memory since [`Self::forget_peak`], in MiB.
    pub fn peak_memory(&self) -> f64 {
        memory_of(self.id(), "VmHWM:")
    }

    /// The peak counts from here on (proc(5), `clear_refs`).
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.id()), "5")?)
    }

    /// Processor time used so far.
    pub fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        let fields: Vec<u64> = text
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect())
            .unwrap_or_default();
        // In hundredths of a second on Linux.
        Duration::from_millis(fields.iter().sum::<u64>() * 10)
    }

    /// Ends it at once: one that waits for a silent system would take its time.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Ends it in order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await?;
        tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.context("it does not stop")??;
        Ok(())
    }
}

fn memory_of(pid: u32, which: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = text.lines().find_map(|l| l.strip_prefix(which)?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// Whether a GET of this path is answered with 200.
pub async fn answers_200(port: u16, path: &str) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.ok()?;
        Some(&start[9..12] == b"200")
    };
    asked.await.unwrap_or(false)
}
