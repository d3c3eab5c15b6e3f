use std::fs;
use std::time::Duration;

use crate::RigError;

/// The memory and CPU time that a process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system time of all its threads, in steps of ten milliseconds.
    pub cpu: Duration,
    /// Resident memory now.
    pub resident_bytes: u64,
    /// The most resident memory that it ever had.
    pub peak_bytes: u64,
}

/// What `/proc` counts CPU time in; the same on every Linux.
const TICKS_A_SECOND: u64 = 100;

impl Usage {
    /// Of a process that runs, from `/proc`.
    pub fn of(pid: u32) -> Result<Self, RigError> {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}")).map_err(RigError::io("look at a process"))
        };
        let (status, stat) = (read("status")?, read("stat")?);
        let ticks = ticks(&stat);
        Ok(Self {
            cpu: Duration::from_millis(ticks * 1000 / TICKS_A_SECOND),
            resident_bytes: kilobytes(&status, "VmRSS:") * 1024,
            peak_bytes: kilobytes(&status, "VmHWM:") * 1024,
        })
    }
}

/// Fields 14 and 15, counted from the end of the name in parentheses, which may hold anything (`proc_pid_stat(5)`).
fn ticks(stat: &str) -> u64 {
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

fn kilobytes(status: &str, key: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(ticks(stat), 300);
    }

    #[test]
    fn this_process_uses_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_bytes > 1 << 20 && usage.peak_bytes >= usage.resident_bytes, "{usage:?}");
    }
}
