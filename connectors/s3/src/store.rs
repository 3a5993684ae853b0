//! S3 as an object store: always multipart, as the Java connector does it, so that event rules for
//! completed multipart uploads keep firing.

use crate::client;
use crate::error::{status_and_code, to_connect_error};
use crate::keys::{self, MIN_PART_BYTES};
use crate::settings::S3Settings;
use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, ServerSideEncryption, Tag, Tagging,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use connect_api::{ConnectError, Result};
use md5::{Digest, Md5};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use storage_common::{CompletedObject, Completion, ObjectStore, ObjectUpload, UploadedPart};

const MAX_PARTS: u32 = 10_000;

/// A bucket.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    settings: Arc<S3Settings>,
}

impl S3Store {
    /// Makes the client; nothing is asked of the server yet.
    pub async fn connect(settings: S3Settings) -> Result<Self> {
        Ok(Self {
            client: client::connect(&settings).await?,
            settings: Arc::new(settings),
        })
    }

    async fn head(
        &self,
        key: &str,
    ) -> std::result::Result<HeadObjectOutput, SdkError<HeadObjectError, HttpResponse>> {
        let settings = &self.settings;
        self.client
            .head_object()
            .bucket(&settings.bucket)
            .key(key)
            .set_sse_customer_algorithm(settings.customer_algorithm())
            .set_sse_customer_key(settings.customer_key())
            .set_sse_customer_key_md5(settings.customer_key_md5())
            .send()
            .await
    }

    fn target(&self, key: &str) -> String {
        let S3Settings {
            bucket, endpoint, ..
        } = &*self.settings;
        match endpoint {
            Some(endpoint) => format!("s3://{bucket}/{key} at {endpoint}"),
            None => format!("s3://{bucket}/{key}"),
        }
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn check(&self) -> Result<()> {
        let bucket = &self.settings.bucket;
        let Err(error) = self.client.head_bucket().bucket(bucket).send().await else {
            return Ok(());
        };
        match status_and_code(&error).0 {
            Some(404) => Err(ConnectError::fatal(format!(
                "Non-existent S3 bucket: {bucket}. Create it, or correct s3.bucket.name, s3.region \
                 ({}) or store.url ({})",
                self.settings.region,
                self.settings.endpoint.as_deref().unwrap_or("not set")
            ))),
            // It is there: in another region, or not for these credentials to look at.
            Some(301 | 403) => Ok(()),
            _ => Err(to_connect_error(
                &format!("Look-up of bucket {}", self.target("")),
                &error,
            )),
        }
    }

    async fn create_upload(&self, key: &str) -> Result<Arc<dyn ObjectUpload>> {
        let settings = &self.settings;
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_string());
        let output = self
            .client
            .create_multipart_upload()
            .bucket(&settings.bucket)
            .key(key)
            // With a key of the user's own the algorithm is that of the key.
            .set_server_side_encryption(
                optional(&settings.sse)
                    .filter(|_| settings.sse_customer_key.is_none())
                    .map(|name| ServerSideEncryption::from(name.as_str())),
            )
            .set_sse_customer_algorithm(settings.customer_algorithm())
            .set_sse_customer_key(settings.customer_key())
            .set_sse_customer_key_md5(settings.customer_key_md5())
            .set_ssekms_key_id(optional(&settings.sse_kms_key_id))
            .set_acl(settings.acl.as_deref().map(ObjectCannedAcl::from))
            .send()
            .await
            .map_err(|error| to_connect_error(&self.target(key), &error))?;
        let upload_id = output.upload_id.ok_or_else(|| {
            ConnectError::fatal(format!(
                "{}: The server named no upload id",
                self.target(key)
            ))
        })?;
        Ok(Arc::new(S3Upload {
            store: self.clone(),
            key: key.to_string(),
            upload_id,
            was_completed_before: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }))
    }

    async fn exists(&self, key: &str) -> Result<bool> {
        let Err(error) = self.head(key).await else {
            return Ok(true);
        };
        match status_and_code(&error).0 {
            // Who may not look must not wait for it either: the upload itself is conditional.
            Some(403 | 404) => Ok(false),
            _ => Err(to_connect_error(
                &format!("Look-up of {}", self.target(key)),
                &error,
            )),
        }
    }

    async fn label(&self, object: &CompletedObject) -> Result<()> {
        let Some(tagging) = &self.settings.tagging else {
            return Ok(());
        };
        let own = [
            ("startOffset", object.start_offset.to_string()),
            ("endOffset", object.end_offset.to_string()),
            ("recordCount", object.num_records.to_string()),
        ];
        let own = own.into_iter().map(|(key, value)| (key.to_string(), value));
        // A tag of the user's takes the place of one of the same name.
        let tags: BTreeMap<String, String> = own.chain(tagging.tags.iter().cloned()).collect();
        let set = tags
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<std::result::Result<Vec<_>, _>>()
            .and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build())
            .map_err(|error| ConnectError::config(format!("{}: {error}", keys::TAGGING_PAIRS)))?;
        let outcome = self
            .client
            .put_object_tagging()
            .bucket(&self.settings.bucket)
            .key(&object.key)
            .tagging(set)
            .send()
            .await;
        let Err(error) = outcome else {
            return Ok(());
        };
        let error = to_connect_error(&self.target(&object.key), &error);
        let error = ConnectError::new(
            error.kind(),
            error.class().to_string(),
            format!(
                "Unable to tag S3 object {}: {}",
                object.key,
                error.message()
            ),
        );
        if tagging.fails {
            return Err(error);
        }
        tracing::warn!(reason = %error, "An object stays without tags");
        Ok(())
    }

    fn min_part_bytes(&self) -> usize {
        MIN_PART_BYTES as usize
    }

    fn max_parts(&self) -> u32 {
        MAX_PARTS
    }
}

struct S3Upload {
    store: S3Store,
    key: String,
    upload_id: String,
    /// The answer to an earlier request may have been lost.
    was_completed_before: AtomicBool,
    /// It is complete or aborted: nothing is left to abort.
    has_ended: AtomicBool,
}

impl S3Upload {
    /// Whether the object is there with the size that the parts add up to.
    async fn exists(&self, parts: &[UploadedPart]) -> bool {
        let num_bytes: usize = parts.iter().map(|part| part.num_bytes).sum();
        match self.store.head(&self.key).await {
            Ok(head) => {
                head.content_length
                    .and_then(|length| usize::try_from(length).ok())
                    == Some(num_bytes)
            }
            Err(_) => false,
        }
    }

    /// What to say after the server refused to replace an object.
    async fn name_taken(&self) -> Result<Completion> {
        match self.store.head(&self.key).await {
            Ok(_) => Ok(Completion::NameTaken),
            // Who may not look believes the server.
            Err(error) if status_and_code(&error).0 == Some(403) => Ok(Completion::NameTaken),
            Err(error) if status_and_code(&error).0 == Some(404) => {
                Err(ConnectError::fatal(format!(
                    "Unexpected state - Contradicting response from conditional upload and file \
                     exists call in S3 for {}",
                    self.store.target(&self.key)
                )))
            }
            Err(error) => Err(to_connect_error(&self.store.target(&self.key), &error)),
        }
    }
}

#[async_trait]
impl ObjectUpload for S3Upload {
    async fn upload_part(&self, number: u32, data: Bytes) -> Result<UploadedPart> {
        let S3Store { client, settings } = &self.store;
        let target = || format!("{} part {number}", self.store.target(&self.key));
        let num_bytes = data.len();
        let number_i32 = i32::try_from(number)
            .map_err(|_| ConnectError::fatal(format!("{}: There are too many parts", target())))?;
        let request = client
            .upload_part()
            .bucket(&settings.bucket)
            .key(&self.key)
            .upload_id(&self.upload_id)
            .part_number(number_i32)
            .set_sse_customer_algorithm(settings.customer_algorithm())
            .set_sse_customer_key(settings.customer_key())
            .set_sse_customer_key_md5(settings.customer_key_md5())
            .set_content_md5(
                settings
                    .sends_digest
                    .then(|| BASE64_STANDARD.encode(Md5::digest(&data))),
            )
            .body(ByteStream::from(data))
            .customize();
        // TLS guards the content already; a signature over it would only cost time.
        let request = if settings.is_encrypted() {
            request.disable_payload_signing()
        } else {
            request
        };
        let output = request
            .send()
            .await
            .map_err(|error| to_connect_error(&target(), &error))?;
        let tag = output.e_tag.ok_or_else(|| {
            ConnectError::fatal(format!("{}: The server named no ETag", target()))
        })?;
        Ok(UploadedPart {
            number,
            num_bytes,
            tag,
        })
    }

    async fn complete(&self, parts: &[UploadedPart]) -> Result<Completion> {
        let S3Store { client, settings } = &self.store;
        let completed = parts
            .iter()
            .map(|part| {
                CompletedPart::builder()
                    .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
                    .e_tag(&part.tag)
                    .build()
            })
            .collect();
        let outcome = client
            .complete_multipart_upload()
            .bucket(&settings.bucket)
            .key(&self.key)
            .upload_id(&self.upload_id)
            .set_if_none_match(settings.never_replaces.then(|| "*".to_string()))
            .multipart_upload(
                CompletedMultipartUpload::builder()
                    .set_parts(Some(completed))
                    .build(),
            )
            .send()
            .await;
        let again = self.was_completed_before.swap(true, Ordering::Relaxed);
        let Err(error) = outcome else {
            self.has_ended.store(true, Ordering::Relaxed);
            return Ok(Completion::Done);
        };
        let (status, code) = status_and_code(&error);
        let is_gone = code == Some("NoSuchUpload") || status == Some(404);
        // An answer of 200 may hold the code all the same.
        let is_taken =
            settings.never_replaces && (status == Some(412) || code == Some("PreconditionFailed"));
        // Some servers answer 403 for an upload that is gone.
        if again && (is_gone || is_taken || status == Some(403)) && self.exists(parts).await {
            self.has_ended.store(true, Ordering::Relaxed);
            return Ok(Completion::Done);
        }
        if is_taken {
            return self.name_taken().await;
        }
        let error_text = to_connect_error(&self.store.target(&self.key), &error);
        Err(if is_gone {
            // Someone aborted it, or a lifecycle rule did: the records can be written again.
            ConnectError::retriable(error_text.message())
        } else {
            error_text
        })
    }

    async fn abort(&self) -> Result<()> {
        if self.has_ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        let S3Store { client, settings } = &self.store;
        let outcome = client
            .abort_multipart_upload()
            .bucket(&settings.bucket)
            .key(&self.key)
            .upload_id(&self.upload_id)
            .send()
            .await;
        match outcome {
            Err(error) if status_and_code(&error).0 != Some(404) => {
                Err(to_connect_error(&self.store.target(&self.key), &error))
            }
            _ => {
                self.has_ended.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}
