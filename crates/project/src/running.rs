//! How functions run on this machine: under which debuggers, and by whose hand.

use std::path::PathBuf;
use tether_host::{Debugger, Starter};

/// Functions whose processes the developer starts, under an IDE for example.
#[derive(Clone, Debug, Default)]
pub struct External {
    /// All that are attached.
    pub all: bool,
    /// Logical ids.
    pub functions: Vec<String>,
    /// The first function's port, the next one's is one higher; 0 takes free
    /// ones.
    pub first_port: u16,
    /// Where to write the variables that the process needs.
    pub env_file: Option<PathBuf>,
}

impl External {
    /// Whether it is about this function.
    #[must_use]
    pub fn is_about(&self, function: &str) -> bool {
        self.all || self.functions.iter().any(|it| it == function)
    }

    /// The file with the variables of a function: `FILE`, or `FILE.LOGICAL_ID`
    /// where there may be several.
    #[must_use]
    pub fn env_file_of(&self, function: &str) -> Option<PathBuf> {
        let file = self.env_file.as_ref()?;
        if !self.all && self.functions.len() == 1 {
            return Some(file.clone());
        }
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{function}"));
        Some(name.into())
    }

    /// What serves a function, by its place among all functions of the
    /// template. None: it is started here.
    #[must_use]
    pub fn starter(&self, function: &str, index: usize) -> Option<Starter> {
        let wanted = self.is_about(function);
        let offset = u16::try_from(index).unwrap_or(u16::MAX);
        let port = match self.first_port {
            0 => 0,
            first => first.saturating_add(offset),
        };
        wanted.then(|| Starter::foreign(port))
    }
}

/// How debuggers listen.
#[derive(Clone, Debug, Default)]
pub struct Debugging {
    /// `127.0.0.1`
    pub host: String,
    /// The first function's port, the next one's is one higher; 0 takes free
    /// ones.
    pub first_port: u16,
    /// Each function's code waits for its debugger.
    pub wait: bool,
    /// The editor listens, and the functions connect to it: PyCharm.
    pub editor_listens: bool,
}

impl Debugging {
    /// That of a function by its place among all functions of the template.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn debugger(&self, index: usize) -> std::io::Result<Debugger> {
        // A free one is taken when it is listened at: one that was found before
        // may be somebody else's by then.
        let port = match self.first_port {
            0 => 0,
            _ => self.port(index)?,
        };
        Ok(Debugger {
            host: self.host.clone(),
            port,
            wait: self.wait,
            editor_listens: self.editor_listens,
        })
    }

    /// The port of a function by its place among all functions of the
    /// template: it stays the same whichever of them are attached.
    ///
    /// # Errors
    /// When no port is free.
    pub fn port(&self, index: usize) -> std::io::Result<u16> {
        if self.first_port > 0 {
            let offset = u16::try_from(index).unwrap_or(u16::MAX);
            return Ok(self.first_port.saturating_add(offset));
        }
        let free = std::net::TcpListener::bind((self.host.as_str(), 0))?;
        Ok(free.local_addr()?.port())
    }
}
