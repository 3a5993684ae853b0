use crate::{environment, wiring};
use connect_api::config::ConfigMap;
use connect_herder::{WorkerConfig, WorkerMode, plugins::Plugins};
use std::collections::BTreeMap;
#[test]
fn trial() {
    let _ = wiring::COMMIT;
    let text = std::fs::read_to_string("/tmp/dvt/workers.jsonl").unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut warn: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let form = row["form"].as_str().unwrap();
        let pairs: Vec<(String, String)> = row["keys"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(k, _)| !k.ends_with(':') && !k.starts_with("spec:"))
            .map(|(k, v)| {
                (
                    k.clone(),
                    v.as_str().map(str::to_string).unwrap_or(v.to_string()),
                )
            })
            .collect();
        let settings: ConfigMap = if form.starts_with("env") {
            environment::settings(pairs, false)
        } else {
            pairs.into_iter().map(|(k, v)| (k, Some(v))).collect()
        };
        let mode = if settings.contains_key("offset.storage.file.filename")
            && !settings.contains_key("group.id")
        {
            WorkerMode::Standalone
        } else {
            WorkerMode::Distributed
        };
        match WorkerConfig::new(mode, settings) {
            Ok(config) => {
                *counts.entry("ok".into()).or_default() += 1;
                if let Err(e) = config.check_plugins(Plugins::linked()) {
                    for l in e.message().lines() {
                        let l: String = l.chars().take(150).collect();
                        *counts
                            .entry(format!("PLUGIN {}", l.split(". It is").next().unwrap()))
                            .or_default() += 1;
                    }
                    *counts.entry("ok but plugin missing".into()).or_default() += 1;
                }
                for w in config.warnings() {
                    *warn.entry(w.clone()).or_default() += 1;
                }
            }
            Err(e) => {
                let m = e.message();
                let only_missing = m.lines().all(|l| l.starts_with("Missing required"));
                let k = if only_missing {
                    "refused: only missing keys (fragments)"
                } else if m.lines().all(|l| {
                    l.starts_with("Missing required")
                        || ["${", "{{", "$", "<", "***", "..."]
                            .iter()
                            .any(|t| l.contains(t))
                }) {
                    "refused: placeholders"
                } else {
                    "refused: other"
                };
                *counts.entry(k.into()).or_default() += 1;
                if k.ends_with("other") || k.ends_with("holders") {
                    println!(
                        "{} {form} {}\n   {}",
                        row["repo"],
                        row["path"],
                        m.replace('\n', "\n   ")
                    );
                }
            }
        }
    }
    for (k, n) in counts {
        println!("{n:4} {k}");
    }
    let mut warn: Vec<_> = warn.into_iter().collect();
    warn.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (k, n) in warn {
        println!("W {n:4} {k}");
    }
}
