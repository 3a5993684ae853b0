//! The plugins of this binary against what the repository says about them: the example
//! configurations and the pages in `docs/connectors`.

mod configs;
mod documents;

// The links of `src/link.rs`, so that the plugins are the same.
use connect_converters as _;
use connect_transforms as _;
use connector_datagen as _;
use connector_file as _;
use connector_mongodb as _;
use connector_s3 as _;
use connector_verification as _;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn repository() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder
        .canonicalize()
        .expect("the folder that this crate is in")
}

/// The modules of `src/link.rs` must be linked here too, or a plugin would go untested.
#[test]
fn this_test_links_what_the_binary_links() {
    let links = |text: &str| -> Vec<String> {
        let links = text
            .lines()
            .filter(|line| line.starts_with("use ") && line.ends_with(" as _;"));
        links.map(str::to_owned).collect()
    };
    let binary = links(include_str!("../../src/link.rs"));
    assert!(!binary.is_empty());
    assert_eq!(links(include_str!("main.rs")), binary);
}
