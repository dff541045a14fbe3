//! What a process has used, and what else may matter for a figure: the filesystem and the load.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Less CPU than this in [`STILL_FOR`] is nothing: a daemon's timers.
const STILL_CPU: Duration = Duration::from_millis(5);
/// How long a process must have done nothing to count as done.
const STILL_FOR: Duration = Duration::from_millis(500);
/// A process that works for longer than this is never done.
const STILL_LIMIT: Duration = Duration::from_secs(300);

/// CPU time of all threads of a process so far, in the clock's resolution rather than in ticks of 10 ms.
pub fn cpu(pid: u32) -> Duration {
    let pid = libc::pid_t::try_from(pid).expect("a process id");
    let mut clock: libc::clockid_t = 0;
    // SAFETY: the clock's id outlives the call.
    let found = unsafe { libc::clock_getcpuclockid(pid, &mut clock) };
    assert_eq!(found, 0, "process {pid} runs");
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time outlives the call.
    let told = unsafe { libc::clock_gettime(clock, &mut time) };
    assert_eq!(told, 0, "{}", std::io::Error::last_os_error());
    let seconds = u64::try_from(time.tv_sec).expect("not negative");
    Duration::new(seconds, u32::try_from(time.tv_nsec).expect("below a second"))
}

/// Waits until a process does nothing; its CPU time then.
pub fn still(pid: u32) -> Duration {
    let end = Instant::now() + STILL_LIMIT;
    let mut before = cpu(pid);
    loop {
        std::thread::sleep(STILL_FOR);
        let now = cpu(pid);
        if now - before < STILL_CPU {
            return now;
        }
        assert!(Instant::now() < end, "process {pid} still works after {STILL_LIMIT:?}");
        before = now;
    }
}

/// A line of `/proc/PID/status` in MiB: `VmHWM` (the most ever resident), `VmRSS`, `RssAnon` (proc(5)).
pub fn memory_mib(pid: u32, line: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kib = found.unwrap_or_else(|| panic!("Linux has {line}")).trim().trim_end_matches(" kB");
    kib.parse::<f64>().expect("a number") / 1_024.0
}

/// Sends a signal to a child of ours that has not been waited for.
pub fn signal(pid: u32, signal: libc::c_int) {
    let pid = libc::pid_t::try_from(pid).expect("a process id");
    // SAFETY: a plain system call.
    let sent = unsafe { libc::kill(pid, signal) };
    assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
}

/// Stops a process, and waits until it stands.
pub fn stop(pid: u32) {
    signal(pid, libc::SIGSTOP);
    crate::daemon::until("it stands still", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
        // The name, in parentheses, may have spaces; the state comes after it.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        fields.trim_start().starts_with('T').then_some(())
    });
}

/// The kind of filesystem that a directory is on (proc(5), `mountinfo`).
pub fn filesystem(dir: &Path) -> String {
    let dir = fs::canonicalize(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("Linux has it");
    let of_line = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?;
        dir.starts_with(point).then(|| (point.len(), after.split(' ').next().unwrap_or_default().to_owned()))
    };
    // Of two mounts at one place the later one is seen.
    mounts.lines().filter_map(of_line).max_by_key(|(length, _)| *length).expect("there is a root").1
}

/// The load of the last minute.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").expect("Linux has it");
    text.split(' ').next().unwrap_or_default().to_owned()
}
