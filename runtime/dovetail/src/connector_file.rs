//! Files of connectors, with the place of each setting.
//!
//! A file holds one connector: an object of settings, or `{name, config, initial_state}` as the REST API
//! takes it, in JSON or YAML, or Java properties.

mod json;
mod place;
mod property_file;
mod yaml;

pub use place::Place;

use connect_api::config::ConfigMap;
use connect_herder::TargetState;
use connect_java::properties;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The fields that `GET /connectors/NAME` answers beside the settings: a saved answer is a file, too.
const PASSED_OVER_FIELDS: [&str; 2] = ["tasks", "type"];

/// A connector as its file says.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnectorFile {
    /// The file.
    pub path: PathBuf,
    /// The name.
    pub name: String,
    /// The settings, the name among them.
    pub config: ConfigMap,
    /// The state to begin in; `None` is running.
    pub initial_state: Option<TargetState>,
    /// What is odd about the file, though it can be read.
    pub oddities: Vec<Oddity>,
    places: Places,
}

/// Something that is most likely not meant so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// Where.
    pub place: Place,
    /// The key it is about.
    pub key: String,
    /// What is odd.
    pub message: String,
}

/// Where the settings stand.
#[derive(Debug, Default, PartialEq, Eq)]
struct Places {
    start: Place,
    keys: BTreeMap<String, Place>,
    values: BTreeMap<String, Place>,
}

impl ConnectorFile {
    /// Where a fault of a setting is: at its value. One that is missing is missed by the setting that
    /// asks for it, such as `transforms.a.type` for `transforms.a.regex`, else by the whole.
    pub fn place_of(&self, key: &str) -> Place {
        if let Some(place) = self.places.values.get(key) {
            return *place;
        }
        let mut base = key;
        while let Some((shorter, _)) = base.rsplit_once('.') {
            base = shorter;
            for asking in [format!("{base}.type"), base.to_string()] {
                if let Some(place) = self.places.values.get(&asking) {
                    return *place;
                }
            }
        }
        self.places.start
    }

    /// Where a setting begins.
    pub fn place_of_key(&self, key: &str) -> Place {
        let place = self.places.keys.get(key);
        place.copied().unwrap_or(self.places.start)
    }
}

/// A file that cannot be used: which one, where, and why.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnectorFileError {
    /// The file.
    pub path: PathBuf,
    /// Where in it; `None` where it could not even be read.
    pub place: Option<Place>,
    /// The setting at fault, if it is one.
    pub key: Option<String>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for ConnectorFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for ConnectorFileError {}

/// What is wrong within a text.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    place: Place,
    key: Option<String>,
    reason: String,
}

impl Fault {
    fn new(place: Place, reason: impl Into<String>) -> Self {
        Self {
            place,
            key: None,
            reason: reason.into(),
        }
    }

    fn of_key(place: Place, key: &str, reason: impl Into<String>) -> Self {
        Self {
            place,
            key: Some(key.to_string()),
            reason: reason.into(),
        }
    }
}

/// An object of a file: its fields in order, equal keys as often as they stand there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Object {
    place: Place,
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq)]
struct Field {
    key: String,
    key_place: Place,
    value: Value,
    value_place: Place,
}

#[derive(Debug, PartialEq, Eq)]
enum Value {
    Null,
    /// A text, or a number or boolean as it is written.
    Text(String),
    /// An object below the outermost one.
    Object(Object),
    /// A list, or an object too deep to matter.
    Other,
}

/// Reads a connector's file. `.yaml` and `.yml` are YAML; of others it shows in the text whether they
/// are JSON or Java properties.
pub fn read(path: &Path) -> Result<ConnectorFile, ConnectorFileError> {
    let text = std::fs::read(path)
        .map(properties::decode)
        .map_err(|error| ConnectorFileError {
            path: path.to_path_buf(),
            place: None,
            key: None,
            reason: error.to_string(),
        })?;
    parse(path, &text).map_err(|fault| ConnectorFileError {
        path: path.to_path_buf(),
        place: Some(fault.place),
        key: fault.key,
        reason: fault.reason,
    })
}

/// Whether files of this name are connectors' when a folder is read.
pub fn is_by_name(path: &Path) -> bool {
    let extension = extension(path);
    matches!(
        extension.as_deref(),
        Some("json" | "yaml" | "yml" | "properties")
    )
}

fn extension(path: &Path) -> Option<String> {
    let extension = path.extension()?.to_str()?;
    Some(extension.to_ascii_lowercase())
}

fn parse(path: &Path, text: &str) -> Result<ConnectorFile, Fault> {
    let root = match extension(path).as_deref() {
        Some("yaml" | "yml") => yaml::object(text)?,
        Some("properties") => property_file::object(text)?,
        _ => match json::object(text) {
            Ok(object) => object,
            Err(fault) if is_meant_as_json(path, text) => return Err(fault),
            Err(_) => property_file::object(text)?,
        },
    };
    connector(path, root)
}

fn is_meant_as_json(path: &Path, text: &str) -> bool {
    extension(path).as_deref() == Some("json") || text.trim_start().starts_with(['{', '['])
}

fn connector(path: &Path, root: Object) -> Result<ConnectorFile, Fault> {
    let is_wrapped = root
        .fields
        .iter()
        .any(|field| field.key == "config" && matches!(field.value, Value::Object(_)));
    let mut oddities = Vec::new();
    let (given_name, initial_state, settings) = if is_wrapped {
        unwrap(root, &mut oddities)?
    } else {
        (None, None, root)
    };
    let mut places = Places {
        start: settings.place,
        ..Places::default()
    };
    let mut config = ConfigMap::new();
    for field in settings.fields {
        let value = match field.value {
            Value::Null => None,
            Value::Text(text) => Some(text),
            Value::Object(_) | Value::Other => {
                return Err(Fault::of_key(
                    field.value_place,
                    &field.key,
                    "the value must be a text, not a list or an object",
                ));
            }
        };
        if let Some(first) = places.keys.insert(field.key.clone(), field.key_place) {
            oddities.push(Oddity {
                place: field.key_place,
                key: field.key.clone(),
                message: format!(
                    "The setting stands here a second time (first in line {}); the last one counts",
                    first.line
                ),
            });
        }
        places.values.insert(field.key.clone(), field.value_place);
        config.insert_nullable(field.key, value);
    }
    let name = match (given_name, config.get("name")) {
        (Some((given, place)), Some(inner)) if given != inner => {
            return Err(Fault::of_key(
                place,
                "name",
                format!("it is '{given}' here and '{inner}' in 'config'; they must be the same"),
            ));
        }
        (Some((given, place)), _) => {
            places.keys.entry("name".to_string()).or_insert(place);
            places.values.entry("name".to_string()).or_insert(place);
            given
        }
        (None, Some(inner)) => inner.to_string(),
        (None, None) => {
            return Err(Fault::new(
                places.start,
                "the connector has no name; set 'name'",
            ));
        }
    };
    config.insert("name", name.clone());
    Ok(ConnectorFile {
        path: path.to_path_buf(),
        name,
        config,
        initial_state,
        oddities,
        places,
    })
}

type Unwrapped = (Option<(String, Place)>, Option<TargetState>, Object);

/// Name, initial state and settings out of `{name, config, initial_state}`.
fn unwrap(root: Object, oddities: &mut Vec<Oddity>) -> Result<Unwrapped, Fault> {
    let mut name = None;
    let mut initial_state = None;
    let mut settings = Object::default();
    for field in root.fields {
        match (field.key.as_str(), field.value) {
            ("config", Value::Object(object)) => settings = object,
            ("name", Value::Text(text)) => name = Some((text, field.value_place)),
            ("initial_state", Value::Text(text)) => {
                initial_state = Some(target_state(&text, field.value_place)?);
            }
            ("name" | "initial_state", Value::Null) => {}
            ("name" | "initial_state" | "config", _) => {
                return Err(Fault::of_key(
                    field.value_place,
                    &field.key,
                    "it cannot be read: 'config' is an object of settings, the others are texts",
                ));
            }
            (key, _) if PASSED_OVER_FIELDS.contains(&key) => {}
            (key, _) => oddities.push(Oddity {
                place: field.key_place,
                key: key.to_string(),
                message: "Beside 'config' only name and initial_state are read; settings belong \
                          into 'config'"
                    .to_string(),
            }),
        }
    }
    Ok((name, initial_state, settings))
}

fn target_state(text: &str, place: Place) -> Result<TargetState, Fault> {
    match text.to_ascii_uppercase().as_str() {
        "RUNNING" => Ok(TargetState::Started),
        "PAUSED" => Ok(TargetState::Paused),
        "STOPPED" => Ok(TargetState::Stopped),
        _ => Err(Fault::of_key(
            place,
            "initial_state",
            format!("it is '{text}'; it must be RUNNING, PAUSED or STOPPED"),
        )),
    }
}

#[cfg(test)]
mod tests;
