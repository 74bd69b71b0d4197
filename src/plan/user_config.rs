//! The machine's own sccache config: it grows to what a repository asks for.

use std::path::Path;

use super::{Plan, What};
use crate::config::edit::{self, Request};
use crate::config::path::{default_cache_dir, refuse_store_link, user_config};
use crate::config::size::ByteSize;
use crate::problem::Problem;
use crate::{env, fsio};

/// What sccache takes where nothing says otherwise (`default_disk_cache_size` in its `config.rs`).
const DEFAULT_SIZE: ByteSize = ByteSize::from_bytes(10 << 30);

/// Plans to create the file, or to grow its disk cache.
pub(super) fn grow(
    plan: &mut Plan,
    size: Option<ByteSize>,
    dir: Option<&Path>,
) -> anyhow::Result<()> {
    let lookup = env::sccache_lookup()?;
    let path = user_config(&lookup);
    if path.as_os_str().is_empty() {
        plan.warnings.push(
            Problem::new("SCCACHE_CONF is empty, so sccache reads no config file at all")
                .hint("unset it: env -u SCCACHE_CONF sccfg init"),
        );
        return Ok(());
    }
    let before = fsio::read(&path)?;
    let request = Request {
        dir: dir.map(Path::to_owned),
        default_dir: default_cache_dir(&lookup),
        size,
        default_size: DEFAULT_SIZE,
    };
    let grown = edit::grow(before.as_deref(), &path, &request)?;
    if before.as_deref() == Some(grown.text.as_str()) {
        return Ok(());
    }
    if let Some(target) = fsio::link_target(&path) {
        refuse_store_link(&path, &target)?;
    }
    let size = grown.after.size.unwrap_or(DEFAULT_SIZE).rounded();
    let summary = match grown.before.size {
        Some(before) if before.rounded() != size => {
            format!("cache grows from {} to {size}", before.rounded())
        }
        _ => format!("cache of {size}"),
    };
    plan.change(What::UserConfig, path, before, Some(grown.text), summary);
    Ok(())
}
