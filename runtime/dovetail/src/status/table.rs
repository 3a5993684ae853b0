//! The report as a table for people.

use super::report::{Connector, Report};
use std::fmt::Write;

const HEADINGS: [&str; 7] = [
    "CONNECTOR",
    "TYPE",
    "TASK",
    "STATE",
    "WORKER",
    "RECORDS/S",
    "LAG",
];
const NUM_TEXT_COLUMNS: usize = 5;
/// Longer error lines are cut: the table is for a glance.
const MAX_ERROR_CHARS: usize = 200;

/// A line for each connector, below it one for each of its tasks, errors below those.
pub fn render(report: &Report) -> String {
    if report.connectors.is_empty() {
        return "There are no connectors".to_string();
    }
    let rows: Vec<Row> = report.connectors.iter().flat_map(rows_of).collect();
    let mut widths = HEADINGS.map(|heading| heading.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    push_line(&mut text, &HEADINGS.map(str::to_string), &widths);
    for row in &rows {
        push_line(&mut text, &row.cells, &widths);
        if let Some(error) = &row.error {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "    {}", cut(error));
        }
    }
    text
}

struct Row {
    cells: [String; HEADINGS.len()],
    error: Option<String>,
}

fn rows_of(connector: &Connector) -> impl Iterator<Item = Row> {
    let own = Row {
        cells: [
            connector.name.clone(),
            connector.connector_type.clone(),
            String::new(),
            connector.state.clone(),
            connector.worker_id.clone(),
            String::new(),
            String::new(),
        ],
        error: connector.error.clone(),
    };
    let tasks = connector.tasks.iter().map(|task| Row {
        cells: [
            String::new(),
            String::new(),
            task.id.to_string(),
            task.state.clone(),
            task.worker_id.clone(),
            number(task.records_per_second, 1),
            number(task.lag, 0),
        ],
        error: task.error.clone(),
    });
    std::iter::once(own).chain(tasks)
}

fn number(value: Option<f64>, num_decimals: usize) -> String {
    value.map_or_else(
        || "-".to_string(),
        |value| format!("{value:.num_decimals$}"),
    )
}

fn push_line(
    text: &mut String,
    cells: &[String; HEADINGS.len()],
    widths: &[usize; HEADINGS.len()],
) {
    let mut line = String::new();
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let _ = if index < NUM_TEXT_COLUMNS {
            write!(line, "{cell:width$}  ")
        } else {
            write!(line, "{cell:>width$}  ")
        };
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn cut(error: &str) -> String {
    if error.chars().count() <= MAX_ERROR_CHARS {
        return error.to_string();
    }
    error
        .chars()
        .take(MAX_ERROR_CHARS - 3)
        .chain("...".chars())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::report::Task;
    use super::*;

    #[test]
    fn tasks_stand_below_their_connectors() {
        let task = |id, state: &str, rate, error: Option<&str>| Task {
            id,
            state: state.to_string(),
            worker_id: "w:8083".to_string(),
            records_per_second: rate,
            lag: rate.map(|rate| rate * 2.0),
            error: error.map(str::to_string),
        };
        let report = Report {
            connectors: vec![Connector {
                name: "flights".to_string(),
                connector_type: "sink".to_string(),
                class: "S3".to_string(),
                state: "RUNNING".to_string(),
                worker_id: "w:8083".to_string(),
                error: None,
                tasks: vec![
                    task(0, "RUNNING", Some(1234.56), None),
                    task(1, "FAILED", None, Some("org.X: no bucket")),
                ],
            }],
        };
        assert_eq!(
            render(&report),
            "CONNECTOR  TYPE  TASK  STATE    WORKER  RECORDS/S   LAG\n\
             flights    sink        RUNNING  w:8083\n\
             \x20                0     RUNNING  w:8083     1234.6  2469\n\
             \x20                1     FAILED   w:8083          -     -\n\
             \x20   org.X: no bucket\n"
        );
        assert_eq!(
            render(&Report {
                connectors: Vec::new()
            }),
            "There are no connectors"
        );
        assert_eq!(cut(&"x".repeat(300)).len(), 200);
    }
}
