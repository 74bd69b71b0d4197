//! S036: flags of rustc with which sccache caches nothing, or only for one checkout.

use std::path::Path;

use super::context::Context;
use super::files::Files;
use super::{Check, Finding, Remedy, Where};
use crate::cargo_config::rustflags_in;
use sccache_control::stats::reasons::explain;
use sccfg_util::env;

pub(super) static CHECK: Check = Check {
    code: "S036",
    name: "flags that prevent caching",
    why: "the flags apply to every unit, so none is cached, or none is shared between checkouts",
    find,
};

fn find(context: &Context) -> Vec<Finding> {
    let mut all: Vec<(Vec<String>, Where)> = Vec::new();
    let variables = [
        ("CARGO_ENCODED_RUSTFLAGS", '\u{1f}'),
        ("RUSTFLAGS", ' '),
        ("CARGO_BUILD_RUSTFLAGS", ' '),
    ];
    for (name, separator) in variables {
        if let Some(value) = env::var(name).filter(|value| !value.is_empty()) {
            let flags = value.split(separator).filter(|flag| !flag.is_empty());
            let place = Where::Variable(name.to_owned());
            all.push((flags.map(str::to_owned).collect(), place));
        }
    }
    let is_portable = context.is_portable();
    let of_shell = all
        .into_iter()
        .filter_map(|(flags, place)| finding(&flags, place, context, is_portable));
    of_shell.chain(in_files(context, is_portable)).collect()
}

/// The findings in the files.
pub(super) fn in_files(files: &Files, is_portable: bool) -> Vec<Finding> {
    let all = files.cargo_files.iter();
    let all = all.flat_map(|file| rustflags_in(&file.text, &file.shown));
    all.filter_map(|(flags, place)| finding(&flags, Where::File(place), files, is_portable))
        .collect()
}

fn finding(flags: &[String], place: Where, files: &Files, is_portable: bool) -> Option<Finding> {
    let (what, advice) = hostile(flags, files, is_portable)?;
    Some(Finding::warning(what, Remedy::Words(advice)).at(place))
}

/// The first flag that prevents caching, with its effect and the remedy.
fn hostile(flags: &[String], files: &Files, is_portable: bool) -> Option<(String, String)> {
    for (index, flag) in flags.iter().enumerate() {
        let next = flags.get(index + 1).map_or("", String::as_str);
        let option = match flag.as_str() {
            "-C" | "--codegen" => next,
            flag => flag.strip_prefix("-C").unwrap_or_default(),
        };
        let reason = if flag == "--emit" || flag.starts_with("--emit=") {
            "more than one --emit"
        } else if flag == "--sysroot" || flag.starts_with("--sysroot=") {
            "--sysroot"
        } else if option.starts_with("incremental=") {
            "incremental"
        } else if let Some(root) = remapped(flag, next).filter(|_| !is_portable) {
            if !files.is_in_worktree(root) {
                continue;
            }
            return Some((
                format!("`--remap-path-prefix` has the path of this checkout, {root}"),
                "remove it, or set it in release builds only; the whole option is part of the key"
                    .to_owned(),
            ));
        } else {
            continue;
        };
        let reason = explain(reason);
        return Some((
            format!("`{flag}` prevents caching: {}", reason.meaning),
            reason.advice.to_owned(),
        ));
    }
    None
}

/// The directory that `--remap-path-prefix` replaces.
fn remapped<'f>(flag: &'f str, next: &'f str) -> Option<&'f str> {
    let value = match flag.strip_prefix("--remap-path-prefix")? {
        "" => next,
        value => value.strip_prefix('=')?,
    };
    let (from, _) = value.split_once('=')?;
    Path::new(from).is_absolute().then_some(from)
}
