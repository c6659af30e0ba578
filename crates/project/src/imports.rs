//! The file of `--import-values`: what other stacks export, by name.

use crate::error::ProjectError;
use std::collections::BTreeMap;
use std::path::Path;
use tether_sam::samconfig::{self, Override};

/// Reads the file: a map in JSON or YAML.
///
/// # Errors
/// When it cannot be read, or is something else.
pub fn import_values(path: &Path) -> Result<BTreeMap<String, String>, ProjectError> {
    let refuse = |reason: String| ProjectError::ImportValues {
        path: path.to_path_buf(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    // YAML by whatever name; JSON is YAML.
    let values = samconfig::overrides_of_file(&format!("{}.yaml", path.display()), &text);
    let values = values.map_err(|problems| refuse(problems.to_string()))?;
    let pairs = values.into_iter().map(|value| match value {
        Override::Pair(name, value) => Ok((name, value)),
        Override::Words(_) | Override::File(_) => Err(refuse("it is no map".to_owned())),
    });
    pairs.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read_from_json_and_yaml_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            import_values(&path)
        };
        let expected = [("shop:vpc", "vpc-1"), ("size", "5")];
        let expected = BTreeMap::from(expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let json = r#"{"shop:vpc": "vpc-1", "size": 5}"#;
        assert_eq!(read("imports.json", json).unwrap(), expected);
        assert_eq!(
            read("imports", "shop:vpc: vpc-1\nsize: 5\n").unwrap(),
            expected
        );
        for wrong in ["[a]", "a: {b: secret}", "{"] {
            let error = read("wrong.yaml", wrong).unwrap_err().to_string();
            assert!(
                error.contains("cannot be taken for --import-values"),
                "{error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(import_values(&folder.path().join("gone")).is_err());
    }
}
