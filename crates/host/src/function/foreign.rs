//! A function whose process the developer starts: where it finds its Runtime
//! API, what it is to find in its environment, and whether it is there.

use super::Function;
use crate::world;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use tether_protocol::Environment;
use tether_runtime_api::environment::RUNTIME_API;

impl Function {
    /// Where a process of the developer's finds its Runtime API, as soon as the
    /// function is prepared. None: its processes are started here.
    #[must_use]
    pub fn runtime_api(&self) -> Option<SocketAddr> {
        self.copy.starter.as_foreign()?.address()
    }

    /// False: the developer starts its process, and has not.
    #[must_use]
    pub fn is_served(&self) -> bool {
        if self.copy.starter.as_foreign().is_none() {
            return true;
        }
        self.slots.all().iter().any(|place| {
            let Ok(slot) = place.slot.try_lock() else {
                // Somebody runs there.
                return true;
            };
            let process = slot.process.as_ref();
            process.is_some_and(|it| it.environment.is_connected())
        })
    }

    /// Writes the variables that such a process needs, `NAME='value'` on a
    /// line, for this user's eyes only.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_environment(&self, file: &Path, variables: &Environment) -> std::io::Result<()> {
        let (handler, code) = (&self.copy.handler, &self.copy.code);
        let mut all = world::of_function(handler, code, variables);
        if let Some(address) = self.runtime_api() {
            all.insert(RUNTIME_API.to_owned(), address.to_string());
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(file)?;
        // One that was there before may be everybody's.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        for (name, value) in all {
            writeln!(file, "{name}={}", quoted(&value))?;
        }
        Ok(())
    }
}

/// As a shell and a `.env` file read it: nothing in it is expanded where that
/// can be.
fn quoted(value: &str) -> String {
    if !value.contains(['\'', '\n']) {
        return format!("'{value}'");
    }
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", value.replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_stands_on_one_line() {
        assert_eq!(quoted("a \"b\" $HOME"), "'a \"b\" $HOME'");
        assert_eq!(quoted("it's \"b\"\\\nc"), r#""it's \"b\"\\\nc""#);
    }
}
