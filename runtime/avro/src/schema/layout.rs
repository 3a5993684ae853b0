//! Types of one name that are not the same type.

use super::{AvroKind, AvroSchema, TypeId};
use std::collections::{HashMap, HashSet};

impl AvroSchema {
    /// A name that two types of the schema have whose data is laid out in different ways. The text of
    /// such a schema tells one of them only, so nobody could read its data.
    pub(crate) fn ambiguous_name(&self) -> Option<&str> {
        let mut first: HashMap<&str, TypeId> = HashMap::new();
        let mut same = HashSet::new();
        for index in 0..self.num_types() {
            let id = TypeId(index as u32);
            let Some(name) = &self.get(id).name else {
                continue;
            };
            let known = *first.entry(name.full()).or_insert(id);
            if !self.same_layout(known, id, &mut same) {
                return Some(name.full());
            }
        }
        None
    }

    /// `same` holds the pairs that are the same, or that are being compared.
    fn same_layout(
        &self,
        left: TypeId,
        right: TypeId,
        same: &mut HashSet<(TypeId, TypeId)>,
    ) -> bool {
        if left == right || !same.insert((left, right)) {
            return true;
        }
        let (left, right) = (self.get(left), self.get(right));
        match (&left.kind, &right.kind) {
            (AvroKind::Array(left), AvroKind::Array(right))
            | (AvroKind::Map(left), AvroKind::Map(right)) => self.same_layout(*left, *right, same),
            (AvroKind::Union(left), AvroKind::Union(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(&left, &right)| self.same_layout(left, right, same))
            }
            (AvroKind::Record { fields: left, .. }, AvroKind::Record { fields: right, .. }) => {
                left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| {
                        left.name == right.name
                            && self.same_layout(left.type_id, right.type_id, same)
                    })
            }
            (AvroKind::Enum { symbols: left, .. }, AvroKind::Enum { symbols: right, .. }) => {
                left == right
            }
            (left, right) => left == right,
        }
    }
}
