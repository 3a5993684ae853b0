//! What transforms computed from schemas seen before.

use connect_api::Result;
use connect_api::data::SchemaRef;

/// As many schemas as Kafka's transforms keep.
const MAX_SCHEMAS: usize = 16;

/// What was computed from a schema, for the schemas seen last. A schema is known again by its address,
/// and if that is new by its content.
#[derive(Debug)]
pub(crate) struct SchemaCache<T> {
    // The schemas are kept too, so that an address is not reused.
    entries: Vec<(SchemaRef, T)>,
    last: usize,
    oldest: usize,
}

impl<T> Default for SchemaCache<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            last: 0,
            oldest: 0,
        }
    }
}

impl<T> SchemaCache<T> {
    /// What belongs to the schema; `make` computes it if the schema is new. Its error is not kept.
    #[inline]
    pub(crate) fn get_or_make(
        &mut self,
        schema: &SchemaRef,
        make: impl FnOnce(&SchemaRef) -> Result<T>,
    ) -> Result<&T> {
        let is_last = self
            .entries
            .get(self.last)
            .is_some_and(|(last, _)| SchemaRef::ptr_eq(last, schema));
        if !is_last {
            self.last = match self.find(schema) {
                Some(index) => index,
                None => {
                    let made = make(schema)?;
                    self.keep(schema.clone(), made)
                }
            };
        }
        Ok(&self.entries[self.last].1)
    }

    fn find(&mut self, schema: &SchemaRef) -> Option<usize> {
        let same_address = self
            .entries
            .iter()
            .position(|(known, _)| SchemaRef::ptr_eq(known, schema));
        if same_address.is_some() {
            return same_address;
        }
        let index = self.entries.iter().position(|(known, _)| known == schema)?;
        // Its like will rather come under the new address.
        self.entries[index].0 = schema.clone();
        Some(index)
    }

    fn keep(&mut self, schema: SchemaRef, made: T) -> usize {
        if self.entries.len() < MAX_SCHEMAS {
            self.entries.push((schema, made));
            return self.entries.len() - 1;
        }
        let index = self.oldest;
        self.oldest = (index + 1) % MAX_SCHEMAS;
        self.entries[index] = (schema, made);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::data::Schema;

    fn named(name: &str) -> SchemaRef {
        Schema::struct_builder().name(name).build().unwrap()
    }

    #[test]
    fn equal_schemas_are_computed_once() {
        let mut cache = SchemaCache::default();
        let mut num_made = 0;
        let (a, same_as_a, b) = (named("a"), named("a"), named("b"));
        for schema in [&a, &a, &same_as_a, &b, &a, &b] {
            let name = cache.get_or_make(schema, |schema| {
                num_made += 1;
                Ok(schema.name().unwrap_or_default().to_string())
            });
            assert_eq!(Some(name.unwrap().as_str()), schema.name());
        }
        assert_eq!(num_made, 2);
    }

    #[test]
    fn the_number_of_schemas_is_bounded() {
        let mut cache = SchemaCache::default();
        for index in 0..100 {
            let made = cache.get_or_make(&named(&index.to_string()), |_| Ok(index));
            assert_eq!(*made.unwrap(), index);
        }
        assert_eq!(cache.entries.len(), MAX_SCHEMAS);
        // The newest ones are still there.
        let made = cache.get_or_make(&named("99"), |_| Ok(-1));
        assert_eq!(*made.unwrap(), 99);
        let made = cache.get_or_make(&named("0"), |_| Ok(-1));
        assert_eq!(*made.unwrap(), -1);
    }

    #[test]
    fn errors_are_not_kept() {
        let mut cache = SchemaCache::default();
        let schema = named("a");
        let error = || Err(connect_api::ConnectError::data("no"));
        assert!(cache.get_or_make(&schema, |_| error()).is_err());
        assert_eq!(*cache.get_or_make(&schema, |_| Ok(1)).unwrap(), 1);
    }
}
