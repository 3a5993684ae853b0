//! The text or the serialized form of a schema to a file descriptor, as Confluent's parser sees it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_api::Result;
use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, FieldDescriptorProto, FieldOptions,
    FileDescriptorProto, MessageOptions, UninterpretedOption,
};

use crate::from_connect::illegal_argument;
use crate::known::META_IMPORT;

/// How deep braces may nest in a text; the parser of texts follows them by recursion.
const MAX_BRACES: usize = 200;

/// Reads a schema as the registry gives it: `.proto` text, or a `FileDescriptorProto` in Base64.
pub(crate) fn read_file(import: &str, text: &str) -> Result<FileDescriptorProto> {
    check_nesting(text)?;
    match protox_parse::parse(import, text) {
        Ok(file) => Ok(declared(file, import)),
        Err(error) => {
            let serialized = STANDARD
                .decode(text.trim())
                .ok()
                .and_then(|bytes| FileDescriptorProto::decode(&*bytes).ok());
            match serialized {
                Some(file) => Ok(serialized_file(file, import)),
                None => Err(illegal_argument(format!(
                    "Could not parse Protobuf - {import}: {error}"
                ))),
            }
        }
    }
}

fn check_nesting(text: &str) -> Result<()> {
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'<' | b'(' => depth += 1,
            b'}' | b']' | b'>' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_BRACES {
            return Err(illegal_argument(format!(
                "Could not parse Protobuf - more than {MAX_BRACES} brackets lie in each other"
            )));
        }
    }
    Ok(())
}

/// A serialized file keeps its order, by which messages are counted; its options were read already.
fn serialized_file(mut file: FileDescriptorProto, import: &str) -> FileDescriptorProto {
    file.name = Some(import.to_string());
    strip_file(&mut file);
    file.message_type.iter_mut().for_each(strip_message);
    file.enum_type.iter_mut().for_each(strip_enum);
    file
}

/// What is left of a parsed text: what bytes and Connect schemas depend on. Options of other makers, whose
/// declarations the registry need not have, would keep the file from being resolved.
fn declared(mut file: FileDescriptorProto, import: &str) -> FileDescriptorProto {
    file.name = Some(import.to_string());
    let keeps_extensions = import == META_IMPORT;
    let extensions = std::mem::take(&mut file.extension);
    strip_file(&mut file);
    if keeps_extensions {
        file.extension = extensions;
    }
    let mut has_meta = false;
    for message in &mut file.message_type {
        declared_message(message, &mut has_meta);
    }
    for definition in &mut file.enum_type {
        strip_enum(definition);
    }
    if has_meta && !file.dependency.iter().any(|import| import == META_IMPORT) {
        file.dependency.push(META_IMPORT.to_string());
    }
    file
}

fn strip_file(file: &mut FileDescriptorProto) {
    file.options = None;
    file.service.clear();
    file.extension.clear();
    file.source_code_info = None;
    file.weak_dependency.clear();
    let mut seen = std::collections::HashSet::new();
    let has_duplicates = !file
        .dependency
        .iter()
        .all(|import| seen.insert(import.clone()));
    if has_duplicates {
        let public: Vec<String> = file
            .public_dependency
            .iter()
            .filter_map(|&index| file.dependency.get(usize::try_from(index).ok()?).cloned())
            .collect();
        seen.clear();
        file.dependency.retain(|import| seen.insert(import.clone()));
        file.public_dependency = public_indices(&file.dependency, &public);
    }
}

/// Leaves out imports that nobody has; as for the JVM, that matters only if something is missed then.
pub(crate) fn retain_imports(file: &mut FileDescriptorProto, has: impl Fn(&str) -> bool) {
    let public: Vec<String> = file
        .public_dependency
        .iter()
        .filter_map(|&index| file.dependency.get(usize::try_from(index).ok()?).cloned())
        .collect();
    file.dependency.retain(|import| has(import));
    file.public_dependency = public_indices(&file.dependency, &public);
}

fn public_indices(dependencies: &[String], public: &[String]) -> Vec<i32> {
    (0..)
        .zip(dependencies)
        .filter(|(_, import)| public.contains(import))
        .map(|(index, _)| index)
        .collect()
}

fn strip_message(message: &mut DescriptorProto) {
    message.extension.clear();
    message.extension_range.clear();
    message.reserved_range.clear();
    message.reserved_name.clear();
    message.options = message
        .options
        .as_ref()
        .and_then(|options| options.map_entry)
        .map(map_entry_options);
    for field in &mut message.field {
        strip_field(field);
        field.options = field
            .options
            .as_ref()
            .and_then(|options| options.packed)
            .map(|packed| FieldOptions {
                packed: Some(packed),
                ..FieldOptions::default()
            });
    }
    for oneof in &mut message.oneof_decl {
        oneof.options = None;
    }
    remove_groups(message);
    message.nested_type.iter_mut().for_each(strip_message);
    message.enum_type.iter_mut().for_each(strip_enum);
}

fn declared_message(message: &mut DescriptorProto, has_meta: &mut bool) {
    // `map<>` fields make messages that are not declared: they go behind the declared ones, by which
    // messages are counted.
    message.nested_type.sort_by_key(|nested| {
        nested
            .options
            .as_ref()
            .is_some_and(|options| options.map_entry == Some(true))
    });
    let is_entry = message.options.as_ref().is_some_and(|options| {
        options.map_entry == Some(true)
            || bool_option(&options.uninterpreted_option, "map_entry") == Some(true)
    });
    for field in &mut message.field {
        strip_field(field);
        field.options = field
            .options
            .take()
            .and_then(|options| declared_field(options, has_meta));
    }
    for nested in &mut message.nested_type {
        declared_message(nested, has_meta);
    }
    message.enum_type.iter_mut().for_each(strip_enum);
    message.options = is_entry.then(|| map_entry_options(true));
    message.extension.clear();
    message.extension_range.clear();
    message.reserved_range.clear();
    message.reserved_name.clear();
    for oneof in &mut message.oneof_decl {
        oneof.options = None;
    }
    remove_groups(message);
}

fn map_entry_options(map_entry: bool) -> MessageOptions {
    MessageOptions {
        map_entry: Some(map_entry),
        ..MessageOptions::default()
    }
}

/// The option `packed` and Confluent's parameters.
fn declared_field(options: FieldOptions, has_meta: &mut bool) -> Option<FieldOptions> {
    let packed = bool_option(&options.uninterpreted_option, "packed");
    let mut metas = options.uninterpreted_option;
    metas.retain(|option| {
        option.name.first().is_some_and(|part| {
            part.is_extension && part.name_part.trim_start_matches('.') == "confluent.field_meta"
        })
    });
    for meta in &mut metas {
        meta.name[0].name_part = ".confluent.field_meta".to_string();
    }
    *has_meta |= !metas.is_empty();
    (packed.is_some() || !metas.is_empty()).then(|| FieldOptions {
        packed,
        uninterpreted_option: metas,
        ..FieldOptions::default()
    })
}

fn bool_option(options: &[UninterpretedOption], name: &str) -> Option<bool> {
    options
        .iter()
        .rev()
        .find(|option| {
            matches!(&*option.name, [part] if !part.is_extension && part.name_part == name)
        })
        .and_then(|option| option.identifier_value.as_deref())
        .map(|value| value == "true")
}

/// Names for JSON do not matter here, and those of two fields may clash without harm.
fn strip_field(field: &mut FieldDescriptorProto) {
    field.json_name = field.name.clone();
}

/// Groups do not take part in the mapping; their bytes are passed over.
fn remove_groups(message: &mut DescriptorProto) {
    let groups: Vec<String> = message
        .field
        .iter()
        .filter(|field| field.r#type == Some(Type::Group as i32))
        .filter_map(|field| {
            field
                .type_name
                .as_deref()?
                .rsplit('.')
                .next()
                .map(str::to_string)
        })
        .collect();
    if groups.is_empty() {
        return;
    }
    message
        .field
        .retain(|field| field.r#type != Some(Type::Group as i32));
    message.nested_type.retain(|nested| {
        nested
            .name
            .as_ref()
            .is_none_or(|name| !groups.contains(name))
    });
}

fn strip_enum(definition: &mut EnumDescriptorProto) {
    let mut numbers = std::collections::HashSet::new();
    let has_aliases = !definition
        .value
        .iter()
        .all(|value| numbers.insert(value.number));
    definition.options = has_aliases.then(|| EnumOptions {
        allow_alias: Some(true),
        ..EnumOptions::default()
    });
    definition.reserved_range.clear();
    definition.reserved_name.clear();
    for value in &mut definition.value {
        value.options = None;
    }
}
