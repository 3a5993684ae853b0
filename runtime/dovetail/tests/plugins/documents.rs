//! A page for each plugin, rendered from the definition of its settings: `docs/connectors`,
//! `docs/converters`, `docs/transforms`, `docs/predicates` and `docs/config-providers`.
//!
//! `UPDATE_DOCS=1 cargo test -p dovetail --test plugins` writes the pages anew.

use crate::repository;
use connect_api::config::{ConfigDef, ConfigKey};
use connect_api::{
    CONFIG_PROVIDERS, CONNECTORS, CONVERTERS, HEADER_CONVERTERS, PREDICATES, TRANSFORMS,
    plugin_aliases,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

/// What a page tells.
struct Page {
    /// The class names: one, or `$Key` and `$Value` of a transform.
    classes: Vec<&'static str>,
    /// What it is and how it is named in a configuration.
    head: String,
    def: &'static ConfigDef,
}

/// The pages of one folder.
struct Folder {
    path: &'static str,
    pages: Vec<Page>,
}

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

impl Page {
    /// The class name without `$Key` or `$Value`.
    fn class(&self) -> &'static str {
        let class = self.classes[0];
        class.split('$').next().unwrap_or(class)
    }

    fn simple_name(&self) -> &'static str {
        let class = self.class();
        class.rsplit('.').next().unwrap_or(class)
    }

    fn text(&self) -> String {
        let mut text = format!("# {}\n\n{}\n", self.simple_name(), self.head);
        if self.def.keys().len() == 0 {
            text.push_str("\nIt has no settings of its own.\n");
        }
        if self.def.keys().any(|key| key.group_name().is_none()) {
            table(&mut text, self.def, None);
        }
        for group in self.def.groups() {
            let _ = writeln!(text, "\n## {group}");
            table(&mut text, self.def, Some(group));
        }
        text
    }
}

const GENERATED: &str = "This page is generated from the definition that validation reads.";

fn quoted(classes: &[&str]) -> String {
    let quoted: Vec<String> = classes.iter().map(|class| format!("`{class}`")).collect();
    quoted.join(" or ")
}

/// The plugins of one kind, with the halves of a transform on one page.
fn grouped(
    plugins: impl Iterator<Item = (&'static str, &'static str, fn() -> &'static ConfigDef)>,
    head: impl Fn(&[&'static str], &str) -> String,
) -> Vec<Page> {
    let mut groups: BTreeMap<&str, (Vec<&str>, &str, &'static ConfigDef)> = BTreeMap::new();
    for (class, version, def) in plugins {
        let outer = class.split('$').next().unwrap_or(class);
        let group = groups
            .entry(outer)
            .or_insert_with(|| (Vec::new(), version, def()));
        group.0.push(class);
        group.0.sort_unstable();
    }
    groups
        .into_values()
        .map(|(classes, version, def)| Page {
            head: head(&classes, version),
            classes,
            def,
        })
        .collect()
}

fn connectors() -> Vec<Page> {
    CONNECTORS
        .iter()
        .map(|plugin| {
            let mut names = vec![plugin.class];
            names.extend(plugin_aliases(plugin.class, "Connector"));
            let head = format!(
                "A {} connector, version {}. In `connector.class` write {}.\n\n{GENERATED} The settings \
                 that all connectors have (`tasks.max`, converters, `errors.*`, ...) are at \
                 `GET /connector-plugins/{}/config` with the rest.",
                plugin.connector_type().name(),
                plugin.version,
                quoted(&names),
                names.last().unwrap_or(&plugin.class),
            );
            Page {
                classes: vec![plugin.class],
                head,
                def: (plugin.config_def)(),
            }
        })
        .collect()
}

fn converters() -> Vec<Page> {
    let of_data = CONVERTERS
        .iter()
        .map(|plugin| (plugin.class, plugin.version, plugin.config_def));
    let of_headers = HEADER_CONVERTERS
        .iter()
        .filter(|header| !CONVERTERS.iter().any(|plugin| plugin.class == header.class))
        .map(|plugin| (plugin.class, plugin.version, plugin.config_def));
    grouped(of_data.chain(of_headers), |classes, version| {
        let has = |headers: bool| match headers {
            true => HEADER_CONVERTERS
                .iter()
                .any(|plugin| plugin.class == classes[0]),
            false => CONVERTERS.iter().any(|plugin| plugin.class == classes[0]),
        };
        let keys = match (has(false), has(true)) {
            (true, true) => "`key.converter`, `value.converter` or `header.converter`",
            (true, false) => "`key.converter` or `value.converter`",
            (false, _) => "`header.converter`",
        };
        format!(
            "A converter, version {version}. In {keys} write {}; its settings follow the same key and a \
             point.\n\n{GENERATED}",
            quoted(classes)
        )
    })
}

fn transforms() -> Vec<Page> {
    let plugins = TRANSFORMS
        .iter()
        .map(|plugin| (plugin.class, plugin.version, plugin.config_def));
    grouped(plugins, |classes, version| {
        format!(
            "A transform, version {version}. In `transforms.NAME.type` write {}; its settings follow \
             `transforms.NAME.`.\n\n{GENERATED}",
            quoted(classes)
        )
    })
}

fn predicates() -> Vec<Page> {
    let plugins = PREDICATES
        .iter()
        .map(|plugin| (plugin.class, plugin.version, plugin.config_def));
    grouped(plugins, |classes, version| {
        format!(
            "A predicate, version {version}. In `predicates.NAME.type` write {}; its settings follow \
             `predicates.NAME.`. A transform names it in `transforms.OTHER.predicate`, and with \
             `transforms.OTHER.negate=true` its opposite.\n\n{GENERATED}",
            quoted(classes)
        )
    })
}

fn config_providers() -> Vec<Page> {
    let plugins = CONFIG_PROVIDERS
        .iter()
        .map(|plugin| (plugin.class, plugin.version, plugin.config_def));
    grouped(plugins, |classes, version| {
        format!(
            "A config provider, version {version}. In `config.providers.NAME.class` of the worker write \
             {}; its settings follow `config.providers.NAME.param.`.\n\n{GENERATED}",
            quoted(classes)
        )
    })
}

fn folders() -> [Folder; 5] {
    [
        ("docs/connectors", connectors()),
        ("docs/converters", converters()),
        ("docs/transforms", transforms()),
        ("docs/predicates", predicates()),
        ("docs/config-providers", config_providers()),
    ]
    .map(|(path, pages)| Folder { path, pages })
}

/// File names and texts. Two plugins of one simple name have the names of their classes.
fn files(pages: &[Page]) -> BTreeMap<String, String> {
    let name = |page: &Page| {
        let simple = page.simple_name();
        let alike = pages.iter().filter(|other| other.simple_name() == simple);
        match alike.count() {
            1 => format!("{simple}.md"),
            _ => format!("{}.md", page.class()),
        }
    };
    let files: BTreeMap<String, String> =
        pages.iter().map(|page| (name(page), page.text())).collect();
    assert_eq!(files.len(), pages.len(), "two plugins would share a page");
    files
}

#[test]
fn every_plugin_has_its_page_and_no_page_is_stale() {
    let mut stale: BTreeSet<String> = BTreeSet::new();
    for Folder { path, pages } in folders() {
        let folder = repository().join(path);
        let files = files(&pages);
        assert!(!files.is_empty(), "no plugin for {path}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(&folder).expect("a folder");
            for (name, text) in &files {
                fs::write(folder.join(name), text).expect("a written page");
            }
        }
        let written: BTreeMap<String, String> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{path}: {error}"))
            .flatten()
            .map(|entry| {
                let text = fs::read_to_string(entry.path()).expect("a readable page");
                (entry.file_name().to_string_lossy().into_owned(), text)
            })
            .collect();
        let names = files.keys().chain(written.keys());
        let of_folder = names.filter(|name| files.get(*name) != written.get(*name));
        stale.extend(of_folder.map(|name| format!("{path}/{name}")));
    }
    assert!(
        stale.is_empty(),
        "stale pages: {stale:?}. Run UPDATE_DOCS=1 cargo test -p dovetail --test plugins, and remove \
         pages of plugins that are gone"
    );
}

#[test]
fn a_page_shows_every_public_setting() {
    for page in folders().iter().flat_map(|folder| &folder.pages) {
        let text = page.text();
        for key in page.def.keys().filter(|key| !key.is_internal()) {
            let row = format!("| `{}` | ", key.name());
            assert_eq!(
                text.matches(&row).count(),
                1,
                "{} {}",
                page.class(),
                key.name()
            );
        }
    }
}
