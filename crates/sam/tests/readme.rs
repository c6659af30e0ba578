//! The README's table of what of SAM is supported is the table in the crate.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

const BEGINS: &str = "<!-- sam:begin (made by crates/sam/tests/readme.rs) -->\n";
const ENDS: &str = "<!-- sam:end -->";

#[test]
fn the_readme_says_what_the_table_says() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let Some((_, rest)) = readme.split_once(BEGINS) else {
        assert!(!readme.contains("sam:begin"), "the mark is: {BEGINS}");
        return;
    };
    let (section, _) = rest.split_once(ENDS).unwrap();
    let expected = tether_sam::support::markdown();
    let same = section.trim() == expected.trim();
    assert!(
        same,
        "put this between the marks in README.md:\n\n{expected}"
    );
}
