//! `schema.compatibility`: whether a record of another schema ends the open files or is projected to
//! their schema.

use crate::record::RecordRef;
use connect_api::data::{Schema, SchemaRef, SchemaType, project as project_value};
use connect_api::{ConnectError, Result, SinkRecord};

/// The modes. All but `None` need versions in the schemas, which registries give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaCompatibility {
    /// Any difference ends the files.
    #[default]
    None,
    /// A newer schema ends the files; records of older ones are projected up.
    Backward,
    /// An older schema ends the files; records of newer ones are projected down.
    Forward,
    /// As `Backward`.
    Full,
}

/// How a record goes with an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is written as it is.
    Same,
    /// It is projected to the file's schema, see [`project`].
    Projected,
    /// The files must be committed first.
    Rotates,
}

impl SchemaCompatibility {
    /// The mode of a name; any other name is `NONE`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "BACKWARD" => Self::Backward,
            "FORWARD" => Self::Forward,
            "FULL" => Self::Full,
            _ => Self::None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::Forward => "FORWARD",
            Self::Full => "FULL",
        }
    }

    /// How a record of schema `of_record` goes with a file of schema `of_file`.
    ///
    /// Errors: a schema has no version though the mode goes by versions. It is about the one record.
    pub fn fit(self, of_record: &SchemaRef, of_file: &SchemaRef) -> Result<Fit> {
        if self == Self::None {
            let is_same = of_record == of_file;
            return Ok(if is_same { Fit::Same } else { Fit::Rotates });
        }
        let (Some(record_version), Some(file_version)) = (of_record.version(), of_file.version())
        else {
            return Err(ConnectError::data(format!(
                "Schema version required for {} compatibility",
                self.name()
            ))
            .with_class("org.apache.kafka.connect.errors.SchemaProjectorException"));
        };
        let is_beyond = match self {
            Self::Forward => record_version < file_version,
            _ => record_version > file_version,
        };
        Ok(if is_beyond || !is_projectable(of_record, of_file) {
            Fit::Rotates
        } else if of_record == of_file {
            Fit::Same
        } else {
            Fit::Projected
        })
    }
}

/// Whether every value of schema `from` can be projected to schema `to`.
fn is_projectable(from: &Schema, to: &Schema) -> bool {
    let (from_type, to_type) = (from.schema_type(), to.schema_type());
    // The numbers come first among the types, in the order of their width.
    let is_promotable = from_type <= to_type && to_type <= SchemaType::Float64;
    let has_same_label = from.name() == to.name() && {
        let (from, to) = (from.parameters(), to.parameters());
        from.len() == to.len() && from.iter().all(|parameter| to.contains(parameter))
    };
    let takes_null = !from.is_optional() || to.is_optional() || to.default_value().is_some();
    if (from_type != to_type && !is_promotable) || !has_same_label || !takes_null {
        return false;
    }
    match to_type {
        SchemaType::Struct => to
            .fields()
            .iter()
            .all(|field| match from.field(&field.name) {
                Some(from) => is_projectable(&from.schema, &field.schema),
                None => field.schema.is_optional() || field.schema.default_value().is_some(),
            }),
        SchemaType::Array => are_projectable(from.value_schema(), to.value_schema()),
        SchemaType::Map => {
            are_projectable(from.key_schema(), to.key_schema())
                && are_projectable(from.value_schema(), to.value_schema())
        }
        _ => true,
    }
}

fn are_projectable(from: Result<Option<&SchemaRef>>, to: Result<Option<&SchemaRef>>) -> bool {
    matches!((from, to), (Ok(Some(from)), Ok(Some(to))) if is_projectable(from, to))
}

/// The record with its value under the schema of the file.
///
/// Errors: the value cannot be projected, or came as bytes.
pub(crate) fn project(record: RecordRef<'_>, of_file: &SchemaRef) -> Result<SinkRecord> {
    let (RecordRef::Row(row), Some(schema)) = (record, record.value_schema()) else {
        return Err(ConnectError::data(format!(
            "Record {record} has no schema to be projected from"
        )));
    };
    let mut projected = row.clone();
    projected.record.value = project_value(schema, &row.record.value, of_file)?;
    projected.record.value_schema = Some(of_file.clone());
    Ok(projected)
}

#[cfg(test)]
mod tests;
