//! Trust and key stores of all kinds.

use super::jks;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connect_api::config::Password;
use p12_keystore::Pkcs12Archive;
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};

/// A key as PKCS #8 and its certificates, the own one first; all in DER.
#[derive(Debug)]
pub(super) struct KeyAndChain {
    pub(super) key: Vec<u8>,
    pub(super) chain: Vec<Vec<u8>>,
}

fn expose(password: Option<&Password>) -> &str {
    password.map_or("", Password::expose)
}

/// The certificates of a trust store in DER. The error is the reason, without the name of the file.
pub(super) fn trusted_certificates(
    bytes: &[u8],
    password: Option<&Password>,
) -> Result<Vec<Vec<u8>>, String> {
    if jks::is_jks(bytes) {
        return Ok(jks::read(bytes, password)?.trusted);
    }
    let archive = read_pkcs12(bytes, password)?;
    // Java trusts only what is marked for it; stores that OpenSSL wrote have no marks at all.
    let any_marked = archive.certs.iter().any(|bag| bag.trusted);
    Ok(archive
        .certs
        .iter()
        .filter(|bag| bag.trusted || !any_marked)
        .map(|bag| bag.cert.as_der().to_vec())
        .collect())
}

/// The first key of a key store.
pub(super) fn key_and_chain(
    bytes: &[u8],
    password: Option<&Password>,
    key_password: Option<&Password>,
    key_password_name: &str,
) -> Result<KeyAndChain, String> {
    let key_password = key_password.or(password);
    if jks::is_jks(bytes) {
        let store = jks::read(bytes, password)?;
        let entry = store.keys.first().ok_or(NO_KEY)?;
        return Ok(KeyAndChain {
            key: entry.decrypt(expose(key_password), key_password_name)?,
            chain: entry.chain.clone(),
        });
    }
    let archive = read_pkcs12(bytes, password)?;
    let key = archive.keys.first().ok_or(NO_KEY)?;
    let own = archive
        .certs
        .iter()
        .find(|bag| match (&bag.local_key_id, &key.local_key_id) {
            (Some(of_cert), Some(of_key)) => of_cert.as_slice() == of_key.0.as_slice(),
            _ => false,
        })
        .or(archive.certs.first())
        .ok_or("it holds no certificate for its key")?;
    let mut chain = vec![own.cert.as_der().to_vec()];
    let mut issuer = own.cert.issuer();
    // Each step takes another certificate, so there are no more steps than certificates.
    for _ in 0..archive.certs.len() {
        let next = archive
            .certs
            .iter()
            .find(|bag| bag.cert.subject() == issuer && bag.cert.subject() != bag.cert.issuer());
        match next {
            Some(bag) if chain.iter().all(|der| der != bag.cert.as_der()) => {
                chain.push(bag.cert.as_der().to_vec());
                issuer = bag.cert.issuer();
            }
            _ => break,
        }
    }
    Ok(KeyAndChain {
        key: key.key.as_der().to_vec(),
        chain,
    })
}

const NO_KEY: &str = "it holds no private key";

fn read_pkcs12(bytes: &[u8], password: Option<&Password>) -> Result<Pkcs12Archive, String> {
    Pkcs12Archive::from_pkcs12(bytes, expose(password)).map_err(|error| {
        format!("it is no JKS or PKCS #12 store, or its password is another one ({error})")
    })
}

/// A key and its certificates as PEM with a key that needs no password.
pub(super) fn plain_pem(
    key: &str,
    chain: &str,
    key_password: Option<&Password>,
    key_password_name: &str,
) -> Result<String, String> {
    const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let text = key;
    let Some(start) = text.find(BEGIN) else {
        return Ok(format!("{key}\n{chain}"));
    };
    let end = text[start..]
        .find(END)
        .map(|end| start + end + END.len())
        .ok_or("its encrypted key has no end")?;
    let password =
        key_password.ok_or_else(|| format!("its key is encrypted: set {key_password_name}"))?;
    let (_, encrypted) = SecretDocument::from_pem(&text[start..end])
        .map_err(|_| "its encrypted key cannot be read".to_string())?;
    let decrypted = EncryptedPrivateKeyInfoRef::try_from(encrypted.as_bytes())
        .and_then(|info| info.decrypt(password.expose()))
        .map_err(|_| {
            format!(
                "its key cannot be decrypted: {key_password_name} is another one, or the encryption \
                 is not one of PBES2"
            )
        })?;
    Ok(format!(
        "{}{}{}\n{chain}",
        &text[..start],
        pem_section("PRIVATE KEY", decrypted.as_bytes()),
        &text[end..]
    ))
}

/// A key and its certificates as PEM.
pub(super) fn to_pem(key: &[u8], chain: &[Vec<u8>]) -> String {
    let mut pem = pem_section("PRIVATE KEY", key);
    pem.push_str(&certificates_to_pem(chain));
    pem
}

/// Certificates as PEM.
pub(super) fn certificates_to_pem<T: AsRef<[u8]>>(certificates: &[T]) -> String {
    certificates
        .iter()
        .map(|certificate| pem_section("CERTIFICATE", certificate.as_ref()))
        .collect()
}

fn pem_section(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = next;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}
