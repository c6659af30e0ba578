//! The event, and what the caller says of itself.

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use bytes::Bytes;
use serde_json::value::RawValue;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _};
use tether_runtime_api::MAX_PAYLOAD;

/// What Lambda takes of a client context, as it travels
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
const LONGEST_CONTEXT: usize = 3_583;

const NOTHING: &[u8] = b"{}";

/// The event of a file, of stdin, or none.
pub(super) async fn read(file: Option<&str>, none: bool) -> Result<Bytes> {
    // Nobody has piped anything into a terminal.
    let nobody = || file.is_none() && std::io::stdin().is_terminal();
    if none || nobody() {
        return Ok(Bytes::from_static(NOTHING));
    }
    let (name, event) = match file {
        None | Some("-") => ("stdin", from_stdin().await?),
        Some(file) => {
            let read = std::fs::read(file);
            let event =
                read.map_err(|error| anyhow!("{file} cannot be read ({error}): check --event"))?;
            (file, event)
        }
    };
    if event.iter().all(u8::is_ascii_whitespace) {
        return Ok(Bytes::from_static(NOTHING));
    }
    if let Err(error) = serde_json::from_slice::<&RawValue>(&event) {
        bail!(
            "{name}:{}:{}: the event is not JSON ({error}): correct it there",
            error.line(),
            error.column()
        );
    }
    if event.len() > MAX_PAYLOAD {
        bail!(
            "the event has {} bytes, and Lambda takes no more than {MAX_PAYLOAD}: make it smaller, or pass what is large by S3",
            event.len()
        );
    }
    Ok(Bytes::from(event))
}

/// In a thread of its own, which nobody waits for at the end: it may be that
/// nothing ever comes.
async fn from_stdin() -> Result<Vec<u8>> {
    let (sender, read) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut event = Vec::new();
        let done = std::io::stdin().read_to_end(&mut event);
        // Somebody has pressed Ctrl-C meanwhile.
        let _ = sender.send(done.map(|_| event));
    });
    read.await?.context("stdin cannot be read")
}

/// A client context, as JSON that can stand in a header. AWS's command line
/// takes it in base64, so this does, too.
pub(super) fn client_context(typed: Option<&str>) -> Result<Option<String>> {
    let Some(typed) = typed.map(str::trim) else {
        return Ok(None);
    };
    let decoded = base64::engine::general_purpose::STANDARD.decode(typed);
    let text = decoded.ok().and_then(|it| String::from_utf8(it).ok());
    let text = text.as_deref().unwrap_or(typed);
    let value: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|error| {
            anyhow!(
                "--client-context is no JSON object ({error}): write it as {{\"custom\": {{…}}}}"
            )
        })?;
    let context = ascii(&serde_json::Value::Object(value).to_string());
    let travels = base64::engine::general_purpose::STANDARD.encode(&context);
    if travels.len() > LONGEST_CONTEXT {
        bail!(
            "--client-context has {} bytes in base64, and Lambda takes no more than {LONGEST_CONTEXT}: put more into the event",
            travels.len()
        );
    }
    Ok(Some(context))
}

/// JSON stands only in strings beyond ASCII, where there are escapes for it.
fn ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // A string takes everything.
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_client_context_is_json_or_its_base64() {
        let context = |typed: &str| client_context(Some(typed)).unwrap().unwrap();
        let expected = r#"{"custom":{"k":"\u00fc\ud83d\ude00"}}"#;
        assert_eq!(context(r#"{"custom": {"k": "ü😀"}}"#), expected);
        assert_eq!(context("eyJjdXN0b20iOiB7ImsiOiAiw7zwn5iAIn19"), expected);
        assert_eq!(client_context(None).unwrap(), None);
        for wrong in ["", "[]", "custom", "e30"] {
            let error = client_context(Some(wrong)).unwrap_err().to_string();
            assert!(
                error.starts_with("--client-context is no JSON object"),
                "{error}"
            );
        }
        let long = format!("{{\"custom\": {{\"k\": \"{}\"}}}}", "x".repeat(3000));
        let error = client_context(Some(&long)).unwrap_err().to_string();
        assert!(error.contains("no more than 3583"), "{error}");
    }
}
