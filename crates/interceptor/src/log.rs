//! The bootstrap's own lines in the function's log: on stderr, because the
//! runtime's framed log descriptor belongs to the deployed code.

/// Writes one line. A log that cannot be written is no reason to fail.
pub(crate) fn line(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "tether: {text}");
}
