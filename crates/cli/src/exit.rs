//! Exit codes, in one place: 0 done, 1 the user's function failed, 2 tether
//! failed, 64 wrong usage.

use crate::output::Output;
use clap::error::ErrorKind;
use std::process::ExitCode;

/// The user's function failed.
pub(crate) const FUNCTION_FAILED: u8 = 1;
/// tether failed.
pub(crate) const TETHER_FAILED: u8 = 2;
const USAGE: u8 = 64;

/// Help and version are no errors; everything else is wrong usage.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody may be there to read it.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(USAGE),
    }
}

/// Something is missing in what was typed that no parser could tell.
pub(crate) fn refused(output: &Output, text: &str) -> ExitCode {
    output.error(text);
    ExitCode::from(USAGE)
}

/// Prints an error: one line, or with `--verbose` the chain behind it.
pub(crate) fn failed(output: &Output, error: &anyhow::Error, verbose: bool) -> ExitCode {
    let mut text = error.to_string();
    if verbose {
        for cause in error.chain().skip(1) {
            text.push_str("\n  because: ");
            text.push_str(&cause.to_string());
        }
    }
    output.error(&text);
    ExitCode::from(TETHER_FAILED)
}
