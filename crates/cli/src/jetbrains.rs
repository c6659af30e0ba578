//! Run configurations of JetBrains' IDEs, a file each below
//! `.idea/runConfigurations`.
//!
//! The files are ours by their names. What somebody changed in one of them in
//! the IDE stays all the same: only what leads to the debugger, or starts
//! tether, is brought up to date.
//!
//! Text in, text out: reading and writing files is the caller's.

use crate::launch_json::{DebuggerKind, Entry};
use std::fmt::Write as _;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    name: String,
    /// JetBrains' name of it.
    kind: &'static str,
    /// Attributes of the configuration itself, beside name and kind.
    attributes: Vec<(&'static str, String)>,
    /// Elements in it, each on a line.
    elements: Vec<String>,
    /// Which attributes and options are ours when the file is there already.
    ours: Vec<Setting>,
}

/// What is brought up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Setting {
    /// An attribute of the configuration.
    Attribute(&'static str, String),
    /// `<option name="PORT" value="5678" />`
    Option(&'static str, String),
}

impl Configuration {
    /// What connects to a function's debugger. For Python the IDE listens, and
    /// the function connects to it (`--debug=pycharm`).
    pub(crate) fn attaching(entry: &Entry, module: &str) -> Self {
        let (host, port) = (entry.host.as_str(), entry.port);
        let empty = Self::new(entry.name(), "");
        match &entry.kind {
            DebuggerKind::Debugpy => empty.python(host, port, module),
            DebuggerKind::Node => Self {
                kind: "ChromiumRemoteDebugType",
                attributes: vec![
                    ("factoryName", "Chromium Remote".to_owned()),
                    ("restartOnDisconnect", "true".to_owned()),
                ],
                ..empty.at(host, port)
            },
            DebuggerKind::Delve => Self {
                kind: "GoRemoteDebugConfigurationType",
                attributes: vec![("factoryName", "Go Remote".to_owned())],
                elements: vec![
                    option("disconnectOption", "LEAVE"),
                    r#"<disconnect value="LEAVE" />"#.to_owned(),
                ],
                ..empty.at(host, port)
            },
            DebuggerKind::Native { program } => Self {
                kind: "CLion_Remote",
                attributes: vec![("version", "1".to_owned()), ("sysroot", String::new())],
                elements: vec![r#"<debugger kind="GDB" isBundled="true" />"#.to_owned()],
                ours: vec![
                    Setting::Attribute("remoteCommand", format!("{host}:{port}")),
                    Setting::Attribute(
                        "symbolFile",
                        program.as_deref().map(in_project).unwrap_or_default(),
                    ),
                ],
                ..empty
            },
            DebuggerKind::Jdwp => Self {
                kind: "Remote",
                elements: vec![
                    option("USE_SOCKET_TRANSPORT", "true"),
                    option("SERVER_MODE", "false"),
                    option("SHMEM_ADDRESS", "javadebug"),
                    option("AUTO_RESTART", "true"),
                ],
                ours: vec![
                    Setting::Option("HOST", host.to_owned()),
                    Setting::Option("PORT", port.to_string()),
                ],
                ..empty
            },
        }
    }

    /// What starts tether, in a terminal: Ctrl-C there ends it.
    pub(crate) fn starting(name: String, arguments: &[String]) -> Self {
        let words = arguments.iter().map(|it| shell_word(it));
        let command: Vec<String> = std::iter::once("tether".to_owned()).chain(words).collect();
        Self {
            kind: "ShConfigurationType",
            elements: vec![
                option("INDEPENDENT_SCRIPT_PATH", "true"),
                option("SCRIPT_PATH", ""),
                option("SCRIPT_OPTIONS", ""),
                option("INDEPENDENT_SCRIPT_WORKING_DIRECTORY", "true"),
                option("SCRIPT_WORKING_DIRECTORY", "$PROJECT_DIR$"),
                option("INDEPENDENT_INTERPRETER_PATH", "true"),
                option("INTERPRETER_PATH", ""),
                option("INTERPRETER_OPTIONS", ""),
                option("EXECUTE_IN_TERMINAL", "true"),
                option("EXECUTE_SCRIPT_FILE", "false"),
                "<envs />".to_owned(),
            ],
            ours: vec![Setting::Option("SCRIPT_TEXT", command.join(" "))],
            ..Self::new(name, "")
        }
    }

    /// All of these at once.
    pub(crate) fn together(name: &str, all: &[Self]) -> Self {
        let mut compound = Self::new(name.to_owned(), "CompoundRunConfigurationType");
        let one = |it: &Self| {
            format!(
                r#"<toRun name="{}" type="{}" />"#,
                quoted(&it.name),
                it.kind
            )
        };
        compound.elements = all.iter().map(one).collect();
        compound
    }

    /// As the IDE names it in its list.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As the IDE makes it of the name.
    pub(crate) fn file_name(&self) -> String {
        let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '_' };
        let name: String = self.name.chars().map(plain).collect();
        format!("{name}.xml")
    }

    /// The file: a new one, or the one that is there with what leads to the
    /// debugger as it is now.
    pub(crate) fn merged(&self, existing: Option<&str>) -> String {
        let kept = existing.and_then(|text| self.updated(text));
        kept.unwrap_or_else(|| self.to_xml())
    }

    fn new(name: String, kind: &'static str) -> Self {
        Self {
            name,
            kind,
            attributes: vec![],
            elements: vec![],
            ours: vec![],
        }
    }

    fn at(self, host: &str, port: u16) -> Self {
        let ours = vec![
            Setting::Attribute("host", host.to_owned()),
            Setting::Attribute("port", port.to_string()),
        ];
        Self { ours, ..self }
    }

    fn python(self, host: &str, port: u16, module: &str) -> Self {
        Self {
            kind: "PyRemoteDebugConfigurationType",
            attributes: vec![("factoryName", "Python Remote Debug".to_owned())],
            elements: vec![
                format!(r#"<module name="{}" />"#, quoted(module)),
                "<PathMappingSettings>\n      <option name=\"pathMappings\">\n        <list />\n      </option>\n    </PathMappingSettings>".to_owned(),
                // tether prints what the function prints.
                option("REDIRECT_OUTPUT", "false"),
                option("SUSPEND_AFTER_CONNECT", "false"),
            ],
            ours: vec![
                Setting::Option("HOST", host.to_owned()),
                Setting::Option("PORT", port.to_string()),
            ],
            ..self
        }
    }

    fn to_xml(&self) -> String {
        let mut xml = String::from("<component name=\"ProjectRunConfigurationManager\">\n");
        let (name, kind) = (quoted(&self.name), self.kind);
        let _ = write!(
            xml,
            "  <configuration default=\"false\" name=\"{name}\" type=\"{kind}\""
        );
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value));
        let ours = self.ours.iter().filter_map(|it| match it {
            Setting::Attribute(name, value) => Some((*name, value)),
            Setting::Option(..) => None,
        });
        for (name, value) in attributes.chain(ours) {
            let _ = write!(xml, " {name}=\"{}\"", quoted(value));
        }
        xml.push_str(">\n");
        let ours = self.ours.iter().filter_map(|it| match it {
            Setting::Option(name, value) => Some(option(name, value)),
            Setting::Attribute(..) => None,
        });
        for element in self.elements.iter().cloned().chain(ours) {
            let _ = writeln!(xml, "    {element}");
        }
        xml.push_str("    <method v=\"2\" />\n  </configuration>\n</component>\n");
        xml
    }

    /// None: it is not a configuration of this kind, or all of it is ours.
    fn updated(&self, existing: &str) -> Option<String> {
        if self.ours.is_empty() || !existing.contains(&format!("type=\"{}\"", self.kind)) {
            return None;
        }
        let mut text = existing.to_owned();
        for setting in &self.ours {
            let (from, value) = match setting {
                Setting::Attribute(name, value) => {
                    let tag = text.find("<configuration ")?;
                    let end = tag + text.get(tag..)?.find('>')?;
                    let before = format!(" {name}=\"");
                    let at = tag + text.get(tag..end)?.find(&before)?;
                    (at + before.len(), value)
                }
                Setting::Option(name, value) => {
                    let before = format!("<option name=\"{name}\" value=\"");
                    (text.find(&before)? + before.len(), value)
                }
            };
            let to = from + text.get(from..)?.find('"')?;
            text.replace_range(from..to, &quoted(value));
        }
        Some(text)
    }
}

fn option(name: &str, value: &str) -> String {
    format!("<option name=\"{name}\" value=\"{}\" />", quoted(value))
}

/// For an attribute.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => quoted.push_str("&amp;"),
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            '"' => quoted.push_str("&quot;"),
            '\n' => quoted.push_str("&#10;"),
            other => quoted.push(other),
        }
    }
    quoted
}

/// VS Code's word for the folder is not JetBrains'.
fn in_project(path: &str) -> String {
    path.replace("${workspaceFolder}", "$PROJECT_DIR$")
}

/// For a POSIX shell.
fn shell_word(word: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./=:@%+,".contains(it);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: DebuggerKind) -> Entry {
        Entry {
            function: "Hello".to_owned(),
            kind,
            host: "127.0.0.1".to_owned(),
            port: 5679,
            local_root: "${workspaceFolder}/hello".to_owned(),
            task: None,
        }
    }

    fn of(kind: DebuggerKind) -> Configuration {
        Configuration::attaching(&entry(kind), "shop")
    }

    #[test]
    fn node_is_attached_to_again_after_a_save() {
        let configuration = of(DebuggerKind::Node);
        assert_eq!(
            configuration.merged(None),
            r#"<component name="ProjectRunConfigurationManager">
  <configuration default="false" name="tether: Hello" type="ChromiumRemoteDebugType" factoryName="Chromium Remote" restartOnDisconnect="true" host="127.0.0.1" port="5679">
    <method v="2" />
  </configuration>
</component>
"#
        );
        assert_eq!(configuration.file_name(), "tether__Hello.xml");
    }

    #[test]
    fn each_debugger_has_the_configuration_of_its_plugin() {
        let program = Some("${workspaceFolder}/target/debug/hello".to_owned());
        for (kind, said) in [
            (
                DebuggerKind::Debugpy,
                &[
                    "PyRemoteDebugConfigurationType",
                    "<option name=\"PORT\" value=\"5679\" />",
                    "<module name=\"shop\" />",
                ],
            ),
            (
                DebuggerKind::Delve,
                &[
                    "GoRemoteDebugConfigurationType",
                    " port=\"5679\"",
                    "<disconnect value=\"LEAVE\" />",
                ],
            ),
            (
                DebuggerKind::Native { program },
                &[
                    "CLion_Remote",
                    " remoteCommand=\"127.0.0.1:5679\"",
                    "$PROJECT_DIR$/target/debug/hello",
                ],
            ),
            (
                DebuggerKind::Jdwp,
                &[
                    "type=\"Remote\"",
                    "<option name=\"PORT\" value=\"5679\" />",
                    "<option name=\"HOST\" value=\"127.0.0.1\" />",
                ],
            ),
        ] {
            let xml = of(kind).merged(None);
            for words in said {
                assert!(xml.contains(words), "{words} is missing: {xml}");
            }
        }
    }

    #[test]
    fn what_was_changed_in_the_ide_stays_and_the_port_is_brought_up_to_date() {
        for kind in [
            DebuggerKind::Debugpy,
            DebuggerKind::Node,
            DebuggerKind::Delve,
            DebuggerKind::Jdwp,
        ] {
            let first = of(kind.clone()).merged(None);
            let own = first.replace(
                "<method v=\"2\" />",
                "<method v=\"2\"><!-- mine --></method>",
            );
            let moved = Entry {
                port: 7000,
                ..entry(kind)
            };
            let moved = Configuration::attaching(&moved, "shop");
            let merged = moved.merged(Some(&own));
            assert_eq!(merged, own.replace("5679", "7000"));
            assert_eq!(moved.merged(Some(&merged)), merged, "idempotent");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_written_anew() {
        let node = of(DebuggerKind::Node);
        for other in ["", "<component />", &of(DebuggerKind::Jdwp).merged(None)] {
            assert_eq!(node.merged(Some(other)), node.merged(None));
        }
    }

    #[test]
    fn the_command_is_quoted_for_the_shell_and_for_xml() {
        let words = ["attach", "--stack-name", "it's <mine>"].map(str::to_owned);
        let xml = Configuration::starting("tether: attach".to_owned(), &words).merged(None);
        let text = r#"value="tether attach --stack-name 'it'\''s &lt;mine&gt;'""#;
        assert!(xml.contains(text), "{xml}");
    }

    #[test]
    fn a_compound_names_each_with_its_kind() {
        let all = [of(DebuggerKind::Jdwp), of(DebuggerKind::Delve)];
        let xml = Configuration::together("tether: all", &all).merged(None);
        assert!(
            xml.contains(r#"<toRun name="tether: Hello" type="Remote" />"#),
            "{xml}"
        );
        assert!(
            xml.contains(r#"type="GoRemoteDebugConfigurationType" />"#),
            "{xml}"
        );
    }
}
