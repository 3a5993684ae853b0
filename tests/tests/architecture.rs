//! The house plan as tests: who may import whom, how long a file may be, which names are no names.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};
use dovetail_tests::stack::layout;

/// The runtime crates and what each may import of this workspace.
const ROOMS: &[(&str, &[&str])] = &[
    ("connect-api", &[]),
    ("connect-telemetry", &["connect-api"]),
    ("connect-java", &["connect-api"]),
    ("connect-avro", &["connect-api", "connect-java"]),
    ("connect-protobuf", &["connect-api", "connect-java"]),
    ("connect-json-schema", &["connect-api", "connect-java"]),
    ("connect-tls", &["connect-api"]),
    (
        "connect-registry",
        &[
            "connect-api",
            "connect-telemetry",
            "connect-java",
            "connect-tls",
        ],
    ),
    (
        "connect-converters",
        &[
            "connect-api",
            "connect-telemetry",
            "connect-java",
            "connect-avro",
            "connect-protobuf",
            "connect-json-schema",
            "connect-registry",
        ],
    ),
    (
        "connect-transforms",
        &["connect-api", "connect-telemetry", "connect-java"],
    ),
    (
        "connect-config-providers",
        &["connect-api", "connect-telemetry", "connect-java"],
    ),
    (
        "connect-kafka",
        &["connect-api", "connect-telemetry", "connect-tls"],
    ),
    (
        "connect-store",
        &[
            "connect-api",
            "connect-telemetry",
            "connect-converters",
            "connect-kafka",
        ],
    ),
    (
        "connect-worker",
        &[
            "connect-api",
            "connect-telemetry",
            "connect-java",
            "connect-converters",
            "connect-transforms",
            "connect-kafka",
            "connect-store",
        ],
    ),
    (
        "connect-herder",
        &[
            "connect-api",
            "connect-telemetry",
            "connect-java",
            "connect-config-providers",
            "connect-converters",
            "connect-transforms",
            "connect-kafka",
            "connect-store",
            "connect-worker",
        ],
    ),
    // No logic in REST: it speaks to the herder's face and to nothing below.
    (
        "connect-rest",
        &["connect-api", "connect-telemetry", "connect-herder"],
    ),
];

/// What a crate below `connectors/` may import of this workspace.
const OF_CONNECTORS: &[&str] = &[
    "connect-api",
    "connect-java",
    "connect-avro",
    "storage-common",
];

/// Outside libraries that only some crates may import.
const OWNED_LIBRARIES: &[(&str, &[&str])] = &[
    ("rdkafka", &["connect-kafka", "dovetail", "dovetail-tests"]),
    ("rdkafka-sys", &["connect-kafka"]),
    ("kafka-protocol", &["connect-kafka", "dovetail-tests"]),
    ("axum", &["connect-rest"]),
];

/// Libraries that must not show in what a connector author reads.
const FOREIGN_TO_API: &[&str] = &["tokio", "serde", "serde_json"];

const MOST_LINES: usize = 600;
const NO_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "managers", "misc",
];

struct Crate {
    name: String,
    is_connector: bool,
    imports: Vec<String>,
}

/// Why a crate must not import another one; `None` if it may.
fn objection(krate: &Crate, import: &str, members: &[String]) -> Option<String> {
    let Crate {
        name, is_connector, ..
    } = krate;
    if let Some((_, owners)) = OWNED_LIBRARIES
        .iter()
        .find(|(library, _)| *library == import)
    {
        return (!owners.contains(&name.as_str()))
            .then(|| format!("{name} imports {import}, which belongs to {owners:?}"));
    }
    if name == "connect-api" && FOREIGN_TO_API.contains(&import) {
        return Some(format!(
            "connect-api imports {import}, which must not show in a connector's face"
        ));
    }
    if !members.iter().any(|member| member == import)
        || name == "dovetail"
        || name == "dovetail-tests"
        || name == "dovetail-fuzz"
    {
        return None;
    }
    let allowed = match ROOMS.iter().find(|(room, _)| room == name) {
        Some((_, allowed)) => allowed,
        None if *is_connector => OF_CONNECTORS,
        None => return Some(format!("{name} has no room in the house plan")),
    };
    (!allowed.contains(&import))
        .then(|| format!("{name} imports {import}; it may import {allowed:?}"))
}

fn crates() -> Vec<Crate> {
    let metadata = MetadataCommand::new()
        .manifest_path(layout::repository().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let crate_of = |package: &cargo_metadata::Package| Crate {
        name: package.name.to_string(),
        is_connector: package
            .manifest_path
            .components()
            .any(|part| part.as_str() == "connectors"),
        imports: package
            .dependencies
            .iter()
            // What only tests need is free.
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.clone())
            .collect(),
    };
    metadata
        .workspace_packages()
        .into_iter()
        .map(crate_of)
        .collect()
}

#[test]
fn every_crate_imports_only_what_its_room_allows() {
    let crates = crates();
    let members: Vec<String> = crates.iter().map(|krate| krate.name.clone()).collect();
    assert!(members.len() > 10, "cargo metadata shows only {members:?}");
    let objections: Vec<String> = crates
        .iter()
        .flat_map(|krate| {
            krate
                .imports
                .iter()
                .filter_map(|import| objection(krate, import, &members))
        })
        .collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
}

#[test]
fn forbidden_imports_are_objected_to() {
    let members: Vec<String> = crates().into_iter().map(|krate| krate.name).collect();
    let of = |name: &str, is_connector| Crate {
        name: name.to_owned(),
        is_connector,
        imports: Vec::new(),
    };
    for (krate, import) in [
        (of("connect-rest", false), "connect-worker"),
        (of("connect-rest", false), "connect-kafka"),
        (of("connect-store", false), "connect-worker"),
        (of("connect-store", false), "rdkafka"),
        (of("connect-herder", false), "axum"),
        (of("connect-api", false), "tokio"),
        (of("connect-api", false), "connect-telemetry"),
        (of("connector-s3", true), "connector-file"),
        (of("connector-s3", true), "connect-worker"),
        (of("connect-somewhere", false), "connect-api"),
    ] {
        assert!(
            objection(&krate, import, &members).is_some(),
            "{} → {import}",
            krate.name
        );
    }
    for (krate, import) in [
        (of("connector-s3", true), "storage-common"),
        (of("connect-rest", false), "connect-herder"),
        (of("connect-rest", false), "axum"),
        (of("connect-kafka", false), "rdkafka"),
        (of("dovetail", false), "connector-s3"),
    ] {
        assert_eq!(objection(&krate, import, &members), None);
    }
}

/// The lines of a source without those of its tests, which stand last.
fn num_lines_without_tests(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]"
            && pair[1].trim_start().starts_with("mod ")
            && pair[1].trim_end().ends_with('{')
    });
    tests.unwrap_or(lines.len())
}

fn is_test_file(path: &Path) -> bool {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    stem == "tests"
        || stem.ends_with("_tests")
        || path
            .parent()
            .is_some_and(|folder| folder.ends_with("tests"))
}

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|path| !is_test_file(path))
        .filter_map(|path| {
            let num_lines =
                num_lines_without_tests(&fs::read_to_string(path).expect("a readable source"));
            (num_lines > MOST_LINES)
                .then(|| format!("{}: {num_lines} lines without tests", path.display()))
        })
        .collect();
    assert!(
        long.is_empty(),
        "more than {MOST_LINES} lines:\n{}",
        long.join("\n")
    );
}

#[test]
fn inline_tests_do_not_count() {
    assert_eq!(
        num_lines_without_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"),
        2
    );
    assert_eq!(
        num_lines_without_tests("#[cfg(test)]\nmod tests;\na\n"),
        3,
        "tests beside: the rest counts"
    );
}

#[test]
fn no_folder_or_module_has_a_name_that_says_nothing() {
    let nameless = |path: &PathBuf| {
        let relative = path
            .strip_prefix(layout::repository())
            .expect("below the repository")
            .with_extension("");
        relative
            .components()
            .any(|part| NO_NAMES.iter().any(|name| part.as_os_str() == *name))
    };
    let nameless: Vec<PathBuf> = sources().into_iter().filter(nameless).collect();
    assert!(nameless.is_empty(), "{nameless:#?}");
}

/// All Rust files of the repository.
fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&layout::repository(), &mut files);
    assert!(
        files.len() > 50,
        "only {} Rust files were found",
        files.len()
    );
    files
}
