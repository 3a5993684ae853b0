//! Signatures of the requests that workers send each other (KIP-507).
//!
//! A request is signed with the key of the session, which the leader writes to the config topic: whoever
//! has the right to read that topic is a worker. Only the body is covered, as it came.

use crate::face::{HerderError, HerderErrorKind, HerderResult};
use bytes::Bytes;
use connect_api::json::write_base64;
use connect_store::SessionKey;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// The fewest bits that Java makes a key of.
const MIN_KEY_BITS: u32 = 40;

/// A request as another worker sent it, with what proves where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InternalRequest {
    /// The body, byte for byte.
    pub body: Bytes,
    /// The header `X-Connect-Authorization`.
    pub signature: Option<String>,
    /// The header `X-Connect-Request-Signature-Algorithm`.
    pub signature_algorithm: Option<String>,
}

/// The two headers of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSignature {
    /// `X-Connect-Authorization`: the signature in Base64.
    pub signature: String,
    /// `X-Connect-Request-Signature-Algorithm`: a JCA name.
    pub algorithm: String,
}

/// The algorithms that every JVM has for both keys and signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MacAlgorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl MacAlgorithm {
    const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// The JCA name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "HmacMD5",
            Self::Sha1 => "HmacSHA1",
            Self::Sha224 => "HmacSHA224",
            Self::Sha256 => "HmacSHA256",
            Self::Sha384 => "HmacSHA384",
            Self::Sha512 => "HmacSHA512",
        }
    }

    /// The algorithm of a JCA name, which Java reads in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// How long a key is: `inter.worker.key.size`, in bits, or what a Java key generator makes.
    pub(crate) fn num_key_bytes(self, num_bits: Option<u32>) -> usize {
        match (num_bits, self) {
            (Some(num_bits), _) => num_bits.max(MIN_KEY_BITS).div_ceil(8) as usize,
            (None, Self::Sha224) => 28,
            (None, Self::Sha256) => 32,
            (None, Self::Sha384) => 48,
            (None, Self::Md5 | Self::Sha1 | Self::Sha512) => 64,
        }
    }

    fn sign(self, key: &[u8], body: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => sign::<Hmac<Md5>>(key, body),
            Self::Sha1 => sign::<Hmac<Sha1>>(key, body),
            Self::Sha224 => sign::<Hmac<Sha224>>(key, body),
            Self::Sha256 => sign::<Hmac<Sha256>>(key, body),
            Self::Sha384 => sign::<Hmac<Sha384>>(key, body),
            Self::Sha512 => sign::<Hmac<Sha512>>(key, body),
        }
    }

    /// Takes the same time wherever the first difference is.
    fn verifies(self, key: &[u8], body: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Md5 => verifies::<Hmac<Md5>>(key, body, signature),
            Self::Sha1 => verifies::<Hmac<Sha1>>(key, body, signature),
            Self::Sha224 => verifies::<Hmac<Sha224>>(key, body, signature),
            Self::Sha256 => verifies::<Hmac<Sha256>>(key, body, signature),
            Self::Sha384 => verifies::<Hmac<Sha384>>(key, body, signature),
            Self::Sha512 => verifies::<Hmac<Sha512>>(key, body, signature),
        }
    }
}

fn mac_of<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> M {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    mac
}

fn sign<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> Vec<u8> {
    mac_of::<M>(key, body).finalize().into_bytes().to_vec()
}

fn verifies<M: Mac + KeyInit>(key: &[u8], body: &[u8], signature: &[u8]) -> bool {
    mac_of::<M>(key, body).verify_slice(signature).is_ok()
}

/// Signs a body; a request without one is signed as an empty body.
pub(crate) fn signature_of(
    key: &SessionKey,
    algorithm: MacAlgorithm,
    body: &[u8],
) -> RequestSignature {
    let mut signature = Vec::new();
    write_base64(&algorithm.sign(&key.key, body), &mut signature);
    RequestSignature {
        signature: String::from_utf8(signature).expect("Base64 is ASCII"),
        algorithm: algorithm.name().to_string(),
    }
}

/// Checks a request of another worker. `is_required`: the group's protocol asks for signatures;
/// `verification_algorithms` is the setting of that name.
pub(crate) fn verify(
    request: &InternalRequest,
    is_required: bool,
    verification_algorithms: &[String],
    key: Option<&SessionKey>,
) -> HerderResult<()> {
    let (Some(signature), Some(name)) = (&request.signature, &request.signature_algorithm) else {
        if is_required {
            return Err(HerderError::bad_request(
                "Internal request missing required signature",
            ));
        }
        return Ok(());
    };
    // A signature that makes no sense is refused even where none is asked for.
    let algorithm = MacAlgorithm::from_name(name)
        .ok_or_else(|| HerderError::bad_request(format!("Algorithm {name} not available")))?;
    let signature = connect_api::json::decode_base64(signature).map_err(|_| {
        HerderError::bad_request("The header X-Connect-Authorization is not Base64")
    })?;
    if !is_required {
        return Ok(());
    }
    if !verification_algorithms
        .iter()
        .any(|allowed| allowed == name)
    {
        return Err(HerderError::bad_request(format!(
            "This worker does not support the '{name}' key signing algorithm used by other workers. \
             This worker is currently configured to use: [{}]. Check that all workers' configuration \
             files permit the same set of signature algorithms, and correct any misconfigured worker \
             and restart it.",
            verification_algorithms.join(", ")
        )));
    }
    let Some(key) = key else {
        return Err(HerderError::new(
            HerderErrorKind::Unavailable,
            "This worker is still starting up and has not been able to read a session key from the \
             config topic yet",
        ));
    };
    if !algorithm.verifies(&key.key, &request.body, &signature) {
        return Err(HerderError::new(
            HerderErrorKind::Forbidden,
            "Internal request contained invalid signature.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SessionKey {
        SessionKey {
            key: Bytes::from_static(b"key"),
            algorithm: "HmacSHA256".into(),
            creation_timestamp_ms: 0,
        }
    }

    fn signed(algorithm: MacAlgorithm, body: &'static str) -> InternalRequest {
        let signature = signature_of(&key(), algorithm, body.as_bytes());
        InternalRequest {
            body: Bytes::from_static(body.as_bytes()),
            signature: Some(signature.signature),
            signature_algorithm: Some(signature.algorithm),
        }
    }

    fn allowed(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    /// Made by `javax.crypto.Mac` of JDK 17 with the key `key`.
    const SIGNATURES_OF_JAVA: &[(&str, &str)] = &[
        ("HmacMD5", "iYmoaVIaF+qmbCah9zxikw=="),
        ("HmacSHA1", "6CmfrrVgJExKcbf2XrojLFoW2Nc="),
        ("HmacSHA224", "Io8bvb2HCPDcCzTxHAIMsE5tcDerbqw5bsQVsA=="),
        ("HmacSHA256", "EbyF8qBQY+GE5ly9A0Y6S92oAsVyrNW9B9EiTeGhUaM="),
        (
            "HmacSHA384",
            "tkUDZHQsSvkslQYi1j3jOAFRKZznZSXqIfKmRsAy1lsyVsNd2d7UFclKK2LIjnUo",
        ),
        (
            "HmacSHA512",
            "Ok/9xH4LA5P+TCEifJCFMe63eYTvHS0OIVbEdrMfaM/E0W2s2AMELY5HPEbaLNkws4RW6tqBp3D6MyXFlVQvXQ==",
        ),
    ];
    const SIGNATURE_OF_NOTHING_BY_JAVA: &str = "XV0TlWPJW1lnub2ajJsjOp3ttFByeUzSMtwbdIMmB9A=";

    #[test]
    fn signatures_are_those_of_java() {
        let body = br#"[{"a":"b"}]"#;
        for (algorithm, expected) in SIGNATURES_OF_JAVA {
            let algorithm = MacAlgorithm::from_name(algorithm).unwrap();
            assert_eq!(signature_of(&key(), algorithm, body).signature, *expected);
        }
        let empty = signature_of(&key(), MacAlgorithm::Sha256, b"");
        assert_eq!(empty.signature, SIGNATURE_OF_NOTHING_BY_JAVA);
    }

    #[test]
    fn keys_are_as_long_as_those_of_java() {
        let num_bytes = |name: &str, num_bits| {
            MacAlgorithm::from_name(name)
                .unwrap()
                .num_key_bytes(num_bits)
        };
        assert_eq!(num_bytes("HmacSHA256", None), 32);
        assert_eq!(num_bytes("hmacsha1", None), 64);
        assert_eq!(num_bytes("HmacMD5", None), 64);
        assert_eq!(num_bytes("HmacSHA512", None), 64);
        assert_eq!(num_bytes("HmacSHA256", Some(129)), 17);
        assert_eq!(num_bytes("HmacSHA256", Some(1)), 5);
    }

    #[test]
    fn refusals_are_those_of_the_jvm() {
        let sha256 = allowed(&["HmacSHA256"]);
        let status = |request: &InternalRequest, is_required, key: Option<&SessionKey>| {
            verify(request, is_required, &sha256, key).map_err(|error| error.kind)
        };
        let good = signed(MacAlgorithm::Sha256, "[]");
        assert_eq!(status(&good, true, Some(&key())), Ok(()));
        let unsigned = InternalRequest::default();
        assert_eq!(
            status(&unsigned, true, Some(&key())),
            Err(HerderErrorKind::BadRequest)
        );
        // Under `compatible` and `eager` nothing is signed.
        assert_eq!(status(&unsigned, false, None), Ok(()));
        let other = signed(MacAlgorithm::Sha512, "[]");
        assert_eq!(
            status(&other, true, Some(&key())),
            Err(HerderErrorKind::BadRequest)
        );
        assert_eq!(
            verify(
                &other,
                true,
                &allowed(&["HmacSHA256", "HmacSHA512"]),
                Some(&key())
            ),
            Ok(())
        );
        assert_eq!(status(&good, true, None), Err(HerderErrorKind::Unavailable));
        let mut changed = good.clone();
        changed.body = Bytes::from_static(b"[{}]");
        assert_eq!(
            status(&changed, true, Some(&key())),
            Err(HerderErrorKind::Forbidden)
        );
        let mut short = good.clone();
        short.signature = Some("AAAA".into());
        assert_eq!(
            status(&short, true, Some(&key())),
            Err(HerderErrorKind::Forbidden)
        );
        for (signature, algorithm) in [("%", "HmacSHA256"), ("AAAA", "HmacSHA3")] {
            let wrong = InternalRequest {
                signature: Some(signature.into()),
                signature_algorithm: Some(algorithm.into()),
                ..InternalRequest::default()
            };
            // Even where no signature is asked for.
            assert_eq!(
                status(&wrong, false, None),
                Err(HerderErrorKind::BadRequest)
            );
        }
    }
}
