//! Java key stores (`JKS`), read only.
//!
//! A file is big-endian: magic, version, number of entries, the entries, and a SHA-1 over the password,
//! a fixed text and all that stands before. Keys are hidden by a stream made of SHA-1 as well.

use connect_api::config::Password;
use sha1::{Digest, Sha1};

const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
const KEY_ENTRY: u32 = 1;
const TRUSTED_CERTIFICATE_ENTRY: u32 = 2;
const DIGEST_NUM_BYTES: usize = 20;
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// What a store holds.
#[derive(Debug, Default)]
pub(super) struct JavaKeyStore {
    pub(super) keys: Vec<KeyEntry>,
    /// In DER.
    pub(super) trusted: Vec<Vec<u8>>,
}

/// A key that is still hidden, and its certificates in DER.
#[derive(Debug)]
pub(super) struct KeyEntry {
    hidden_key: Vec<u8>,
    pub(super) chain: Vec<Vec<u8>>,
}

/// Whether the bytes are such a store.
pub(super) fn is_jks(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Reads a store. Without a password it is read unchecked, as in Java. The error is the reason.
pub(super) fn read(bytes: &[u8], password: Option<&Password>) -> Result<JavaKeyStore, String> {
    let num_content_bytes = bytes.len().checked_sub(DIGEST_NUM_BYTES).ok_or(CUT_OFF)?;
    let (content, digest) = bytes.split_at(num_content_bytes);
    if let Some(password) = password {
        let mut expected = Sha1::new();
        expected.update(utf16(password.expose()));
        expected.update(WHITENER);
        expected.update(content);
        if expected.finalize()[..] != *digest {
            return Err("its password is another one, or the file was changed".to_string());
        }
    }
    let mut rest = Rest(content);
    rest.take(MAGIC.len())?;
    let version = rest.u32()?;
    if !matches!(version, 1 | 2) {
        return Err(format!("it has the unknown version {version}"));
    }
    let num_entries = rest.u32()?;
    let mut store = JavaKeyStore::default();
    for _ in 0..num_entries {
        let tag = rest.u32()?;
        let alias_num_bytes = rest.u16()?;
        rest.take(alias_num_bytes)?;
        // The time of creation.
        rest.take(8)?;
        match tag {
            KEY_ENTRY => {
                let hidden_key = rest.sized()?;
                let num_certificates = rest.u32()?;
                let mut chain = Vec::new();
                for _ in 0..num_certificates {
                    chain.push(rest.certificate(version)?);
                }
                store.keys.push(KeyEntry { hidden_key, chain });
            }
            TRUSTED_CERTIFICATE_ENTRY => store.trusted.push(rest.certificate(version)?),
            other => return Err(format!("it has an entry of the unknown kind {other}")),
        }
    }
    Ok(store)
}

const CUT_OFF: &str = "it ends too early";

/// What was not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, num_bytes: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(num_bytes).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<usize, String> {
        let bytes = self.take(2)?;
        Ok(usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
    }

    fn u32(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn sized(&mut self) -> Result<Vec<u8>, String> {
        let num_bytes = usize::try_from(self.u32()?).map_err(|_| CUT_OFF)?;
        Ok(self.take(num_bytes)?.to_vec())
    }

    fn certificate(&mut self, version: u32) -> Result<Vec<u8>, String> {
        if version == 2 {
            // The type, which is always X.509.
            let type_num_bytes = self.u16()?;
            self.take(type_num_bytes)?;
        }
        self.sized()
    }
}

/// A password as Java hashes it.
fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

impl KeyEntry {
    /// The key as PKCS #8.
    pub(super) fn decrypt(&self, password: &str, password_name: &str) -> Result<Vec<u8>, String> {
        let protected = octets_of_encrypted_key(&self.hidden_key)
            .ok_or("its key is protected in an unknown way")?;
        let password = utf16(password);
        let num_key_bytes = protected
            .len()
            .checked_sub(2 * DIGEST_NUM_BYTES)
            .ok_or(CUT_OFF)?;
        let (salt, rest) = protected.split_at(DIGEST_NUM_BYTES);
        let (hidden, digest) = rest.split_at(num_key_bytes);
        let mut key = Vec::with_capacity(hidden.len());
        let mut block = salt.to_vec();
        for chunk in hidden.chunks(DIGEST_NUM_BYTES) {
            block = Sha1::new()
                .chain_update(&password)
                .chain_update(&block)
                .finalize()
                .to_vec();
            key.extend(chunk.iter().zip(&block).map(|(byte, mask)| byte ^ mask));
        }
        let expected = Sha1::new()
            .chain_update(&password)
            .chain_update(&key)
            .finalize();
        if expected[..] != *digest {
            return Err(format!(
                "its key cannot be read: {password_name} is another one"
            ));
        }
        Ok(key)
    }
}

/// The octet string of an `EncryptedPrivateKeyInfo`: a sequence of an algorithm and that.
fn octets_of_encrypted_key(der: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OCTET_STRING: u8 = 0x04;
    let (content, _) = der_element(der, SEQUENCE)?;
    let (_, rest) = der_element(content, SEQUENCE)?;
    let (octets, _) = der_element(rest, OCTET_STRING)?;
    Some(octets)
}

/// The content of the element that the bytes begin with, and what follows.
fn der_element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (num_bytes, rest) = match length {
        0..=0x7F => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            let number = digits
                .iter()
                .fold(0usize, |number, byte| number << 8 | usize::from(*byte));
            (number, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(num_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_store_or_an_error(
            bytes in proptest::collection::vec(prop_oneof![3 => 0u8..3, 1 => any::<u8>()], 0..200),
        ) {
            let mut store = MAGIC.to_vec();
            store.extend_from_slice(&bytes);
            if let Ok(store) = read(&store, None) {
                for key in &store.keys {
                    let _ = key.decrypt("changeit", "ssl.key.password");
                }
            }
            let _ = octets_of_encrypted_key(&bytes);
        }
    }
}
