//! Inputs of a compiled unit that may not be in its key, determined from its dep-info, its sources and the observer's notes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::values::is_replaced;
use crate::binary;
use crate::dep_info::DepInfo;
use crate::expansion_diff;
use crate::known_inputs;
use crate::macro_effects::{self, Conditions};
use crate::observation::own_calls::ask_for_current_dir;
use crate::observation::{Observation, Requests};
use crate::package;
use crate::path_leak::PathLeak;
use crate::path_map::Role;
use crate::protocol::{CompileRequest, Language, Remap};
use crate::unit_key;
use sccfg_util::fsio::{self, RealPaths};

/// Whether the metadata of a running compile is certain to be delivered: the unit will not be compiled again under another key
/// or without replacing paths. An embedded path alone is no reason for that. `depends_on_path` is the result of the expansions,
/// if they have ended; `needs_sources` says whether the sources have to be listed, and `evaluates_home` is
/// [`evaluates_cargo_home`].
pub(super) fn is_final(
    request: &CompileRequest,
    depends_on_path: Option<bool>,
    needs_sources: impl FnOnce(Option<&DepInfo>) -> bool,
    evaluates_home: impl FnOnce(&DepInfo, &str) -> bool,
    observation: Option<&Observation>,
) -> bool {
    let dep_info = fsio::read_text(request.work.join(&request.dep_info));
    let Some(info) = dep_info.and_then(|text| DepInfo::parse(&text)) else {
        return false;
    };
    if needs_sources(Some(&info)) {
        return false;
    }
    if request.remap != Remap::All {
        return true;
    }
    let path_map = &request.path_map;
    // A source location in such a file may be in the code.
    let is_mapped = |directory: Option<&str>| {
        directory.is_some_and(|directory| {
            let mut files = info.files.iter();
            files.any(|file| Path::new(file).starts_with(directory))
        })
    };
    let is_home_mapped = path_map.unmapped().is_none();
    path_map.directory(Role::Workspace).is_none()
        && !is_mapped(path_map.directory(Role::Target))
        && named_paths(request, Some(&info)).is_empty()
        && !depends_on_path.unwrap_or_else(|| {
            // All macros have run before the metadata is written.
            let of_macros = requests_of_macros(request, observation);
            let read = read_variables(request, Some(&info), of_macros.as_ref());
            let asks_for_location = asks_for_location(request, of_macros.as_ref());
            expansion_diff::is_needed(request, asks_for_location, &read)
        })
        && !(is_home_mapped && uses_cargo_home(request, Some(&info), evaluates_home))
}

/// What the compiler and its macros did until all macros had run; `None` if that is not known, or if a macro ran a program, which
/// inherits the variables and the current directory, or if nothing depends on it.
pub(super) fn requests_of_macros(
    request: &CompileRequest,
    observation: Option<&Observation>,
) -> Option<Requests> {
    let may_count =
        request.exposes_location || request.resolves_paths || !request.exposed_variables.is_empty();
    let observation = observation.filter(|_| may_count);
    observation?.requests_before(&request.work.join(&request.dep_info))
}

/// The exposed variables that the source or a macro may have read: if it is known what macros did, the noted ones and those in
/// dep-info. Without the variables in whose values the source gets placeholders, unless a macro read them: no macro of the standard
/// library computes anything from a value.
pub(super) fn read_variables(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    of_macros: Option<&Requests>,
) -> Vec<String> {
    let exposed = &request.exposed_variables;
    let (Some(info), Some(of_macros)) = (info, of_macros) else {
        return exposed.clone();
    };
    let is_named = |name: &String| {
        let mut named = info.variables.iter().filter(|(named, _)| named == name);
        named.any(|read| !(request.has_values && is_replaced(request, read)))
    };
    // Only a macro that may ask for its location may let the compiler read one for it (`TokenStream::expand_expr`).
    let asks_compiler = request.exposes_location && !request.shows_location;
    let is_of_macro = |name: &String| {
        let is_of_compiler = || of_macros.of_compiler.contains(name);
        of_macros.variables.contains(name) && (asks_compiler || !is_of_compiler())
    };
    let is_read = |name: &&String| is_of_macro(name) || is_named(name);
    exposed.iter().filter(is_read).cloned().collect()
}

/// Whether a macro may have read the current directory or the path of a source, or asked for the canonical path of a file. What
/// macros did, if it is known, decides what it shows.
pub(super) fn asks_for_location(request: &CompileRequest, of_macros: Option<&Requests>) -> bool {
    let resolves_paths = of_macros.and_then(Requests::resolves_paths);
    let shown = of_macros.filter(|_| request.shows_location);
    let asks = shown.is_none_or(|seen| ask_for_current_dir(&seen.own_calls));
    request.exposes_location && asks || resolves_paths.unwrap_or(request.resolves_paths)
}

/// A file that the compile read and that is not in the key, or that it wrote and that is not an output; or a program that was
/// not observed in a link, as it may have read such a file.
pub(super) fn unknown_input(request: &CompileRequest, requests: &Requests) -> Option<PathBuf> {
    let known = &request.known_inputs;
    let (directory, work) = (&request.directory, &request.work);
    let real_paths = RealPaths::default();
    let unknown = known.first_unknown(requests, directory, work, &real_paths);
    let is_hidden = || requests.unobserved.clone().filter(|_| request.is_linked);
    unknown.or_else(is_hidden).or_else(|| {
        let target = request.path_map.directory(Role::Target).map(Path::new);
        let directories: Vec<_> = [&**directory].into_iter().chain(target).collect();
        known_inputs::first_written(known, requests, &directories, work, &real_paths)
    })
}

/// Whether the compile of a published package read an input that is not in its key: a variable that its sources do not name,
/// for example in code that a macro of a dependency generated; a kernel file; or a file that is neither in a registry nor among
/// the files of its build script in the key.
pub(super) fn reads_unnamed(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    let Some(named) = &request.named_variables else {
        return false;
    };
    let is_known = |name: &String| {
        named.contains(name)
            || package::is_of_cargo(name)
            || unit_key::OTHER_VARIABLES.contains(&name.as_str())
    };
    let real_paths = RealPaths::default();
    let is_unnamed = |file: &String| {
        let file = request.directory.join(file);
        known_inputs::is_kernel_file(&file, &real_paths)
            || !request.known_inputs.has_published(&file, &real_paths)
    };
    info.is_none_or(|info| {
        info.variables.iter().any(|(name, _)| !is_known(name)) || info.files.iter().any(is_unnamed)
    })
}

/// Whether a macro may have captured a backtrace that the request forbids. The compiler itself captures some, for warnings, after
/// all macros have run.
pub(super) fn captures_backtrace(
    request: &CompileRequest,
    observation: Option<&Observation>,
) -> bool {
    request.forbids_backtrace
        && observation
            .and_then(|seen| seen.requests_before(&request.work.join(&request.dep_info)))
            .is_none_or(|seen| seen.captures_backtrace())
}

/// Whether the compile read a source that is not in the key: the sources were changed after they had been listed.
pub(super) fn reads_unlisted(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    if request.language == Language::C || request.named_variables.is_some() {
        return false;
    }
    // One path may contain a symbolic link that the other does not.
    let name = |path: PathBuf| {
        request
            .path_map
            .to_placeholders_str(&path.to_string_lossy())
    };
    let sources = request.sources.iter().map(|(path, _)| path.clone());
    let listed: BTreeSet<String> = sources.map(name).collect();
    let known = &request.known_inputs;
    let is_listed = |file: &String| {
        let file = request.directory.join(file);
        known.is_library_of_toolchain(&file) || listed.contains(&name(file))
    };
    info.is_none_or(|info| !info.files.iter().all(is_listed))
}

/// The variables with a mapped path that the compile of a published package read, and that its sources use for more than
/// including files.
pub(super) fn named_paths(request: &CompileRequest, info: Option<&DepInfo>) -> Vec<String> {
    let (Some(named), Some(info)) = (&request.named_variables, info) else {
        return Vec::new();
    };
    let is_path = |value: &String| request.path_map.find_in(value.as_bytes()).is_some();
    let read = info.variables.iter();
    let is_used = |name| named.contains(name) && !request.included_variables.contains(name);
    read.filter(|(name, value)| is_used(name) && value.as_ref().is_some_and(is_path))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Whether a Rust unit `uses` the directory of the registries, if that is in the path map. True if dep-info is missing.
pub(super) fn uses_cargo_home(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    uses: impl FnOnce(&DepInfo, &str) -> bool,
) -> bool {
    let home = request.path_map.directory(Role::CargoHome);
    request.language == Language::Rust
        && home.is_some_and(|home| info.is_none_or(|info| uses(info, home)))
}

/// Whether the source read a variable whose value contains the path of the registries, `home`.
pub(super) fn reads_cargo_home(info: &DepInfo, home: &str) -> bool {
    let mut values = info
        .variables
        .iter()
        .filter_map(|(_, value)| value.as_ref());
    values.any(|value| value.contains(home))
}

/// Whether a file that the source consists of, or includes, contains the path of the registries, `home`: in the output, that text
/// is the same with another path.
pub(super) fn names_cargo_home(request: &CompileRequest, info: &DepInfo, home: &str) -> bool {
    let finder = memmem::Finder::new(home);
    let mut files = info.files.iter();
    files.any(|file| {
        let file = request.directory.join(file);
        let known = request.package.as_ref();
        if known.is_some_and(|known| known.lacks_path(&file, home)) {
            return false;
        }
        let text = fsio::read_bytes(file);
        text.is_none_or(|text| finder.find(&text).is_some())
    })
}

/// Whether the compiler may evaluate the path of a source below `home` in a constant: the output may depend on the path without
/// containing it. Rust files of a published package that ask for no path do not use theirs, unless a macro of a dependency does.
pub(super) fn evaluates_cargo_home(request: &CompileRequest, info: &DepInfo, home: &str) -> bool {
    let known = request.package.as_ref();
    let known = known.filter(|_| request.asking_macros.is_empty());
    let is_plain = |file: &Path| known.is_some_and(|known| known.is_plain(file));
    let files = info.files.iter().map(Path::new);
    let files: Vec<_> = files.filter(|file| file.starts_with(home)).collect();
    if files.iter().all(|file| is_plain(file)) {
        return false;
    }
    let files = files.into_iter().map(fsio::read_bytes);
    let Some(files) = files.collect::<Option<Vec<_>>>() else {
        return true;
    };
    // Files that are not UTF-8 are not sources: `include_bytes!` names them.
    let texts = files
        .into_iter()
        .filter_map(|file| String::from_utf8(file).ok());
    let mut conditions = Conditions::of_arguments(&request.args);
    if request.package.is_some() {
        conditions = conditions.of_published();
    }
    let texts = texts.collect::<Vec<_>>();
    macro_effects::evaluates_own_location(&texts, &conditions, &request.asking_macros)
}

/// Whether the compiler may have evaluated a source location in generated source, so that a value computed from its path may be
/// in the output. The source asks for its location (`caller`) in the generated file, or in a `const fn` with `#[track_caller]`.
pub(super) fn evaluates_locations(request: &CompileRequest) -> bool {
    let is_generated = |path: &Path| request.path_map.is_below(path, Role::Target);
    let mut sources = request.sources.iter().map(|(path, _)| path);
    sources.clone().any(|path| is_generated(path))
        && sources.any(|path| {
            let Some(text) = fsio::read_bytes(path) else {
                return true;
            };
            if memmem::find(&text, b"caller").is_none() {
                return false;
            }
            // Files that are not UTF-8 are not sources: `include_bytes!` names them.
            let Ok(text) = String::from_utf8(text) else {
                return false;
            };
            let has = |names| macro_effects::has_idents(&text, names);
            has(&["caller"])
                && (is_generated(path) || has(&["track_caller"]) && has(&["const", "fn"]))
        })
}

/// The functions of the unit that may get the location of their caller.
pub(super) fn caller_functions(
    request: &CompileRequest,
    info: Option<&DepInfo>,
) -> BTreeSet<String> {
    let known = request.package.as_ref();
    let files = info.into_iter().flat_map(|info| &info.files);
    let files = files.map(|file| request.directory.join(file));
    let lacks_callers = |file: &Path| known.is_some_and(|known| known.lacks_callers(file));
    let files = files.filter(|file| package::is_rust(file) && !lacks_callers(file));
    let files: Vec<_> = files.collect();
    let never_asks = |file: &Path| known.is_some_and(|known| known.never_asks_for_caller(file));
    let below = &request.caller_functions;
    if below.is_empty() && files.iter().all(|file| never_asks(file)) {
        return BTreeSet::new();
    }
    let texts = files.iter().filter_map(fsio::read_text);
    macro_effects::caller_functions(&texts.collect::<Vec<_>>(), below)
}

/// Whether a source whose path rustc replaces, as that of a generated one, may call a function that gets its location, one of `own`
/// or one of a dependency: a value computed from the path may be in the output of this unit or of one that inlines its code.
pub(super) fn gives_location(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    own: &BTreeSet<String>,
) -> bool {
    let below = &request.caller_functions;
    if !request.may_have_names || own.is_empty() && below.is_empty() {
        return false;
    }
    replaced_files(request, info).any(|file| {
        may_have(file, |text| {
            macro_effects::may_use(text, own) || macro_effects::may_use(text, below)
        })
    })
}

/// Whether the text of a source `is_one`. True if a Rust source is not UTF-8, or too large to be searched.
fn may_have(file: &Path, is_one: impl FnOnce(&str) -> bool) -> bool {
    match fsio::read_text(file) {
        Some(text) => is_one(&text),
        None => package::is_rust(file),
    }
}

/// Whether a generated source of the unit contains a path for more than including a file. In the key, the path is replaced by a
/// placeholder, but the compiler may have computed a value from it.
pub(super) fn evaluates_generated_paths(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    let path_map = &request.path_map;
    let is_path = |text: &str| {
        let home = path_map.unmapped();
        path_map.find_in(text.as_bytes()).is_some() || home.is_some_and(|home| text.contains(home))
    };
    generated_files(request, info).any(|file| {
        let has_path = fsio::open(&file).and_then(|file| binary::has_path(&file, path_map));
        let only_includes = || {
            let text = fsio::read_text(&file);
            text.is_some_and(|text| macro_effects::only_includes(&text, is_path))
        };
        has_path.unwrap_or(true) && !(package::is_rust(&file) && only_includes())
    })
}

/// Whether a generated source of the unit asks for its own path, or for that of its caller: a value computed from it may be in
/// the output.
pub(super) fn names_generated_file(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    let names = |text: &str| macro_effects::has_any_ident(text, &["file", "caller"]);
    generated_files(request, info).any(|file| may_have(&file, names))
}

/// Whether a source whose path rustc replaces, as that of a generated one, may ask for its own path (`file!`) or for that of its
/// caller as such, not only in panics: a program may contain it other than in a location.
pub(super) fn asks_for_replaced_path(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    let asks = macro_effects::may_ask_for_own_location;
    replaced_files(request, info).any(|file| may_have(file, asks))
}

/// Whether a value may be computed from the path of a source that rustc replaces: by the source itself, by a macro that it calls, or
/// in a constant, by a function that gets the location of its caller. `own` are such functions of the unit.
pub(super) fn may_evaluate_replaced(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    own: &BTreeSet<String>,
) -> bool {
    let below = &request.caller_functions;
    let may_evaluate = |text: &str| {
        let uses = |functions| macro_effects::may_use(text, functions);
        let has_constant = || macro_effects::has_any_ident(text, &["const", "static"]);
        macro_effects::may_ask_by_macro(text) || has_constant() && (uses(own) || uses(below))
    };
    let mut replaced = replaced_files(request, info);
    // A procedural macro may ask for the path of the code that it gets.
    replaced.any(|file| request.exposes_cargo_home || may_have(file, may_evaluate))
}

/// The sources whose paths rustc replaces.
fn replaced_files<'a>(
    request: &'a CompileRequest,
    info: Option<&'a DepInfo>,
) -> impl Iterator<Item = &'a Path> {
    let roles = [Role::Workspace, Role::Target];
    let files = info.into_iter().flat_map(|info| &info.files);
    let files = files.map(Path::new);
    files.filter(move |file| {
        let mut roles = roles.iter();
        roles.any(|role| request.path_map.is_below(file, *role))
    })
}

/// Whether the output of a compile with real paths may have `leak`. `evaluates_generated` is [`evaluates_generated_paths`], and
/// `own_functions` are the [`caller_functions`].
pub(super) fn may_have_leak(
    request: &CompileRequest,
    info: Option<&DepInfo>,
    leak: PathLeak,
    evaluates_generated: bool,
    own_functions: &BTreeSet<String>,
) -> io::Result<bool> {
    match leak {
        PathLeak::SourceLocation(role) => {
            let Some(directory) = request.path_map.directory(role) else {
                return Ok(true);
            };
            for name in &request.outputs {
                let file = fsio::open(&request.work.join(name))?;
                if binary::may_have_location(name, &file, directory)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        PathLeak::Value(_) if reads_replaced(request, info) => Ok(true),
        PathLeak::Value(_) => {
            let roles = [Role::Workspace, Role::Target];
            let directories = roles.map(|role| request.path_map.directory(role));
            for name in &request.outputs {
                let file = fsio::open(&request.work.join(name))?;
                for directory in directories.iter().flatten() {
                    if binary::may_have_location(name, &file, directory)? {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        }
        PathLeak::Derived(Role::Target) => Ok(evaluates_generated
            || evaluates_locations(request)
            || gives_location(request, info, own_functions)
            || names_generated_file(request, info)
            || names_path(request, info) && may_evaluate_replaced(request, info, own_functions)),
        PathLeak::Derived(_) | PathLeak::Embedded(_) | PathLeak::OfVariable(_) => Ok(true),
    }
}

/// Whether a variable is read in whose value rustc may get a placeholder. True if dep-info is missing.
pub(super) fn reads_replaced(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    info.is_none_or(|info| info.variables.iter().any(|read| is_replaced(request, read)))
}

/// Whether a variable with a path may be used for more than finding a file, so that the output may contain the path.
fn names_path(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    !request.exposed_variables.is_empty() || !named_paths(request, info).is_empty()
}

/// The sources in the target directory.
fn generated_files<'a>(
    request: &'a CompileRequest,
    info: Option<&'a DepInfo>,
) -> impl Iterator<Item = PathBuf> + 'a {
    let files = info.into_iter().flat_map(|info| &info.files);
    let files = files.map(|file| request.directory.join(file));
    files.filter(|file| request.path_map.is_below(file, Role::Target))
}

#[cfg(test)]
mod tests;
