//! Properties files of the servers, from the templates that the shell scripts use too.

use std::fs;
use std::path::{Path, PathBuf};

use super::layout;

/// Key and value lines of a Java properties file, in order; of equal keys the last one counts.
pub type Properties = Vec<(String, String)>;

/// Writes `templates` (names below `tests/stack/config`) with their `@NAMES@` filled, then `more`, to `file`.
pub fn write(
    file: PathBuf,
    templates: &[&str],
    names: &[(&str, &str)],
    more: &[(String, String)],
) -> PathBuf {
    let mut text = String::new();
    for template in templates {
        let template = layout::stack_file("config").join(format!("{template}.properties"));
        text += &read(&template);
    }
    for (name, value) in names {
        text = text.replace(&format!("@{name}@"), value);
    }
    for (key, value) in more {
        text += &format!("{key}={value}\n");
    }
    fs::write(&file, text)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
    file
}

fn read(file: &Path) -> String {
    fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()))
}
