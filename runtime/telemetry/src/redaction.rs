//! Values that must not be seen, and texts without them.
//!
//! A value that a config provider gave for `${vault:db:password}` may come back in the error of a driver
//! far from here. So whoever looks such a value up tells this room of it, and whatever goes out to people
//! (log lines, traces in statuses, messages in answers) is passed through [`redact`], which puts the
//! variable in its place.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

/// Shorter values are words like `3` or `no`: a text would lose its sense, and they are no secrets.
const MIN_NUM_BYTES: usize = 4;
/// More values than this are not remembered; the oldest ones go first.
const MAX_NUM_VALUES: usize = 4096;
/// Switches are no secrets either.
const PLAIN_WORDS: [&str; 2] = ["true", "false"];

struct Hidden {
    value: String,
    shown_as: String,
}

static HIDDEN: RwLock<VecDeque<Hidden>> = RwLock::new(VecDeque::new());
static IS_ANY_HIDDEN: AtomicBool = AtomicBool::new(false);

/// From here on, texts of this process show `shown_as` where `value` would stand.
pub fn hide(value: &str, shown_as: &str) {
    if value.len() < MIN_NUM_BYTES || PLAIN_WORDS.contains(&value) {
        return;
    }
    remember(value, shown_as);
    // As Rust's debug format and JSON write it.
    let escaped = value.escape_debug().to_string();
    if escaped != value {
        remember(&escaped, shown_as);
    }
}

fn remember(value: &str, shown_as: &str) {
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    if hidden.iter().any(|known| known.value == value) {
        return;
    }
    if hidden.len() >= MAX_NUM_VALUES {
        hidden.pop_front();
    }
    hidden.push_back(Hidden {
        value: value.to_string(),
        shown_as: shown_as.to_string(),
    });
    IS_ANY_HIDDEN.store(true, Ordering::Release);
}

/// The text without the values that are hidden.
pub fn redact(text: &str) -> Cow<'_, str> {
    if !IS_ANY_HIDDEN.load(Ordering::Acquire) {
        return Cow::Borrowed(text);
    }
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    let mut found: Vec<&Hidden> = hidden
        .iter()
        .filter(|hidden| text.contains(&hidden.value))
        .collect();
    // Of two values of which one holds the other, the longer one must go first: nothing of it may stay.
    found.sort_by_key(|hidden| std::cmp::Reverse(hidden.value.len()));
    let mut text = Cow::Borrowed(text);
    for hidden in found {
        if text.contains(&hidden.value) {
            text = Cow::Owned(text.replace(&hidden.value, &hidden.shown_as));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_values_are_replaced_by_what_stands_for_them() {
        assert_eq!(
            redact("nothing is hidden in this"),
            "nothing is hidden in this"
        );
        hide("hunter2-redaction", "${file:/s:password}");
        hide("hunter2-redaction-longer", "${file:/s:other}");
        hide("two\nlines\"redaction", "${file:/s:text}");
        assert_eq!(
            redact("login failed: hunter2-redaction, hunter2-redaction-longer"),
            "login failed: ${file:/s:password}, ${file:/s:other}"
        );
        assert_eq!(
            redact(&format!("{:?}", "two\nlines\"redaction")),
            "\"${file:/s:text}\""
        );
    }

    #[test]
    fn words_that_are_no_secrets_stay() {
        for word in ["true", "false", "8", ""] {
            hide(word, "${env:X}");
            assert_eq!(
                redact("true or false, 8 or none"),
                "true or false, 8 or none"
            );
        }
    }
}
