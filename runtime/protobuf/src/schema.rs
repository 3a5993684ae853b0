//! Schemas as the registry keeps them.

use crate::from_connect::illegal_argument;
use crate::known::{KnownFile, known_file};
use crate::source::{read_file, retain_imports};
use connect_api::Result;
use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};
use prost_types::FileDescriptorProto;
use std::collections::HashSet;

/// The import name of the schema itself. References have the names under which they are imported.
const ROOT: &str = "default";

/// How many files may import each other in a row.
const MAX_IMPORT_DEPTH: usize = 100;

/// A schema that others import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The name in the import statement: the `name` of a reference in the registry.
    pub import: &'a str,
    /// The schema: text, or a serialized descriptor in Base64.
    pub schema: &'a str,
}

/// A parsed and resolved schema.
#[derive(Clone, Debug)]
pub struct ProtobufSchema {
    pool: DescriptorPool,
    /// The file whose messages are meant: the schema's own, or the one that it does nothing but import.
    file: FileDescriptor,
}

impl ProtobufSchema {
    /// Parses a schema with all schemas that it refers to, directly or through others. The well-known
    /// files of Google and Confluent need no reference.
    ///
    /// An error is the class and message of Java's `IllegalArgumentException`.
    pub fn parse(schema: &str, references: &[Reference<'_>]) -> Result<Self> {
        let mut loader = Loader {
            references,
            loading: Vec::new(),
            loaded: HashSet::new(),
            files: Vec::new(),
        };
        loader.add(ROOT, read_file(ROOT, schema)?)?;
        let mut pool = DescriptorPool::new();
        pool.add_file_descriptor_protos(loader.files)
            .map_err(|error| {
                illegal_argument(format!("Invalid protobuf schema definition: {error}"))
            })?;
        let file = pool
            .get_file_by_name(ROOT)
            .expect("the file was added a line above");
        let file = imported_instead(&file).unwrap_or(file);
        Ok(Self { pool, file })
    }

    pub(crate) fn file(&self) -> &FileDescriptor {
        &self.file
    }

    /// The first message, or none if the schema declares none.
    pub fn first_message(&self) -> Option<MessageDescriptor> {
        self.file.messages().next()
    }

    /// A message by its full name, among those of the schema and of all that it imports.
    pub fn message(&self, full_name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(full_name)
    }

    /// The message that stands at the given indexes; none at all mean the first message.
    pub fn message_at(&self, indexes: &[i32]) -> Result<MessageDescriptor> {
        let invalid = || {
            let indexes: Vec<String> = indexes.iter().map(i32::to_string).collect();
            illegal_argument(format!("Invalid message indexes: [{}]", indexes.join(", ")))
        };
        let (first, rest) = match indexes.split_first() {
            Some((&first, rest)) => (first, rest),
            None => (0, indexes),
        };
        let at = |index: i32| usize::try_from(index).map_err(|_| invalid());
        let mut message = self.file.messages().nth(at(first)?).ok_or_else(invalid)?;
        for &index in rest {
            let nested = message.child_messages().nth(at(index)?);
            message = nested.ok_or_else(invalid)?;
        }
        Ok(message)
    }

    /// The indexes of a message. Parts of the name that no message has are passed over, and a name of
    /// which no part is known has no indexes, which readers take for the first message.
    pub fn message_indexes(&self, full_name: &str) -> Vec<i32> {
        let mut indexes = Vec::new();
        let mut parent: Option<MessageDescriptor> = None;
        for part in full_name.split('.') {
            let found = match &parent {
                None => self
                    .file
                    .messages()
                    .enumerate()
                    .find(|(_, message)| message.name() == part),
                Some(parent) => parent
                    .child_messages()
                    .enumerate()
                    .find(|(_, message)| message.name() == part),
            };
            if let Some((index, message)) = found {
                indexes.push(i32::try_from(index).unwrap_or(i32::MAX));
                parent = Some(message);
            }
        }
        indexes
    }
}

/// A file that only imports another one publicly stands for that one.
fn imported_instead(file: &FileDescriptor) -> Option<FileDescriptor> {
    if file.messages().len() > 0 || file.enums().len() > 0 || file.dependencies().len() != 1 {
        return None;
    }
    let imported = file.public_dependencies().next()?;
    (imported.messages().len() > 0 || imported.enums().len() > 0).then_some(imported)
}

struct Loader<'a> {
    references: &'a [Reference<'a>],
    loading: Vec<String>,
    loaded: HashSet<String>,
    /// Imported files before those that import them.
    files: Vec<FileDescriptorProto>,
}

impl Loader<'_> {
    fn add(&mut self, import: &str, mut file: FileDescriptorProto) -> Result<()> {
        if self.loading.len() >= MAX_IMPORT_DEPTH {
            return Err(illegal_argument(format!(
                "Invalid protobuf schema definition: more than {MAX_IMPORT_DEPTH} files import each other \
                 in a row"
            )));
        }
        self.loading.push(import.to_string());
        retain_imports(&mut file, |import| {
            self.reference(import).is_some() || crate::known::is_known_import(import)
        });
        for import in file.dependency.clone() {
            if self.loaded.contains(&import) {
                continue;
            }
            if self.loading.contains(&import) {
                return Err(illegal_argument(format!(
                    "Invalid protobuf schema definition: {} imports itself: {}",
                    import,
                    self.loading.join(" -> ")
                )));
            }
            if let Some(imported) = self.read(&import)? {
                self.add(&import, imported)?;
            }
        }
        self.loading.pop();
        self.loaded.insert(import.to_string());
        self.files.push(file);
        Ok(())
    }

    fn reference(&self, import: &str) -> Option<&str> {
        self.references
            .iter()
            .find(|reference| reference.import == import)
            .map(|reference| reference.schema)
    }

    fn read(&self, import: &str) -> Result<Option<FileDescriptorProto>> {
        // A reference wins over the file that everybody knows, as it does for the JVM.
        if let Some(schema) = self.reference(import) {
            return read_file(import, schema).map(Some);
        }
        match known_file(import) {
            Some(KnownFile::Text(text)) => read_file(import, text).map(Some),
            Some(KnownFile::Descriptor(file)) => Ok(Some(*file)),
            None => Ok(None),
        }
    }
}
