//! New names for fields.

use bson::{Bson, Document};
use connect_api::{ConnectError, Result};
use fancy_regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

/// New names by the path of a field, which begins with `key.` or `value.`.
pub type Mapping = HashMap<String, String>;

/// A rule of `field.renamer.regexp`.
#[derive(Clone, Debug)]
pub struct RegExpRule {
    /// The paths that the rule is for.
    path: Arc<Regex>,
    /// What is replaced in the name.
    pattern: Arc<Regex>,
    /// What it is replaced by.
    replacement: Vec<ReplacementPart>,
}

#[derive(Clone, Debug)]
enum ReplacementPart {
    Text(String),
    Group(usize),
    NamedGroup(String),
}

impl RegExpRule {
    /// A rule of three texts; the error says what is wrong with which.
    pub fn new(path: &str, pattern: &str, replacement: &str) -> Result<Self, String> {
        let path = Regex::new(&format!("^(?:{path})$"))
            .map_err(|error| format!("the regexp '{path}' is none: {error}"))?;
        let compiled = Regex::new(pattern)
            .map_err(|error| format!("the pattern '{pattern}' is none: {error}"))?;
        let replacement = parse_replacement(replacement, compiled.captures_len())?;
        Ok(Self {
            path: Arc::new(path),
            pattern: Arc::new(compiled),
            replacement,
        })
    }

    fn apply(&self, path: &str, name: String) -> Result<String> {
        let failed = |error: fancy_regex::Error| {
            ConnectError::data(format!("field.renamer.regexp failed on {path}: {error}"))
        };
        if !self.path.is_match(path).map_err(failed)? {
            return Ok(name);
        }
        let mut renamed = String::new();
        let mut end = 0;
        for captures in self.pattern.captures_iter(&name) {
            let captures = captures.map_err(failed)?;
            let Some(whole) = captures.get(0) else {
                continue;
            };
            renamed.push_str(&name[end..whole.start()]);
            for part in &self.replacement {
                match part {
                    ReplacementPart::Text(text) => renamed.push_str(text),
                    ReplacementPart::Group(group) => {
                        renamed.push_str(captures.get(*group).map_or("", |found| found.as_str()));
                    }
                    ReplacementPart::NamedGroup(group) => {
                        renamed.push_str(captures.name(group).map_or("", |found| found.as_str()));
                    }
                }
            }
            end = whole.end();
        }
        renamed.push_str(&name[end..]);
        Ok(renamed)
    }
}

/// The text of `Matcher.replaceAll`: `$1`, `${name}` and a backslash before what is meant as it is.
fn parse_replacement(text: &str, num_groups: usize) -> Result<Vec<ReplacementPart>, String> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) => plain.push(escaped),
                None => return Err("character to be escaped is missing".into()),
            },
            '$' => {
                if !plain.is_empty() {
                    parts.push(ReplacementPart::Text(std::mem::take(&mut plain)));
                }
                if chars.next_if_eq(&'{').is_some() {
                    let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    parts.push(ReplacementPart::NamedGroup(name));
                    continue;
                }
                let mut group = chars
                    .next()
                    .and_then(|c| c.to_digit(10))
                    .ok_or("Illegal group reference")? as usize;
                if group >= num_groups {
                    return Err(format!("No group {group}"));
                }
                // Further digits belong to it as long as there are so many groups.
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer >= num_groups {
                        break;
                    }
                    group = longer;
                    chars.next();
                }
                parts.push(ReplacementPart::Group(group));
            }
            c => plain.push(c),
        }
    }
    if !plain.is_empty() {
        parts.push(ReplacementPart::Text(plain));
    }
    Ok(parts)
}

/// Renames the fields of documents, not those of documents in arrays.
#[derive(Clone, Debug)]
pub enum Renamer {
    /// By `field.renamer.mapping`.
    ByMapping(Mapping),
    /// By `field.renamer.regexp`.
    ByRegExp(Vec<RegExpRule>),
}

impl Renamer {
    /// Whether there is anything to rename.
    pub fn is_active(&self) -> bool {
        match self {
            Self::ByMapping(mapping) => !mapping.is_empty(),
            Self::ByRegExp(rules) => !rules.is_empty(),
        }
    }

    fn renamed(&self, path: &str, name: &str) -> Result<String> {
        let full_path = format!("{path}.{name}");
        match self {
            Self::ByMapping(mapping) => Ok(mapping
                .get(&full_path)
                .map_or_else(|| name.to_string(), String::clone)),
            Self::ByRegExp(rules) => rules
                .iter()
                .try_fold(name.to_string(), |name, rule| rule.apply(&full_path, name)),
        }
    }

    /// Renames the fields of a document. Renamed ones stand at the end; a field whose new name is taken
    /// is lost, as in Java.
    pub fn rename(&self, path: &str, document: &mut Document) -> Result<()> {
        let mut renamed = Document::new();
        let names: Vec<String> = document.keys().cloned().collect();
        for name in names {
            let new_name = self.renamed(path, &name)?;
            if new_name == name {
                if let Some(Bson::Document(inner)) = document.get_mut(&name) {
                    self.rename(&format!("{path}.{name}"), inner)?;
                }
                continue;
            }
            let is_taken = document.contains_key(&new_name);
            let Some(mut value) = document.remove(&name) else {
                continue;
            };
            if let Bson::Document(inner) = &mut value {
                self.rename(&format!("{path}.{new_name}"), inner)?;
            }
            if is_taken {
                continue;
            }
            if renamed.contains_key(&new_name) {
                return Err(ConnectError::data(format!(
                    "Two fields of {path} would get the name {new_name}: correct field.renamer.mapping \
                     or field.renamer.regexp"
                ))
                .with_class("java.util.ConcurrentModificationException"));
            }
            renamed.insert(new_name, value);
        }
        document.extend(renamed);
        Ok(())
    }
}
