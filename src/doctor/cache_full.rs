//! S040: sccache's cache or the local store is full, and evicts what was used today.

use std::time::Duration;

use super::context::Context;
use super::{Check, Finding, Remedy, Severity, Where};
use crate::user_store::UserStore;
use sccache_control::cache::{local_dir, oldest_entry};
use sccfg_util::size::ByteSize;

pub(super) static CHECK: Check = Check {
    code: "S040",
    name: "cache too small",
    why: "what a build stored today is gone before the next build needs it",
    find,
};

/// The share of the size, in percent, above which a cache evicts with the next entries.
const FULL: u64 = 90;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn find(context: &Context) -> Vec<Finding> {
    found(context).into_iter().chain(in_local_store()).collect()
}

fn in_local_store() -> Option<Finding> {
    let shortage = UserStore::in_use().ok()??.shortage()?;
    Some(Finding::of_problem(Severity::Warning, shortage))
}

fn found(context: &Context) -> Option<Finding> {
    let running = context.server()?.running()?;
    let directory = local_dir(&running.settings.location)?;
    let used = running.stats.as_ref()?.used?;
    let size = running.settings.max_size.filter(|size| size.bytes() > 0)?;
    if used.bytes() / (size.bytes() / 100).max(1) < FULL {
        return None;
    }
    let oldest = oldest_entry(&directory).filter(|age| *age < DAY)?;
    let hours = oldest.as_secs() / 3600;
    let age = match hours {
        0 => "less than an hour ago".to_owned(),
        1 => "an hour ago".to_owned(),
        hours => format!("{hours} hours ago"),
    };
    let what = format!(
        "the cache is full ({} of {}), and its oldest entries were used {age}",
        used.rounded(),
        size.rounded()
    );
    let double = ByteSize::from_bytes(size.bytes().saturating_mul(2));
    let remedy = Remedy::Command(format!("sccfg config set cache.disk.size {double}"));
    Some(Finding::warning(what, remedy).at(Where::Path(directory)))
}
