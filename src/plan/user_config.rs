//! sccache's config file, which grows to the requested size.

use sccache_control::config::path::Lookup;
use std::path::Path;

use super::{FileKind, Plan};
use sccache_control::config::edit::{self, Request};
use sccache_control::config::effective::DEFAULT_SIZE;
use sccache_control::config::path::{default_cache_dir, refuse_store_link, user_config};
use sccache_control::server::desired_state::DISK_VARIABLES;
use sccfg_util::env;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// Plans to create the file, or to increase the size of its disk cache.
pub(super) fn grow(
    plan: &mut Plan,
    size: Option<ByteSize>,
    dir: Option<&Path>,
) -> anyhow::Result<()> {
    let lookup = Lookup::from_environment()?;
    let path = user_config(&lookup);
    if path.as_os_str().is_empty() {
        plan.warnings.push(
            Problem::new("SCCACHE_CONF is empty, so sccache reads no config file")
                .hint("unset it, and run `sccfg init` again"),
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
        refuse_store_link(&path, &target, "programs.sccache.cache.size")?;
    }
    if dir.is_none() && grown.before.dir.is_none() {
        plan.warnings.extend(other_dir(&request.default_dir, &path));
    }
    let size = grown.after.size.unwrap_or(DEFAULT_SIZE).rounded();
    let summary = match grown.before.size {
        Some(before) if before.rounded() != size => {
            format!("cache grows from {} to {size}", before.rounded())
        }
        _ => format!("cache of {size}"),
    };
    plan.change(
        FileKind::UserConfig,
        path,
        before,
        Some(grown.text),
        summary,
    );
    Ok(())
}

/// The warning if `SCCACHE_DIR` is not the directory that is written into the file, which replaces it.
fn other_dir(written: &Path, path: &Path) -> Option<Problem> {
    let variable = env::var_os(DISK_VARIABLES[0])?;
    let named = Path::new(&variable);
    (named.is_absolute() && named != written).then(|| {
        Problem::new(format!(
            "SCCACHE_DIR is {}; shells with the hook use {}, the directory in {}",
            named.display(),
            written.display(),
            path.display()
        ))
        .hint("to keep it: `sccfg config set cache.disk.dir \"$SCCACHE_DIR\"`")
    })
}
