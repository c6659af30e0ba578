//! The bootstrap's own lines in the function's log: on stderr, because the
//! runtime's framed log descriptor belongs to the deployed code.

/// Writes one line. A log that cannot be written is no reason to fail.
pub(crate) fn line(text: &str) {
    use std::io::Write as _;
    // In one write: the deployed code writes to the same log.
    let line = format!("tether: {text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
