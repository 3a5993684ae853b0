//! Schemas from JSON.

use super::decode::Decoder;
use connect_api::data::{Schema, SchemaBuilder, SchemaRef, SchemaType};
use connect_api::json::{JsonKind, JsonParser, JsonReader};
use connect_api::{ConnectError, Result};

const BUILDER_EXCEPTION: &str = "org.apache.kafka.connect.errors.SchemaBuilderException";

/// Where the members of a schema stand. Their order in the text is free, the order in which they count
/// is not.
#[derive(Default)]
struct Members {
    schema_type: Option<usize>,
    items: Option<usize>,
    keys: Option<usize>,
    values: Option<usize>,
    fields: Option<usize>,
    field: Option<usize>,
    optional: Option<usize>,
    name: Option<usize>,
    version: Option<usize>,
    doc: Option<usize>,
    parameters: Option<usize>,
    default: Option<usize>,
}

impl Members {
    fn find(reader: &mut JsonReader<'_>) -> Result<Self> {
        let mut members = Self::default();
        if reader.peek_value()? != JsonKind::Object {
            reader.skip_value()?;
            return Ok(members);
        }
        reader.begin_object()?;
        let mut first = true;
        while let Some(name) = reader.next_member(&mut first)? {
            reader.peek_value()?;
            let at = Some(reader.position());
            match &*name {
                "type" => members.schema_type = at,
                "items" => members.items = at,
                "keys" => members.keys = at,
                "values" => members.values = at,
                "fields" => members.fields = at,
                "field" => members.field = at,
                "optional" => members.optional = at,
                "name" => members.name = at,
                "version" => members.version = at,
                "doc" => members.doc = at,
                "parameters" => members.parameters = at,
                "default" => members.default = at,
                _ => {}
            }
            reader.skip_value()?;
        }
        Ok(members)
    }
}

/// Reads members out of order.
struct SchemaReader<'r, 'a> {
    decoder: &'r mut Decoder,
    parser: &'r mut JsonParser,
    reader: &'r mut JsonReader<'a>,
    /// Within the object whose members are read.
    depth: usize,
}

/// The schema at the reader's place, which is left somewhere in it; `None` for `null`.
pub(super) fn read_schema(
    decoder: &mut Decoder,
    parser: &mut JsonParser,
    reader: &mut JsonReader<'_>,
) -> Result<Option<SchemaRef>> {
    if reader.peek_value()? == JsonKind::Null {
        reader.read_null()?;
        return Ok(None);
    }
    let depth = reader.depth() + 1;
    let members = Members::find(reader)?;
    SchemaReader {
        decoder,
        parser,
        reader,
        depth,
    }
    .schema(&members)
    .map(Some)
}

impl SchemaReader<'_, '_> {
    /// Goes to a member and tells what it is.
    fn go(&mut self, at: Option<usize>) -> Result<Option<JsonKind>> {
        let Some(at) = at else { return Ok(None) };
        self.reader.rewind(at, self.depth);
        self.reader.peek_value().map(Some)
    }

    fn text(&mut self, at: Option<usize>) -> Result<Option<String>> {
        match self.go(at)? {
            Some(JsonKind::String) => Ok(Some(self.reader.read_str()?.into_owned())),
            _ => Ok(None),
        }
    }

    fn sub_schema(&mut self) -> Result<Option<SchemaRef>> {
        read_schema(self.decoder, self.parser, self.reader)
    }

    fn schema(&mut self, members: &Members) -> Result<SchemaRef> {
        let Some(type_name) = self.text(members.schema_type)? else {
            return Err(ConnectError::data("Schema must contain 'type' field"));
        };
        let mut builder = self.typed(&type_name, members)?;
        if self.go(members.optional)? == Some(JsonKind::Boolean) && self.reader.read_boolean()? {
            builder = builder.optional();
        }
        if let Some(name) = self.text(members.name)? {
            builder = builder.name(name);
        }
        if self.go(members.version)? == Some(JsonKind::Number) {
            let version = self.reader.read_number()?;
            if version.is_integral() {
                builder = builder.version(version.to_int());
            }
        }
        if let Some(doc) = self.text(members.doc)? {
            builder = builder.doc(doc);
        }
        if self.go(members.parameters)? == Some(JsonKind::Object) {
            builder = self.parameters(builder)?;
        }
        let Some(_) = self.go(members.default)? else {
            return builder.build();
        };
        // The default is read by the schema that has none yet.
        let schema = builder.clone().build()?;
        let default = self
            .decoder
            .value(self.parser, Some(&schema), self.reader)?;
        if default.is_null() && schema.is_optional() {
            return Ok(schema);
        }
        if schema.schema_type() == SchemaType::Struct {
            // Java compares the schema of the default with a builder, which no schema is equal to.
            return Err(ConnectError::data("Invalid default value")
                .with_class(BUILDER_EXCEPTION)
                .with_cause(ConnectError::data("Struct schemas do not match.")));
        }
        builder.default_value(default).build()
    }

    fn typed(&mut self, type_name: &str, members: &Members) -> Result<SchemaBuilder> {
        Ok(Schema::builder(match type_name {
            "boolean" => SchemaType::Boolean,
            "int8" => SchemaType::Int8,
            "int16" => SchemaType::Int16,
            "int32" => SchemaType::Int32,
            "int64" => SchemaType::Int64,
            "float" => SchemaType::Float32,
            "double" => SchemaType::Float64,
            "bytes" => SchemaType::Bytes,
            "string" => SchemaType::String,
            "array" => return self.array(members),
            "map" => return self.map(members),
            "struct" => return self.fields(members),
            _ => {
                return Err(ConnectError::data(format!(
                    "Unknown schema type: {type_name}"
                )));
            }
        }))
    }

    fn array(&mut self, members: &Members) -> Result<SchemaBuilder> {
        self.go(members.items)?;
        let items = match members.items {
            Some(_) => self.sub_schema()?,
            None => None,
        };
        items
            .map(Schema::array_builder)
            .ok_or_else(|| ConnectError::data("Array schema did not specify the element type"))
    }

    fn map(&mut self, members: &Members) -> Result<SchemaBuilder> {
        let missing =
            |what| ConnectError::data(format!("Map schema did not specify the {what} type"));
        let null = |what| {
            ConnectError::data(format!("{what}Schema cannot be null."))
                .with_class(BUILDER_EXCEPTION)
        };
        if members.keys.is_none() {
            return Err(missing("key"));
        }
        if members.values.is_none() {
            return Err(missing("value"));
        }
        self.go(members.keys)?;
        let keys = self.sub_schema()?;
        self.go(members.values)?;
        let values = self.sub_schema()?;
        Ok(Schema::map_builder(
            keys.ok_or_else(|| null("key"))?,
            values.ok_or_else(|| null("value"))?,
        ))
    }

    fn fields(&mut self, members: &Members) -> Result<SchemaBuilder> {
        if self.go(members.fields)? != Some(JsonKind::Array) {
            return Err(ConnectError::data(
                "Struct schema's \"fields\" argument is not an array.",
            ));
        }
        self.reader.begin_array()?;
        let mut builder = Schema::struct_builder();
        let mut first = true;
        while self.reader.next_item(&mut first)? {
            let outer_depth = self.depth;
            self.depth = self.reader.depth() + 1;
            let members = Members::find(self.reader)?;
            let (end, depth) = (self.reader.position(), self.reader.depth());
            let Some(name) = self.text(members.field)? else {
                return Err(ConnectError::data(
                    "Struct schema's field name not specified properly",
                ));
            };
            let schema = self.schema(&members)?;
            builder = builder.field(name, schema);
            self.reader.rewind(end, depth);
            self.depth = outer_depth;
        }
        Ok(builder)
    }

    /// The last value of a name counts, in the place of the first.
    fn parameters(&mut self, mut builder: SchemaBuilder) -> Result<SchemaBuilder> {
        self.reader.begin_object()?;
        let mut first = true;
        while let Some(name) = self.reader.next_member(&mut first)? {
            if self.reader.peek_value()? != JsonKind::String {
                return Err(ConnectError::data(
                    "Schema parameters must have string values.",
                ));
            }
            builder = builder.parameter(name, self.reader.read_str()?);
        }
        Ok(builder)
    }
}
