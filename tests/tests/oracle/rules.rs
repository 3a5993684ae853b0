//! The rules of `docs/compatibility.md`: what each one allows to differ.

use std::collections::BTreeSet;

use serde_json::Value;

use super::answer::{Body, Comparable};
use super::script::Request;

/// Takes what the rule allows out of Dovetail's answer (first) and the JVM's (second), and nothing else.
type Rule = fn(&mut Comparable, &mut Comparable);

const RULES: [(&str, Rule); 8] = [
    ("C1", versions),
    ("C2", texts_of_the_json_parser),
    ("C3", lists_of_plugins_in_messages),
    ("C4", other_plugins),
    ("C5", stack_frames),
    ("C6", echoed_charset),
    ("C7", java_classes),
    ("C10", null_of_a_connector_key),
];

/// All ids that the test knows.
pub fn ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(id, _)| *id)
}

/// The ids in the first column of the document's table.
pub fn listed(document: &str) -> BTreeSet<String> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" |").next())
        .filter(|id| {
            let digits = id.strip_prefix('C').unwrap_or_default();
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
        .map(str::to_owned)
        .collect()
}

/// The rules that were needed, or how the answers differ in spite of them.
pub fn compare(
    request: &Request,
    ours: Comparable,
    theirs: Comparable,
) -> Result<Vec<String>, String> {
    let (mut left, mut right) = (ours, theirs);
    let mut needed = Vec::new();
    for (id, is_optional) in (request.rules.iter().map(|id| (id, false)))
        .chain(request.optional_rules.iter().map(|id| (id, true)))
    {
        let (_, rule) = RULES
            .iter()
            .find(|(known, _)| known == id)
            .ok_or_else(|| format!("there is no rule {id}"))?;
        if left == right && is_optional {
            continue;
        }
        if left == right {
            return Err(format!("the answers are alike without rule {id}: {left}"));
        }
        let before = is_optional.then(|| (left.clone(), right.clone()));
        rule(&mut left, &mut right);
        // A rule that finds nothing of its own is not needed.
        if before.is_none_or(|before| before != (left.clone(), right.clone())) {
            needed.push(id.clone());
        }
    }
    match left == right {
        true => Ok(needed),
        false => Err(format!("  the JVM: {right}\n  Dovetail: {left}")),
    }
}

/// `version` and `commit` of the root.
fn versions(ours: &mut Comparable, theirs: &mut Comparable) {
    for side in [ours, theirs] {
        if let Some(Value::Object(root)) = side.json() {
            for field in ["version", "commit"] {
                if let Some(Value::String(text)) = root.get_mut(field) {
                    text.clear();
                }
            }
        }
    }
}

/// Both refuse what is the client's fault; the JVM with 500 and the words of its parser or the name of an
/// exception, Dovetail with 400 and its own.
fn texts_of_the_json_parser(ours: &mut Comparable, theirs: &mut Comparable) {
    for (side, status) in [(ours, 400), (theirs, 500)] {
        let is_error = side.message().is_some_and(|message| !message.is_empty());
        if side.status == status && is_error {
            side.status = 0;
            side.body = Body::Json(Value::Null);
        }
    }
}

/// `available connectors are: …` and what follows; the JVM worker puts the class of the exception before
/// the words from the second time on.
fn lists_of_plugins_in_messages(ours: &mut Comparable, theirs: &mut Comparable) {
    const BEFORE: &str = "available connectors are: ";
    for side in [ours, theirs] {
        if let Some(Value::Object(error)) = side.json()
            && let Some(Value::String(message)) = error.get_mut("message")
            && let Some((before, _)) = message.split_once(BEFORE)
        {
            let words = before.strip_prefix("org.apache.kafka.connect.errors.ConnectException: ");
            *message = words.unwrap_or(before).to_owned();
        }
    }
}

/// Classes that only one side has, in the list of plugins or among the values that a setting recommends;
/// what is said of the others must be the same, in the same order.
fn other_plugins(ours: &mut Comparable, theirs: &mut Comparable) {
    fn class_names(side: &mut Comparable) -> Vec<&mut Vec<Value>> {
        match side.json() {
            Some(Value::Array(plugins)) => vec![plugins],
            Some(infos) => {
                let configs = infos.get_mut("configs").and_then(Value::as_array_mut);
                let values = configs.into_iter().flatten();
                values
                    .filter_map(|config| config["value"]["recommended_values"].as_array_mut())
                    .collect()
            }
            None => Vec::new(),
        }
    }
    fn class(item: &Value) -> &Value {
        item.get("class").unwrap_or(item)
    }
    for (ours, theirs) in class_names(ours).into_iter().zip(class_names(theirs)) {
        let classes = |list: &[Value]| list.iter().map(class).cloned().collect::<Vec<_>>();
        let (our_classes, their_classes) = (classes(ours), classes(theirs));
        ours.retain(|item| their_classes.contains(class(item)));
        theirs.retain(|item| our_classes.contains(class(item)));
    }
}

/// The lines of a trace after the first one of each exception.
fn stack_frames(ours: &mut Comparable, theirs: &mut Comparable) {
    for side in [ours, theirs] {
        if let Some(value) = side.json() {
            without_stack_frames(value);
        }
    }
}

fn without_stack_frames(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(trace) if name == "trace" => {
                        let lines = trace.lines().filter(|line| !line.starts_with('\t'));
                        *trace = lines.collect::<Vec<_>>().join("\n");
                    }
                    value => without_stack_frames(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_stack_frames),
        _ => {}
    }
}

/// `;charset=utf-8` after the content type.
fn echoed_charset(_ours: &mut Comparable, theirs: &mut Comparable) {
    if let Some(content_type) = theirs.headers.get_mut("content-type")
        && let Some(plain) = content_type.strip_suffix(";charset=utf-8")
    {
        *content_type = plain.to_owned();
    }
}

/// Both refuse a class of Java's library, each with its own reason.
fn java_classes(ours: &mut Comparable, theirs: &mut Comparable) {
    for (side, reason) in [
        (
            ours,
            "Invalid value java.lang.String for configuration value.converter: Class java.lang.String could not be found.",
        ),
        (
            theirs,
            "Class class java.lang.String does not implement the Converter interface",
        ),
    ] {
        replace_in_message(side, reason, "");
    }
}

fn replace_in_message(side: &mut Comparable, from: &str, to: &str) {
    if let Some(Value::Object(error)) = side.json()
        && let Some(Value::String(message)) = error.get_mut("message")
    {
        *message = message.replace(from, to);
    }
}

/// Both show a FAILED connector; the JVM with the cast that failed and without a version.
fn null_of_a_connector_key(ours: &mut Comparable, theirs: &mut Comparable) {
    for (side, reason) in [
        (
            ours,
            "ConfigException: Missing required configuration \"topic\"",
        ),
        (theirs, "ClassCastException: Non-string value found"),
    ] {
        if let Some(status) = side.json()
            && status["connector"]["trace"]
                .as_str()
                .is_some_and(|trace| trace.contains(reason))
        {
            status["connector"]["trace"] = Value::Null;
            status["connector"]["version"] = Value::Null;
        }
    }
}

#[test]
fn only_ids_of_the_first_column_are_listed() {
    let document = "# C9\n| Id | JVM |\n| --- | --- |\n| C1 | a |\n| C22 | C3 |\n| Cx | d |\n";
    let listed: Vec<_> = listed(document).into_iter().collect();
    assert_eq!(listed, ["C1", "C22"]);
}
