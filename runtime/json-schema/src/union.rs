//! Structs that stand for one of several schemas.

use crate::{GENERALIZED_UNION, JSON_ONE_OF};
use connect_api::data::Schema;

/// Whether one of the fields of a struct is the value.
pub(crate) fn is_union(schema: &Schema) -> bool {
    schema.name() == Some(JSON_ONE_OF) || schema.parameter(GENERALIZED_UNION).is_some()
}
