//! The connection to MongoDB.

use mongodb::options::ConnectionString;

/// Why a text is no connection string. The text itself is not repeated: it may hold a password.
pub fn check_uri(uri: &str) -> Result<(), String> {
    if !uri.starts_with("mongodb://") && !uri.starts_with("mongodb+srv://") {
        return Err(
            "The connection string is invalid. Connection strings must start with either 'mongodb://' \
             or 'mongodb+srv://"
                .into(),
        );
    }
    match ConnectionString::parse(uri) {
        Ok(_) => Ok(()),
        Err(_) => Err("The connection string is invalid".into()),
    }
}
