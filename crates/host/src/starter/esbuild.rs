//! esbuild's command line, from what SAM's templates say
//! (<https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-build-typescript.html>).

use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tether_runtime_api::runtimes;

/// What to build, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// Files, relative to the code's folder.
    entries: Vec<String>,
    flags: Vec<String>,
    /// What of the template is not followed.
    pub(super) notes: Vec<String>,
}

impl Order {
    pub(super) fn arguments(&self, out: &Path, report: &Path) -> Vec<OsString> {
        let fixed = [
            "--bundle",
            "--platform=node",
            // For stack traces and breakpoints, whatever the template says.
            "--sourcemap=linked",
            "--color=false",
            "--log-level=warning",
        ];
        let mut arguments: Vec<OsString> = fixed.map(OsString::from).into();
        arguments.extend(self.flags.iter().map(OsString::from));
        for (flag, path) in [("--outdir=", out), ("--metafile=", report)] {
            let mut argument = OsString::from(flag);
            argument.push(path);
            arguments.push(argument);
        }
        arguments.extend(self.entries.iter().map(OsString::from));
        arguments
    }
}

/// The handler's file, or what the template names, as `sam build` takes them:
/// an extension may be missing.
pub(super) fn entry_points(properties: Option<&Value>, module: &str, code: &Path) -> Vec<String> {
    let given = properties.and_then(|it| it.get("EntryPoints"));
    let named: Vec<String> = match given.and_then(Value::as_array) {
        Some(entries) => entries
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        None => vec![module.to_owned()],
    };
    let whole = |entry: String| {
        if code.join(&entry).is_file() {
            return entry;
        }
        let extensions = ["ts", "mts", "cts", "tsx", "js", "mjs", "cjs", "jsx"];
        let mut files = extensions.iter().map(|it| format!("{entry}.{it}"));
        let found = files.find(|it| code.join(it).is_file());
        found.unwrap_or(entry)
    };
    named.into_iter().map(whole).collect()
}

/// Properties that become a flag with one value.
const SINGLE: [(&str, &str); 4] = [
    ("Target", "target"),
    ("Format", "format"),
    ("MainFields", "main-fields"),
    ("SourcesContent", "sources-content"),
];
/// Properties that become a flag for each of their values.
const MANY: [(&str, &str); 4] = [
    ("External", "external"),
    ("Loader", "loader"),
    ("OutExtension", "out-extension"),
    ("Banner", "banner"),
];
/// `Sourcemap` is on in any case; `UseNpmCi` is about installing.
const ELSEWHERE: [&str; 4] = ["EntryPoints", "Minify", "Sourcemap", "UseNpmCi"];

/// As `sam build` would, but for two things: there is always a source map, and
/// names stay unless the template itself says `Minify: true`, which is SAM's
/// default.
pub(super) fn as_sam(properties: &Value, entries: Vec<String>) -> Order {
    let mut order = Order {
        entries,
        ..Order::default()
    };
    let mut flag = |text: String| order.flags.push(text);
    for (name, default) in [("Target", "--target=es2020"), ("Format", "--format=cjs")] {
        if properties.get(name).is_none() {
            flag(default.to_owned());
        }
    }
    if truth(properties.get("Minify")) == Some(true) {
        flag("--minify".to_owned());
    }
    for (name, to) in SINGLE {
        if let Some(value) = properties.get(name) {
            let values: Vec<String> = values(value);
            flag(format!("--{to}={}", values.join(",")));
        }
    }
    for (name, to) in MANY {
        for value in properties.get(name).map(values).unwrap_or_default() {
            flag(format!("--{to}:{value}"));
        }
    }
    let known = SINGLE.iter().chain(&MANY).map(|it| it.0);
    let known: Vec<&str> = known.chain(ELSEWHERE).collect();
    let given = properties.as_object().into_iter().flatten();
    order.notes = given
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, _)| format!("BuildProperties.{name} is not known, and not followed"))
        .collect();
    order
}

/// A template's boolean may come from a parameter, as text.
fn truth(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(it) => Some(*it),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `[".png=file"]`, or `{".png": "file"}`, or a value alone.
fn values(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(self::values).collect(),
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                values(value)
                    .into_iter()
                    .map(move |it| format!("{key}={it}"))
            })
            .collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => vec![],
        other => vec![other.to_string()],
    }
}

/// One file and what it imports of the project's own; packages stay packages.
/// Modules stay what they are for Node: ES modules or CommonJS.
pub(super) fn plain(code: &Path, file: &Path, runtime: &str) -> Order {
    let extension = file.extension().and_then(|it| it.to_str()).unwrap_or("ts");
    let is_module = match extension {
        "mts" | "mjs" => true,
        "cts" | "cjs" => false,
        _ => is_in_module_package(file),
    };
    let (format, made) = match (is_module, extension) {
        (true, _) => ("esm", "mjs"),
        (false, "cts") => ("cjs", "cjs"),
        (false, _) => ("cjs", "js"),
    };
    let node = runtimes::version(runtime).map_or("es2020".to_owned(), |it| format!("node{it}"));
    let entry = file.strip_prefix(code).unwrap_or(file);
    Order {
        entries: vec![entry.to_string_lossy().replace('\\', "/")],
        flags: vec![
            "--packages=external".to_owned(),
            "--outbase=.".to_owned(),
            format!("--format={format}"),
            format!("--out-extension:.js=.{made}"),
            format!("--target={node}"),
        ],
        notes: vec![],
    }
}

/// The nearest `package.json` says `"type": "module"`.
fn is_in_module_package(file: &Path) -> bool {
    let mut folders = file.ancestors().skip(1);
    let nearest = folders.find_map(|it| std::fs::read_to_string(it.join("package.json")).ok());
    let package = nearest.and_then(|it| serde_json::from_str::<Value>(&it).ok());
    let kind = package.as_ref().and_then(|it| it.get("type"));
    kind.and_then(Value::as_str) == Some("module")
}

/// `app.ts:3:10: Expected ";" but found "is"` of
///
/// ```text
/// ✘ [ERROR] Expected ";" but found "is"
///
///     app.ts:3:10:
///       3 │ this is bad
/// ```
pub(super) fn first_error(said: &str) -> Option<String> {
    let mut lines = said.lines();
    let message = lines.find_map(|line| line.split_once("[ERROR] "))?.1.trim();
    let mut rest = lines.take_while(|line| !line.contains("[ERROR]"));
    let place = rest.find_map(|line| {
        let place = line.trim().strip_suffix(':')?;
        let mut parts = place.rsplit(':');
        let mut number = || parts.next()?.parse::<u32>().ok();
        number().and(number()).map(|_| place)
    });
    Some(match place {
        Some(place) => format!("{place}: {message}"),
        None => message.to_owned(),
    })
}

/// The files that a build has read, from esbuild's report
/// (<https://esbuild.github.io/api/#metafile>).
pub(super) fn inputs(report: &Path, code: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(report).unwrap_or_default();
    let report: Value = serde_json::from_str(&text).unwrap_or_default();
    let inputs = report.get("inputs").and_then(Value::as_object);
    let files = inputs
        .into_iter()
        .flatten()
        .map(|(name, _)| normal(&code.join(name)));
    files.filter(|it| it.is_file()).collect()
}

/// Without `..`, which esbuild has for what is beside the code.
fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_templates_properties_become_flags() {
        let order = as_sam(
            &json!({
                "EntryPoints": ["app.ts"],
                "Format": "esm",
                "Target": "es2022",
                "Minify": "true",
                "Sourcemap": false,
                "MainFields": "module,main",
                "External": ["@aws-sdk/*", "sharp"],
                "OutExtension": [".js=.mjs"],
                "Loader": [".png=file", ".txt=text"],
                "Banner": {"js": "import x from 'x';"},
                "Splitting": true,
            }),
            vec!["app.ts".into()],
        );
        assert_eq!(
            order.flags,
            [
                "--minify",
                "--target=es2022",
                "--format=esm",
                "--main-fields=module,main",
                "--external:@aws-sdk/*",
                "--external:sharp",
                "--loader:.png=file",
                "--loader:.txt=text",
                "--out-extension:.js=.mjs",
                "--banner:js=import x from 'x';",
            ]
        );
        assert_eq!(
            order.notes,
            ["BuildProperties.Splitting is not known, and not followed"]
        );
    }

    #[test]
    fn without_properties_it_is_sams_defaults_but_readable() {
        let order = as_sam(&Value::Null, vec![]);
        assert_eq!(order.flags, ["--target=es2020", "--format=cjs"]);
    }

    #[test]
    fn an_entry_point_may_have_no_extension() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("src")).unwrap();
        std::fs::write(root.path().join("src/app.ts"), "").unwrap();
        let entries = |properties| entry_points(properties, "src/app", root.path());
        assert_eq!(entries(None), ["src/app.ts"]);
        let given = json!({"EntryPoints": ["src/app.ts", "gone.ts"]});
        assert_eq!(entries(Some(&given)), ["src/app.ts", "gone.ts"]);
    }

    #[test]
    fn a_module_stays_what_it_is_for_node() {
        let root = tempfile::tempdir().unwrap();
        let flags = |file: &str| plain(root.path(), &root.path().join(file), "nodejs22.x").flags;
        assert!(flags("app.ts").contains(&"--format=cjs".to_owned()));
        assert!(flags("app.mts").contains(&"--out-extension:.js=.mjs".to_owned()));
        assert!(flags("app.cts").contains(&"--out-extension:.js=.cjs".to_owned()));
        std::fs::write(root.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
        assert!(flags("app.ts").contains(&"--format=esm".to_owned()));
        assert!(flags("app.cts").contains(&"--format=cjs".to_owned()));
        assert!(flags("app.ts").contains(&"--target=node22".to_owned()));
    }

    #[test]
    fn the_first_error_is_one_line_with_its_place() {
        let said = "▲ [WARNING] odd\n\n    a.ts:1:1:\n\n✘ [ERROR] Expected \";\" but found \"is\"\n\n    app.ts:3:10:\n      3 │ this is bad\n        ╵      ;\n\n✘ [ERROR] other\n\n2 errors\n";
        assert_eq!(
            first_error(said).as_deref(),
            Some("app.ts:3:10: Expected \";\" but found \"is\"")
        );
        assert_eq!(
            first_error("✘ [ERROR] no place\n\n1 error\n").as_deref(),
            Some("no place")
        );
        assert_eq!(first_error("killed"), None);
    }
}
