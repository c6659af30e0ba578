//! How an installation is told.

use super::{BAD, GOOD, NAME, Output, SOFT, behind, note};
use serde_json::json;
use tether_installer::{News, StackEvent, size};

impl Output {
    /// Something that happened while the helper stack is installed or removed.
    pub(crate) fn news(&self, news: &News) {
        self.tell(lines(news), || json!(news));
    }

    /// A line about something that went well.
    pub(crate) fn done(&self, text: &str) {
        self.say(&format!("{GOOD}✓{GOOD:#} {text}"));
    }
}

fn lines(news: &News) -> Vec<String> {
    match news {
        News::Step { message } => vec![format!("{SOFT}… {message}{SOFT:#}")],
        News::Note { message } => vec![note(message)],
        News::Uploaded { name, bytes } => {
            vec![format!(
                "{GOOD}✓{GOOD:#} {name} uploaded ({})",
                size(*bytes)
            )]
        }
        // What begins ends in a moment, and nobody reads a pipe meanwhile.
        News::StackEvent(event) if event.is_beginning() => vec![],
        News::StackEvent(event) => vec![event_line(event)],
        News::Removed { what } => vec![format!("{GOOD}✓{GOOD:#} removed {what}")],
        _ => vec![],
    }
}

fn event_line(event: &StackEvent) -> String {
    let (style, mark) = match event.status.as_str() {
        _ if event.is_failure() => (BAD, "✗"),
        status if status.ends_with("_COMPLETE") => (GOOD, "✓"),
        _ => (SOFT, "…"),
    };
    format!(
        "{style}{mark}{style:#} {NAME}{}{NAME:#} {} {SOFT}{}{SOFT:#}{}",
        event.logical_id,
        event.status,
        event.resource_type,
        behind(&event.reason)
    )
}
