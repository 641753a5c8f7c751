//! A million rows, in a process of their own so that its memory can be measured.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufWriter, Seek, SeekFrom, Write};

use musubi_files::{Limits, Wishes, inspect, read};

#[test]
fn a_million_rows_take_no_more_memory_than_a_few() {
    let mut file = tempfile::tempfile().unwrap();
    {
        let mut out = BufWriter::new(&mut file);
        out.write_all("得意先コード,得意先名,電話番号\n".as_bytes()).unwrap();
        for n in 0..1_000_000 {
            writeln!(out, "{n:08},株式会社見本{n},03-0000-0000").unwrap();
        }
        out.flush().unwrap();
    }
    file.seek(SeekFrom::Start(0)).unwrap();
    let limits = Limits::default();
    let found = inspect(&mut file, &Wishes::default(), &limits).unwrap();
    let account = read(&mut file, &found.layout, &limits, &mut |_| true).unwrap();
    assert_eq!((account.rows, account.taken, account.heading), (1_000_001, 1_000_000, 1));
    // Linux tells the most that a process ever had in memory.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: u64 = most.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < 200 * 1024, "{kib} KiB");
    }
}
