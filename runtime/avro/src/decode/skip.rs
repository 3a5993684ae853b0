//! Reading past a value.

use crate::schema::{AvroKind, AvroSchema, MAX_DEPTH, TypeId};
use crate::wire::Cursor;
use connect_api::{ConnectError, Result};
use std::sync::Arc;

/// How to read past a value of a writer's type.
#[derive(Debug)]
pub(super) struct Skip {
    pub(super) schema: Arc<AvroSchema>,
    pub(super) id: TypeId,
}

impl Skip {
    pub(super) fn skip(&self, cursor: &mut Cursor<'_>) -> Result<()> {
        skip(&self.schema, self.id, cursor, 0)
    }
}

fn skip(schema: &AvroSchema, id: TypeId, cursor: &mut Cursor<'_>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(ConnectError::data(format!(
            "The Avro data nests deeper than {MAX_DEPTH} levels"
        )));
    }
    match &schema.get(id).kind {
        AvroKind::Null => Ok(()),
        AvroKind::Boolean => cursor.skip(1),
        AvroKind::Int | AvroKind::Enum { .. } => cursor.read_int().map(|_| ()),
        AvroKind::Long => cursor.read_long().map(|_| ()),
        AvroKind::Float => cursor.skip(4),
        AvroKind::Double => cursor.skip(8),
        AvroKind::Bytes | AvroKind::String => cursor.read_slice().map(|_| ()),
        AvroKind::Fixed { size } => cursor.skip(*size),
        AvroKind::Array(items) => {
            skip_blocks(cursor, |cursor| skip(schema, *items, cursor, depth + 1))
        }
        AvroKind::Map(values) => skip_blocks(cursor, |cursor| {
            cursor.read_slice()?;
            skip(schema, *values, cursor, depth + 1)
        }),
        AvroKind::Union(branches) => {
            let branch = read_branch(cursor, branches.len())?;
            skip(schema, branches[branch], cursor, depth + 1)
        }
        AvroKind::Record { fields, .. } => fields
            .iter()
            .try_for_each(|field| skip(schema, field.type_id, cursor, depth + 1)),
    }
}

fn skip_blocks(
    cursor: &mut Cursor<'_>,
    mut skip_item: impl FnMut(&mut Cursor<'_>) -> Result<()>,
) -> Result<()> {
    loop {
        let count = cursor.read_block()?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            let before = cursor.position();
            skip_item(cursor)?;
            cursor.count_item(before)?;
        }
    }
}

/// The position of the branch that follows.
#[inline]
pub(super) fn read_branch(cursor: &mut Cursor<'_>, num_branches: usize) -> Result<usize> {
    let index = cursor.read_int()?;
    usize::try_from(index)
        .ok()
        .filter(|&index| index < num_branches)
        .ok_or_else(|| bad_index(index, num_branches))
}

#[cold]
pub(super) fn bad_index(index: i32, length: usize) -> ConnectError {
    ConnectError::data(format!("Index {index} out of bounds for length {length}"))
        .with_class("java.lang.ArrayIndexOutOfBoundsException")
}
