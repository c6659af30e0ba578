//! What `/proc` says of a process
//! (<https://man7.org/linux/man-pages/man5/proc.5.html>).

use anyhow::{Context as _, Result};
use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// `stat` counts in these, on every architecture that Lambda has.
const TICK: Duration = Duration::from_millis(10);

/// What there is to know of a process.
#[derive(Clone, Debug)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    /// At most 15 characters of the file's name.
    pub(crate) name: String,
    parent: i32,
    /// Of all its threads, ended ones too.
    pub(crate) cpu: Duration,
    /// Tells it from another process that has its number later.
    pub(crate) started: u64,
}

pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `pid (name) state ppid …`; the name may contain anything.
fn parse(pid: i32, line: &str) -> Option<Stat> {
    let (head, tail) = line.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    // From field 3 on.
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(Stat {
        pid,
        name,
        parent: fields.get(1)?.parse().ok()?,
        cpu: TICK * (ticks(11)? + ticks(12)?),
        started: fields.get(19)?.parse().ok()?,
    })
}

/// Everything that this process has started and that still runs, whoever
/// started it in between.
pub(crate) fn descendants(root: i32) -> Vec<Stat> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut children: HashMap<i32, Vec<Stat>> = HashMap::new();
    for entry in folder.flatten() {
        let pid = entry.file_name().to_str().and_then(|it| it.parse().ok());
        if let Some(stat) = pid.and_then(stat) {
            children.entry(stat.parent).or_default().push(stat);
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: u64,
    /// Resident at most, so far.
    pub(crate) peak: u64,
}

pub(crate) fn memory(pid: i32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kib * 1024)
    };
    Ok(Memory {
        resident: field("VmRSS:").with_context(|| format!("no VmRSS in {path}"))?,
        peak: field("VmHWM:").with_context(|| format!("no VmHWM in {path}"))?,
    })
}

/// How many descriptors it has open.
pub(crate) fn descriptors(pid: i32) -> Result<usize> {
    let path = format!("/proc/{pid}/fd");
    let folder = fs::read_dir(&path).with_context(|| format!("{path} cannot be read"))?;
    Ok(folder.count())
}

/// Cores, processor and kernel: figures are nothing without them.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let kernel = kernel.trim();
    format!("Measured on {cores} cores of {model}, Linux {kernel}, load {load} at the end.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_anything() {
        let line = "7 (a) b (c) S 3 7 7 0 -1 0 1 2 3 4 250 50 0 0 20 0 1 0 99 1 1";
        let stat = parse(7, line).unwrap();
        assert_eq!((stat.name.as_str(), stat.parent), ("a) b (c", 3));
        assert_eq!((stat.cpu, stat.started), (Duration::from_secs(3), 99));
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let own = i32::try_from(std::process::id()).unwrap();
        let memory = memory(own).unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident);
        assert!(descriptors(own).unwrap() >= 3);
        assert!(stat(own).is_some());
    }
}
