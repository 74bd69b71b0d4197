//! Compiling a unit that no cache has: its files, and its [entry](super::cache_entry).

mod dependence;
mod process;
mod remapped;
mod speculative;
mod unkeyed_inputs;
mod values;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

use self::dependence::{depends_on_path_by, leak_of_value, with_values};
use self::remapped::{Compiled, compile_remapped};
pub(super) use self::speculative::SpeculativeCompile;
use self::unkeyed_inputs::{
    asks_for_replaced_path, caller_functions, captures_backtrace, evaluates_cargo_home,
    evaluates_generated_paths, is_final, may_have_leak, names_cargo_home, reads_cargo_home,
    reads_replaced, reads_unnamed, uses_cargo_home,
};
use super::binary::placeholder_sites::{self, PlaceholderSite};
use super::binary::{self, Contents, library_locations};
use super::cache_entry::{CacheEntry, Text};
use super::debug_info;
use super::dep_info::DepInfo;
use super::diagnostics;
use super::digest;
use super::expansion_diff;
use super::native_library;
use super::native_strings::{self, Fill};
use super::observation::Observation;
use super::path_leak::PathLeak;
use super::path_map::Role;
use super::protocol::{CompileRequest, CompileResult, Language, Remap};
use sccfg_util::clock::millis;
use sccfg_util::fsio;
use sccfg_util::job_token::JobToken;
use sccfg_util::proc;

/// Receives each line that the compiler writes to standard error as soon as it is written, and a function that returns whether
/// the files of this compile are certain to be delivered. They are not if the unit may have to be compiled again without
/// replacing paths; an embedded path alone is no reason for that.
pub(super) type OnStderr<'a> = &'a dyn Fn(&[u8], &dyn Fn() -> bool);

/// Whether the source is [expanded](expansion_diff) for a comparison whatever the compile reads. An observed compile shows
/// whether a macro asks for canonical paths or the current directory and, in a published package or a program, which variables it
/// reads: most read none.
fn is_expanded_anyway(request: &CompileRequest) -> bool {
    let mut exposed = request.exposed_variables.iter();
    let gets_placeholders = request.has_values && exposed.all(|name| request.hides_value(name));
    let is_shown = request.is_observed && (request.named_variables.is_some() || gets_placeholders);
    let exposes_location =
        request.exposes_location && !(request.shows_location && request.is_observed);
    let asks_for_location = exposes_location || request.resolves_paths && !request.is_observed;
    expansion_diff::is_needed(request, asks_for_location, &request.exposed_variables)
        && (asks_for_location || !is_shown)
}

/// Whether the source is expanded during the compile, if there is a token.
pub(super) fn may_be_expanded(request: &CompileRequest) -> bool {
    let mut exposed = request.exposed_variables.iter();
    let gets_placeholder = request.has_values && exposed.any(|name| request.hides_value(name));
    is_expanded_anyway(request) || gets_placeholder && request.remap == Remap::All
}

/// Whether sources or files that macros read were changed while the unit was compiled.
fn has_changed_inputs(request: &CompileRequest, info: Option<&DepInfo>) -> bool {
    let is_unchanged = |(path, digest): &(PathBuf, String)| {
        digest::of_source(path, &request.path_map).as_ref() == Some(digest)
    };
    unkeyed_inputs::reads_unlisted(request, info)
        || !request.sources.iter().all(is_unchanged)
        || !request.read_files.are_unchanged(&request.path_map)
}

/// The result of a compile.
pub(super) struct Made {
    pub(super) result: CompileResult,
    /// The entry of the files, which are in the work directory; `None` if the compile failed.
    pub(super) entry: Option<CacheEntry>,
}

/// Produces the files of a request and its entry. With a token, the [source is expanded](expansion_diff) during the compile.
/// `begun` is the compile if it was started before the key was known.
pub(super) fn make(
    request: &CompileRequest,
    on_stderr: OnStderr<'_>,
    token: Option<JobToken>,
    begun: Option<SpeculativeCompile>,
) -> io::Result<Made> {
    if request.remap == Remap::BestEffort
        && !request.leak.is_some_and(PathLeak::needs_another_compile)
        && let Some(taken) = take_withheld(request)?
    {
        return Ok(taken);
    }
    let begun = begun.filter(|begun| begun.is_of(request));
    let (start, observation) = match &begun {
        Some(begun) => (begun.since(), begun.observation()),
        None => (Instant::now(), request.observation()),
    };
    let observation = observation.as_deref();
    let depends_on_path = OnceLock::new();
    let evaluated = OnceLock::new();
    let evaluates_home = |info: &DepInfo, home: &str| {
        *evaluated
            .get_or_init(|| request.exposes_cargo_home || evaluates_cargo_home(request, info, home))
    };
    let is_listing_needed = OnceLock::new();
    let needs_sources = |info: Option<&DepInfo>| {
        *is_listing_needed.get_or_init(|| {
            reads_unnamed(request, info) || captures_backtrace(request, observation)
        })
    };
    let is_final = || {
        let known = depends_on_path.get();
        let depends = known.map(|known: &io::Result<bool>| !matches!(known, Ok(false)));
        is_final(request, depends, needs_sources, evaluates_home, observation)
    };
    let compiled = thread::scope(|scope| {
        // A unit with a macro that may write files is not expanded and compiled at the same time: its paths are not replaced. Copies
        // that a reviewed macro writes are there since the sources were listed.
        if let Some(token) = token {
            let depends_on_path = &depends_on_path;
            scope.spawn(move || {
                expand(request, depends_on_path);
                drop(token);
            });
        }
        let on_stderr = |line: &[u8]| on_stderr(line, &is_final);
        compile_remapped(request, begun, observation, &on_stderr)
    });
    let Compiled {
        output,
        leak,
        has_values,
    } = compiled?;
    let lacks_values = request.has_values && !has_values;
    let without = lacks_values.then(|| request.without_values());
    let request = without.as_ref().unwrap_or(request);
    let stdout = request.with_out_dir(&output.stdout);
    let stderr = request.with_out_dir(&output.stderr);
    if !output.status.success() {
        return Ok(Made {
            result: CompileResult::failure(output.status, stdout, stderr),
            entry: None,
        });
    }
    pack_debug_info(request)?;
    let dep_info = fsio::read_bytes(request.work.join(&request.dep_info)).unwrap_or_default();
    let info = DepInfo::parse(&String::from_utf8_lossy(&dep_info));
    let requests = observation.and_then(Observation::requests);
    let depends_on_path =
        || depends_on_path_by(request, info.as_ref(), observation, depends_on_path);
    let compiled = Output {
        stdout,
        stderr,
        ..output
    };
    let (mut entry, leak) = entry_of(
        request,
        &compiled,
        &dep_info,
        info.as_ref(),
        leak,
        evaluates_home,
        depends_on_path,
    )?;
    entry.took = Some(millis(start.elapsed()));
    entry.lacks_values = lacks_values;
    let unknown_input = |requests| unkeyed_inputs::unknown_input(request, requests);
    entry.unknown_input = requests.as_ref().and_then(unknown_input);
    let needs_sources = needs_sources(info.as_ref());
    // With a leak, the files are withheld, and not stored later. If sources are needed, they may be the unknown input.
    let is_unknown = entry.unknown_input.is_some() && leak.is_none() && !needs_sources;
    let is_lost = requests.is_some_and(|requests| requests.is_lost);
    let is_stale = is_unknown || is_lost || has_changed_inputs(request, info.as_ref());
    if is_stale && leak.is_some_and(PathLeak::needs_another_compile) {
        return make_unmapped(request, on_stderr);
    }
    if !is_stale && (leak.is_some() || needs_sources) {
        withhold(request, &entry)?;
        entry = CacheEntry::new(&request.key);
        entry.leak = leak;
        entry.needs_sources = needs_sources;
    }
    Ok(Made {
        result: CompileResult {
            is_stale,
            ..CompileResult::success()
        },
        entry: Some(entry),
    })
}

/// Expands the source while it is compiled. The result is `depends_on_path`, if the expansions that it needs are compared anyway.
fn expand(request: &CompileRequest, depends_on_path: &OnceLock<io::Result<bool>>) {
    if is_expanded_anyway(request) {
        let exposed = &request.exposed_variables;
        let _ = depends_on_path.set(expansion_diff::depends_on_path(request, exposed, 1));
    } else {
        // The result is in the work directory.
        let _ = expansion_diff::expanded(request);
    }
}

/// Compiles again with real paths. The result is not stored, because a source changed or an input is not in the key.
fn make_unmapped(request: &CompileRequest, on_stderr: OnStderr<'_>) -> io::Result<Made> {
    let unmapped = CompileRequest {
        remap: Remap::None,
        ..request.clone()
    };
    let mut made = make(&unmapped, on_stderr, None, None)?;
    made.result.is_stale = true;
    Ok(made)
}

impl CompileRequest {
    /// Prepares to observe the compiler, if the request says so and it is possible.
    fn observation(&self) -> Option<Arc<Observation>> {
        let library = self.observer.as_deref().filter(|_| self.is_observed);
        library.and_then(Observation::of_compile).map(Arc::new)
    }
}

impl CompileResult {
    fn success() -> Self {
        Self {
            status: 0,
            signal: None,
            stdout: Text::Plain(String::new()),
            stderr: Text::Plain(String::new()),
            is_stale: false,
            is_source_error: false,
        }
    }

    fn failure(status: ExitStatus, stdout: Vec<u8>, stderr: Vec<u8>) -> Self {
        Self {
            status: proc::exit_code(status),
            signal: proc::signal_of(status),
            is_source_error: diagnostics::is_source_error(status, &stderr),
            stdout: stdout.into(),
            stderr: stderr.into(),
            is_stale: false,
        }
    }
}

/// Makes the output that contains separate files of debug information.
fn pack_debug_info(request: &CompileRequest) -> io::Result<()> {
    match &request.debug_info_archive {
        Some(archive) => debug_info::pack(&request.work, archive),
        None => Ok(()),
    }
}

/// The entry of a successful compile, and why it cannot be shared, if so.
fn entry_of(
    request: &CompileRequest,
    output: &Output,
    dep_info: &[u8],
    info: Option<&DepInfo>,
    mut leak: Option<PathLeak>,
    evaluates_home: impl FnOnce(&DepInfo, &str) -> bool,
    depends_on_path: impl FnOnce() -> io::Result<bool>,
) -> io::Result<(CacheEntry, Option<PathLeak>)> {
    let path_map = &request.path_map;
    let mut entry = CacheEntry::new(&request.key);
    entry.crate_hashes.clone_from(&request.crate_hashes);
    entry.has_texts = !request.is_linked && native_library::have_texts(&request.native_libraries);
    entry.stdout = path_map.to_placeholders_output(&output.stdout).into();
    entry.stderr = path_map.to_placeholders_output(&output.stderr).into();
    let evaluates_home = uses_cargo_home(request, info, evaluates_home);
    let evaluates_generated = evaluates_generated_paths(request, info);
    let asks_for_home = request.exposes_cargo_home
        || evaluates_home
        || evaluates_generated
        || uses_cargo_home(request, info, reads_cargo_home)
        || uses_cargo_home(request, info, |info, home| {
            names_cargo_home(request, info, home)
        });
    entry.dep_info = path_map
        .to_placeholders_dep_info(&request.with_out_dir(dep_info))
        .into();
    if request.language == Language::Rust {
        entry.caller_functions = caller_functions(request, info);
    }
    let asks_for_replaced = request.may_have_names
        && request.remap == Remap::All
        && asks_for_replaced_path(request, info);
    for name in &request.outputs {
        let path = request.work.join(name);
        let mut file = fsio::open(&path)?;
        let mut contents = Contents::read(&file, path_map)?;
        let leak_of = |contents: &Contents, file: &File| match request.language {
            _ if !contents.may_leak => Ok(None),
            Language::Rust => binary::leak(name, file, path_map, request.may_have_names),
            Language::C => binary::leak_of_object(file, path_map),
        };
        if request.remap == Remap::All && leak.is_none() {
            leak = leak_of(&contents, &file)?;
            // Objects of other languages in a static library are not searched.
            let is_library = Path::new(name).extension() == Some("a".as_ref());
            if request.is_linked
                && (is_library || matches!(leak, Some(PathLeak::Embedded(_))))
                && native_strings::write_placeholders(&path, path_map, Fill::Mark)?
            {
                file = fsio::open(&path)?;
                contents = Contents::read(&file, path_map)?;
                leak = leak_of(&contents, &file)?;
            }
        }
        if request.has_coverage && request.remap == Remap::All && leak.is_none() {
            leak = binary::coverage::leak(&file, path_map)?;
        }
        if let Some(cargo_home) = path_map.unmapped() {
            let hides_paths = request.is_linked && request.hides_paths;
            let is_movable =
                !asks_for_home && !request.has_coverage && !hides_paths && contents.is_movable;
            if !is_movable || contents.has_unmapped {
                entry.cargo_home = Some(cargo_home.to_owned());
            }
            entry.is_movable &= is_movable;
        }
        let sites = sites_in(request, name, &file, &contents)?;
        // What is written into texts moves them, and what is computed from a name may be anywhere.
        let is_kept = |_: &Vec<_>| request.is_linked || !entry.has_texts && !asks_for_replaced;
        let role = sites.iter().flatten().map(PlaceholderSite::role).next();
        let sites = sites.filter(is_kept);
        if let Some(role) = role.filter(|_| sites.is_none() && request.remap == Remap::All) {
            leak = leak.filter(|leak| Remap::after(*leak) == Remap::None);
            leak = leak.or(Some(PathLeak::SourceLocation(role)));
        }
        // A linked file may have values of libraries.
        let may_have_values = request.is_linked || reads_replaced(request, info);
        if may_have_values && contents.may_leak && request.remap == Remap::All {
            leak = values::leak_of(request, sites.as_deref(), &file, leak)?;
        }
        entry.sites.extend(sites.map(|sites| (name.clone(), sites)));
        entry.outputs.push((name.clone(), contents.digest));
    }
    if request.remap == Remap::All && leak.is_none() && depends_on_path()? {
        leak = Some(leak_of_value(request, info, &entry.caller_functions));
    }
    let mut leak = with_values(
        request,
        info,
        &entry,
        leak,
        evaluates_generated,
        evaluates_home,
    );
    if values::are_read(request, info)
        && !leak.is_some_and(PathLeak::needs_another_compile)
        && (matches!(leak, Some(PathLeak::OfVariable(_)))
            || expansion_diff::evaluates_paths(request)?)
    {
        leak = Some(PathLeak::Value(Role::Workspace));
    }
    let may_lack =
        |leak: &PathLeak| request.remap == Remap::None || matches!(leak, PathLeak::Value(_));
    if let Some(expected) = request.leak.filter(may_lack) {
        let functions = &entry.caller_functions;
        entry.lacks_leak = !may_have_leak(request, info, expected, evaluates_generated, functions)?;
    }
    Ok((entry, leak))
}

/// The sites of the placeholders in an output; `None` if they are not known, or if a library has none.
fn sites_in(
    request: &CompileRequest,
    name: &str,
    file: &File,
    contents: &Contents,
) -> io::Result<Option<Vec<PlaceholderSite>>> {
    if request.is_linked && binary::is_linked(name) {
        return if contents.may_leak {
            placeholder_sites::find(file, &request.path_map)
        } else {
            Ok(Some(Vec::new()))
        };
    }
    if request.may_have_names && contents.may_leak {
        let sites = library_locations::sites(name, file)?;
        return Ok(sites.filter(|sites| !sites.is_empty()));
    }
    Ok(None)
}

/// The content of the substitute for a withheld file. Not empty, because sccache 0.10 does not store empty files.
const WITHHELD: &[u8] = b"withheld\n";

/// Moves the files to a directory from which sccache does not collect them, and writes substitutes.
fn withhold(request: &CompileRequest, entry: &CacheEntry) -> io::Result<()> {
    let withheld = request.withheld();
    fsio::create_dir_all(&withheld)?;
    for name in &request.outputs {
        fsio::rename(&request.work.join(name), &withheld.join(name))?;
        fsio::write_output(&request.work.join(name), WITHHELD)?;
    }
    entry.write(&withheld.join(&request.entry))
}

/// Moves back the files and the entry that the previous attempt withheld.
fn take_withheld(request: &CompileRequest) -> io::Result<Option<Made>> {
    let withheld = request.withheld();
    let Some(bytes) = fsio::read_bytes(withheld.join(&request.entry)) else {
        return Ok(None);
    };
    let Ok(mut entry) = serde_json::from_slice::<CacheEntry>(&bytes) else {
        return Ok(None);
    };
    for name in &request.outputs {
        fsio::rename(&withheld.join(name), &request.work.join(name))?;
    }
    entry.key.clone_from(&request.key);
    Ok(Some(Made {
        result: CompileResult {
            is_stale: entry.unknown_input.is_some(),
            ..CompileResult::success()
        },
        entry: Some(entry),
    }))
}
