//! What a function's process prints.

use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// One line of a process's output.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The function.
    pub source: Arc<str>,
    /// The line, without its end.
    pub text: String,
}

/// Where lines go.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// Longer lines are cut into several: a process that prints without line ends
/// must not fill memory.
const LONGEST_LINE: usize = 64 * 1024;

/// Reads a process's output to its end.
pub(crate) async fn pump(output: impl AsyncRead + Unpin, source: Arc<str>, sink: LogSink) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        let part = match output.fill_buf().await {
            Ok(part) if !part.is_empty() => part,
            _ => break,
        };
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(part.len(), |end| end + 1);
        line.extend_from_slice(part.get(..taken).unwrap_or_default());
        output.consume(taken);
        if end.is_some() || line.len() >= LONGEST_LINE {
            emit(&mut line, &source, &sink);
        }
    }
    if !line.is_empty() {
        emit(&mut line, &source, &sink);
    }
}

fn emit(line: &mut Vec<u8>, source: &Arc<str>, sink: &LogSink) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']).to_owned();
    sink(LogLine {
        source: Arc::clone(source),
        text,
    });
    line.clear();
}
