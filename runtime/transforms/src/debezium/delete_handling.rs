//! What becomes of deletions and tombstones.

use connect_api::Result;
use connect_api::config::{ConfigKey, ConfigMap, ConfigType, Importance, ParsedConfig, Validator};

const MODE: &str = "delete.tombstone.handling.mode";
const OLD_MODE: &str = "delete.handling.mode";
const DROP_TOMBSTONES: &str = "drop.tombstones";

/// What becomes of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// It is dropped.
    Drop,
    /// It becomes a record with a null value, which keeps its schema.
    Null,
    /// It becomes a tombstone, without a schema.
    Tombstone,
    /// It becomes what was there before, marked as deleted; other records are marked as not deleted.
    Rewrite,
}

/// How deletions and tombstones are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeleteHandling {
    pub deletion: Deletion,
    pub drop_tombstones: bool,
}

impl Default for DeleteHandling {
    fn default() -> Self {
        Self {
            deletion: Deletion::Null,
            drop_tombstones: true,
        }
    }
}

/// The keys; those of Debezium before 3.2 have no default, so that it shows whether somebody sets them.
pub(super) fn keys() -> [ConfigKey; 3] {
    [
        ConfigKey::new(MODE, ConfigType::String)
            .default("tombstone")
            .validator(Validator::CaseInsensitiveValidString(&[
                "drop",
                "tombstone",
                "rewrite",
                "rewrite-with-tombstone",
                "delete-to-tombstone",
            ]))
            .importance(Importance::Medium)
            .doc(
                "What becomes of a deletion and of the tombstone after it: `drop` drops both, \
                 `tombstone` leaves one record without a value, `rewrite` leaves the old row with \
                 `__deleted`, `rewrite-with-tombstone` the tombstone too, `delete-to-tombstone` makes \
                 the deletion a tombstone without a schema.",
            ),
        ConfigKey::new(DROP_TOMBSTONES, ConfigType::Boolean)
            .default_null()
            .importance(Importance::Low)
            .doc(
                "Of Debezium before 3.2: whether tombstones are dropped (true if only \
                 `delete.handling.mode` is set). Write `delete.tombstone.handling.mode` in its place, \
                 which counts where both are set.",
            ),
        ConfigKey::new(OLD_MODE, ConfigType::String)
            .default_null()
            .validator(Validator::custom("drop, rewrite or none", |value| {
                let text = value.map(|value| value.to_string().to_ascii_lowercase());
                match text.as_deref().map(str::trim) {
                    None | Some("drop" | "rewrite" | "none") => Ok(()),
                    Some(_) => Err("Value must be one of drop, rewrite, none".to_string()),
                }
            }))
            .importance(Importance::Medium)
            .doc(
                "Of Debezium before 3.2: what becomes of deletions, `drop` (the default if only \
                 `drop.tombstones` is set), `rewrite` or `none`. Write \
                 `delete.tombstone.handling.mode` in its place, which counts where both are set.",
            ),
    ]
}

impl DeleteHandling {
    /// What the settings say; `given` are those that somebody wrote.
    pub fn of(config: &ParsedConfig, given: &ConfigMap) -> Result<Self> {
        let is_given = |key: &str| given.get(key).is_some_and(|text| !text.trim().is_empty());
        if !is_given(MODE) && (is_given(OLD_MODE) || is_given(DROP_TOMBSTONES)) {
            tracing::warn!(
                "'{DROP_TOMBSTONES}' and '{OLD_MODE}' are settings of Debezium before 3.2; they are \
                 taken as they were. Write '{MODE}' in their place."
            );
            let mode = config.opt_string(OLD_MODE)?.unwrap_or("drop").trim();
            return Ok(Self {
                deletion: match mode.to_ascii_lowercase().as_str() {
                    "rewrite" => Deletion::Rewrite,
                    "none" => Deletion::Null,
                    _ => Deletion::Drop,
                },
                drop_tombstones: !is_given(DROP_TOMBSTONES) || config.boolean(DROP_TOMBSTONES)?,
            });
        }
        let mode = config.string(MODE)?.trim().to_ascii_lowercase();
        Ok(Self {
            deletion: match mode.as_str() {
                "drop" => Deletion::Drop,
                "rewrite" | "rewrite-with-tombstone" => Deletion::Rewrite,
                "delete-to-tombstone" => Deletion::Tombstone,
                _ => Deletion::Null,
            },
            drop_tombstones: mode != "rewrite-with-tombstone",
        })
    }
}
