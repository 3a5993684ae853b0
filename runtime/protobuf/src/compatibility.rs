//! Whether data of one schema can be read with another, by Confluent's rules.

use crate::mapping::{declared_fields, entry_fields, is_repeated};
use crate::schema::ProtobufSchema;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Why data written with `writer` could not be read with `reader`, one sentence for each reason; empty
/// if it can be. Added or removed fields, new names and enum values are no reasons.
pub fn incompatibilities(reader: &ProtobufSchema, writer: &ProtobufSchema) -> Vec<String> {
    let mut comparison = Comparison::default();
    let (old, new) = (writer.file(), reader.file());
    if old.package_name() != new.package_name() {
        comparison.note("PACKAGE_CHANGED", "", "the packages differ");
    }
    let messages = new.messages().collect::<Vec<_>>();
    comparison.messages(&mut String::from("#"), old.messages(), &messages);
    comparison.reasons
}

#[derive(Default)]
struct Comparison {
    reasons: Vec<String>,
    /// Messages that were compared or are being compared.
    seen: HashSet<(String, String)>,
}

impl Comparison {
    fn note(&mut self, name: &str, path: &str, reason: &str) {
        self.reasons.push(format!("{name} at '{path}': {reason}"));
    }

    fn messages(
        &mut self,
        path: &mut String,
        old: impl Iterator<Item = MessageDescriptor>,
        new: &[MessageDescriptor],
    ) {
        for old in old.filter(|message| !message.is_map_entry()) {
            let length = path.len();
            path.push('/');
            path.push_str(old.name());
            match new.iter().find(|new| new.name() == old.name()) {
                Some(new) => self.message(path, &old, new),
                None => self.note(
                    "MESSAGE_REMOVED",
                    path,
                    "the reader's schema lacks the message",
                ),
            }
            path.truncate(length);
        }
    }

    fn message(&mut self, path: &mut String, old: &MessageDescriptor, new: &MessageDescriptor) {
        let names = (old.full_name().to_string(), new.full_name().to_string());
        if path.len() > crate::wire::MAX_DEPTH * 64 || !self.seen.insert(names) {
            return;
        }
        let (old_fields, new_fields) = (by_number(old), by_number(new));
        self.exclusions(path, &old_fields, new);
        let numbers: BTreeSet<u32> = old_fields
            .keys()
            .chain(new_fields.keys())
            .copied()
            .collect();
        for number in numbers {
            let at = format!("{path}/{number}");
            match (old_fields.get(&number), new_fields.get(&number)) {
                (Some(old), Some(new)) => self.field(&at, old, new),
                (Some(old), None) => self.removed(&at, old, new, &new_fields),
                (None, Some(new)) if new.is_required() => {
                    self.note(
                        "REQUIRED_FIELD_ADDED",
                        &at,
                        "only the reader's schema has the field",
                    );
                }
                _ => {}
            }
        }
        let nested = new.child_messages().collect::<Vec<_>>();
        self.messages(path, old.child_messages(), &nested);
    }

    fn removed(
        &mut self,
        at: &str,
        old: &FieldDescriptor,
        new_message: &MessageDescriptor,
        new_fields: &BTreeMap<u32, FieldDescriptor>,
    ) {
        if old.is_required() {
            self.note(
                "REQUIRED_FIELD_REMOVED",
                at,
                "the reader's schema lacks the field",
            );
        }
        let Some(oneof) = old.containing_oneof().filter(|oneof| !oneof.is_synthetic()) else {
            return;
        };
        // A oneof that went with all its members is no loss; a part of one is.
        let remains = new_message.oneofs().any(|new| new.name() == oneof.name())
            || oneof
                .fields()
                .any(|member| new_fields.contains_key(&member.number()));
        if remains {
            self.note(
                "ONEOF_FIELD_REMOVED",
                at,
                "the reader's schema lacks the member of a oneof",
            );
        }
    }

    /// Fields that could be set together and now cannot.
    fn exclusions(
        &mut self,
        path: &str,
        old_fields: &BTreeMap<u32, FieldDescriptor>,
        new: &MessageDescriptor,
    ) {
        for oneof in new.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let mut groups = BTreeSet::new();
            let mut num_moved = 0;
            for member in oneof.fields() {
                let Some(old) = old_fields.get(&member.number()) else {
                    continue;
                };
                match old.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                    Some(oneof) => groups.insert(oneof.full_name().to_string()),
                    None => {
                        num_moved += 1;
                        groups.insert(member.number().to_string())
                    }
                };
            }
            if groups.len() > 1 {
                let name = if num_moved > 1 {
                    "MULTIPLE_FIELDS_MOVED_TO_ONEOF"
                } else {
                    "FIELD_MOVED_TO_EXISTING_ONEOF"
                };
                let at = format!("{path}/{}", oneof.name());
                self.note(name, &at, "fields exclude each other that did not before");
            }
        }
    }

    fn field(&mut self, at: &str, old: &FieldDescriptor, new: &FieldDescriptor) {
        match (value_kind(old), value_kind(new)) {
            (ValueKind::Scalar(old_group), ValueKind::Scalar(new_group)) => {
                if old_group != new_group {
                    self.note(
                        "FIELD_SCALAR_KIND_CHANGED",
                        at,
                        "the kinds of scalar differ",
                    );
                } else if is_repeated(old) != is_repeated(new)
                    && has_label(old)
                    && has_label(new)
                    && old_group != ScalarGroup::StringOrBytes
                {
                    self.note("FIELD_NUMERIC_LABEL_CHANGED", at, "the labels differ");
                }
            }
            (ValueKind::Map(old_parts), ValueKind::Map(new_parts)) => {
                self.field(at, &old_parts.0, &new_parts.0);
                self.field(at, &old_parts.1, &new_parts.1);
            }
            (ValueKind::Message(old), ValueKind::Message(new)) => {
                if local_name(&old) != local_name(&new) {
                    self.note(
                        "FIELD_NAMED_TYPE_CHANGED",
                        at,
                        "the messages have other names",
                    );
                    return;
                }
                let num_reasons = self.reasons.len();
                self.message(&mut at.to_string(), &old, &new);
                if self.reasons.len() > num_reasons {
                    self.note(
                        "FIELD_NAMED_TYPE_CHANGED",
                        at,
                        "the messages are incompatible",
                    );
                }
            }
            _ => self.note(
                "FIELD_KIND_CHANGED",
                at,
                "one is a scalar, a map or a message, the other not",
            ),
        }
    }
}

/// A field in proto3 that is neither repeated nor `optional` has no label.
fn has_label(field: &FieldDescriptor) -> bool {
    is_repeated(field)
        || crate::mapping::is_proto2(field)
        || crate::mapping::is_proto3_optional(field)
}

fn by_number(message: &MessageDescriptor) -> BTreeMap<u32, FieldDescriptor> {
    let fields = declared_fields(message).into_iter();
    fields.map(|field| (field.number(), field)).collect()
}

fn local_name(message: &MessageDescriptor) -> &str {
    let name = message.full_name();
    name.strip_prefix(message.package_name())
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(name)
}

enum ValueKind {
    Scalar(ScalarGroup),
    Map(Box<(FieldDescriptor, FieldDescriptor)>),
    Message(MessageDescriptor),
}

/// Scalars that are read alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScalarGroup {
    General,
    Signed,
    StringOrBytes,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

fn value_kind(field: &FieldDescriptor) -> ValueKind {
    ValueKind::Scalar(match field.kind() {
        Kind::Message(message) => {
            return match entry_fields(field, &message) {
                Some(parts) => ValueKind::Map(Box::new(parts)),
                None => ValueKind::Message(message),
            };
        }
        Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 | Kind::Bool | Kind::Enum(_) => {
            ScalarGroup::General
        }
        Kind::Sint32 | Kind::Sint64 => ScalarGroup::Signed,
        Kind::String | Kind::Bytes => ScalarGroup::StringOrBytes,
        Kind::Fixed32 | Kind::Sfixed32 => ScalarGroup::Fixed32,
        Kind::Fixed64 | Kind::Sfixed64 => ScalarGroup::Fixed64,
        Kind::Float => ScalarGroup::Float,
        Kind::Double => ScalarGroup::Double,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(writer: &str, reader: &str) -> Vec<String> {
        let parse = |fields: &str| {
            let text = format!("syntax = \"proto3\"; message M {{ {fields} }}");
            ProtobufSchema::parse(&text, &[]).unwrap()
        };
        let reasons = incompatibilities(&parse(reader), &parse(writer));
        let name = |reason: &String| reason.split(' ').next().unwrap().to_string();
        reasons.iter().map(name).collect()
    }

    #[test]
    fn changes_are_judged_as_by_confluent() {
        for (writer, reader, reasons) in [
            ("int32 a = 1;", "int64 b = 1; string c = 2;", &[][..]),
            ("int32 a = 1; string b = 2;", "int32 a = 1;", &[]),
            (
                "int32 a = 1;",
                "string a = 1;",
                &["FIELD_SCALAR_KIND_CHANGED"],
            ),
            (
                "int32 a = 1;",
                "sint32 a = 1;",
                &["FIELD_SCALAR_KIND_CHANGED"],
            ),
            ("string a = 1;", "bytes a = 1;", &[]),
            ("int32 a = 1;", "repeated int32 a = 1;", &[]),
            (
                "optional int32 a = 1;",
                "repeated int32 a = 1;",
                &["FIELD_NUMERIC_LABEL_CHANGED"],
            ),
            (
                "N a = 1; message N {}",
                "int32 a = 1; message N {}",
                &["FIELD_KIND_CHANGED"],
            ),
            ("message N {}", "", &["MESSAGE_REMOVED"]),
            (
                "N a = 1; message N {} message O {}",
                "O a = 1; message N {} message O {}",
                &["FIELD_NAMED_TYPE_CHANGED"],
            ),
            (
                "map<string, int32> a = 1;",
                "map<string, string> a = 1;",
                &["FIELD_SCALAR_KIND_CHANGED"],
            ),
            (
                "oneof x { int32 a = 1; int32 b = 2; }",
                "oneof x { int32 a = 1; }",
                &["ONEOF_FIELD_REMOVED"],
            ),
            ("oneof x { int32 a = 1; }", "int32 c = 3;", &[]),
            (
                "int32 a = 1; int32 b = 2;",
                "oneof x { int32 a = 1; int32 b = 2; }",
                &["MULTIPLE_FIELDS_MOVED_TO_ONEOF"],
            ),
            (
                "int32 a = 1; oneof x { int32 b = 2; }",
                "oneof x { int32 a = 1; int32 b = 2; }",
                &["FIELD_MOVED_TO_EXISTING_ONEOF"],
            ),
            (
                "M m = 1; int32 a = 2;",
                "M m = 1; string a = 2;",
                &["FIELD_SCALAR_KIND_CHANGED"],
            ),
        ] {
            assert_eq!(names(writer, reader), reasons, "{writer} -> {reader}");
        }
    }
}
