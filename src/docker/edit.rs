//! Putting sccache into a Dockerfile.
//!
//! ```dockerfile
//! # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply` (checksum: …)
//! COPY --from=sccfg /opt/sccfg /opt/sccfg
//! ENV RUSTC_WRAPPER=/opt/sccfg/sccache \
//!     …
//! # <<< sccfg <<<
//! RUN \
//! # >>> sccfg mounts >>> rendered from sccfg.toml by `sccfg apply` (checksum: …)
//!     --mount=type=cache,id=sccfg-sccache,target=/var/cache/sccache,sharing=shared \
//! # <<< sccfg <<<
//!  cargo build --release
//! ```

use anyhow::{Result, ensure};

use super::render::Settings;
use super::{Dockerfile, Edits, Stripped, region, without_regions};
use sccfg_util::problem::Problem;

/// The text of `dockerfile` with `edits`.
///
/// # Errors
/// If the result would not be the same Dockerfile with sccache, or could not be undone.
pub(crate) fn with_cache(
    dockerfile: &Dockerfile<'_>,
    edits: &Edits,
    settings: &Settings,
) -> Result<String> {
    let text = dockerfile.text();
    if edits.mounts.is_empty() {
        return Ok(text.to_owned());
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let escape = dockerfile.escape;
    let mut inserts: Vec<(usize, String)> = Vec::new();
    let mut installers = String::new();
    for (number, platform) in edits.installers.iter().enumerate() {
        let lines = settings.installer(number, platform.as_deref(), escape)?;
        installers.push_str(&region::block(&lines, newline));
    }
    let at = above_comments(text, edits.installers_at, dockerfile.directives_end);
    inserts.push((at, installers));
    for (at, installer) in &edits.settings {
        let at = above_comments(text, *at, dockerfile.directives_end);
        let lines = settings.variables(*installer, escape);
        inserts.push((at, region::block(&lines, newline)));
    }
    for (at, mounts) in &edits.mounts {
        let options = settings.mounts(mounts);
        inserts.push((*at, region::mounts(&options, escape, newline)));
    }
    // Those of the same place stay in this order.
    inserts.sort_by_key(|(at, _)| *at);
    let mut out = text.to_owned();
    for (at, insert) in inserts.iter().rev() {
        out.insert_str(*at, insert);
    }
    check(dockerfile, edits, &out)?;
    Ok(out)
}

/// The start of the line at `at`, or of the comments directly above it, which belong to it, but not above `top`.
fn above_comments(text: &str, at: usize, top: usize) -> usize {
    let byte_order_mark = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let top = top.max(byte_order_mark);
    let line_start = |at: usize| {
        text[..at]
            .rfind('\n')
            .map_or(0, |newline| newline + 1)
            .max(top)
    };
    let mut line = line_start(at);
    while line > top {
        let above = line_start(line - 1);
        if !text[above..line].trim_start().starts_with('#') {
            break;
        }
        line = above;
    }
    line
}

/// Refuses a result that is not `dockerfile` with its instructions, or that cannot be undone.
fn check(dockerfile: &Dockerfile<'_>, edits: &Edits, after: &str) -> Result<()> {
    let path = dockerfile.path();
    let refused = |why: &str| {
        Problem::new(format!("{} was not changed: {why}", path.display()))
            .hint("do not name it, neither as an argument nor in docker.files of sccfg.toml, and add the mounts by hand")
    };
    let undone = without_regions(path, after)?;
    ensure!(
        undone.text == dockerfile.text(),
        refused("the edit could not be undone")
    );
    let whole = Stripped::unchanged(after);
    let result = Dockerfile::read(path, after, &whole)?;
    ensure!(
        result.stages.len() == dockerfile.stages.len() + edits.installers.len(),
        refused("the result would have other stages")
    );
    let ours = edits.installers.len();
    let before = dockerfile.runs();
    let same = result.runs().skip(ours).zip(before);
    let mut changed = 0;
    for (run, before) in same {
        let more = run.options.len() > before.options.len();
        changed += usize::from(more);
        ensure!(
            run.script == before.script && run.options.ends_with(&before.options),
            refused("the result would run other commands")
        );
    }
    ensure!(
        changed == edits.mounts.len() && result.runs().count() == dockerfile.runs().count() + ours,
        refused("the result would have other instructions")
    );
    Ok(())
}
