//! With the feature `embedded`, packs the helper stack's template, its Lambdas
//! and its layers into one archive that becomes a part of the command.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tell_cargo("rerun-if-changed=build.rs");
    #[cfg(feature = "embedded")]
    embedded::pack()?;
    Ok(())
}

fn tell_cargo(what: &str) {
    println!("cargo::{what}");
}

#[cfg(feature = "embedded")]
mod embedded {
    use std::error::Error;
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use zip::write::SimpleFileOptions;

    /// What the command reads with `include_bytes!`.
    pub(super) fn pack() -> Result<(), Box<dyn Error>> {
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let here = variable("CARGO_MANIFEST_DIR").unwrap_or_default();
        let folder = here.join("../../helper-stack");
        let out = variable("OUT_DIR").unwrap_or_default();
        let mut files = vec![PathBuf::from("template.yaml")];
        let mut folders = vec![folder.join("build")];
        while let Some(next) = folders.pop() {
            for path in sorted(&next)? {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(&folder)?.to_owned());
                }
            }
        }
        files.sort();
        if files.len() < 5 {
            return Err("the Lambdas and the layer are not built: run `make stack layer`".into());
        }
        let mut writer = zip::ZipWriter::new(File::create(out.join("helper-stack.zip"))?);
        for path in files {
            let from = folder.join(&path);
            super::tell_cargo(&format!("rerun-if-changed={}", from.display()));
            let options = SimpleFileOptions::default()
                .last_modified_time(zip::DateTime::default())
                .unix_permissions(0o755);
            writer.start_file(path.to_string_lossy().replace('\\', "/"), options)?;
            writer.write_all(&fs::read(from)?)?;
        }
        writer.finish()?;
        Ok(())
    }

    fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        let entries = fs::read_dir(folder).map_err(|error| {
            format!(
                "{} cannot be read ({error}): run `make stack layer`",
                folder.display()
            )
        })?;
        let mut paths = entries
            .map(|it| it.map(|it| it.path()))
            .collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        Ok(paths)
    }
}
