//! Stops what a test run started, also when the run is killed.
//!
//! A small shell starts the server and then reads from a pipe that only this process holds. When
//! this process ends, however it ends, the pipe closes and the shell stops the server by its id.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// `$1` is the signal that stops the server, `$2` a folder to remove at the end, the rest the
/// command. Everything runs in the shell's own process group, which is ended last, so that nothing
/// the server started is left behind.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
signal=$1 folder=$2; shift 2
exec 3<&0
( trap - TERM HUP; exec "$@" </dev/null >&2 3<&- ) &
server=$!
echo "started $server"
# Returns when the pipe closes, or when the server is gone by itself.
( cat <&3 >/dev/null; kill -"$signal" "$server" 2>/dev/null ) &
wait "$server"
# What the server itself had started (browsers), then the files they held.
kill -TERM 0; sleep 0.5
rm -rf "$folder"
kill -KILL 0
"#;

/// A running server. Keep it in a static: the server lives as long as the pipe.
pub struct Watched {
    /// The process id of the server itself.
    pub pid: u32,
    _shell: Child,
}

/// How to start and stop a server.
pub struct Plan<'a> {
    /// Put in front of the shell, to run all of it as another user.
    pub wrap: &'a [String],
    pub signal: &'a str,
    /// Removed at the end.
    pub folder: &'a Path,
    pub command: Vec<String>,
    pub log: &'a Path,
}

pub fn start(plan: Plan<'_>) -> Watched {
    let Plan { wrap, signal, folder, command, log } = plan;
    let log = std::fs::File::create(log).unwrap();
    let mut all = wrap.to_vec();
    all.extend(["sh", "-c", SCRIPT, "watchdog", signal].map(str::to_owned));
    all.push(folder.display().to_string());
    all.extend(command);
    let mut shell = Command::new(&all[0])
        .args(&all[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .current_dir("/")
        // Ctrl-C reaches the test run only; the watchdog then sees the pipe close.
        .process_group(0)
        .spawn()
        .unwrap_or_else(|e| panic!("{} cannot be started: {e}", all[0]));
    let mut line = String::new();
    BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pid = line.trim().strip_prefix("started ").and_then(|pid| pid.parse().ok());
    Watched { pid: pid.unwrap_or_else(|| panic!("the watchdog said {line:?}")), _shell: shell }
}

/// A port nothing listens on just now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until a server does its work.
#[expect(clippy::disallowed_methods, reason = "runs once, while every test that needs it waits anyway")]
pub fn wait_until(what: &str, log: &Path, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ready() {
        let said = || std::fs::read_to_string(log).unwrap_or_default();
        assert!(Instant::now() < deadline, "{what} did not start: {}", said());
        std::thread::sleep(Duration::from_millis(50));
    }
}
