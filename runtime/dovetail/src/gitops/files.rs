//! The connectors that a folder asks for.

use crate::connector_file::{self, ConnectorFile};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders deeper than this are a loop of links, or no folder of connectors.
const MAX_DEPTH: usize = 32;

/// The files that a path means: itself, or those below a folder by their names, in order. What begins
/// with a dot is passed over.
///
/// # Errors
/// What cannot be read, or a folder without such a file.
pub fn paths(root: &Path) -> Result<Vec<PathBuf>, String> {
    if !root.is_dir() {
        return Ok(vec![root.to_path_buf()]);
    }
    let mut paths = Vec::new();
    walk(root, MAX_DEPTH, &mut paths)?;
    if paths.is_empty() {
        return Err(format!(
            "There are no connector files (.json, .yaml, .yml, .properties) below {}",
            root.display()
        ));
    }
    Ok(paths)
}

fn walk(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("Cannot read {}: {error}", folder.display());
    if depth == 0 {
        return Err(format!("{} is too deep to be read", folder.display()));
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(told)?.collect();
    let mut entries = entries.map_err(told)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if path.is_dir() {
            walk(&path, depth - 1, paths)?;
        } else if connector_file::is_by_name(&path) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Reads the connectors of a folder.
///
/// # Errors
/// One line for each file that cannot be used, and for each name that two files have: acting on a part
/// of a folder would delete or forget the rest.
pub fn read(folder: &Path) -> Result<BTreeMap<String, ConnectorFile>, Vec<String>> {
    let paths = paths(folder).map_err(|error| vec![error])?;
    let mut faults = Vec::new();
    let mut files: BTreeMap<String, ConnectorFile> = BTreeMap::new();
    for path in paths {
        match connector_file::read(&path) {
            Ok(file) => match files.get(&file.name) {
                Some(other) => faults.push(format!(
                    "{}: the connector '{}' is in {}, too; a name can be in one file",
                    located(&file),
                    file.name,
                    located(other)
                )),
                None => {
                    files.insert(file.name.clone(), file);
                }
            },
            Err(error) => faults.push(error.to_string()),
        }
    }
    if faults.is_empty() {
        Ok(files)
    } else {
        Err(faults)
    }
}

fn located(file: &ConnectorFile) -> String {
    format!("{}:{}", file.path.display(), file.place_of("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn files_are_found_by_their_names_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("b/one.json", r#"{"name": "one"}"#),
            ("a.YAML", "name: two"),
            ("b/c/three.properties", "name=three"),
            ("README.md", "# no connector"),
            ("b/data.jsonl", "{}"),
            (".git/config.json", "{}"),
        ] {
            write(folder.path(), name, text);
        }
        let files = read(folder.path()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["one", "three", "two"]);
        assert!(files["one"].path.ends_with("b/one.json"));
        let one = folder.path().join("b/one.json");
        assert_eq!(paths(&one).unwrap(), [one]);
    }

    #[test]
    fn a_name_in_two_files_and_faulty_files_are_told_together() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.json", "{\n  \"name\": \"same\"}");
        write(folder.path(), "b.yml", "name: same");
        write(folder.path(), "c.json", "{");
        let faults = read(folder.path()).unwrap_err();
        let [double, broken] = faults.as_slice() else {
            panic!("{faults:?}");
        };
        let folder = folder.path().display();
        assert_eq!(
            *double,
            format!(
                "{folder}/b.yml:1:7: the connector 'same' is in {folder}/a.json:2:11, too; a name \
                 can be in one file"
            )
        );
        assert!(broken.starts_with(&format!(
            "{folder}/c.json:1:1: it is not a connector in JSON"
        )));
    }

    #[test]
    fn an_empty_folder_asks_for_nothing_and_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let faults = read(folder.path()).unwrap_err();
        assert!(
            faults[0].starts_with("There are no connector files"),
            "{faults:?}"
        );
        let missing = folder.path().join("missing");
        assert!(read(&missing).unwrap_err()[0].contains("No such file"));
    }
}
