//! Tokens for the library's OAUTHBEARER.
//!
//! The library asks for a token when it needs the first one and again before each expiry. It asks on
//! a background thread of its own, where the login may wait for its identity provider.

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::Arc;

use rdkafka::bindings as sys;
use rdkafka::client::ClientContext;

use super::{check, take_error};
use crate::client_config::NativeConfig;
use crate::security::{OAuthLogin, Token};

/// What a client of the library keeps beside its settings.
pub(crate) struct LoginContext {
    login: Option<Arc<OAuthLogin>>,
}

impl ClientContext for LoginContext {}

impl LoginContext {
    pub(crate) fn new(config: &NativeConfig) -> Self {
        Self {
            login: config.login.clone(),
        }
    }

    /// Has the library ask for tokens, before the client is made of the settings.
    pub(super) fn prepare(&self, config: *mut sys::rd_kafka_conf_t) {
        unsafe extern "C" fn refresh(
            client: *mut sys::rd_kafka_t,
            _config: *const c_char,
            opaque: *mut c_void,
        ) {
            // SAFETY: rdkafka makes the context the opaque of its client, and drops it after the
            // client, whose end waits for the thread that calls this.
            let context = unsafe { &*opaque.cast_const().cast::<LoginContext>() };
            context.give_token(client);
        }
        if self.login.is_some() {
            // SAFETY: the settings are alive, and no client has taken them yet.
            unsafe {
                sys::rd_kafka_conf_set_oauthbearer_token_refresh_cb(config, Some(refresh));
                sys::rd_kafka_conf_enable_sasl_queue(config, 1);
            }
        }
    }

    /// Lets the library ask, on its background thread.
    ///
    /// # Safety
    /// The client is alive, and its settings were [prepared](Self::prepare).
    pub(super) unsafe fn start(&self, client: *mut sys::rd_kafka_t) -> Result<(), String> {
        if self.login.is_none() {
            return Ok(());
        }
        // SAFETY: the client is alive; the error returned is null or ours.
        let error = unsafe { sys::rd_kafka_sasl_background_callbacks_enable(client) };
        take_error(error).map_err(|(_, reason)| reason)
    }

    /// Hands the current token to the client, or says why there is none; the library then asks
    /// again after ten seconds. Blocks while a token is fetched.
    pub(crate) fn give_token(&self, client: *mut sys::rd_kafka_t) {
        let Some(login) = &self.login else {
            return;
        };
        let given = login
            .token_blocking()
            .map_err(|error| error.reason)
            .and_then(|token| set_token(client, login, &token));
        if let Err(reason) = given {
            tracing::warn!("No token for a Kafka client: {reason}");
            // The text has no zero byte, as it is checked here.
            let reason = CString::new(reason.replace('\0', " ")).unwrap_or_default();
            // SAFETY: client and text are alive.
            let code =
                unsafe { sys::rd_kafka_oauthbearer_set_token_failure(client, reason.as_ptr()) };
            if let Err(code) = check(code) {
                tracing::warn!("A Kafka client does not take that it has no token: {code}");
            }
        }
    }
}

fn set_token(
    client: *mut sys::rd_kafka_t,
    login: &OAuthLogin,
    token: &Token,
) -> Result<(), String> {
    const ERROR_NUM_BYTES: usize = 512;
    let text = |text: &str| CString::new(text).map_err(|_| "it has a zero byte".to_owned());
    let value = text(token.text.expose())?;
    let principal = text(&token.principal)?;
    let extensions = login
        .settings()
        .extensions
        .iter()
        .flat_map(|(name, value)| [name, value])
        .map(|part| text(part))
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<*const c_char> = extensions.iter().map(|part| part.as_ptr()).collect();
    let mut error = [0 as c_char; ERROR_NUM_BYTES];
    // SAFETY: the client is alive; all texts are terminated and outlive the call, which copies them;
    // the size of the list and of the room for an error are their own.
    let code = unsafe {
        sys::rd_kafka_oauthbearer_set_token(
            client,
            value.as_ptr(),
            token.expires_at_ms(),
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            error.as_mut_ptr(),
            ERROR_NUM_BYTES,
        )
    };
    check(code).map_err(|code| {
        // SAFETY: the library has written a terminated text, or left the zeros.
        let reason = unsafe { CStr::from_ptr(error.as_ptr()) };
        format!("{code}: {}", reason.to_string_lossy())
    })
}
