//! The grammar of texts.

use super::conversion::convert_to;
use super::number::{is_digit, parse_number};
use super::temporal::parse_temporal;
use super::tokens::{Tokens, trim};
use crate::converter::SchemaAndValue;
use crate::data::{Map, Schema, SchemaRef, SchemaType, Value};
use crate::error::{ConnectError, Result};

/// Java's stack gives out a little later; nobody means more.
const MAX_DEPTH: usize = 500;

/// Reads one text.
pub(super) struct Parser<'a> {
    tokens: Tokens<'a>,
    depth: usize,
}

/// Why a list or map is none; the text is then a string.
enum Fault {
    NotThis,
    TooDeep,
}

type Parsed<T> = Result<T, Fault>;

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            tokens: Tokens::new(text),
            depth: 0,
        }
    }

    /// The value at the beginning; `None` for `null` and for nothing.
    pub(super) fn parse(mut self, is_embedded: bool) -> Result<Option<SchemaAndValue>> {
        match self.value(is_embedded) {
            Ok(value) => Ok(value),
            Err(Fault::NotThis) => Ok(Some(self.whole_text())),
            Err(Fault::TooDeep) => Err(ConnectError::data(format!(
                "Lists and maps are nested more than {MAX_DEPTH} deep"
            ))
            .with_class("java.lang.StackOverflowError")),
        }
    }

    fn whole_text(&self) -> SchemaAndValue {
        string(self.tokens.text())
    }

    fn value(&mut self, is_embedded: bool) -> Parsed<Option<SchemaAndValue>> {
        if !self.tokens.has_next() {
            return Ok(None);
        }
        if is_embedded && self.tokens.take("\"") {
            return Ok(Some(self.quoted()));
        }
        if self.take_literal("null", is_embedded) {
            return Ok(None);
        }
        for literal in [true, false] {
            if self.take_literal(if literal { "true" } else { "false" }, is_embedded) {
                return Ok(Some(SchemaAndValue {
                    schema: Some(Schema::boolean()),
                    value: Value::Boolean(literal),
                }));
            }
        }
        let start = self.tokens.mark();
        match self.container() {
            Ok(Some(container)) => return Ok(Some(container)),
            Ok(None) => {}
            Err(Fault::NotThis) => self.tokens.rewind(start),
            Err(Fault::TooDeep) => return Err(Fault::TooDeep),
        }
        let token = self.tokens.next();
        let word = trim(token);
        let Some(first) = word.chars().next() else {
            return Ok(Some(string(token)));
        };
        if is_digit(first)
            && let Some(temporal) = self.temporal(word)
        {
            return Ok(Some(temporal));
        }
        if (is_digit(first) || first == '+' || first == '-')
            && let Some(number) = parse_number(word)
        {
            return Ok(Some(number));
        }
        if is_embedded {
            return Err(Fault::NotThis);
        }
        Ok(Some(self.whole_text()))
    }

    /// A word that stands alone, or that others follow in a list or map.
    fn take_literal(&mut self, literal: &str, is_embedded: bool) -> bool {
        let start = self.tokens.mark();
        if self.tokens.take(literal) && (is_embedded || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind(start);
        false
    }

    /// What follows an opening quote, up to the closing one.
    fn quoted(&mut self) -> SchemaAndValue {
        let mut content = String::new();
        while self.tokens.has_next() && !self.tokens.take("\"") {
            content.push_str(self.tokens.next());
        }
        parse_temporal(&content).unwrap_or_else(|| string(content))
    }

    /// The colons of times are delimiters, so a time may be made of five tokens.
    fn temporal(&mut self, word: &str) -> Option<SchemaAndValue> {
        let start = self.tokens.mark();
        if let Some(rest) = self.tokens.next_joined(4)
            && let Some(temporal) = parse_temporal(&format!("{word}{rest}"))
        {
            return Some(temporal);
        }
        self.tokens.rewind(start);
        parse_temporal(word)
    }

    fn container(&mut self) -> Parsed<Option<SchemaAndValue>> {
        let is_list = self.tokens.take("[");
        if !is_list && !self.tokens.take("{") {
            return Ok(None);
        }
        if self.depth >= MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        let container = if is_list { self.list() } else { self.map() };
        self.depth -= 1;
        container.map(Some)
    }

    fn list(&mut self) -> Parsed<SchemaAndValue> {
        let mut items = Vec::new();
        let mut item_schema = CommonSchema::default();
        while self.tokens.has_next() {
            if self.tokens.take("]") {
                let schema = match item_schema.schema() {
                    Some(schema) => {
                        for item in &mut items {
                            align(schema, item)?;
                        }
                        Schema::array_builder(schema.clone())
                            .build()
                            .map_err(|_| Fault::NotThis)?
                    }
                    None => Schema::untyped_array(false),
                };
                return Ok(SchemaAndValue {
                    schema: Some(schema),
                    value: Value::Array(items),
                });
            }
            if self.tokens.take(",") {
                return Err(Fault::NotThis);
            }
            let item = self.value(true)?;
            item_schema.merge(item.as_ref());
            items.push(item.map_or(Value::Null, |item| item.value));
            let end = self.tokens.mark();
            if self.tokens.take("]") {
                self.tokens.rewind(end);
            } else if !self.tokens.take(",") {
                return Err(Fault::NotThis);
            }
        }
        Err(Fault::NotThis)
    }

    fn map(&mut self) -> Parsed<SchemaAndValue> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        let (mut key_schema, mut value_schema) = (CommonSchema::default(), CommonSchema::default());
        while self.tokens.has_next() {
            if self.tokens.take("}") {
                return aligned_map(key_schema.schema(), value_schema.schema(), entries);
            }
            if self.tokens.take(",") {
                return Err(Fault::NotThis);
            }
            let Some(key) = self.value(true)?.filter(|key| !key.value.is_null()) else {
                return Err(Fault::NotThis);
            };
            if !self.tokens.take(":") {
                return Err(Fault::NotThis);
            }
            let value = self.value(true)?;
            key_schema.merge(Some(&key));
            value_schema.merge(value.as_ref());
            entries.push((key.value, value.map_or(Value::Null, |value| value.value)));
            // Commas between entries may be left out.
            self.tokens.take(",");
        }
        Err(Fault::NotThis)
    }
}

fn string(text: impl Into<String>) -> SchemaAndValue {
    SchemaAndValue {
        schema: Some(Schema::string()),
        value: Value::String(text.into().into()),
    }
}

/// Converts an item to the schema that all have in common.
fn align(schema: &Schema, item: &mut Value) -> Parsed<()> {
    let value = std::mem::replace(item, Value::Null);
    *item = convert_to(schema, None, value).map_err(|_| Fault::NotThis)?;
    Ok(())
}

fn aligned_map(
    key_schema: Option<&SchemaRef>,
    value_schema: Option<&SchemaRef>,
    mut entries: Vec<(Value, Value)>,
) -> Parsed<SchemaAndValue> {
    if let Some(key_schema) = key_schema {
        for (key, value) in &mut entries {
            align(key_schema, key)?;
            if let Some(value_schema) = value_schema {
                align(value_schema, value)?;
            }
        }
    }
    let schema = match (key_schema, value_schema) {
        (Some(key_schema), Some(value_schema)) => {
            Schema::map_builder(key_schema.clone(), value_schema.clone())
                .build()
                .map_err(|_| Fault::NotThis)?
        }
        (Some(key_schema), None) => Schema::untyped_map(Some(key_schema.clone()), None),
        (None, _) => Schema::untyped_map(None, None),
    };
    Ok(SchemaAndValue {
        schema: Some(schema),
        value: Value::Map(entries.into_iter().collect::<Map>()),
    })
}

/// The schema that fits all items so far.
#[derive(Default)]
struct CommonSchema {
    schema: Option<SchemaRef>,
    is_impossible: bool,
}

impl CommonSchema {
    fn merge(&mut self, item: Option<&SchemaAndValue>) {
        let Some(latest) = item.and_then(|item| item.schema.as_ref()) else {
            return;
        };
        if self.is_impossible {
            return;
        }
        self.schema = match &self.schema {
            None => Some(latest.clone()),
            Some(common) => merged(common, latest).cloned(),
        };
        self.is_impossible = self.schema.is_none();
    }

    fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }
}

/// The wider one of two numbers; of two schemas of one type the later one.
fn merged<'s>(common: &'s SchemaRef, latest: &'s SchemaRef) -> Option<&'s SchemaRef> {
    // The types stand in the order of their width.
    let is_number = |schema: &Schema| schema.schema_type() <= SchemaType::Float64;
    if common.schema_type() == latest.schema_type() {
        return match (common.is_optional(), latest.is_optional()) {
            (false, false) => Some(latest),
            (true, true) => Some(common),
            _ => (common == latest).then_some(common),
        };
    }
    if !is_number(common) || !is_number(latest) {
        return None;
    }
    Some(if common.schema_type() < latest.schema_type() {
        latest
    } else {
        common
    })
}
