//! What `tether doctor` finds: a result, so it goes to stdout.

use super::{BAD, GOOD, Output, SOFT, WARN, to_stdout};
use tether_doctor::{Finding, State, Summary};

/// The names of steps stand in a column.
const COLUMN: usize = 14;

impl Output {
    /// One thing that was found.
    pub(crate) fn finding(&self, finding: &Finding) {
        if self.is_json() {
            return self.object(finding);
        }
        let (style, mark) = match finding.state {
            State::Ok => (GOOD, "✓"),
            State::Warning => (WARN, "!"),
            State::Failed => (BAD, "✗"),
            State::Skipped => (SOFT, "–"),
        };
        let (name, what) = (finding.step.name(), &finding.what);
        to_stdout(&format!("{style}{mark}{style:#} {name:COLUMN$}  {what}"));
        if let Some(fix) = &finding.fix {
            to_stdout(&format!("  {:COLUMN$}  → {fix}", ""));
        }
    }

    /// How many there were.
    pub(crate) fn findings(&self, summary: &Summary) {
        if self.is_json() {
            return self.object(summary);
        }
        let Summary {
            warnings, failed, ..
        } = summary;
        to_stdout(&match (failed, warnings) {
            (0, 0) => format!("{GOOD}all is well{GOOD:#}"),
            (0, 1) => format!("{WARN}it works{WARN:#}, with a warning"),
            (0, _) => format!("{WARN}it works{WARN:#}, with {warnings} warnings"),
            (1, _) => format!("{BAD}one step fails{BAD:#}"),
            _ => format!("{BAD}{failed} steps fail{BAD:#}"),
        });
    }
}
