//! What makes sccache fail, and what it silently takes otherwise than meant.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::effective::{self, Effective};
use super::path::is_json;
use super::version::Version;
use super::{schema, variables};
use sccfg_util::fsio::{DirState, Directory};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

pub use super::diagnostic::{Diagnostic, Severity};

/// A disk with less free space than this counts as full.
const HARDLY_ANY: u64 = 512 << 20;

/// What besides the file decides what sccache does. The command gathers it.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The environment variables, at least those that start with `SCCACHE_`.
    pub variables: BTreeMap<String, String>,
    /// Where sccache keeps its disk cache when nothing says otherwise.
    pub default_dir: PathBuf,
    /// The version of sccache that is to read the file, if one was found.
    pub sccache: Option<Version>,
    /// The directory of the disk cache, once it is known which one sccache takes.
    pub directory: Option<Directory>,
}

/// Everything that is wrong with the config file at `path`, which holds `text` (`None`: it is not
/// there), in these surroundings; the worst first.
pub fn check(text: Option<&str>, path: &Path, surroundings: &Surroundings) -> Vec<Diagnostic> {
    let mut findings = match text {
        None => missing(path, surroundings),
        Some(text) if is_json(path) => json(text, path),
        Some(text) => schema::faults(text, path, surroundings.sccache.as_ref()),
    };
    findings.extend(variables::faults(&surroundings.variables));
    if !findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        let text = text.filter(|_| !is_json(path));
        if let Ok(effective) = effective::effective(
            text,
            path,
            &surroundings.variables,
            &surroundings.default_dir,
        ) {
            findings.extend(replaced(&effective));
            findings.extend(back_ends(&effective));
            findings.extend(disk(&effective, surroundings.directory.as_ref()));
        }
    }
    findings.sort_by_key(|finding| {
        let line = finding
            .place
            .as_ref()
            .map(|place| (place.line, place.column));
        (std::cmp::Reverse(finding.severity), line)
    });
    findings
}

/// Every reason why sccache would refuse this text, whatever the environment.
pub(super) fn faults(text: &str, path: &Path) -> Vec<Problem> {
    schema::faults(text, path, None)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(Diagnostic::into_problem)
        .collect()
}

/// The first of them.
pub fn first_fault(text: &str, path: &Path) -> Option<Problem> {
    faults(text, path).into_iter().next()
}

fn missing(path: &Path, surroundings: &Surroundings) -> Vec<Diagnostic> {
    match surroundings.variables.get("SCCACHE_CONF") {
        None => Vec::new(),
        Some(conf) if conf.is_empty() => vec![Diagnostic::surprise(
            "SCCACHE_CONF is set and empty, so sccache reads no config file at all",
            "unset it",
        )],
        Some(_) => vec![Diagnostic::surprise(
            format!(
                "SCCACHE_CONF names {}, which is not there: sccache takes its defaults and says nothing",
                path.display()
            ),
            "make the file with `sccfg config set cache.disk.size 24GiB`, or unset the variable",
        )],
    }
}

fn json(text: &str, path: &Path) -> Vec<Diagnostic> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => vec![Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::surprise(
                "the file is JSON: only its form was looked at",
                "sccfg knows and edits the TOML form",
            )
        }],
        Err(error) => vec![
            Diagnostic::failure(
                format!("this is not JSON: {error}"),
                "sccache takes a file that ends in `.json` as JSON",
            )
            .at(Some(Place {
                path: path.to_owned(),
                line: error.line().max(1),
                column: error.column().max(1),
            })),
        ],
    }
}

/// What one disk variable takes away from the file.
fn replaced(effective: &Effective) -> Vec<Diagnostic> {
    let Some(lost) = &effective.disk.lost else {
        return Vec::new();
    };
    let mut differences = Vec::new();
    let (file, now) = (&lost.file, &effective.disk);
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
    differences.extend(lost.others.iter().map(|key| format!("no {key}")));
    if differences.is_empty() {
        return Vec::new();
    }
    let names = lost.variables.join(" and ");
    vec![
        Diagnostic::surprise(
            format!(
                "{names} in the environment replaces the whole [cache.disk] table: {}",
                differences.join(", ")
            ),
            format!("unset {names}, or set SCCACHE_DIR and SCCACHE_CACHE_SIZE both as in the file"),
        )
        .at(lost.place.clone()),
    ]
}

fn back_ends(effective: &Effective) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    if let Some(chain) = &effective.chain {
        for level in &chain.value {
            let there = match level.as_str() {
                "disk" => effective.disk.is_set,
                name => effective.remotes.iter().any(|remote| remote.value == name),
            };
            if !there {
                findings.push(
                    Diagnostic::failure(
                        format!("the chain names `{level}`, which is set up nowhere: the server does not start"),
                        format!("add a [cache.{level}] table, or take `{level}` out of the chain"),
                    )
                    .at(chain.source.place().cloned()),
                );
            }
        }
        return findings;
    }
    let Some((first, others)) = effective.remotes.split_first() else {
        return findings;
    };
    for other in others {
        findings.push(
            Diagnostic::surprise(
                format!("`{}` is set up and not used: `{}` comes first", other.value, first.value),
                format!("use both with `cache.multilevel.chain = [\"{}\", \"{}\"]` (sccache 0.15 and later), or take one out", first.value, other.value),
            )
            .at(other.source.place().cloned()),
        );
    }
    if effective.disk.is_set {
        findings.push(
            Diagnostic::surprise(
                format!("the disk cache is not used at all, because `{}` is set up", first.value),
                format!("use both with `cache.multilevel.chain = [\"disk\", \"{}\"]` (sccache 0.15 and later), or take one out", first.value),
            )
            .at(effective.disk.place.clone()),
        );
    }
    findings
}

fn disk(effective: &Effective, directory: Option<&Directory>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let (dir, size) = (&effective.disk.dir, &effective.disk.size);
    let uses_disk = effective.uses_disk();
    let place = || dir.source.place().cloned();
    if dir.value.as_os_str().is_empty() {
        findings.push(
            Diagnostic::surprise(
                format!(
                    "the cache directory is empty text, from {}: it is not taken as unset",
                    dir.source
                ),
                "unset it, or give an absolute path",
            )
            .at(place()),
        );
    } else if !dir.value.is_absolute() {
        let hint = if dir.value.starts_with("~") {
            "sccache does not expand `~`: write the path from the root"
        } else {
            "write the path from the root"
        };
        findings.push(
            Diagnostic::surprise(
                format!(
                    "the cache directory `{}` is relative, and the server resolves it from `/`",
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
        findings.extend(unusable(directory, size.value).map(|finding| finding.at(place())));
    }
    if size.value == ByteSize::from_bytes(0) && uses_disk {
        findings.push(
            Diagnostic::surprise(
                "the cache size is 0, so nothing is kept",
                "set it with `sccfg config set cache.disk.size 24GiB`",
            )
            .at(size.source.place().cloned()),
        );
    }
    findings
}

fn unusable(directory: &Directory, size: ByteSize) -> Option<Diagnostic> {
    let path = directory.path.display();
    let what = match directory.state {
        DirState::ReadOnly => format!("the cache directory {path} cannot be written to"),
        DirState::NotCreatable => format!("the cache directory {path} cannot be made"),
        DirState::NotADirectory => format!("{path} is not a directory"),
        DirState::Writable | DirState::Creatable => return crowded(directory, size),
    };
    Some(Diagnostic::surprise(
        format!("{what}: the server starts all the same, and keeps nothing"),
        "check who owns it and its mode, or set another with `sccfg config set cache.disk.dir /path`",
    ))
}

fn crowded(directory: &Directory, size: ByteSize) -> Option<Diagnostic> {
    let path = directory.path.display();
    if let Some(free) = directory.free.filter(|&free| free < HARDLY_ANY) {
        return Some(Diagnostic::surprise(
            format!(
                "the disk of {path} is full: {} free",
                ByteSize::from_bytes(free).rounded()
            ),
            "free some space, or move the cache with `sccfg config set cache.disk.dir /path`",
        ));
    }
    let total = directory.total.filter(|&total| total < size.bytes())?;
    Some(Diagnostic::surprise(
        format!(
            "the cache may grow to {size}, and the whole disk of {path} has {}",
            ByteSize::from_bytes(total).rounded()
        ),
        "set a size that fits, with `sccfg config set cache.disk.size`",
    ))
}

#[cfg(test)]
mod tests;
