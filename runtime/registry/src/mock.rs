//! A registry within this process: `mock://SCOPE`.
//!
//! It answers the requests that the client makes as Confluent's registry does, without checking
//! schemas: every text is taken, and every version is compatible.

use crate::connection::{Answer, Connection, ConnectionError};
use crate::request::{Method, Request};
use crate::schema::{Guid, SchemaReference};
use crate::url::BaseUrl;
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// How many schemas one registry takes; it lives as long as the process.
const MAX_SCHEMAS: usize = 100_000;

/// How many registries there may be.
const MAX_SCOPES: usize = 10_000;

/// A registry in memory. Clones are the same registry.
#[derive(Clone, Default)]
pub struct MockRegistry {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The schema with id `n` stands at `n - 1`.
    schemas: Vec<Content>,
    subjects: BTreeMap<String, Vec<Version>>,
    /// Subjects by topic and type of association.
    associations: HashMap<(String, String), Vec<String>>,
    num_requests: usize,
}

/// What makes a schema the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Content {
    schema_type: String,
    text: String,
    references: Vec<SchemaReference>,
}

struct Version {
    id: usize,
    properties: BTreeMap<String, String>,
    rule_set: Value,
}

/// The body of a registration or look-up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    schema_type: Option<String>,
    schema: String,
    #[serde(default)]
    references: Vec<SchemaReference>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

impl MockRegistry {
    /// The registry of a scope, the same for all that ask for it.
    pub fn of_scope(scope: &str) -> Self {
        static SCOPES: LazyLock<Mutex<HashMap<String, MockRegistry>>> =
            LazyLock::new(Mutex::default);
        let mut scopes = SCOPES.lock().unwrap_or_else(PoisonError::into_inner);
        if scopes.len() >= MAX_SCOPES && !scopes.contains_key(scope) {
            scopes.clear();
        }
        scopes.entry(scope.to_string()).or_default().clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests it answered so far.
    pub fn num_requests(&self) -> usize {
        self.state().num_requests
    }

    /// Gives the latest version of a subject these properties of metadata.
    pub fn set_metadata(&self, subject: &str, properties: &[(&str, &str)]) {
        if let Some(version) = self
            .state()
            .subjects
            .get_mut(subject)
            .and_then(|versions| versions.last_mut())
        {
            version.properties = properties
                .iter()
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect();
        }
    }

    /// Gives the latest version of a subject this rule of a data contract.
    pub fn set_rule(&self, subject: &str, name: &str, rule_type: &str, mode: &str) {
        if let Some(version) = self
            .state()
            .subjects
            .get_mut(subject)
            .and_then(|versions| versions.last_mut())
        {
            version.rule_set =
                json!({"domainRules": [{"name": name, "type": rule_type, "mode": mode}]});
        }
    }

    /// Associates a topic's keys or values (`key`, `value`) with a subject.
    pub fn associate(&self, topic: &str, association_type: &str, subject: &str) {
        self.state()
            .associations
            .entry((topic.to_string(), association_type.to_string()))
            .or_default()
            .push(subject.to_string());
    }

    /// Answers a request to the registry: status and JSON. `path` holds the parts of the path below the
    /// address of the registry, decoded.
    pub fn answer(
        &self,
        method: &str,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&str>,
    ) -> (u16, String) {
        let mut state = self.state();
        state.num_requests += 1;
        let answer = match (method, path) {
            ("GET", ["schemas", "ids", id]) => state.schema_by_id(id),
            ("GET", ["schemas", "guids", guid]) => state.schema_by_guid(guid),
            ("GET", ["subjects"]) => Ok(json!(state.subjects.keys().collect::<Vec<_>>())),
            ("GET", ["subjects", subject, "versions", version]) => state.version(subject, version),
            ("GET", ["subjects", subject, "metadata"]) => state.with_metadata(subject, query),
            ("POST", ["subjects", subject, "versions"]) => {
                parse(body).and_then(|body| state.register(subject, body))
            }
            ("POST", ["subjects", subject]) => {
                parse(body).and_then(|body| state.look_up(subject, body))
            }
            ("GET", ["associations", "resources", _, topic]) => {
                let association_type = query
                    .iter()
                    .find(|(key, _)| *key == "associationType")
                    .map_or("value", |(_, value)| value);
                Ok(state.associated(topic, association_type))
            }
            _ => Err((404, 404, "HTTP 404 Not Found".to_string())),
        };
        match answer {
            Ok(answer) => (200, answer.to_string()),
            Err((status, error_code, message)) => (
                status,
                json!({"error_code": error_code, "message": message}).to_string(),
            ),
        }
    }
}

type Outcome = Result<Value, (u16, i32, String)>;

fn parse(body: Option<&str>) -> Result<Body, (u16, i32, String)> {
    serde_json::from_str(body.unwrap_or_default())
        .map_err(|error| (422, 42201, format!("Invalid schema: {error}")))
}

impl Content {
    fn new(body: &Body) -> Self {
        let schema_type = body
            .schema_type
            .clone()
            .unwrap_or_else(|| "AVRO".to_string());
        // Blanks have no meaning in JSON, and registries compare what was parsed.
        let compact = match schema_type.as_str() {
            "AVRO" | "JSON" => serde_json::from_str::<Value>(&body.schema).ok(),
            _ => None,
        };
        Self {
            schema_type,
            text: compact.map_or_else(|| body.schema.clone(), |compact| compact.to_string()),
            references: body.references.clone(),
        }
    }

    fn guid(&self) -> Guid {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, self).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        Guid(half(0) << 64 | half(1))
    }

    fn to_json(&self) -> Value {
        let mut json = json!({"schema": self.text, "guid": self.guid().to_string()});
        if self.schema_type != "AVRO" {
            json["schemaType"] = self.schema_type.clone().into();
        }
        if !self.references.is_empty() {
            json["references"] = json!(self.references);
        }
        json
    }
}

impl Version {
    fn describe(&self, json: &mut Value) {
        if !self.properties.is_empty() {
            json["metadata"] = json!({"properties": self.properties});
        }
        if !self.rule_set.is_null() {
            json["ruleSet"] = self.rule_set.clone();
        }
    }
}

impl State {
    fn schema_by_id(&self, id: &str) -> Outcome {
        let not_found = || (404, 40403, format!("Schema {id} not found"));
        let index = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
        let content = index
            .and_then(|index| self.schemas.get(index))
            .ok_or_else(not_found)?;
        let mut json = content.to_json();
        let mut versions = self.subjects.values().flatten();
        if let Some(version) = versions.find(|version| Some(version.id - 1) == index) {
            version.describe(&mut json);
        }
        Ok(json)
    }

    fn schema_by_guid(&self, guid: &str) -> Outcome {
        let content = Guid::parse(guid)
            .and_then(|guid| self.schemas.iter().find(|content| content.guid() == guid))
            .ok_or_else(|| (404, 40403, format!("Schema {guid} not found")))?;
        Ok(content.to_json())
    }

    fn versions(&self, subject: &str) -> Result<&[Version], (u16, i32, String)> {
        match self.subjects.get(subject) {
            Some(versions) => Ok(versions),
            None => Err((404, 40401, format!("Subject '{subject}' not found."))),
        }
    }

    fn version_json(&self, subject: &str, number: usize, version: &Version) -> Value {
        let mut json = self.schemas[version.id - 1].to_json();
        json["subject"] = subject.into();
        json["version"] = number.into();
        json["id"] = version.id.into();
        version.describe(&mut json);
        json
    }

    fn version(&self, subject: &str, version: &str) -> Outcome {
        let versions = self.versions(subject)?;
        let number = match version {
            "latest" => versions.len(),
            number => number
                .parse::<usize>()
                .ok()
                .filter(|number| (1..=versions.len()).contains(number))
                .ok_or_else(|| (404, 40402, format!("Version {version} not found.")))?,
        };
        Ok(self.version_json(subject, number, &versions[number - 1]))
    }

    fn with_metadata(&self, subject: &str, query: &[(&str, &str)]) -> Outcome {
        let named = |name: &'static str| {
            query
                .iter()
                .filter(move |(key, _)| *key == name)
                .map(|(_, value)| *value)
        };
        let found = self
            .versions(subject)?
            .iter()
            .enumerate()
            .rfind(|(_, version)| {
                named("key").zip(named("value")).all(|(key, value)| {
                    version.properties.get(key).map(String::as_str) == Some(value)
                })
            });
        match found {
            Some((index, version)) => Ok(self.version_json(subject, index + 1, version)),
            None => Err((404, 40403, "Schema not found".to_string())),
        }
    }

    fn register(&mut self, subject: &str, body: Body) -> Outcome {
        let content = Content::new(&body);
        let id = match self.schemas.iter().position(|known| *known == content) {
            Some(index) => index + 1,
            None if self.schemas.len() >= MAX_SCHEMAS => {
                let message =
                    format!("This mock registry takes no more than {MAX_SCHEMAS} schemas");
                return Err((422, 42201, message));
            }
            None => {
                self.schemas.push(content.clone());
                self.schemas.len()
            }
        };
        let versions = self.subjects.entry(subject.to_string()).or_default();
        let version = match versions.iter().position(|version| version.id == id) {
            Some(index) => index + 1,
            None => {
                versions.push(Version {
                    id,
                    properties: body
                        .metadata
                        .map(|metadata| metadata.properties)
                        .unwrap_or_default(),
                    rule_set: Value::Null,
                });
                versions.len()
            }
        };
        Ok(json!({"id": id, "version": version, "guid": content.guid().to_string()}))
    }

    fn look_up(&self, subject: &str, body: Body) -> Outcome {
        let content = Content::new(&body);
        let versions = self.versions(subject)?;
        let found = versions
            .iter()
            .enumerate()
            .find(|(_, version)| self.schemas[version.id - 1] == content);
        match found {
            Some((index, version)) => Ok(self.version_json(subject, index + 1, version)),
            None => Err((404, 40403, "Schema not found".to_string())),
        }
    }

    fn associated(&self, topic: &str, association_type: &str) -> Value {
        let key = (topic.to_string(), association_type.to_string());
        let subjects = self.associations.get(&key).map_or(&[][..], Vec::as_slice);
        subjects
            .iter()
            .map(|subject| json!({"subject": subject, "resourceName": topic}))
            .collect()
    }
}

#[async_trait]
impl Connection for MockRegistry {
    async fn send(&self, _base: &BaseUrl, request: &Request) -> Result<Answer, ConnectionError> {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let path: Vec<&str> = request.segments.iter().map(Cow::as_ref).collect();
        let query: Vec<(&str, &str)> = request
            .query
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let (status, body) = self.answer(method, &path, &query, request.body.as_deref());
        Ok(Answer {
            status,
            body: body.into_bytes(),
        })
    }
}
