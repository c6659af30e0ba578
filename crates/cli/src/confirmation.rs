//! Asking before something is changed.

use crate::ending::Signals;
use crate::output::Output;
use std::io::{IsTerminal as _, Write as _};
use tokio::sync::oneshot;

/// Whether somebody is there who can be asked.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks; whatever is not a yes is a no, and so is Ctrl-C.
pub(crate) async fn is_given(question: &str, output: &Output) -> bool {
    let mut signals = Signals::listen();
    let (answered, answer) = oneshot::channel();
    let _ = write!(anstream::stderr().lock(), "{question} [y/N] ");
    // A thread of its own: one of the runtime's would be waited for at the end.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        // Nobody may wait for it any more.
        let _ = answered.send(read.map(|_| line).unwrap_or_default());
    });
    tokio::select! {
        answer = answer => is_yes(&answer.unwrap_or_default()),
        _ = signals.next() => {
            output.say("");
            false
        }
    }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(["y\n", "Y\n", " yes "].iter().all(|it| is_yes(it)));
        assert!(!["", "\n", "n", "yep", "no"].iter().any(|it| is_yes(it)));
    }
}
