//! Python clients as outside judges.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::layout;

/// Many times what the slowest one takes.
const DEADLINE: Duration = Duration::from_secs(300);

/// Runs a program of `tests/python` with `arguments` and `input`, and returns what it printed.
/// Its clients come from `tests/stack/python.txt`.
pub async fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let file = layout::repository().join("tests/python").join(program);
    let mut child = Command::new("python3")
        .arg(&file)
        .args(arguments)
        .env("PYTHONPATH", layout::part("python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run python3 {}: {error}", file.display()));
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    // Beside the reading: a program that answers before it has read all must not block.
    let writing = tokio::spawn(async move {
        let _ = stdin.write_all(input.as_bytes()).await;
    });
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{program} {arguments:?} does not come to an end"))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let _ = writing.await;
    assert!(
        output.status.success(),
        "{program} {arguments:?} ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap_or_else(|error| panic!("{program} prints {error}"))
}
