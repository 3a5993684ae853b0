//! The built-in schemas, by the names and with the fields of Confluent's.

/// A built-in schema.
#[derive(Debug)]
pub(crate) struct Quickstart {
    /// The name in `quickstart`, in any case.
    pub(crate) name: &'static str,
    /// The field that becomes the key unless `schema.keyfield` names another.
    pub(crate) key_field: &'static str,
    /// The name of the file in Confluent's plugin, which `schema.filename` may give there.
    file: &'static str,
    /// The schema.
    pub(crate) schema: &'static str,
}

macro_rules! quickstarts {
    ($($name:literal, $key_field:literal, $file:literal, $schema:literal;)*) => {
        &[$(Quickstart {
            name: $name,
            key_field: $key_field,
            file: $file,
            schema: include_str!(concat!("../schemas/", $schema, ".avsc")),
        }),*]
    };
}

/// In the order in which errors list them.
pub(crate) const QUICKSTARTS: &[Quickstart] = quickstarts! {
    "clickstream_codes", "code", "clickstream_codes_schema.avro", "clickstream_codes";
    "clickstream", "ip", "clickstream_schema.avro", "clickstream";
    "clickstream_users", "user_id", "clickstream_users_schema.avro", "clickstream_users";
    "orders", "orderid", "orders_schema.avro", "orders";
    "ratings", "rating_id", "ratings_schema.avro", "ratings";
    "users", "userid", "users_schema.avro", "users";
    "users_", "userid", "users_array_map_schema.avro", "users_array_map";
    "pageviews", "viewtime", "pageviews_schema.avro", "pageviews";
    "stock_trades", "symbol", "stock_trades_schema.avro", "stock_trades";
    "inventory", "id", "inventory.avro", "inventory";
    "product", "id", "product.avro", "product";
    "purchases", "id", "purchase.avro", "purchases";
    "transactions", "transaction_id", "transactions.avro", "transactions";
    "stores", "store_id", "stores.avro", "stores";
    "credit_cards", "card_id", "credit_cards.avro", "credit_cards";
};

impl Quickstart {
    /// The schema of a name, in any case.
    pub(crate) fn by_name(name: &str) -> Option<&'static Self> {
        QUICKSTARTS
            .iter()
            .find(|quickstart| quickstart.name.eq_ignore_ascii_case(name))
    }

    /// The schema that Confluent's plugin finds under a file name.
    pub(crate) fn by_file(file: &str) -> Option<&'static Self> {
        QUICKSTARTS
            .iter()
            .find(|quickstart| quickstart.file == file)
    }

    /// All names, for errors.
    pub(crate) fn names() -> String {
        let names: Vec<&str> = QUICKSTARTS
            .iter()
            .map(|quickstart| quickstart.name)
            .collect();
        names.join(",")
    }
}
