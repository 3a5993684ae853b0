//! `docs/connectors`: a page for each connector, rendered from the definition of its settings.
//!
//! `UPDATE_DOCS=1 cargo test -p dovetail --test plugins` writes the pages anew.

use crate::repository;
use connect_api::config::{ConfigDef, ConfigKey};
use connect_api::{CONNECTORS, ConnectorPlugin, plugin_aliases};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

const FOLDER: &str = "docs/connectors";

/// A text as a cell of a table: one line, nothing that would end the cell or read as HTML.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn default_text(key: &ConfigKey) -> String {
    match key.default_data() {
        _ if key.is_required() => "**required**".to_owned(),
        None => "null".to_owned(),
        Some(value) => match value.to_string() {
            text if text.trim().is_empty() => format!("{text:?}"),
            text => format!("`{}`", cell(&text)),
        },
    }
}

fn table(text: &mut String, def: &ConfigDef, group: Option<&str>) {
    text.push_str("\n| Setting | Type | Default | Valid | Importance | |\n| --- | --- | --- | --- | --- | --- |\n");
    let mut keys: Vec<&ConfigKey> = def
        .keys()
        .filter(|key| !key.is_internal() && key.group_name() == group)
        .collect();
    keys.sort_by_key(|key| key.order_in_group());
    for key in keys {
        let valid = key
            .get_validator()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            key.name(),
            key.config_type().name().to_lowercase(),
            default_text(key),
            cell(&valid),
            key.get_importance().name().to_lowercase(),
            cell(key.documentation()),
        );
    }
}

fn page(plugin: &ConnectorPlugin) -> String {
    let def = (plugin.config_def)();
    let aliases = plugin_aliases(plugin.class, "Connector");
    let mut text = format!("# {}\n\n", aliases.first().unwrap_or(&plugin.class));
    let _ = writeln!(
        text,
        "A {} connector, version {}. In `connector.class` write `{}`{}.\n\n\
         This page is generated from the definition that validation reads. The settings that all \
         connectors have (`tasks.max`, converters, `errors.*`, ...) are at \
         `GET /connector-plugins/{}/config` with the rest.",
        plugin.connector_type().name(),
        plugin.version,
        plugin.class,
        aliases
            .iter()
            .map(|alias| format!(" or `{alias}`"))
            .collect::<String>(),
        aliases.last().unwrap_or(&plugin.class),
    );
    if def.keys().len() == 0 {
        text.push_str("\nIt declares no settings; what it reads is in the README of its crate.\n");
    }
    if def.keys().any(|key| key.group_name().is_none()) {
        table(&mut text, def, None);
    }
    for group in def.groups() {
        let _ = writeln!(text, "\n## {group}");
        table(&mut text, def, Some(group));
    }
    text
}

fn pages() -> BTreeMap<String, String> {
    let pages: BTreeMap<String, String> = CONNECTORS
        .iter()
        .map(|plugin| {
            let simple = plugin.class.rsplit('.').next().unwrap_or(plugin.class);
            (format!("{simple}.md"), page(plugin))
        })
        .collect();
    assert_eq!(
        pages.len(),
        CONNECTORS.len(),
        "two connectors would share a page"
    );
    pages
}

#[test]
fn every_connector_has_its_page_and_no_page_is_stale() {
    let folder = repository().join(FOLDER);
    let pages = pages();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(&folder).expect("a folder");
        for (name, page) in &pages {
            fs::write(folder.join(name), page).expect("a written page");
        }
    }
    let written: BTreeMap<String, String> = fs::read_dir(&folder)
        .expect("docs/connectors")
        .flatten()
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("a readable page");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    let stale: BTreeSet<&String> = pages
        .keys()
        .chain(written.keys())
        .filter(|name| pages.get(*name) != written.get(*name))
        .collect();
    assert!(
        stale.is_empty(),
        "{FOLDER} is stale in {stale:?}: run UPDATE_DOCS=1 cargo test -p dovetail --test plugins, \
         and remove pages of connectors that are gone"
    );
}

#[test]
fn a_page_shows_every_public_setting() {
    for plugin in CONNECTORS.iter() {
        let page = page(plugin);
        let public = (plugin.config_def)()
            .keys()
            .filter(|key| !key.is_internal());
        for key in public {
            let row = format!("| `{}` | ", key.name());
            assert_eq!(
                page.matches(&row).count(),
                1,
                "{} {}",
                plugin.class,
                key.name()
            );
        }
    }
}
