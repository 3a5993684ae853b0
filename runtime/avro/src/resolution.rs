//! Avro's schema resolution: which of a writer's types a reader takes for which of its own.

use crate::schema::{AvroField, AvroKind, AvroSchema, AvroType, MAX_DEPTH, TypeId};
use std::cell::Cell;
use std::collections::HashSet;

/// How many pairs of types are compared. Two schemas of a few hundred types each stay below.
const MAX_COMPARISONS: usize = 100_000;
/// How deep types may nest to be compared, and unions within records within unions.
const MAX_COMPARED_DEPTH: usize = 2 * MAX_DEPTH;
const MAX_UNION_DEPTH: usize = 8;
/// How many faults are told.
const MAX_FAULTS: usize = 20;

/// Why data written with `writer` cannot always be read with `reader`; empty if it can
/// (`SchemaCompatibility`).
pub fn incompatibilities(reader: &AvroSchema, writer: &AvroSchema) -> Vec<String> {
    let effort = Effort::default();
    let mut comparison = Comparison::new(writer, reader, true, &effort);
    comparison.compare(writer.root_id(), reader.root_id(), "");
    comparison.faults
}

/// What was compared already, over all comparisons that one question takes.
#[derive(Debug, Default)]
pub(crate) struct Effort {
    num_comparisons: Cell<usize>,
    union_depth: Cell<usize>,
}

struct Comparison<'a> {
    writer: &'a AvroSchema,
    reader: &'a AvroSchema,
    /// Whether records must have the same name.
    checks_names: bool,
    /// The pairs that were compared, or are being compared: they are not compared again.
    seen: HashSet<(TypeId, TypeId)>,
    faults: Vec<String>,
    depth: usize,
    effort: &'a Effort,
}

impl<'a> Comparison<'a> {
    fn new(
        writer: &'a AvroSchema,
        reader: &'a AvroSchema,
        checks_names: bool,
        effort: &'a Effort,
    ) -> Self {
        Self {
            depth: 0,
            effort,
            writer,
            reader,
            checks_names,
            seen: HashSet::new(),
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, place: &str, text: &str) {
        if self.faults.len() < MAX_FAULTS {
            let place = if place.is_empty() {
                "the schema"
            } else {
                place
            };
            self.faults.push(format!("{place}: {text}"));
        }
    }

    fn compare(&mut self, writer_id: TypeId, reader_id: TypeId, place: &str) {
        let num_comparisons = self.effort.num_comparisons.get();
        if num_comparisons >= MAX_COMPARISONS || self.depth >= MAX_COMPARED_DEPTH {
            self.fault(place, "the schemas are too large to be compared");
            return;
        }
        if !self.seen.insert((writer_id, reader_id)) {
            return;
        }
        self.effort.num_comparisons.set(num_comparisons + 1);
        self.depth += 1;
        self.compare_types(writer_id, reader_id, place);
        self.depth -= 1;
    }

    fn compare_types(&mut self, writer_id: TypeId, reader_id: TypeId, place: &str) {
        let (writer, reader) = (self.writer.get(writer_id), self.reader.get(reader_id));
        match (&writer.kind, &reader.kind) {
            (AvroKind::Union(branches), _) => {
                for &branch in branches {
                    self.compare(branch, reader_id, place);
                }
            }
            (_, AvroKind::Union(branches)) => {
                let found =
                    matching_branch(self.writer, writer_id, self.reader, branches, self.effort);
                if found.is_none() {
                    let text = format!("the reader's union lacks {}", writer.full_name());
                    self.fault(place, &text);
                }
            }
            (AvroKind::Array(items), AvroKind::Array(expected))
            | (AvroKind::Map(items), AvroKind::Map(expected)) => {
                self.compare(*items, *expected, place);
            }
            (AvroKind::Fixed { size }, AvroKind::Fixed { size: expected }) => {
                self.compare_names(writer, reader, place);
                if size != expected {
                    self.fault(
                        place,
                        &format!("{size} bytes were written, {expected} are expected"),
                    );
                }
            }
            (
                AvroKind::Enum { symbols, .. },
                AvroKind::Enum {
                    symbols: known,
                    default,
                },
            ) => {
                self.compare_names(writer, reader, place);
                let missing: Vec<&str> = symbols
                    .iter()
                    .filter(|symbol| default.is_none() && !known.contains(symbol))
                    .map(String::as_str)
                    .collect();
                if !missing.is_empty() {
                    self.fault(
                        place,
                        &format!("the reader lacks the symbols {}", missing.join(", ")),
                    );
                }
            }
            (AvroKind::Record { fields, .. }, AvroKind::Record { .. }) => {
                if self.checks_names && !simple_names_match(writer, reader) {
                    self.compare_names(writer, reader, place);
                }
                self.compare_fields(fields, reader, place);
            }
            (from, to) if from == to || is_promotion(from, to) => {}
            _ => {
                let text = format!(
                    "{} was written, {} is expected",
                    writer.full_name(),
                    reader.full_name()
                );
                self.fault(place, &text);
            }
        }
    }

    fn compare_names(&mut self, writer: &AvroType, reader: &AvroType, place: &str) {
        if !simple_names_match(writer, reader) {
            let text = format!(
                "{} was written, {} is expected",
                writer.full_name(),
                reader.full_name()
            );
            self.fault(place, &text);
        }
    }

    fn compare_fields(&mut self, fields: &[AvroField], reader: &AvroType, place: &str) {
        for field in reader.fields() {
            let place = if place.is_empty() {
                field.name.to_string()
            } else {
                format!("{place}.{}", field.name)
            };
            let written = fields.iter().find(|written| {
                reader_field(reader.fields(), &written.name).is_some_and(|to| to.name == field.name)
            });
            match written {
                Some(written) => self.compare(written.type_id, field.type_id, &place),
                None if field.default.is_some() => {}
                None => self.fault(&place, "the writer lacks the field, and it has no default"),
            }
        }
    }
}

/// The branch of a reader's union that a writer's type resolves to: the same type and name, then a
/// record that fits by its fields, then a promotion.
pub(crate) fn matching_branch(
    writer_schema: &AvroSchema,
    writer_id: TypeId,
    reader_schema: &AvroSchema,
    branches: &[TypeId],
    effort: &Effort,
) -> Option<usize> {
    let writer = writer_schema.get(writer_id);
    let same_type =
        |index: &usize| reader_schema.get(branches[*index]).type_name() == writer.type_name();
    let candidates = || (0..branches.len()).filter(same_type);
    let exact = candidates().find(|&index| {
        let reader = reader_schema.get(branches[index]);
        reader.name.is_none() || names_match(writer, reader)
    });
    // Whether a record can be read as another one whatever their names are.
    let fits = |reader_id: TypeId| {
        let union_depth = effort.union_depth.get();
        if union_depth >= MAX_UNION_DEPTH {
            return false;
        }
        effort.union_depth.set(union_depth + 1);
        let mut comparison = Comparison::new(writer_schema, reader_schema, false, effort);
        comparison.compare(writer_id, reader_id, "");
        effort.union_depth.set(union_depth);
        comparison.faults.is_empty()
    };
    let by_structure = || {
        let mut found = None;
        for index in candidates() {
            let reader = reader_schema.get(branches[index]);
            let same_name = simple_name(writer) == simple_name(reader);
            let is_record = matches!(reader.kind, AvroKind::Record { .. });
            if is_record && (found.is_none() || same_name) && fits(branches[index]) {
                found = Some(index);
            }
        }
        found
    };
    exact.or_else(by_structure).or_else(|| {
        branches
            .iter()
            .position(|&branch| is_promotion(&writer.kind, &reader_schema.get(branch).kind))
    })
}

/// The reader's field for a writer's field of this name; an alias counts first.
pub(crate) fn reader_field<'f>(fields: &'f [AvroField], name: &str) -> Option<&'f AvroField> {
    fields
        .iter()
        .find(|field| field.aliases.iter().any(|alias| alias == name))
        .or_else(|| fields.iter().find(|field| &*field.name == name))
}

fn simple_name(avro_type: &AvroType) -> &str {
    avro_type
        .name
        .as_ref()
        .map_or(avro_type.type_name(), |name| name.simple())
}

pub(crate) fn names_match(writer: &AvroType, reader: &AvroType) -> bool {
    writer.full_name() == reader.full_name()
        || reader
            .aliases
            .iter()
            .any(|alias| alias.full() == writer.full_name())
}

/// Outside of unions named types match whatever their namespaces are.
pub(crate) fn simple_names_match(writer: &AvroType, reader: &AvroType) -> bool {
    names_match(writer, reader) || simple_name(writer) == simple_name(reader)
}

pub(crate) fn is_promotion(from: &AvroKind, to: &AvroKind) -> bool {
    matches!(
        (from, to),
        (
            AvroKind::Int,
            AvroKind::Long | AvroKind::Float | AvroKind::Double
        ) | (AvroKind::Long, AvroKind::Float | AvroKind::Double)
            | (AvroKind::Float, AvroKind::Double)
            | (AvroKind::String, AvroKind::Bytes)
            | (AvroKind::Bytes, AvroKind::String)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(reader: &str, writer: &str) -> Vec<String> {
        incompatibilities(
            &AvroSchema::parse(reader).unwrap(),
            &AvroSchema::parse(writer).unwrap(),
        )
    }

    #[test]
    fn faults_name_their_place() {
        let record =
            |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        let old = record(r#"{"name":"a","type":"int"}"#);
        assert!(faults(&old, &old).is_empty());
        let wider = record(r#"{"name":"a","type":"long"},{"name":"b","type":"int","default":1}"#);
        assert!(faults(&wider, &old).is_empty());
        assert_eq!(
            faults(&old, &wider),
            ["a: long was written, int is expected"]
        );
        let more = record(r#"{"name":"a","type":["null","string"]},{"name":"b","type":"int"}"#);
        assert_eq!(
            faults(&more, &old),
            [
                "a: the reader's union lacks int",
                "b: the writer lacks the field, and it has no default"
            ]
        );
        let few = r#"{"type":"enum","name":"E","symbols":["A"]}"#;
        let many = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
        assert_eq!(
            faults(few, many),
            ["the schema: the reader lacks the symbols B"]
        );
        assert_eq!(faults("\"int\"", r#"["null","int"]"#).len(), 1);
    }

    #[test]
    fn recursive_schemas_end() {
        let list = r#"{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}"#;
        assert!(faults(list, list).is_empty());
        let other = r#"{"type":"record","name":"M","fields":[{"name":"n","type":["null","M"]}]}"#;
        assert!(!faults(list, other).is_empty());
    }
}
