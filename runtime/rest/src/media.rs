//! `Content-Type` and `Accept`.

use crate::error::Failure;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

pub(crate) const TEXT_HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The type and subtype of a media type, in lower case; `None` if it is none.
fn essence(text: &str) -> Option<(String, String)> {
    let (media_type, subtype) = text.split(';').next()?.trim().split_once('/')?;
    if media_type.is_empty() || subtype.is_empty() || subtype.contains('/') {
        return None;
    }
    Some((
        media_type.to_ascii_lowercase(),
        subtype.to_ascii_lowercase(),
    ))
}

/// Refuses bodies that are not JSON. A resource that reads no body needs no type at all.
pub(crate) fn check_content_type(headers: &HeaderMap, reads_body: bool) -> Result<(), Failure> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        if reads_body {
            return Err(Failure::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        return Ok(());
    };
    let text = value.to_str().unwrap_or_default();
    let Some((media_type, subtype)) = essence(text) else {
        return Err(Failure::bad_request(format!(
            "The Content-Type '{text}' is not a media type; send application/json"
        )));
    };
    match (media_type.as_str(), subtype.as_str()) {
        ("application", "json") => Ok(()),
        ("application" | "*", "*") if reads_body => {
            Err(Failure::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
        }
        ("application" | "*", "*") => Ok(()),
        _ => Err(Failure::unrouted(StatusCode::UNSUPPORTED_MEDIA_TYPE)),
    }
}

/// Refuses requests whose `Accept` has no room for `produced`, a media type.
pub(crate) fn check_accept(headers: &HeaderMap, produced: &str) -> Result<(), Failure> {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let (media_type, subtype) = produced.split_once('/').unwrap_or((produced, ""));
    let mut accepted = false;
    for range in ranges {
        // `*` alone is what Java's own HTTP client sends.
        let (wanted_type, wanted_subtype) = match essence(range) {
            Some(essence) => essence,
            None if range.split(';').next() == Some("*") => ("*".to_string(), "*".to_string()),
            None => {
                return Err(Failure::bad_request(format!(
                    "The Accept header has '{range}', which is not a media type"
                )));
            }
        };
        accepted |= (wanted_type == "*" || wanted_type == media_type)
            && (wanted_subtype == "*" || wanted_subtype == subtype);
    }
    if accepted {
        Ok(())
    } else {
        Err(Failure::unrouted(StatusCode::NOT_ACCEPTABLE))
    }
}
