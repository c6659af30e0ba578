//! Our Runtime API clients: plain source, so that a user needs nothing but an
//! interpreter, and a debugger sees plain code.

use crate::StartError;
use std::ffi::OsStr;
use std::path::PathBuf;

const PYTHON: &str = "tether_runtime.py";
const NODE: &str = "tether_runtime.mjs";

/// The clients, as files for as long as this lives.
#[derive(Debug)]
pub struct Clients {
    folder: tempfile::TempDir,
}

impl Clients {
    /// The text of the one for Python.
    pub const PYTHON: &str = include_str!("clients/tether_runtime.py");
    /// The text of the one for Node.
    pub const NODE: &str = include_str!("clients/tether_runtime.mjs");

    /// Writes the clients.
    ///
    /// # Errors
    /// When the temporary folder cannot be written.
    pub fn write() -> Result<Self, StartError> {
        let written = || {
            let folder = tempfile::Builder::new()
                .prefix("tether-clients-")
                .tempdir()?;
            std::fs::write(folder.path().join(PYTHON), Self::PYTHON)?;
            std::fs::write(folder.path().join(NODE), Self::NODE)?;
            Ok(Self { folder })
        };
        written().map_err(|error: std::io::Error| StartError::NotWritten {
            folder: std::env::temp_dir(),
            // Its own words may name a folder that has never been.
            reason: error.kind(),
        })
    }

    /// Where the runtime is, as Lambda tells it.
    pub(crate) fn folder(&self) -> Option<(String, String)> {
        let folder = self.folder.path().to_str()?;
        Some(("LAMBDA_RUNTIME_DIR".to_owned(), folder.to_owned()))
    }

    /// The one for Python.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.folder.path().join(PYTHON)
    }

    /// The one for Node.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        self.folder.path().join(NODE)
    }
}

/// Whether a file is one of them, by its name.
pub(crate) fn is_one(file_name: &OsStr) -> bool {
    [PYTHON, NODE].iter().any(|it| *it == file_name)
}
