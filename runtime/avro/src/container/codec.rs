//! The codecs of blocks.

use connect_api::{ConnectError, Result};
use std::io::{Read, Write};

/// How blocks are compressed, at the level that Java takes unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// `null`: not at all.
    #[default]
    Null,
    /// `deflate`, without a header of zlib.
    Deflate,
    /// `snappy`, with a checksum.
    Snappy,
    /// `bzip2`.
    Bzip2,
    /// `zstandard`.
    Zstandard,
}

#[cold]
fn failed(codec: &str, what: &str, cause: impl std::fmt::Display) -> ConnectError {
    ConnectError::data(format!(
        "A block of codec {codec} cannot be {what}: {cause}"
    ))
    .with_class("java.io.IOException")
}

impl Codec {
    /// All codecs.
    pub const ALL: [Self; 5] = [
        Self::Null,
        Self::Deflate,
        Self::Snappy,
        Self::Bzip2,
        Self::Zstandard,
    ];

    /// The codec of a name as it stands in a file's header.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// The name as it stands in a file's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Bzip2 => "bzip2",
            Self::Zstandard => "zstandard",
        }
    }

    /// Compresses a block.
    pub(super) fn compress(self, block: &[u8]) -> Result<Vec<u8>> {
        let fail = |cause: std::io::Error| failed(self.name(), "compressed", cause);
        match self {
            Self::Null => Ok(block.to_vec()),
            Self::Deflate => {
                let level = flate2::Compression::default();
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(block).map_err(fail)?;
                encoder.finish().map_err(fail)
            }
            Self::Snappy => {
                let mut out = snap::raw::Encoder::new()
                    .compress_vec(block)
                    .map_err(|cause| failed("snappy", "compressed", cause))?;
                out.extend_from_slice(&crc32fast::hash(block).to_be_bytes());
                Ok(out)
            }
            Self::Bzip2 => {
                let level = bzip2::Compression::best();
                let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
                encoder.write_all(block).map_err(fail)?;
                encoder.finish().map_err(fail)
            }
            Self::Zstandard => {
                zstd::bulk::compress(block, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(fail)
            }
        }
    }

    /// Decompresses a block to at most `max_num_bytes`.
    pub(super) fn decompress(self, block: &[u8], max_num_bytes: usize) -> Result<Vec<u8>> {
        match self {
            Self::Null => Ok(block.to_vec()),
            Self::Deflate => {
                self.read_bounded(flate2::read::DeflateDecoder::new(block), max_num_bytes)
            }
            Self::Snappy => decompress_snappy(block, max_num_bytes),
            Self::Bzip2 => {
                self.read_bounded(bzip2::read::MultiBzDecoder::new(block), max_num_bytes)
            }
            Self::Zstandard => {
                let decoder = zstd::stream::read::Decoder::with_buffer(block)
                    .map_err(|cause| failed("zstandard", "decompressed", cause))?;
                self.read_bounded(decoder, max_num_bytes)
            }
        }
    }

    fn read_bounded(self, decoder: impl Read, max_num_bytes: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        decoder
            .take(max_num_bytes as u64 + 1)
            .read_to_end(&mut out)
            .map_err(|cause| failed(self.name(), "decompressed", cause))?;
        if out.len() > max_num_bytes {
            return Err(too_large(self.name(), max_num_bytes));
        }
        Ok(out)
    }
}

#[cold]
fn too_large(codec: &str, max_num_bytes: usize) -> ConnectError {
    failed(
        codec,
        "decompressed",
        format!("it is larger than {max_num_bytes} bytes"),
    )
}

fn decompress_snappy(block: &[u8], max_num_bytes: usize) -> Result<Vec<u8>> {
    let Some((data, checksum)) = block.split_last_chunk::<4>() else {
        return Err(failed("snappy", "decompressed", "it has no checksum"));
    };
    let fail = |cause: snap::Error| failed("snappy", "decompressed", cause);
    // The length that the block claims is only trusted up to the bound.
    if snap::raw::decompress_len(data).map_err(fail)? > max_num_bytes {
        return Err(too_large("snappy", max_num_bytes));
    }
    let out = snap::raw::Decoder::new()
        .decompress_vec(data)
        .map_err(fail)?;
    if crc32fast::hash(&out) != u32::from_be_bytes(*checksum) {
        return Err(failed("snappy", "decompressed", "its checksum is wrong"));
    }
    Ok(out)
}
