//! What the worker says of a configuration before it is given one.

use crate::connector_file::ConnectorFile;
use crate::gitops::{plan, secrets};
use crate::validate::{Problem, Severity, telling};
use crate::worker_api::{ApiError, WorkerApi};
use connect_config_providers::contains_variable;
use serde_json::Value;

/// Has the worker validate the settings of a file; its errors with their places.
///
/// # Errors
/// The worker cannot be asked. That it cannot validate is a problem of the file.
pub async fn problems(api: &WorkerApi, file: &ConnectorFile) -> Result<Vec<Problem>, ApiError> {
    const CLASS: &str = "connector.class";
    let class = match file.config.get(CLASS).map(str::trim) {
        None | Some("") => {
            let message = "It is missing: it names the class of the connector";
            return Ok(vec![Problem::at_value(
                file,
                CLASS,
                Severity::Error,
                message,
            )]);
        }
        // Only the worker can resolve it, and it does when the connector is created.
        Some(class) if contains_variable(class) => return Ok(Vec::new()),
        Some(class) => class,
    };
    let path = ["connector-plugins", class, "config", "validate"];
    let answer = match api.put_json(&path, &plan::body(&file.config)).await {
        Ok(answer) => answer,
        Err(error) if error.is_refused() => {
            let message = shortened(error.answer());
            return Ok(vec![Problem::at_value(
                file,
                CLASS,
                Severity::Error,
                &message,
            )]);
        }
        Err(error) => return Err(error),
    };
    let mut problems = Vec::new();
    for info in answer["configs"].as_array().into_iter().flatten() {
        let key = info["value"]["name"].as_str().unwrap_or_default();
        let errors = info["value"]["errors"].as_array();
        let errors: Vec<&str> = errors
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for error in telling(&errors) {
            let text = file.config.get(key).unwrap_or_default();
            let message = secrets::without_value(class, key, text, error);
            Problem::at_value(file, key, Severity::Error, &message).add_to(&mut problems);
        }
    }
    Ok(problems)
}

/// Workers list every plugin they have behind the name that they do not know.
fn shortened(message: &str) -> String {
    let Some((fault, rest)) = message.split_once(", available connectors are: ") else {
        return message.to_string();
    };
    match rest.rsplit_once(". Did you mean ") {
        Some((_, nearest)) => format!("{fault}. Did you mean {nearest}"),
        None => format!("{fault}. GET /connector-plugins lists what the worker has"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_plugins_are_cut() {
        let fault = "Failed to find any class that implements Connector and which name matches X";
        for (message, expected) in [
            ("other", "other".to_string()),
            (
                &format!("{fault}, available connectors are: PluginDesc{{a}}, PluginDesc{{b}}"),
                format!("{fault}. GET /connector-plugins lists what the worker has"),
            ),
            (
                &format!("{fault}, available connectors are: PluginDesc{{a}}. Did you mean a.B?"),
                format!("{fault}. Did you mean a.B?"),
            ),
        ] {
            assert_eq!(shortened(message), expected);
        }
    }
}
