//! Where the repository, the fetched parts and the built binary lie.

use std::path::{Path, PathBuf};

/// The version of the newer Kafka, as `tests/stack/versions` has it.
pub const KAFKA_4: &str = "KAFKA_4";
/// The version of the older Kafka, which still runs on ZooKeeper.
pub const KAFKA_3: &str = "KAFKA_3";

/// The root of the repository.
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// A file below `tests/stack`.
pub fn stack_file(name: &str) -> PathBuf {
    repository().join("tests/stack").join(name)
}

/// A part that `tests/stack/fetch` brought; the test ends here if it did not.
pub fn part(relative: &str) -> PathBuf {
    let cache = std::env::var_os("DOVETAIL_STACK_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| repository().join(".cache/stack"));
    let path = cache.join(relative);
    assert!(
        path.exists(),
        "{} is missing, a part of the test stack: run `make setup` (it calls tests/stack/fetch)",
        path.display()
    );
    path
}

/// What `tests/stack/versions` says of a part, for example [`KAFKA_4`].
pub fn version(part: &str) -> &'static str {
    let line = include_str!("../../stack/versions")
        .lines()
        .find_map(|line| {
            let (name, version) = line.split_once('=')?;
            (name == part).then_some(version)
        });
    line.unwrap_or_else(|| panic!("tests/stack/versions has no line {part}=…"))
}

/// The `dovetail` binary: `DOVETAIL_BIN`, or the one of the build that this test belongs to.
///
/// Cargo does not rebuild it for a test of another crate: `make test` builds it first.
pub fn dovetail_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("DOVETAIL_BIN") {
        return PathBuf::from(path);
    }
    let this_test = std::env::current_exe().expect("a running test has a path");
    // target/debug/deps/it-0123 lies one folder below target/debug/dovetail.
    let path = this_test
        .ancestors()
        .nth(2)
        .map(|folder| folder.join("dovetail"))
        .expect("a test lies in the deps folder of its profile");
    assert!(
        path.exists(),
        "{} is not built: run `make test`, or `cargo build -p dovetail` before a single test, or set DOVETAIL_BIN",
        path.display()
    );
    path
}
