//! The one printer: results on stdout, progress on stderr.

use std::io::Write as _;

/// A result.
pub(crate) fn result(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
}

/// What is being done.
pub(crate) fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "… {text}");
}

/// Why it ends.
pub(crate) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "error: {text}");
}
