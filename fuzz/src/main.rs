//! libFuzzer over one target: `FUZZ_TARGET=name tether-fuzz CORPUS -max_total_time=20`.
//! Its seeds are put into `FUZZ_SEEDS`, if that is set. Without a target, the
//! names of all.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use tether_fuzz::{Target, targets};

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: prepare(), |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(bytes);
    }
});

fn prepare() {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let Some(target) = targets().into_iter().find(|it| it.name == wanted) else {
        for target in targets() {
            let _ = writeln!(std::io::stdout(), "{}", target.name);
        }
        std::process::exit(i32::from(!wanted.is_empty()));
    };
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
        sow(target, Path::new(&folder));
    }
    let _ = TARGET.set(target);
}

/// libFuzzer reads the folder after this.
fn sow(target: Target, folder: &Path) {
    for (name, bytes) in (target.seeds)() {
        if let Err(error) = std::fs::write(folder.join(format!("seed-{name}")), bytes) {
            let _ = writeln!(std::io::stderr(), "{}: {error}", folder.display());
            std::process::exit(2);
        }
    }
}
