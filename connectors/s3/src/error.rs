//! From the SDK's errors to errors that name the object, the cause and what to do.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use connect_api::ConnectError;
use std::error::Error;

/// Codes of S3 that pass with time, whatever the status.
const RETRIABLE_CODES: &[&str] = &[
    "SlowDown",
    "RequestTimeout",
    "InternalError",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "TooManyRequests",
    "OperationAborted",
    "ExpiredToken",
    "TokenRefreshRequired",
    "IncompleteBody",
    "BadDigest",
];

/// The status and code of an answer of S3.
pub(crate) fn status_and_code<E: ProvideErrorMetadata>(
    error: &SdkError<E, HttpResponse>,
) -> (Option<u16>, Option<&str>) {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    (status, code)
}

/// The error for a request about `target`, for example `s3://bucket/key part 3`.
pub(crate) fn to_connect_error<E>(target: &str, error: &SdkError<E, HttpResponse>) -> ConnectError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (status, code) = status_and_code(error);
    let is_retriable = match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        SdkError::ServiceError(_) => {
            matches!(status, Some(408 | 429 | 500..))
                || code.is_some_and(|code| RETRIABLE_CODES.contains(&code))
        }
        _ => false,
    };
    let mut text = match (error, status) {
        (SdkError::ServiceError(service), Some(status)) => {
            let meta = service.err().meta();
            let mut text = format!("{target}: HTTP {status}");
            for part in [meta.code(), meta.message()].into_iter().flatten() {
                text.push(' ');
                text.push_str(part);
            }
            if let Some(id) = meta.extra("aws_request_id").filter(|id| !id.is_empty()) {
                text.push_str(&format!(" (request {id})"));
            }
            text
        }
        _ => format!("{target}: {}", causes(error)),
    };
    if let Some(hint) = hint(status, code, error) {
        text.push_str(". ");
        text.push_str(hint);
    }
    if is_retriable {
        ConnectError::retriable(text)
    } else {
        ConnectError::fatal(text)
    }
}

/// The texts of an error and what caused it, without repetition.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut current = Some(error);
    while let Some(error) = current {
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        current = error.source();
    }
    texts.join(": ")
}

fn hint<E>(
    status: Option<u16>,
    code: Option<&str>,
    error: &SdkError<E, HttpResponse>,
) -> Option<&'static str> {
    Some(match (code, status) {
        (Some("InvalidAccessKeyId"), _) => {
            "The server does not know the access key: check aws.access.key.id or the credentials that \
             the provider finds, and that store.url leads to the right server"
        }
        (Some("SignatureDoesNotMatch"), _) => {
            "The secret does not belong to the access key: check aws.secret.access.key"
        }
        (Some("AccessDenied"), _) | (_, Some(403)) => {
            "The credentials lack a permission: the sink needs s3:PutObject, \
             s3:AbortMultipartUpload and s3:ListBucket on the bucket"
        }
        (Some("NoSuchBucket"), _) => "Create the bucket or correct s3.bucket.name",
        (Some("PermanentRedirect" | "AuthorizationHeaderMalformed"), _) | (_, Some(301)) => {
            "The bucket is in another region: correct s3.region"
        }
        (Some("RequestTimeTooSkewed"), _) => "The clock of this machine is wrong",
        _ => match error {
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                "Check store.url, s3.region and the network"
            }
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                "Check the credentials (aws.access.key.id and aws.secret.access.key, or \
                 s3.credentials.provider.class), store.url and s3.region"
            }
            _ => return None,
        },
    })
}
