//! Long work in an account: on a terminal a line that moves, elsewhere a line
//! for each event.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;
use tether_installer::{News, Reporter};

/// Often enough to be seen to move.
const TICK: Duration = Duration::from_millis(100);

/// Where an installer's news go.
pub(crate) fn reporter(output: &Output) -> Reporter {
    let output = output.clone();
    let is_watched = !output.is_json() && std::io::stderr().is_terminal();
    if !is_watched {
        return Arc::new(move |news| output.news(&news));
    }
    let bar = ProgressBar::new_spinner();
    Arc::new(move |news| watched(&bar, &output, &news))
}

fn watched(bar: &ProgressBar, output: &Output, news: &News) {
    match news {
        News::Uploading { bytes } => {
            bar.reset();
            bar.set_length(*bytes);
            show(bar, "uploading {bar:30} {percent}% {elapsed}");
        }
        News::Uploaded { bytes, .. } => {
            bar.suspend(|| output.news(news));
            bar.inc(*bytes);
            if Some(bar.position()) == bar.length() {
                bar.finish_and_clear();
            }
        }
        // What begins is a line that moves; what has ended is one that stays.
        News::StackEvent(event) if event.is_beginning() => {
            if bar.is_finished() || bar.message().is_empty() {
                bar.reset();
                show(bar, "{spinner} {msg} {elapsed}");
            }
            bar.set_message(format!("{} {}", event.logical_id, event.status));
        }
        News::StackEnded { .. } => {
            bar.set_message("");
            bar.finish_and_clear();
        }
        _ => bar.suspend(|| output.news(news)),
    }
}

fn show(bar: &ProgressBar, template: &str) {
    // A template that cannot be read is replaced by the usual one.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
}
