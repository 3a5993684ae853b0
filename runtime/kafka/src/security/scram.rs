//! SCRAM (RFC 5802, RFC 7677) without channel binding, as Kafka uses it.
//!
//! Names and passwords are not prepared (RFC 4013): neither Java's clients nor librdkafka do, and
//! what they send is what the broker has stored.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::distr::{Alphanumeric, SampleString};
use std::num::NonZeroU32;

use super::Credentials;

/// As Java's clients: fewer would make the password cheap to guess.
const MIN_ITERATIONS: u32 = 4096;
/// Brokers store at most 16384; far more would only be an attempt to keep this worker busy.
const MAX_ITERATIONS: u32 = 1_000_000;
/// More than any broker writes in one message.
const MAX_MESSAGE_NUM_BYTES: usize = 4096;
const GS2_HEADER: &str = "n,,";
/// The GS2 header in Base64: no channel binding.
const CHANNEL_BINDING: &str = "biws";
const NONCE_NUM_CHARS: usize = 32;

/// The hash function of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// SCRAM-SHA-256
    Sha256,
    /// SCRAM-SHA-512
    Sha512,
}

impl ScramHash {
    /// The name of the mechanism.
    pub fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn num_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// `Hi` of the RFC.
    pub(crate) fn salted_password(
        self,
        password: &str,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let mut salted = vec![0; self.num_bytes()];
        pbkdf2::derive(
            algorithm,
            iterations,
            salt,
            password.as_bytes(),
            &mut salted,
        );
        salted
    }

    pub(crate) fn hmac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), text)
            .as_ref()
            .to_vec()
    }

    pub(crate) fn hash(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// The client's side of one exchange: [`Self::first_message`] is sent, the answer goes to
/// [`Self::final_message`], whose text is sent, and the answer to that to [`ScramVerifier::verify`],
/// without which the broker has proved nothing.
#[derive(Debug)]
pub struct ScramClient {
    hash: ScramHash,
    credentials: Credentials,
    nonce: String,
    first_bare: String,
}

/// Knows what the broker must answer at last.
pub struct ScramVerifier {
    signature: Vec<u8>,
}

impl ScramClient {
    /// A client with a nonce of its own.
    pub fn new(hash: ScramHash, credentials: Credentials) -> Self {
        // The generator is seeded by the operating system and fit for secrets.
        let nonce = Alphanumeric.sample_string(&mut rand::rng(), NONCE_NUM_CHARS);
        Self::with_nonce(hash, credentials, nonce)
    }

    pub(crate) fn with_nonce(hash: ScramHash, credentials: Credentials, nonce: String) -> Self {
        let name = credentials.username.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={name},r={nonce}");
        Self {
            hash,
            credentials,
            nonce,
            first_bare,
        }
    }

    /// The client-first-message.
    pub fn first_message(&self) -> Vec<u8> {
        format!("{GS2_HEADER}{}", self.first_bare).into_bytes()
    }

    /// Answers the server-first-message with the client-final-message. Takes milliseconds of CPU for
    /// each ten thousand iterations that the broker asks for.
    ///
    /// # Errors
    /// What is wrong with the broker's message.
    pub fn final_message(self, server_first: &[u8]) -> Result<(Vec<u8>, ScramVerifier), String> {
        let text = text_of(server_first)?;
        if let Some(error) = attribute(text, 'e') {
            return Err(format!("the broker says {}", printable(error)));
        }
        let missing = |name| format!("the broker's first message has no {name}");
        if text.starts_with("m=") {
            return Err("the broker wants an extension that is not known here".to_owned());
        }
        let nonce = attribute(text, 'r').ok_or_else(|| missing("nonce"))?;
        let salt = attribute(text, 's').ok_or_else(|| missing("salt"))?;
        let iterations = attribute(text, 'i').ok_or_else(|| missing("number of iterations"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the broker's nonce does not continue the one that was sent".to_owned());
        }
        let salt = STANDARD
            .decode(salt)
            .map_err(|_| "the broker's salt is not Base64".to_owned())?;
        let iterations: u32 = iterations
            .parse()
            .ok()
            .filter(|number| (MIN_ITERATIONS..=MAX_ITERATIONS).contains(number))
            .ok_or_else(|| {
                format!(
                    "the broker asks for {} iterations; {MIN_ITERATIONS} to {MAX_ITERATIONS} are accepted",
                    printable(iterations)
                )
            })?;
        let iterations = NonZeroU32::new(iterations).ok_or("no iterations")?;
        let Self { hash, .. } = self;
        let salted = hash.salted_password(self.credentials.password.expose(), &salt, iterations);
        let client_key = hash.hmac(&salted, b"Client Key");
        let without_proof = format!("c={CHANNEL_BINDING},r={nonce}");
        let auth_message = format!("{},{text},{without_proof}", self.first_bare);
        let client_signature = hash.hmac(&hash.hash(&client_key), auth_message.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(&client_signature)
            .map(|(key, signature)| key ^ signature)
            .collect();
        let server_key = hash.hmac(&salted, b"Server Key");
        let verifier = ScramVerifier {
            signature: hash.hmac(&server_key, auth_message.as_bytes()),
        };
        let message = format!("{without_proof},p={}", STANDARD.encode(proof));
        Ok((message.into_bytes(), verifier))
    }
}

impl ScramVerifier {
    /// Checks the server-final-message: only who knows the stored key can have written it.
    ///
    /// # Errors
    /// Why the broker is not trusted.
    pub fn verify(&self, server_final: &[u8]) -> Result<(), String> {
        let text = text_of(server_final)?;
        if let Some(error) = attribute(text, 'e') {
            return Err(format!("the broker says {}", printable(error)));
        }
        let signature = attribute(text, 'v')
            .and_then(|signature| STANDARD.decode(signature).ok())
            .ok_or("the broker's last message has no signature")?;
        verify_slices_are_equal(&signature, &self.signature).map_err(|_| {
            "the broker's signature is wrong: it does not know the password either".to_owned()
        })
    }
}

fn text_of(message: &[u8]) -> Result<&str, String> {
    if message.len() > MAX_MESSAGE_NUM_BYTES {
        return Err(format!(
            "the broker's message has {} bytes; at most {MAX_MESSAGE_NUM_BYTES} are accepted",
            message.len()
        ));
    }
    std::str::from_utf8(message).map_err(|_| "the broker's message is no text".to_owned())
}

/// The value of an attribute; the first of that name counts.
fn attribute(message: &str, name: char) -> Option<&str> {
    message
        .split(',')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// What a broker wrote, for an error.
fn printable(text: &str) -> String {
    text.chars().take(100).filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_api::config::Password;
    use proptest::prelude::*;

    fn client(hash: ScramHash, username: &str, password: &str, nonce: &str) -> ScramClient {
        let credentials = Credentials {
            username: username.to_owned(),
            password: Password::new(password),
        };
        ScramClient::with_nonce(hash, credentials, nonce.to_owned())
    }

    /// RFC 7677, section 3.
    #[test]
    fn the_exchange_of_the_rfc() {
        let client = client(ScramHash::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(client.first_message(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (message, verifier) = client
            .final_message(
                b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            )
            .expect("the server's message of the RFC");
        assert_eq!(
            String::from_utf8(message).expect("ASCII"),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        verifier
            .verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
            .expect("the server's signature of the RFC");
        let error = verifier
            .verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=")
            .expect_err("another signature");
        assert!(error.contains("signature"), "{error}");
        let error = verifier.verify(b"e=other-error").expect_err("an error");
        assert_eq!(error, "the broker says other-error");
    }

    #[test]
    fn names_are_escaped_and_hide_the_password() {
        let client = client(ScramHash::Sha512, "a=b,c", "hunter2", "nonce");
        assert_eq!(client.first_message(), b"n,,n=a=3Db=2Cc,r=nonce");
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[test]
    fn what_a_broker_must_not_say_is_refused() {
        for (message, part) in [
            ("r=other,s=c2FsdA==,i=4096", "nonce"),
            ("r=nonce,s=c2FsdA==,i=4096", "nonce"),
            ("r=noncex,s=?,i=4096", "Base64"),
            ("r=noncex,s=c2FsdA==,i=4095", "4095 iterations"),
            ("r=noncex,s=c2FsdA==,i=2000000000", "2000000000 iterations"),
            ("r=noncex,s=c2FsdA==,i=-1", "-1 iterations"),
            ("r=noncex,s=c2FsdA==", "no number of iterations"),
            ("s=c2FsdA==,i=4096", "no nonce"),
            ("m=x,r=noncex,s=c2FsdA==,i=4096", "extension"),
            ("e=unknown-user", "unknown-user"),
        ] {
            let client = client(ScramHash::Sha256, "u", "hunter2", "nonce");
            let Err(error) = client.final_message(message.as_bytes()) else {
                panic!("{message} was taken");
            };
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn any_message_is_answered(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = client(ScramHash::Sha256, "u", "p", "n").final_message(&message);
        }
    }
}
