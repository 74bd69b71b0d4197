//! Checks the configuration for errors, and for settings that sccache silently ignores.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::effective::{self, Effective};
use super::path::is_json;
use super::version::Version;
use super::{schema, variables};
use sccfg_util::fsio::{DirState, Directory};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

pub use super::diagnostic::{Diagnostic, Severity, Topic};

/// A disk with less free space than this, in bytes, counts as full.
const MIN_FREE: u64 = 512 << 20;

/// Everything other than the file that determines what sccache does.
#[derive(Debug, Clone, Default)]
pub struct CheckContext {
    /// The environment variables whose names start with `SCCACHE_`.
    pub variables: BTreeMap<String, String>,
    /// sccache's default directory for the disk cache.
    pub default_dir: PathBuf,
    /// The version of the installed sccache, if there is one.
    pub sccache: Option<Version>,
    /// The directory of the disk cache that sccache uses, if that is known.
    pub directory: Option<Directory>,
}

/// The problems of the config file at `path` with the contents `text` (`None` if it does not exist),
/// the most severe first.
pub fn check(text: Option<&str>, path: &Path, context: &CheckContext) -> Vec<Diagnostic> {
    let mut diagnostics = match text {
        None => missing(path, context),
        Some(text) if is_json(path) => json(text, path),
        Some(text) => schema::faults(text, path, context.sccache.as_ref()),
    };
    diagnostics.extend(variables::faults(&context.variables));
    if !diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
    {
        let text = text.filter(|_| !is_json(path));
        if let Ok(effective) =
            effective::effective(text, path, &context.variables, &context.default_dir)
        {
            let about = |topic: Topic, found: Vec<Diagnostic>| {
                found
                    .into_iter()
                    .map(move |diagnostic| diagnostic.about(topic.clone()))
            };
            diagnostics.extend(about(Topic::ReplacedTable, replaced(&effective)));
            diagnostics.extend(about(Topic::BackEnds, back_ends(&effective)));
            let disk = disk(&effective, context.directory.as_ref());
            diagnostics.extend(about(Topic::Disk, disk));
        }
    }
    diagnostics.sort_by_key(|diagnostic| {
        let line = diagnostic
            .place
            .as_ref()
            .map(|place| (place.line, place.column));
        (std::cmp::Reverse(diagnostic.severity), line)
    });
    diagnostics
}

/// The errors of the text itself, without the variables.
pub(super) fn faults(text: &str, path: &Path) -> Vec<Problem> {
    schema::faults(text, path, None)
        .into_iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(Diagnostic::into_problem)
        .collect()
}

/// The first error of the text itself.
pub fn first_fault(text: &str, path: &Path) -> Option<Problem> {
    faults(text, path).into_iter().next()
}

fn missing(path: &Path, context: &CheckContext) -> Vec<Diagnostic> {
    match context.variables.get("SCCACHE_CONF") {
        None => Vec::new(),
        Some(conf) if conf.is_empty() => vec![
            Diagnostic::warning(
                "SCCACHE_CONF is set and empty, so sccache reads no config file",
                "unset it",
            )
            .of_variable("SCCACHE_CONF"),
        ],
        Some(_) => vec![
            Diagnostic::warning(
                format!(
                    "SCCACHE_CONF names {}, which does not exist, so sccache silently uses its defaults",
                    path.display()
                ),
                "create the file with `sccfg config set cache.disk.size 24GiB`, or unset the variable",
            )
            .of_variable("SCCACHE_CONF"),
        ],
    }
}

fn json(text: &str, path: &Path) -> Vec<Diagnostic> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => vec![Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::warning(
                "the file is JSON, of which only the syntax was checked",
                "sccfg checks and edits TOML",
            )
        }],
        Err(error) => vec![
            Diagnostic::error(
                format!("invalid JSON: {error}"),
                "sccache reads a file whose name ends in `.json` as JSON",
            )
            .at(Some(Place {
                path: path.to_owned(),
                line: error.line().max(1),
                column: error.column().max(1),
            })),
        ],
    }
}

/// The settings of the file that are lost because a variable replaces the table.
fn replaced(effective: &Effective) -> Vec<Diagnostic> {
    let Some(replaced) = &effective.disk.replaced else {
        return Vec::new();
    };
    let mut differences = Vec::new();
    let (file, now) = (&replaced.file, &effective.disk);
    if let Some(size) = file.size
        && size != now.size.value
    {
        differences.push(format!("size {} instead of {size}", now.size.value));
    }
    if let Some(dir) = &file.dir
        && *dir != now.dir.value
    {
        differences.push(format!(
            "dir {} instead of {}",
            now.dir.value.display(),
            dir.display()
        ));
    }
    differences.extend(replaced.others.iter().map(|key| format!("no {key}")));
    if differences.is_empty() {
        return Vec::new();
    }
    let names = replaced.variables.join(" and ");
    let replace = match replaced.variables.len() {
        1 => "replaces",
        _ => "replace",
    };
    vec![
        Diagnostic::warning(
            format!(
                "{names} in the environment {replace} the whole [cache.disk] table: {}",
                differences.join(", ")
            ),
            format!("unset {names}, or set both SCCACHE_DIR and SCCACHE_CACHE_SIZE as in the file"),
        )
        .at(replaced.place.clone()),
    ]
}

fn back_ends(effective: &Effective) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let Some(chain) = &effective.chain {
        for level in &chain.value {
            let there = match level.as_str() {
                "disk" => effective.disk.is_set,
                name => effective.remotes.iter().any(|remote| remote.value == name),
            };
            if !there {
                diagnostics.push(
                    Diagnostic::error(
                        format!("the chain contains `{level}`, which is not configured; the server will not start"),
                        format!("add a table [cache.{level}], or remove `{level}` from the chain"),
                    )
                    .at(chain.source.place().cloned()),
                );
            }
        }
        return diagnostics;
    }
    let Some((first, others)) = effective.remotes.split_first() else {
        return diagnostics;
    };
    for other in others {
        diagnostics.push(
            Diagnostic::warning(
                format!("`{}` is not used, because sccache prefers `{}`", other.value, first.value),
                format!("use both with `cache.multilevel.chain = [\"{}\", \"{}\"]` (sccache 0.15 and later), or remove one", first.value, other.value),
            )
            .at(other.source.place().cloned()),
        );
    }
    if effective.disk.is_set {
        diagnostics.push(
            Diagnostic::warning(
                format!("the disk cache is not used, because `{}` is configured", first.value),
                format!("use both with `cache.multilevel.chain = [\"disk\", \"{}\"]` (sccache 0.15 and later), or remove one", first.value),
            )
            .at(effective.disk.place.clone()),
        );
    }
    diagnostics
}

fn disk(effective: &Effective, directory: Option<&Directory>) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let (dir, size) = (&effective.disk.dir, &effective.disk.size);
    let uses_disk = effective.uses_disk();
    let place = || dir.source.place().cloned();
    if dir.value.as_os_str().is_empty() {
        diagnostics.push(
            Diagnostic::warning(
                format!(
                    "the cache directory is an empty string (from {}), which is not the same as unset",
                    dir.source
                ),
                "unset it, or use an absolute path",
            )
            .at(place()),
        );
    } else if !dir.value.is_absolute() {
        let hint = if dir.value.starts_with("~") {
            "sccache does not expand `~`; use an absolute path"
        } else {
            "use an absolute path"
        };
        diagnostics.push(
            Diagnostic::warning(
                format!(
                    "the cache directory `{}` is relative; the server resolves it from `/`",
                    dir.value.display()
                ),
                hint,
            )
            .at(place()),
        );
    } else if let Some(directory) = directory
        && directory.path == dir.value
        && uses_disk
    {
        diagnostics
            .extend(unusable(directory, size.value).map(|diagnostic| diagnostic.at(place())));
    }
    if size.value == ByteSize::from_bytes(0) && uses_disk {
        diagnostics.push(
            Diagnostic::warning(
                "the cache size is 0, so nothing is cached",
                "set it with `sccfg config set cache.disk.size 24GiB`",
            )
            .at(size.source.place().cloned()),
        );
    } else if size.value.is_too_small_for_a_cache() && uses_disk {
        diagnostics.push(
            Diagnostic::warning(
                format!(
                    "the cache size is {} bytes, less than 1 MiB, which is too small for any entry",
                    size.value.bytes()
                ),
                "add a unit, as in `sccfg config set cache.disk.size 24GiB`",
            )
            .at(size.source.place().cloned()),
        );
    }
    diagnostics
}

fn unusable(directory: &Directory, size: ByteSize) -> Option<Diagnostic> {
    let path = directory.path.display();
    let what = match directory.state {
        DirState::ReadOnly => format!("the cache directory {path} is not writable"),
        DirState::NotCreatable => format!("the cache directory {path} cannot be created"),
        DirState::NotADirectory => format!("{path} is not a directory"),
        DirState::Writable | DirState::Creatable => return lacks_space(directory, size),
    };
    Some(Diagnostic::warning(
        format!("{what}; the server starts, but caches nothing"),
        "check its owner and mode, or set another with `sccfg config set cache.disk.dir /path`",
    ))
}

fn lacks_space(directory: &Directory, size: ByteSize) -> Option<Diagnostic> {
    let path = directory.path.display();
    if let Some(free) = directory.free.filter(|&free| free < MIN_FREE) {
        return Some(Diagnostic::warning(
            format!(
                "the disk of {path} is full: {} free",
                ByteSize::from_bytes(free).rounded()
            ),
            "free some space, or move the cache with `sccfg config set cache.disk.dir /path`",
        ));
    }
    let total = directory.total.filter(|&total| total < size.bytes())?;
    Some(Diagnostic::warning(
        format!(
            "the cache may grow to {size}, but the disk of {path} has only {}",
            ByteSize::from_bytes(total).rounded()
        ),
        "set a smaller size with `sccfg config set cache.disk.size SIZE`",
    ))
}

#[cfg(test)]
mod tests;
