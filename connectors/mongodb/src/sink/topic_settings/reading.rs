//! Each part of the settings of a topic from its keys.

use super::TimeSeries;
use crate::config::{Fault, Values, parse_json_array};
use crate::sink::date_time::DateTimePattern;
use crate::sink::id_strategy::{Half, IdStrategy};
use crate::sink::keys;
use crate::sink::namespace::{NameField, Namespace, NamespaceMapper};
use crate::sink::processor::{Mapping, PostProcessor, Projection, RegExpRule, Renamer, TimeField};
use crate::sink::write_model::WriteModelStrategy;
use bson::{Bson, Document};
use std::sync::Arc;

pub(super) fn not_found(key: &str, class: &str) -> Fault {
    Fault::invalid(
        key,
        class,
        &format!(
            "Class not found: {class}. Classes of your own need Java; those of the connector are \
                  built in"
        ),
    )
}

pub(super) fn read_namespaces(
    topic: &str,
    values: Values<'_>,
    faults: &mut Vec<Fault>,
) -> Option<NamespaceMapper> {
    let collection = match values.text(keys::COLLECTION) {
        "" => topic,
        collection => collection,
    };
    let database = values.text(keys::DATABASE);
    let default = match Namespace::new(database, collection) {
        Ok(namespace) => namespace,
        Err(error) => {
            faults.push(Fault::invalid(keys::DATABASE, database, error.message()));
            return None;
        }
    };
    let mut mapper = NamespaceMapper {
        default,
        database_field: None,
        collection_field: None,
        error_if_invalid: values.is_true(keys::NAMESPACE_ERROR_IF_INVALID),
    };
    let class = values.text(keys::NAMESPACE_MAPPER);
    match class.strip_prefix(keys::PACKAGE) {
        Some("namespace.mapping.DefaultNamespaceMapper") => return Some(mapper),
        Some("namespace.mapping.FieldPathNamespaceMapper") => {}
        _ => {
            faults.push(not_found(keys::NAMESPACE_MAPPER, class));
            return None;
        }
    }
    let mut field = |key: &str, value: &str| {
        let (in_key, in_value) = (values.text(key), values.text(value));
        if !in_key.is_empty() && !in_value.is_empty() {
            let why = format!("Cannot set both: '{key}' and '{value}'");
            faults.push(Fault::invalid(key, in_key, &why));
        }
        match (in_key, in_value) {
            ("", "") => None,
            ("", path) => Some(NameField::Value(path.to_string())),
            (path, _) => Some(NameField::Key(path.to_string())),
        }
    };
    mapper.database_field = field(keys::KEY_DATABASE_FIELD, keys::VALUE_DATABASE_FIELD);
    mapper.collection_field = field(keys::KEY_COLLECTION_FIELD, keys::VALUE_COLLECTION_FIELD);
    if mapper.is_fixed() {
        faults.push(Fault::invalid(
            keys::NAMESPACE_MAPPER,
            class,
            "Missing configuration for the FieldBasedNamespaceMapper. Please configure the database and \
             / or collection field path.",
        ));
    }
    Some(mapper)
}

pub(super) fn read_id_strategy(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<IdStrategy> {
    let class = values.text(keys::ID_STRATEGY);
    let simple = class
        .strip_prefix(keys::PACKAGE)
        .and_then(|class| class.strip_prefix("processor.id.strategy."));
    Some(match simple {
        Some("BsonOidStrategy") => IdStrategy::BsonOid,
        Some("FullKeyStrategy") => IdStrategy::FullKey,
        Some("KafkaMetaDataStrategy") => IdStrategy::KafkaMetaData,
        Some("PartialKeyStrategy") => read_partial(
            values,
            Half::Key,
            [keys::ID_PARTIAL_KEY_TYPE, keys::ID_PARTIAL_KEY_LIST],
            [keys::KEY_PROJECTION_TYPE, keys::KEY_PROJECTION_LIST],
            faults,
        )?,
        Some("PartialValueStrategy") => read_partial(
            values,
            Half::Value,
            [keys::ID_PARTIAL_VALUE_TYPE, keys::ID_PARTIAL_VALUE_LIST],
            [keys::VALUE_PROJECTION_TYPE, keys::VALUE_PROJECTION_LIST],
            faults,
        )?,
        Some("ProvidedInKeyStrategy") => IdStrategy::Provided(Half::Key),
        Some("ProvidedInValueStrategy") => IdStrategy::Provided(Half::Value),
        Some("UuidStrategy") => IdStrategy::Uuid {
            is_binary: values
                .text(keys::ID_UUID_FORMAT)
                .eq_ignore_ascii_case("binary"),
        },
        Some("UuidProvidedInKeyStrategy") => IdStrategy::UuidProvided(Half::Key),
        Some("UuidProvidedInValueStrategy") => IdStrategy::UuidProvided(Half::Value),
        _ => {
            faults.push(not_found(keys::ID_STRATEGY, class));
            return None;
        }
    })
}

fn read_partial(
    values: Values<'_>,
    half: Half,
    [own_type, own_list]: [&str; 2],
    [shared_type, shared_list]: [&str; 2],
    faults: &mut Vec<Fault>,
) -> Option<IdStrategy> {
    let first = |own: &str, shared: &str| match values.text(own) {
        "" => values.text(shared).to_string(),
        text => text.to_string(),
    };
    let list = first(own_list, shared_list);
    let projection = match first(own_type, shared_type).to_ascii_lowercase().as_str() {
        "blocklist" | "blacklist" => Projection::block(&list),
        "allowlist" | "whitelist" => Projection::allow(&list),
        _ => {
            faults.push(Fault::invalid(
                keys::ID_STRATEGY,
                values.text(keys::ID_STRATEGY),
                &format!(
                    "Invalid {shared_type} value. It should be set to either BLOCKLIST or ALLOWLIST"
                ),
            ));
            return None;
        }
    };
    Some(IdStrategy::Partial(half, projection))
}

pub(super) fn read_post_processors(
    values: Values<'_>,
    time_series: Option<&TimeSeries>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<PostProcessor>> {
    let id_adder = PostProcessor::DocumentIdAdder {
        overwrite: values.is_true(keys::ID_OVERWRITE_EXISTING),
    };
    let classes = values.list(keys::POST_PROCESSOR_CHAIN);
    let mut chain = Vec::new();
    if !classes.iter().any(|class| class == keys::DOCUMENT_ID_ADDER) {
        chain.push(id_adder.clone());
    }
    for class in classes {
        let simple = class
            .strip_prefix(keys::PACKAGE)
            .and_then(|class| class.strip_prefix("processor."));
        let key_list = || values.text(keys::KEY_PROJECTION_LIST);
        let value_list = || values.text(keys::VALUE_PROJECTION_LIST);
        chain.push(match simple {
            Some("DocumentIdAdder") => id_adder.clone(),
            Some("AllowListKeyProjector" | "WhitelistKeyProjector") => {
                PostProcessor::Project(Half::Key, Projection::allow(key_list()))
            }
            Some("AllowListValueProjector" | "WhitelistValueProjector") => {
                PostProcessor::Project(Half::Value, Projection::allow(value_list()))
            }
            Some("BlockListKeyProjector" | "BlacklistKeyProjector") => {
                PostProcessor::Project(Half::Key, Projection::block(key_list()))
            }
            Some("BlockListValueProjector" | "BlacklistValueProjector") => {
                PostProcessor::Project(Half::Value, Projection::block(value_list()))
            }
            Some("NullFieldValueRemover") => PostProcessor::NullFieldValueRemover,
            Some("KafkaMetaAdder") => PostProcessor::KafkaMetaAdder,
            Some("field.renaming.RenameByMapping") => {
                PostProcessor::Rename(Renamer::ByMapping(read_mapping(values, faults)?))
            }
            Some("field.renaming.RenameByRegExp") => {
                PostProcessor::Rename(Renamer::ByRegExp(read_rules(values, faults)?))
            }
            _ => {
                let mut fault = not_found(keys::POST_PROCESSOR_CHAIN, class);
                fault.message = fault.message.replacen(
                    &format!("value {class}"),
                    &format!("value [{}]", classes.join(", ")),
                    1,
                );
                faults.push(fault);
                return None;
            }
        });
    }
    if let Some(time_series) = time_series
        && values.is_true(keys::TIMESERIES_AUTO_CONVERT)
    {
        let language_tag = values.text(keys::TIMESERIES_LANGUAGE_TAG);
        match DateTimePattern::parse(values.text(keys::TIMESERIES_DATE_FORMAT), language_tag) {
            Ok(pattern) => chain.push(PostProcessor::TimeField(TimeField {
                name: time_series.time_field.clone(),
                pattern: Arc::new(pattern),
            })),
            Err(why) => faults.push(Fault::invalid(
                keys::TIMESERIES_LANGUAGE_TAG,
                language_tag,
                &why,
            )),
        }
    }
    let transformer = values.text(keys::FIELD_VALUE_TRANSFORMER);
    if !transformer.is_empty() {
        faults.push(not_found(keys::FIELD_VALUE_TRANSFORMER, transformer));
    }
    Some(chain)
}

fn text_of<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.get(name).and_then(Bson::as_str)
}

fn read_mapping(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Mapping> {
    let text = values.text(keys::FIELD_RENAMER_MAPPING);
    let mut mapping = Mapping::new();
    for rename in parse_json_array(text).unwrap_or_default() {
        if !rename.contains_key("oldName") && !rename.contains_key("newName") {
            let why = "Both oldName and newName must be mapped";
            faults.push(Fault::invalid(keys::FIELD_RENAMER_MAPPING, text, why));
            return None;
        }
        if let (Some(old), Some(new)) = (text_of(&rename, "oldName"), text_of(&rename, "newName")) {
            mapping.insert(old.to_string(), new.to_string());
        }
    }
    Some(mapping)
}

fn read_rules(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<Vec<RegExpRule>> {
    let text = values.text(keys::FIELD_RENAMER_REGEXP);
    let mut rules = Vec::new();
    for rule in parse_json_array(text).unwrap_or_default() {
        let parts = ["regexp", "pattern", "replace"].map(|name| text_of(&rule, name));
        let rule = match parts {
            [Some(path), Some(pattern), Some(replace)] => RegExpRule::new(path, pattern, replace),
            _ => Err("Each rule needs regexp, pattern and replace".to_string()),
        };
        match rule {
            Ok(rule) => rules.push(rule),
            Err(why) => {
                faults.push(Fault::invalid(keys::FIELD_RENAMER_REGEXP, text, &why));
                return None;
            }
        }
    }
    Some(rules)
}

fn named_strategy(class: &str, is_time_series: bool) -> Option<WriteModelStrategy> {
    use WriteModelStrategy as S;
    let simple = class
        .strip_prefix(keys::PACKAGE)?
        .strip_prefix("writemodel.strategy.")?;
    Some(match simple {
        "DefaultWriteModelStrategy" if is_time_series => S::InsertOneDefault,
        "DefaultWriteModelStrategy" | "ReplaceOneDefaultStrategy" => S::ReplaceOneDefault,
        "InsertOneDefaultStrategy" => S::InsertOneDefault,
        "ReplaceOneBusinessKeyStrategy" => S::ReplaceOneBusinessKey,
        "UpdateOneDefaultStrategy" => S::UpdateOneDefault,
        "UpdateOneTimestampsStrategy" => S::UpdateOneTimestamps,
        "UpdateOneBusinessKeyTimestampStrategy" => S::UpdateOneBusinessKeyTimestamp,
        "DeleteOneDefaultStrategy" => S::DeleteOneById,
        "DeleteOneBusinessKeyStrategy" => S::DeleteOneBusinessKey,
        "DeleteOneTombstoneBusinessKeyStrategy" => S::DeleteOneTombstoneBusinessKey,
        _ => return None,
    })
}

pub(super) fn read_write_strategy(
    values: Values<'_>,
    is_time_series: bool,
    faults: &mut Vec<Fault>,
) -> Option<WriteModelStrategy> {
    let class = values.text(keys::WRITEMODEL_STRATEGY);
    let strategy = named_strategy(class, is_time_series);
    if strategy.is_none() {
        faults.push(not_found(keys::WRITEMODEL_STRATEGY, class));
    }
    strategy
}

pub(super) fn read_delete_strategy(
    values: Values<'_>,
    id_strategy: Option<&IdStrategy>,
    faults: &mut Vec<Fault>,
) -> Option<WriteModelStrategy> {
    if !values.is_true(keys::DELETE_ON_NULL_VALUES) {
        return None;
    }
    let class = values.text(keys::DELETE_WRITEMODEL_STRATEGY);
    if class != keys::DEFAULT_DELETE_WRITEMODEL_STRATEGY {
        let strategy = named_strategy(class, false);
        if strategy.is_none() {
            faults.push(not_found(keys::DELETE_WRITEMODEL_STRATEGY, class));
        }
        return strategy;
    }
    if !id_strategy?.names_documents_by_key() {
        faults.push(Fault::invalid(
            keys::DELETE_ON_NULL_VALUES,
            "true",
            "DeleteOneDefaultStrategy can only be applied when the configured IdStrategy is an instance \
             of: FullKeyStrategy or PartialKeyStrategy or ProvidedInKeyStrategy",
        ));
        return None;
    }
    Some(WriteModelStrategy::DeleteOneByIdStrategy)
}

pub(super) fn read_time_series(values: Values<'_>, faults: &mut Vec<Fault>) -> Option<TimeSeries> {
    let time_field = values.text(keys::TIMESERIES_TIMEFIELD).trim();
    let optional =
        |key: &str| Some(values.text(key).trim().to_string()).filter(|text| !text.is_empty());
    let meta_field = optional(keys::TIMESERIES_METAFIELD);
    let granularity = optional(keys::TIMESERIES_GRANULARITY).map(|text| text.to_ascii_lowercase());
    let expire_after_s =
        Some(values.number(keys::TIMESERIES_EXPIRE_AFTER_SECONDS)).filter(|seconds| *seconds > 0);
    if time_field.is_empty() {
        for (key, is_set) in [
            (keys::TIMESERIES_METAFIELD, meta_field.is_some()),
            (
                keys::TIMESERIES_EXPIRE_AFTER_SECONDS,
                expire_after_s.is_some(),
            ),
            (keys::TIMESERIES_GRANULARITY, granularity.is_some()),
        ] {
            if is_set {
                faults.push(Fault::new(
                    key,
                    format!(
                        "Missing timeseries configuration: `{}`",
                        keys::TIMESERIES_TIMEFIELD
                    ),
                ));
            }
        }
        return None;
    }
    Some(TimeSeries {
        time_field: time_field.to_string(),
        meta_field,
        granularity,
        expire_after_s,
    })
}
