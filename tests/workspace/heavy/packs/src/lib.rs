//! Packs and digests.

use std::io::Write as _;

pub fn digest(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

pub fn packed() -> std::io::Result<(usize, usize)> {
    let text = made::GENERATED.repeat(100);
    let zstd = zstd::encode_all(text.as_bytes(), 3)?.len();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes())?;
    Ok((zstd, gzip.finish()?.len()))
}
