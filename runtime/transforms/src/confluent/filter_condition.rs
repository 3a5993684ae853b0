//! The conditions in filters of JSON paths.

use super::json_path::{Cursor, JsonPath, MAX_DEPTH};
use connect_api::data::Value;
use connect_java::regex::Pattern;
use std::cmp::Ordering;

/// A condition.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Exists(Operand),
    Compare(Operand, Operator, Operand),
    Matches(Operand, Box<Pattern>),
    In {
        left: Operand,
        items: Vec<Operand>,
        negate: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer signs first, so that `<` does not take the start of `<=`.
const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

/// A side of a comparison.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    /// From the value that is looked at.
    Here(JsonPath),
    /// From the whole record.
    Root(JsonPath),
    Literal(Value),
}

/// Reads `a || b && !c`.
pub(super) fn parse_expression(cursor: &mut Cursor<'_>) -> Result<Expression, String> {
    if cursor.depth == MAX_DEPTH {
        return Err(cursor.error("Conditions stand too deep in each other"));
    }
    cursor.depth += 1;
    let mut any = vec![conjunction(cursor)?];
    while cursor.take_if("||") {
        any.push(conjunction(cursor)?);
    }
    cursor.depth -= 1;
    Ok(one_or(any, Expression::Any))
}

fn conjunction(cursor: &mut Cursor<'_>) -> Result<Expression, String> {
    let mut all = vec![condition(cursor)?];
    while cursor.take_if("&&") {
        all.push(condition(cursor)?);
    }
    Ok(one_or(all, Expression::All))
}

fn one_or(mut parts: Vec<Expression>, of: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => of(parts),
    }
}

fn condition(cursor: &mut Cursor<'_>) -> Result<Expression, String> {
    cursor.skip_blanks();
    if cursor.rest().starts_with('!') && !cursor.rest().starts_with("!=") {
        cursor.take();
        if cursor.depth == MAX_DEPTH {
            return Err(cursor.error("Conditions stand too deep in each other"));
        }
        cursor.depth += 1;
        let negated = condition(cursor)?;
        cursor.depth -= 1;
        return Ok(Expression::Not(Box::new(negated)));
    }
    if cursor.take_if("(") {
        let inner = parse_expression(cursor)?;
        return if cursor.take_if(")") {
            Ok(inner)
        } else {
            Err(cursor.error(") is expected"))
        };
    }
    let left = operand(cursor)?;
    cursor.skip_blanks();
    if cursor.take_if("=~") {
        return Ok(Expression::Matches(left, Box::new(pattern(cursor)?)));
    }
    for (sign, operator) in OPERATORS {
        if cursor.take_if(sign) {
            return Ok(Expression::Compare(left, operator, operand(cursor)?));
        }
    }
    let rest = cursor.rest().to_ascii_lowercase();
    let word = rest
        .split(|next: char| !next.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    match word {
        "in" | "nin" => {
            cursor.at += word.len();
            Ok(Expression::In {
                left,
                items: list(cursor)?,
                negate: word == "nin",
            })
        }
        "" => Ok(Expression::Exists(left)),
        _ => Err(cursor.error("The operator is not supported")),
    }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Operand>, String> {
    if !cursor.take_if("[") {
        return Err(cursor.error("[ is expected"));
    }
    let mut items = Vec::new();
    if cursor.take_if("]") {
        return Ok(items);
    }
    loop {
        items.push(operand(cursor)?);
        if cursor.take_if("]") {
            return Ok(items);
        }
        if !cursor.take_if(",") {
            return Err(cursor.error(", or ] is expected"));
        }
    }
}

fn operand(cursor: &mut Cursor<'_>) -> Result<Operand, String> {
    cursor.skip_blanks();
    match cursor.peek() {
        Some('@') => {
            cursor.take();
            Ok(Operand::Here(JsonPath::steps(cursor)?))
        }
        Some('$') => {
            cursor.take();
            Ok(Operand::Root(JsonPath::steps(cursor)?))
        }
        Some('\'' | '"') => Ok(Operand::Literal(Value::from(cursor.quoted()?))),
        _ => {
            let word =
                cursor.take_while(|next| next.is_ascii_alphanumeric() || "+-.".contains(next));
            let literal = match word {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                "null" => Value::Null,
                number => match (number.parse::<i64>(), number.parse::<f64>()) {
                    (Ok(number), _) => Value::Int64(number),
                    (_, Ok(number)) if number.is_finite() => Value::Float64(number),
                    _ => return Err(cursor.error("A path or a literal is expected")),
                },
            };
            Ok(Operand::Literal(literal))
        }
    }
}

/// `/pattern/flags`, or a pattern in quotes.
fn pattern(cursor: &mut Cursor<'_>) -> Result<Pattern, String> {
    cursor.skip_blanks();
    let text = match cursor.peek() {
        Some('\'' | '"') => cursor.quoted()?,
        Some('/') => {
            cursor.take();
            let mut text = String::new();
            loop {
                match cursor.take() {
                    None => return Err(cursor.error("A pattern does not end")),
                    Some('/') => break,
                    Some('\\') => {
                        text.push('\\');
                        text.extend(cursor.take());
                    }
                    Some(next) => text.push(next),
                }
            }
            match cursor.take_while(|next| next.is_ascii_alphabetic()) {
                "" => text,
                flags => format!("(?{flags}){text}"),
            }
        }
        _ => return Err(cursor.error("A pattern between slashes is expected")),
    };
    Pattern::compile(&text).map_err(|error| error.to_string())
}

impl Operand {
    /// The value; `None` if the path leads nowhere.
    fn value<'v>(&'v self, here: &'v Value, root: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Here(path) => path.find(here).ok()?.first().copied(),
            Self::Root(path) => path.find(root).ok()?.first().copied(),
            Self::Literal(value) => Some(value),
        }
    }
}

impl Expression {
    /// Whether the condition holds for a value within a record.
    pub fn holds(&self, here: &Value, root: &Value) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(here, root)),
            Self::All(parts) => parts.iter().all(|part| part.holds(here, root)),
            Self::Not(inner) => !inner.holds(here, root),
            Self::Exists(operand) => operand.value(here, root).is_some(),
            Self::Compare(left, operator, right) => {
                let sides = (left.value(here, root), right.value(here, root));
                compare(*operator, sides)
            }
            Self::Matches(operand, pattern) => {
                let text = match operand.value(here, root) {
                    Some(Value::String(text)) => text.to_string(),
                    Some(value @ (Value::Int32(_) | Value::Int64(_) | Value::Boolean(_))) => {
                        value.to_string()
                    }
                    _ => return false,
                };
                // A pattern that takes too long on a text does not match it.
                pattern.matches(&text).unwrap_or(false)
            }
            Self::In {
                left,
                items,
                negate,
            } => {
                let Some(left) = left.value(here, root) else {
                    return *negate;
                };
                let is_in = items
                    .iter()
                    .filter_map(|item| item.value(here, root))
                    .any(|item| order(left, item) == Some(Ordering::Equal));
                is_in != *negate
            }
        }
    }
}

fn compare(operator: Operator, sides: (Option<&Value>, Option<&Value>)) -> bool {
    let order = match sides {
        (Some(left), Some(right)) => order(left, right),
        _ => None,
    };
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// How two values compare; `None` if they are of different kinds. A number and a text that holds one
/// compare as numbers, as in Jayway's language.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (left, right) => match (whole(left), whole(right)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => number(left)?.partial_cmp(&number(right)?),
        },
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Date(ms) => Some(*ms),
        value => value.as_i64(),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float32(number) => Some(f64::from(*number)),
        Value::Float64(number) => Some(*number),
        Value::Decimal(decimal) => decimal.to_string().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        value => whole(value).map(|number| number as f64),
    }
}
