//! Which topic the changes of a namespace go to.

use super::keys;
use crate::bson::parse_document;
use crate::config::{Fault, Values};
use bson::{Bson, Document};
use connect_api::Topic;
use fancy_regex::Regex;
use std::collections::HashMap;
use std::sync::Arc;

/// So many names of topics are remembered; more namespaces than that are looked up each time.
const MAX_REMEMBERED: usize = 10_000;

/// The topic names of `topic.prefix`, `topic.suffix`, `topic.separator` and `topic.namespace.map`.
#[derive(Clone, Debug)]
pub struct TopicMapper {
    separator: String,
    prefix: String,
    suffix: String,
    /// By `db` or `db.coll`.
    simple: HashMap<String, String>,
    /// In their order.
    patterns: Vec<(Arc<Regex>, Template)>,
    wildcard: Option<String>,
    remembered: HashMap<(String, String), Topic>,
}

impl TopicMapper {
    /// Reads the settings of values that the definition found without fault.
    pub(super) fn read(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let class = values.text(keys::TOPIC_MAPPER);
        if class != keys::DEFAULT_TOPIC_MAPPER {
            faults.push(Fault::invalid(
                keys::TOPIC_MAPPER,
                class,
                &format!("Class not found: {class}"),
            ));
            return None;
        }
        let separator = values.text(keys::TOPIC_SEPARATOR).to_string();
        let decoration = |text: &str, before: &str, after: &str| match text {
            "" => String::new(),
            text => format!("{before}{text}{after}"),
        };
        let mut mapper = Self {
            prefix: decoration(values.text(keys::TOPIC_PREFIX), "", &separator),
            suffix: decoration(values.text(keys::TOPIC_SUFFIX), &separator, ""),
            separator,
            simple: HashMap::new(),
            patterns: Vec::new(),
            wildcard: None,
            remembered: HashMap::new(),
        };
        let map = values.text(keys::TOPIC_NAMESPACE_MAP);
        match mapper.add_map(map) {
            Ok(()) => Some(mapper),
            Err(why) => {
                faults.push(Fault::invalid(keys::TOPIC_NAMESPACE_MAP, map, &why));
                None
            }
        }
    }

    fn add_map(&mut self, map: &str) -> Result<(), String> {
        for (pattern, template) in parse_map(map)? {
            let Bson::String(template) = template else {
                return Err("All values must be strings".into());
            };
            if pattern == "*" {
                self.wildcard = Some(template).filter(|name| !name.is_empty());
            } else if let Some(pattern) = pattern.strip_prefix('/') {
                // Java matches the whole name.
                let regex = Regex::new(&format!(r"\A(?:{pattern})\z"))
                    .map_err(|error| error.to_string())?;
                let template = Template::parse(&template, &self.separator)?;
                if !template.parts.is_empty() {
                    self.patterns.push((Arc::new(regex), template));
                }
            } else if pattern.contains('/') {
                return Err("'/' is not allowed in a simple namespace pattern".into());
            } else if !template.is_empty() {
                self.simple.insert(pattern, template);
            }
        }
        Ok(())
    }

    /// The topic of a change; `None` if it names no database, or the name would be empty.
    pub fn topic(&mut self, event: &Document) -> Option<Topic> {
        let name = |field: &str| {
            event
                .get_document("ns")
                .and_then(|namespace| namespace.get_str(field))
                .unwrap_or("")
        };
        let (database, collection) = (name("db"), name("coll"));
        if database.is_empty() {
            return None;
        }
        let key = (database.to_string(), collection.to_string());
        if let Some(topic) = self.remembered.get(&key) {
            return Some(topic.clone()).filter(|topic| !topic.is_empty());
        }
        let topic = format!(
            "{}{}{}",
            self.prefix,
            self.plain_name(database, collection),
            self.suffix
        );
        let topic: Topic = topic.into();
        if self.remembered.len() < MAX_REMEMBERED {
            self.remembered.insert(key, topic.clone());
        }
        Some(topic).filter(|topic| !topic.is_empty())
    }

    fn plain_name(&self, database: &str, collection: &str) -> String {
        let joined = |first: &str, separator: &str| match collection {
            "" => first.to_string(),
            collection => format!("{first}{separator}{collection}"),
        };
        let namespace = joined(database, ".");
        if let Some(topic) = self.simple.get(&namespace) {
            return topic.clone();
        }
        if let Some(first) = self.simple.get(database) {
            return joined(first, &self.separator);
        }
        let matching = self
            .patterns
            .iter()
            .find(|(regex, _)| regex.is_match(&namespace).unwrap_or(false));
        if let Some((_, template)) = matching {
            return template.expand(database, collection, &self.separator);
        }
        match &self.wildcard {
            Some(topic) => topic.clone(),
            None => joined(database, &self.separator),
        }
    }
}

fn parse_map(text: &str) -> Result<Document, String> {
    if text.is_empty() {
        return Ok(Document::new());
    }
    // Backslashes that JSON does not know are taken as they are, as people write patterns so.
    parse_document(text)
        .or_else(|_| parse_document(&text.replace('\\', "\\\\")))
        .map_err(|error| format!("Not a valid JSON document: {}", error.message()))
}

#[derive(Clone, Copy, Debug)]
enum Variable {
    Database,
    Collection,
    SeparatorCollection,
    CollectionSeparator,
    SeparatorCollectionSeparator,
}

impl Variable {
    fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "db" => Self::Database,
            "coll" => Self::Collection,
            "sep_coll" => Self::SeparatorCollection,
            "coll_sep" => Self::CollectionSeparator,
            "sep_coll_sep" => Self::SeparatorCollectionSeparator,
            name => return Err(format!("{name} is not a supported variable name")),
        })
    }
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Variable(Variable),
}

/// The name of a topic with variables in braces.
#[derive(Clone, Debug)]
struct Template {
    parts: Vec<Part>,
}

impl Template {
    fn parse(text: &str, separator: &str) -> Result<Self, String> {
        let unexpected =
            |c: char| format!("Variable expansion syntax is violated, unexpected '{c}'");
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            if rest[at..].starts_with('}') {
                return Err(unexpected('}'));
            }
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_string()));
            }
            let inner = &rest[at + 1..];
            let end = match inner.find(['{', '}']) {
                Some(end) if inner[end..].starts_with('}') => end,
                _ => return Err(unexpected('{')),
            };
            let variable = match &inner[..end] {
                "sep" => Part::Text(separator.to_string()),
                name => Part::Variable(Variable::named(name)?),
            };
            parts.push(variable);
            rest = &inner[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_string()));
        }
        // A template without any text stands for none.
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { parts })
    }

    fn expand(&self, database: &str, collection: &str, separator: &str) -> String {
        let mut name = String::new();
        for part in &self.parts {
            let variable = match part {
                Part::Text(text) => {
                    name.push_str(text);
                    continue;
                }
                Part::Variable(variable) => variable,
            };
            let has_collection = !collection.is_empty();
            let (before, middle, after) = match variable {
                Variable::Database => (false, database, false),
                Variable::Collection => (false, collection, false),
                Variable::SeparatorCollection => (has_collection, collection, false),
                Variable::CollectionSeparator => (false, collection, has_collection),
                Variable::SeparatorCollectionSeparator => {
                    (has_collection, collection, has_collection)
                }
            };
            if before {
                name.push_str(separator);
            }
            name.push_str(middle);
            if after {
                name.push_str(separator);
            }
        }
        name
    }
}
