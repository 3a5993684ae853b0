//! Every library that Dovetail is linked with may be given on under Apache-2.0.

use cargo_metadata::MetadataCommand;
use dovetail_tests::stack::layout;
use spdx::{Expression, LicenseReq, ParseMode};

/// The same list as in `deny.toml`, which a test below compares.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

fn is_allowed(licence: &str) -> Result<bool, spdx::ParseError> {
    let allowed = |requirement: &LicenseReq| ALLOWED.contains(&requirement.to_string().as_str());
    Ok(Expression::parse_mode(licence, ParseMode::LAX)?.evaluate(allowed))
}

#[test]
fn every_library_has_a_licence_that_is_allowed() {
    let metadata = MetadataCommand::new()
        .manifest_path(layout::repository().join("Cargo.toml"))
        .exec()
        .expect("cargo metadata");
    assert!(
        metadata.packages.len() > 100,
        "cargo metadata shows only {} packages",
        metadata.packages.len()
    );
    let objections: Vec<String> = metadata
        .packages
        .iter()
        .filter_map(|package| {
            let Some(licence) = &package.license else {
                return Some(format!("{} names no licence", package.name));
            };
            match is_allowed(licence) {
                Ok(true) => None,
                Ok(false) => Some(format!("{} {}: {licence}", package.name, package.version)),
                Err(error) => Some(format!("{} {}: {error}", package.name, package.version)),
            }
        })
        .collect();
    assert!(
        objections.is_empty(),
        "not allowed:\n{}",
        objections.join("\n")
    );
}

#[test]
fn a_licence_is_read_by_its_operators() {
    for (licence, expected) in [
        ("MIT OR GPL-3.0", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-2.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
    ] {
        assert_eq!(
            is_allowed(licence).expect("a licence"),
            expected,
            "{licence}"
        );
    }
}

#[test]
fn deny_toml_allows_the_same() {
    let deny = std::fs::read_to_string(layout::repository().join("deny.toml")).expect("deny.toml");
    let list = deny
        .split_once("allow = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .expect("a list `allow`")
        .0;
    let listed: Vec<&str> = list
        .split(',')
        .map(|entry| entry.trim().trim_matches('"'))
        .filter(|entry| !entry.is_empty())
        .collect();
    assert_eq!(listed, ALLOWED);
}
