//! Code that stands in the template itself.

use std::path::{Path, PathBuf};

/// Writes it as CloudFormation does, into a file named `index`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html>),
/// in a folder of the function's own. The module `cfn-response`, which
/// CloudFormation adds, is not there.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn write(
    into: &Path,
    logical_id: &str,
    runtime: &str,
    code: &str,
) -> Result<PathBuf, String> {
    let file = if runtime.starts_with("python") {
        "index.py"
    } else if runtime.starts_with("nodejs") {
        "index.js"
    } else {
        return Err(format!(
            "its code stands in the template, which {runtime} cannot have: only Python and Node can"
        ));
    };
    let folder = into.join(logical_id);
    let written =
        std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(file), code));
    match written {
        Ok(()) => Ok(folder),
        Err(error) => Err(format!(
            "its inline code cannot be written ({error}): make room, or set TMPDIR to another folder"
        )),
    }
}
