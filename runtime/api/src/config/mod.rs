//! Configurations: the maps that users write, and the definitions that they are checked against.

mod def;
mod map;
mod parse;
mod types;
mod validators;

pub use def::{ConfigDef, ConfigKey, ConfigType, Importance, Recommender, Width};
pub use map::ConfigMap;
pub use parse::{ConfigValue, ParsedConfig};
pub use types::{ConfigData, Password};
pub use validators::{CustomValidator, Validator};
