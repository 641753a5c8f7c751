//! What the hub needs to do nothing: memory, and the time from its start until it is ready.

use std::time::Duration;

use crate::{hub, load::median, report::Report, target::Target};

pub async fn run(target: &Target, report: &mut Report) -> anyhow::Result<()> {
    let (mut ready, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let hub = hub::start(target).await?;
        ready.push(hub.ready_after.as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        memory.push(hub.memory());
        hub.stop().await?;
    }
    let (ready, memory) = (median(ready), median(memory));
    report.figure("start to ready", target.kind, &format!("{ready:.0} ms"), "", "< 300 ms", Some(ready < 300.0))?;
    report.figure("idle memory", target.kind, &format!("{memory:.0} MiB"), "", "< 60 MB", Some(memory < 60.0))
}
