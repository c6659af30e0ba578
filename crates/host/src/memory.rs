//! How much memory an execution environment has used at most.

/// A process and its children, in MB; none where the system does not say.
#[cfg(target_os = "linux")]
pub(crate) fn peak_mb(process: u32) -> Option<u64> {
    let mut left = vec![process.to_string()];
    let mut kilobytes = 0;
    while let Some(process) = left.pop() {
        let Ok(status) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
            continue;
        };
        kilobytes += high_water_mark(&status).unwrap_or(0);
        let children = format!("/proc/{process}/task/{process}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        left.extend(children.split_whitespace().map(str::to_owned));
    }
    (kilobytes > 0).then_some(kilobytes.div_ceil(1024))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn peak_mb(_: u32) -> Option<u64> {
    None
}

/// <https://docs.kernel.org/filesystems/proc.html>: peak resident set size.
#[cfg(target_os = "linux")]
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_how_much_it_was() {
        assert_eq!(
            high_water_mark("Name:\tx\nVmHWM:\t   5120 kB\n"),
            Some(5120)
        );
        assert!(peak_mb(std::process::id()).is_some_and(|it| it > 0));
        assert_eq!(peak_mb(u32::MAX), None);
    }
}
