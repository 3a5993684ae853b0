//! The check of one connector, as the worker would do it if it could ask nobody.

use super::{Problem, Severity, telling};
use crate::connector_file::ConnectorFile;
use crate::gitops::secrets;
use connect_config_providers::contains_variable;
use connect_herder::PluginType;
use connect_herder::plugins::Plugins;
use connect_herder::validation::{UnknownKey, WorkerView, unknown_keys, validate_offline};

const CLASS: &str = "connector.class";
/// How many names are offered for one that is not known.
const MAX_NEAREST: usize = 3;

/// What is wrong with a connector, in the order of its file.
pub async fn problems(file: &ConnectorFile, view: &WorkerView, plugins: &Plugins) -> Vec<Problem> {
    let mut problems: Vec<Problem> = file
        .oddities
        .iter()
        .map(|oddity| Problem::odd(file, oddity))
        .collect();
    match class_of(file, plugins) {
        Ok(class) => check(file, class, view, plugins, &mut problems).await,
        Err(problem) => problems.push(problem),
    }
    problems.sort_by_key(|problem| problem.place);
    problems
}

/// The class, if it is one that can be checked against.
fn class_of<'f>(file: &'f ConnectorFile, plugins: &Plugins) -> Result<&'f str, Problem> {
    let class = file.config.get(CLASS).map(str::trim).unwrap_or_default();
    if class.is_empty() {
        let message = "It is missing: it names the class of the connector";
        return Err(Problem::at_value(file, CLASS, Severity::Error, message));
    }
    if contains_variable(class) {
        let message = "Only the worker knows what this is; the file is not checked";
        return Err(Problem::at_value(file, CLASS, Severity::Warning, message));
    }
    let Err(error) = plugins.connector(class) else {
        return Ok(class);
    };
    let message = if error.message.starts_with("More than one connector") {
        format!("More than one connector is called {class}; write the full name of the class")
    } else {
        let types = [PluginType::Sink, PluginType::Source];
        format!("{class} is not built in{}", nearest(&types, class, plugins))
    };
    Err(Problem::at_value(file, CLASS, Severity::Error, &message))
}

/// What may have been meant, as the end of a sentence.
fn nearest(types: &[PluginType], name: &str, plugins: &Plugins) -> String {
    let mut nearest = plugins.nearest(types, name);
    nearest.truncate(MAX_NEAREST);
    match nearest.as_slice() {
        [] => "; `dovetail version` lists what is".to_string(),
        nearest => format!("; did you mean {}?", nearest.join(" or ")),
    }
}

async fn check(
    file: &ConnectorFile,
    class: &str,
    view: &WorkerView,
    plugins: &Plugins,
    problems: &mut Vec<Problem>,
) {
    let config = &file.config;
    let infos = match validate_offline(config, view, plugins).await {
        Ok(infos) => infos,
        Err(error) => {
            problems.push(Problem::at_value(
                file,
                CLASS,
                Severity::Error,
                &error.message,
            ));
            return;
        }
    };
    for value in infos.configs.iter().filter_map(|info| info.value.as_ref()) {
        let text = config.get(&value.name).unwrap_or_default();
        // What comes out of a variable only the worker can check.
        if contains_variable(text) || contains_variable(&value.name) {
            continue;
        }
        for error in telling(&value.errors) {
            let mut message = secrets::without_value(class, &value.name, text, error);
            if let Some(plugin_type) = plugin_type(&value.name)
                && message.ends_with(" could not be found.")
            {
                let nearest = nearest(&[plugin_type], text.trim(), plugins);
                message = format!("{} is not built in{nearest}", text.trim());
            }
            Problem::at_value(file, &value.name, Severity::Error, &message).add_to(problems);
        }
    }
    for UnknownKey { key, message } in unknown_keys(config, &infos, plugins) {
        Problem::at_key(file, &key, Severity::Warning, &message).add_to(problems);
    }
}

/// What kind of plugin the value of a key names.
fn plugin_type(key: &str) -> Option<PluginType> {
    match key {
        "key.converter" | "value.converter" => Some(PluginType::Converter),
        "header.converter" => Some(PluginType::HeaderConverter),
        key if !key.ends_with(".type") => None,
        key if key.starts_with("transforms.") => Some(PluginType::Transformation),
        key if key.starts_with("predicates.") => Some(PluginType::Predicate),
        _ => None,
    }
}
