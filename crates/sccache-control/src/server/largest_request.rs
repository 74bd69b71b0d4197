//! Remembers the largest size that was requested for a cache directory. Without a config file, nothing else tells a shell that
//! starts a server what the directory may contain, and a smaller server would evict the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sccfg_util::size::ByteSize;
use sccfg_util::{env, fsio};

/// The largest size that was requested for the cache in `directory`.
pub fn largest_request(directory: &Path) -> Option<ByteSize> {
    let size = read(&file()?).get(directory.to_str()?).copied()?;
    Some(ByteSize::from_bytes(size))
}

/// Remembers `size` if it is the largest one. If that fails, the next request counts alone.
pub fn remember_request(directory: &Path, size: ByteSize) {
    let (Some(file), Some(name)) = (file(), directory.to_str()) else {
        return;
    };
    let mut sizes = read(&file);
    if sizes.get(name).is_some_and(|known| *known >= size.bytes()) || fsio::is_kept_from_root(&file)
    {
        return;
    }
    sizes.insert(name.to_owned(), size.bytes());
    if let Ok(bytes) = serde_json::to_vec(&sizes) {
        let _ = fsio::replace_and_create_dir(&file, &bytes);
    }
}

fn file() -> Option<PathBuf> {
    Some(env::cache_dir()?.join("sizes.json"))
}

fn read(file: &Path) -> BTreeMap<String, u64> {
    let bytes = fsio::read_bytes(file).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}
