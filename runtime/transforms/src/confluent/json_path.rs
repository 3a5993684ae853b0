//! Paths and conditions of Jayway's JsonPath, on Connect data as it is.
//!
//! Not a library: those for Rust speak RFC 9535, where a filter looks at the children of an object. In
//! Jayway's language, which configurations are written in, it looks at the object itself, and there are
//! `=~`, `in` and `nin`.

use super::filter_condition::{Expression, parse_expression};
use connect_api::data::Value;

/// How deep `..` looks, and conditions may stand in each other.
pub(super) const MAX_DEPTH: usize = 64;

/// A path.
#[derive(Clone, Debug)]
pub(super) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Names(Vec<String>),
    Index(i64),
    All,
    /// All values within, then the next step on each.
    Descend,
    Filter(Box<Expression>),
}

/// A place in a text.
pub(super) struct Cursor<'t> {
    pub text: &'t str,
    pub at: usize,
    pub depth: usize,
}

impl<'t> Cursor<'t> {
    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes a text if it stands here, behind blanks.
    pub fn take_if(&mut self, wanted: &str) -> bool {
        self.skip_blanks();
        let is_here = self.rest().starts_with(wanted);
        if is_here {
            self.at += wanted.len();
        }
        is_here
    }

    pub fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|next| !keep(next)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    pub fn error(&self, what: &str) -> String {
        format!(
            "{what} at position {} of the JSON path {}",
            self.at, self.text
        )
    }

    /// A text in quotes, which are taken.
    pub fn quoted(&mut self) -> Result<String, String> {
        let quote = self.take().unwrap_or('\'');
        let mut text = String::new();
        loop {
            match self.take() {
                None => return Err(self.error("A quote does not end")),
                Some(end) if end == quote => return Ok(text),
                Some('\\') => text.extend(self.take()),
                Some(plain) => text.push(plain),
            }
        }
    }
}

impl JsonPath {
    /// Reads a path that begins with `$`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut cursor = Cursor {
            text,
            at: 0,
            depth: 0,
        };
        if !cursor.take_if("$") {
            return Err(cursor.error("A path begins with $, but there is none"));
        }
        let path = Self::steps(&mut cursor)?;
        cursor.skip_blanks();
        match cursor.peek() {
            None => Ok(path),
            Some(_) => Err(cursor.error("Nothing is expected")),
        }
    }

    /// The steps of a path behind its `$` or `@`.
    pub fn steps(cursor: &mut Cursor<'_>) -> Result<Self, String> {
        let mut steps = Vec::new();
        loop {
            match cursor.peek() {
                Some('.') => {
                    cursor.take();
                    if cursor.peek() == Some('.') {
                        cursor.take();
                        steps.push(Step::Descend);
                    }
                    if cursor.peek() == Some('[') {
                        continue;
                    }
                    let name =
                        cursor.take_while(|next| next.is_alphanumeric() || "_-*$".contains(next));
                    steps.push(match name {
                        "" => return Err(cursor.error("A name is expected")),
                        "*" => Step::All,
                        name => Step::Names(vec![name.to_string()]),
                    });
                }
                Some('[') => {
                    cursor.take();
                    steps.push(Self::bracket(cursor)?);
                    if !cursor.take_if("]") {
                        return Err(cursor.error("A bracket does not end"));
                    }
                }
                _ => return Ok(Self { steps }),
            }
        }
    }

    fn bracket(cursor: &mut Cursor<'_>) -> Result<Step, String> {
        cursor.skip_blanks();
        match cursor.peek() {
            Some('?') => {
                cursor.take();
                if !cursor.take_if("(") {
                    return Err(cursor.error("( is expected"));
                }
                let expression = parse_expression(cursor)?;
                if !cursor.take_if(")") {
                    return Err(cursor.error(") is expected"));
                }
                Ok(Step::Filter(Box::new(expression)))
            }
            Some('*') => {
                cursor.take();
                Ok(Step::All)
            }
            Some('\'' | '"') => {
                let mut names = vec![cursor.quoted()?];
                while cursor.take_if(",") {
                    cursor.skip_blanks();
                    names.push(cursor.quoted()?);
                }
                Ok(Step::Names(names))
            }
            _ => {
                let number = cursor.take_while(|next| next.is_ascii_digit() || next == '-');
                number.parse().map(Step::Index).map_err(|_| {
                    cursor.error("A name in quotes, a number, * or a filter is expected")
                })
            }
        }
    }

    /// Whether the path can lead to several values, so that finding none is no lack.
    pub fn is_indefinite(&self) -> bool {
        let is_indefinite = |step: &Step| match step {
            Step::Names(names) => names.len() > 1,
            Step::Index(_) => false,
            Step::All | Step::Descend | Step::Filter(_) => true,
        };
        self.steps.iter().any(is_indefinite)
    }

    /// The values that the path leads to. The error is a name that is not there, where a definite path
    /// asks for it.
    pub fn find<'v>(&self, root: &'v Value) -> Result<Vec<&'v Value>, String> {
        let mut found = vec![root];
        let mut is_definite = true;
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                match step {
                    Step::Names(names) => {
                        for name in names {
                            match member(value, name) {
                                Some(member) => next.push(member),
                                None if is_definite => return Err(name.clone()),
                                None => {}
                            }
                        }
                    }
                    Step::Index(index) => match item(value, *index) {
                        Some(item) => next.push(item),
                        None if is_definite => return Err(format!("[{index}]")),
                        None => {}
                    },
                    Step::All => each_child(value, |child| next.push(child)),
                    Step::Descend => descend(value, 0, &mut next),
                    Step::Filter(expression) => match value {
                        Value::Array(items) => {
                            next.extend(items.iter().filter(|item| expression.holds(item, root)));
                        }
                        value if expression.holds(value, root) => next.push(value),
                        _ => {}
                    },
                }
            }
            is_definite &= matches!(step, Step::Names(_) | Step::Index(_));
            found = next;
        }
        Ok(found)
    }
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Map(map) => map.get_str(name),
        Value::Struct(record) => record.get(name).ok(),
        _ => None,
    }
}

fn item(value: &Value, index: i64) -> Option<&Value> {
    let Value::Array(items) = value else {
        return None;
    };
    let index = if index < 0 {
        i64::try_from(items.len()).ok()? + index
    } else {
        index
    };
    items.get(usize::try_from(index).ok()?)
}

fn each_child<'v>(value: &'v Value, mut see: impl FnMut(&'v Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(see),
        Value::Map(map) => map.iter().for_each(|(_, value)| see(value)),
        Value::Struct(record) => (0..record.values().len()).for_each(|at| see(record.get_at(at))),
        _ => {}
    }
}

fn descend<'v>(value: &'v Value, depth: usize, found: &mut Vec<&'v Value>) {
    found.push(value);
    if depth < MAX_DEPTH {
        each_child(value, |child| descend(child, depth + 1, found));
    }
}
