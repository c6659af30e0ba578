//! What is asked of this cloud, kept in a file for whoever compares it with
//! AWS's own models: one JSON object a line. Off, unless a file is named.
//!
//! It is for tests. A body is as it came, with payloads and environment
//! variables in it; what signs a request is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A body that is larger than this is left out: code, and the largest events.
const LARGEST_BODY: usize = 1024 * 1024;

/// No file becomes larger; its last line says `full` then.
const MOST: usize = 16 * 1024 * 1024;

/// What says who asks, or lets others ask in their name.
const SECRET: [&str; 3] = ["authorization", "x-amz-security-token", "cookie"];

/// See the module.
#[derive(Default)]
pub(crate) struct Requests(Option<Mutex<Kept>>);

struct Kept {
    file: File,
    /// In bytes.
    room: usize,
}

/// A request that is well signed.
pub(crate) struct Asked<'a> {
    pub(crate) service: &'a str,
    /// The caller's role.
    pub(crate) principal: String,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a [u8],
}

impl Requests {
    /// Keeps them in this file, which only its owner can read.
    ///
    /// # Errors
    /// When the file is there already, or cannot be made.
    pub(crate) fn kept_in(path: Option<&Path>) -> std::io::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            std::io::Error::other(format!(
                "{} cannot be created ({error}): name a file that is not there yet with --record-requests",
                path.display()
            ))
        })?;
        Ok(Self(Some(Mutex::new(Kept { file, room: MOST }))))
    }

    /// Keeps one.
    pub(crate) fn keep<'a>(&self, asked: impl FnOnce() -> Asked<'a>) {
        let Some(kept) = &self.0 else { return };
        let line = asked().line();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.write(&line);
    }
}

impl Kept {
    fn write(&mut self, line: &str) {
        let line = match self.room.checked_sub(line.len()) {
            _ if self.room == 0 => return,
            Some(left) => {
                self.room = left;
                line
            }
            None => {
                self.room = 0;
                "{\"full\":true}\n"
            }
        };
        if self.file.write_all(line.as_bytes()).is_err() {
            // A half line at the end says as much to whoever reads it.
            self.room = 0;
        }
    }
}

impl Asked<'_> {
    fn line(&self) -> String {
        let uri = &self.parts.uri;
        let mut line = json!({
            "service": self.service,
            "principal": self.principal,
            "method": self.parts.method.as_str(),
            "path": uri.path(),
            "query": unsigned(uri.query().unwrap_or_default()),
            "headers": self.headers(),
            "size": self.body.len(),
        })
        .to_string();
        if self.body.len() <= LARGEST_BODY {
            let body = format!(",\"body\":\"{}\"}}", STANDARD.encode(self.body));
            line.pop();
            line.push_str(&body);
        }
        line.push('\n');
        line
    }

    fn headers(&self) -> Map<String, Value> {
        let headers = self.parts.headers.iter();
        headers
            .filter(|(name, _)| !SECRET.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), json!(value))
            })
            .collect()
    }
}

/// A query without what presigns it.
fn unsigned(query: &str) -> String {
    let signs = |it: &&str| {
        let (name, _) = it.split_once('=').unwrap_or((it, ""));
        let name = name.to_ascii_lowercase();
        [
            "x-amz-signature",
            "x-amz-credential",
            "x-amz-security-token",
        ]
        .contains(&name.as_str())
    };
    let parameters: Vec<&str> = query.split('&').filter(|it| !signs(it)).collect();
    parameters.join("&")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn ask(requests: &Requests, body: &[u8]) {
        let request = http::Request::post("/2015-03-31/functions/f?Qualifier=1&X-Amz-Signature=s")
            .header("authorization", "secret")
            .header("x-amz-security-token", "secret")
            .header("x-amz-log-type", "Tail")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        requests.keep(|| Asked {
            service: "lambda",
            principal: "outside".to_owned(),
            parts: &parts,
            body,
        });
    }

    fn lines(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|it| serde_json::from_str(it).unwrap());
        lines.collect()
    }

    #[test]
    fn a_request_is_kept_without_what_signs_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests");
        let requests = Requests::kept_in(Some(&path)).unwrap();
        ask(&requests, b"{}");
        let expected = json!({
            "service": "lambda",
            "principal": "outside",
            "method": "POST",
            "path": "/2015-03-31/functions/f",
            "query": "Qualifier=1",
            "headers": { "x-amz-log-type": "Tail" },
            "size": 2,
            "body": "e30=",
        });
        assert_eq!(lines(&path), [expected]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // Somebody's file is never written over.
        assert!(Requests::kept_in(Some(&path)).is_err());
        assert_eq!(lines(&path).len(), 1);
    }

    #[test]
    fn the_file_ends_when_it_is_full_and_large_bodies_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests");
        let requests = Requests::kept_in(Some(&path)).unwrap();
        ask(&requests, &vec![b'x'; LARGEST_BODY + 1]);
        for _ in 0..MOST / LARGEST_BODY {
            ask(&requests, &vec![b'x'; LARGEST_BODY]);
        }
        let lines = lines(&path);
        assert_eq!(lines[0].get("body"), None);
        assert_eq!(lines[0]["size"], LARGEST_BODY + 1);
        assert_eq!(lines.last(), Some(&json!({ "full": true })));
        let full = lines.iter().filter(|it| it.get("full").is_some());
        assert_eq!(full.count(), 1);
        assert!(path.metadata().unwrap().len() <= MOST as u64 + 14);
    }

    #[test]
    fn nothing_is_kept_unless_a_file_is_named() {
        let requests = Requests::kept_in(None).unwrap();
        requests.keep(|| unreachable!("nobody wants to know"));
    }
}
