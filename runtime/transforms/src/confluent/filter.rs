//! `Filter`: keeps or drops the records for which a JSON path leads somewhere.

use super::VERSION;
use super::json_path::JsonPath;
use crate::half::Half;
use connect_api::config::{
    ConfigData, ConfigDef, ConfigKey, ConfigMap, ConfigType, Importance, Validator,
};
use connect_api::{ConnectError, Origin, Record, Result, Transform};
use std::sync::LazyLock;

const CONDITION: &str = "filter.condition";
const TYPE: &str = "filter.type";
const MISSING_OR_NULL: &str = "missing.or.null.behavior";

crate::register_halves!(
    "io.confluent.connect.transforms.Filter",
    VERSION,
    config_def,
    Filter::new
);

fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
        let text = |name| ConfigKey::new(name, ConfigType::String);
        ConfigDef::new()
            .define(
                text(CONDITION)
                    .validator(Validator::custom("valid JSON path", |value| match value {
                        Some(ConfigData::String(path)) => JsonPath::parse(path).map(drop),
                        _ => Ok(()),
                    }))
                    .importance(Importance::High)
                    .doc(
                        "A JSON path in Jayway's notation, for example \
                         `$[?(@.status == 'open' && @.amount > 10)]`. A record meets the condition if \
                         the path leads to something in it.",
                    ),
            )
            .define(
                text(TYPE)
                    .validator(Validator::CaseInsensitiveValidString(&["include", "exclude"]))
                    .importance(Importance::High)
                    .doc("Whether records that meet the condition are kept or dropped."),
            )
            .define(
                text(MISSING_OR_NULL)
                    .default("fail")
                    .validator(Validator::CaseInsensitiveValidString(&[
                        "fail", "include", "exclude",
                    ]))
                    .importance(Importance::Medium)
                    .doc(
                        "What happens to a record that is null or has not the fields on the path \
                         outside of filters: it is refused, kept or dropped.",
                    ),
            )
    });
    &DEF
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Fail,
    Include,
    Exclude,
}

struct Filter {
    half: Half,
    path: Option<JsonPath>,
    includes: bool,
    missing: Missing,
}

impl Filter {
    fn new(half: Half) -> Self {
        Self {
            half,
            path: None,
            includes: true,
            missing: Missing::Fail,
        }
    }
}

impl Transform for Filter {
    fn configure(&mut self, config: &ConfigMap) -> Result<()> {
        let config = config_def().parse(config)?;
        let path = JsonPath::parse(config.string(CONDITION)?).map_err(ConnectError::config)?;
        self.path = Some(path);
        self.includes = config.string(TYPE)?.trim().eq_ignore_ascii_case("include");
        self.missing = match config
            .string(MISSING_OR_NULL)?
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "include" => Missing::Include,
            "exclude" => Missing::Exclude,
            _ => Missing::Fail,
        };
        Ok(())
    }

    fn apply(&mut self, record: Record, _origin: Origin<'_>) -> Result<Option<Record>> {
        let Some(path) = &self.path else {
            return Ok(Some(record));
        };
        let (value, half) = match self.half {
            Half::Key => (&record.key, "key"),
            Half::Value => (&record.value, "value"),
        };
        let missing = if value.is_null() {
            Some(format!("the {half} is null"))
        } else {
            match path.find(value) {
                Ok(found) => {
                    // A definite path that leads to null leads to a field without a value.
                    let is_null =
                        !path.is_indefinite() && found.iter().all(|found| found.is_null());
                    if is_null {
                        Some(format!("a field of the {half} is null"))
                    } else {
                        let meets = !found.is_empty();
                        return Ok((meets == self.includes).then_some(record));
                    }
                }
                Err(name) => Some(format!("the {half} has no field {name}")),
            }
        };
        match (missing, self.missing) {
            (_, Missing::Include) => Ok(Some(record)),
            (_, Missing::Exclude) => Ok(None),
            (why, Missing::Fail) => Err(ConnectError::data(format!(
                "The condition '{CONDITION}' cannot be decided: {}. Set '{MISSING_OR_NULL}' to include \
                 or exclude to go on with such records",
                why.unwrap_or_default()
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
