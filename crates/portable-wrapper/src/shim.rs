//! The shim: what sccache runs in place of rustc.
//!
//! Of a unit of ours, which the [`front`](super::rustc_wrapper) marks, it lists no sources, since the key
//! says it all, names the files that the front expects, and compiles what the front described.
//! Everything else goes to the compiler as it is.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};

use super::binary::{self, PathLeak};
use super::cache_entry::{CacheEntry, Text};
use super::compiler::Compiler;
use super::digest;
use super::expansion_diff;
use super::path_map::Role;
use super::protocol::{
    CompileRequest, CompileResult, Language, MARK, Remap, restore_cargo_variables,
};
use super::state_dir::StateDir;
use sccfg_util::proc::{self, Program};
use sccfg_util::{env, fsio};

/// The file beside a shim that names its compiler.
const COMPILER: &str = "compiler";

/// The shim of `compiler`: one for each, because sccache knows a compiler by its path.
pub(super) fn path(compiler: &Compiler, state: &StateDir) -> Option<PathBuf> {
    let directory = state
        .directory()
        .join("shims")
        .join(&compiler.digest()[..32]);
    let shim = directory.join("rustc");
    let this = env::current_program()?;
    let named = compiler.program.as_os_str().as_encoded_bytes();
    let file = directory.join(COMPILER);
    // The same compiler may have moved to another path.
    if fsio::read_bytes(&file).as_deref() != Some(named) {
        fsio::replace_and_create_dir(&file, named).ok()?;
    }
    if fsio::read_link(&shim).as_ref() != Some(&this) {
        fsio::replace_link(&shim, &this).ok()?;
    }
    Some(shim)
}

/// Acts as the compiler that stands behind the shim called `name`.
pub(super) fn run(name: &Path, arguments: &[OsString]) -> ExitCode {
    let has = |text: &str| arguments.iter().any(|it| it == text);
    let mark = arguments
        .iter()
        .find_map(|it| it.to_str()?.strip_prefix(MARK));
    if let Some(key) = mark {
        let Some(request) = CompileRequest::from_environment() else {
            return fail("the description of the compile is not there");
        };
        if key.trim_matches('"') != request.key {
            return fail("the description is of another compile");
        }
        if has("--print") {
            return print_names(&request);
        }
        return match value_of(arguments, "-o") {
            Some(file) => list_nothing(file),
            None => compile(&request),
        };
    }
    // rustup's proxy would take this; a compiler does not.
    if arguments
        .first()
        .is_some_and(|it| it.to_string_lossy().starts_with('+'))
    {
        return ExitCode::FAILURE;
    }
    let Some(compiler) = compiler_of(name) else {
        return fail("the compiler behind it is not known");
    };
    let error = Program {
        path: &compiler,
        args: arguments,
        changes: &restore_cargo_variables(),
        directory: None,
    }
    .exec();
    fail(&format!("running {}: {error}", compiler.display()))
}

fn compiler_of(shim: &Path) -> Option<PathBuf> {
    let named = fsio::read_bytes(shim.parent()?.join(COMPILER))?;
    String::from_utf8(named).ok().map(PathBuf::from)
}

fn fail(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "sccfg: {why}");
    ExitCode::from(2)
}

fn value_of<'a>(arguments: &'a [OsString], flag: &str) -> Option<&'a Path> {
    let at = arguments.iter().position(|it| it == flag)?;
    arguments.get(at + 1).map(Path::new)
}

/// The key says it all.
fn list_nothing(file: &Path) -> ExitCode {
    match fsio::replace(file, b"unit: \n") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("writing {}: {error}", file.display())),
    }
}

fn print_names(request: &CompileRequest) -> ExitCode {
    let mut names = request.outputs.join("\n");
    names.push_str(&format!("\n{}\n", request.record));
    match io::stdout().write_all(names.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn compile(request: &CompileRequest) -> ExitCode {
    // The compiler inherits the lock, and so outlives a shim that is killed.
    let _lock = fsio::lock_for_children(&request.lock());
    // Another one may have done it while this one waited.
    let done = match request.done() {
        Some(done) => done,
        None => match make(request) {
            Ok(done) => {
                if let Err(error) = request.say(&done) {
                    return fail(&format!("writing to {}: {error}", request.work.display()));
                }
                done
            }
            Err(error) => return fail(&format!("compiling: {error}")),
        },
    };
    match done.status {
        // What fails is not stored.
        0 if done.is_stale => ExitCode::FAILURE,
        status => ExitCode::from(u8::try_from(status).unwrap_or(1)),
    }
}

/// Makes the files of a call, or says how that failed.
fn make(request: &CompileRequest) -> io::Result<CompileResult> {
    let record = request.work.join(&request.record);
    let mut done = CompileResult {
        status: 0,
        stdout: Text::Plain(String::new()),
        stderr: Text::Plain(String::new()),
        is_stale: false,
    };
    if request.remap == Remap::KeyedByPath
        && let Some(entry) = take_held(request)?
    {
        entry.write(&record)?;
        return Ok(done);
    }
    let mut leak = None;
    let mut output = run_compiler(request, request.remap)?;
    if !output.status.success()
        && request.remap != Remap::None
        && request.path_map.has_placeholder(&output.stderr)
    {
        // A macro may have looked for a source where it is said to be.
        let plain = run_compiler(request, Remap::None)?;
        if plain.status.success() {
            output = plain;
            leak = (request.remap == Remap::All).then_some(PathLeak::SourceLocation(Role::Target));
        }
    }
    let (stdout, stderr) = (
        request.as_asked(&output.stdout),
        request.as_asked(&output.stderr),
    );
    done.status = proc::exit_code(output.status);
    if done.status != 0 {
        done.stdout = stdout.into();
        done.stderr = stderr.into();
        return Ok(done);
    }
    let mut entry = CacheEntry::new(&request.key);
    entry.stdout = request.path_map.to_placeholders_output(&stdout).into();
    entry.stderr = request.path_map.to_placeholders_output(&stderr).into();
    let dep_info = fsio::read_bytes(request.work.join(&request.dep_info)).unwrap_or_default();
    entry.dep_info = request
        .path_map
        .to_placeholders_dep_info(&request.as_asked(&dep_info))
        .into();
    let home = request.path_map.unmapped();
    for name in &request.outputs {
        let bytes = fsio::read_artifact(request.work.join(name)).ok_or(io::ErrorKind::NotFound)?;
        if request.remap == Remap::All && leak.is_none() {
            leak = match request.language {
                Language::Rust => binary::leak(name, &bytes, &request.path_map),
                Language::C => binary::leak_of_object(&bytes, &request.path_map),
            };
        }
        if let Some(home) = home {
            let is_movable = !request.uses_home && binary::is_movable(&bytes);
            if !is_movable || binary::names(&bytes, home) {
                entry.home = Some(home.to_owned());
            }
            entry.is_movable &= is_movable;
        }
        entry.outputs.push((name.clone(), digest::of(&bytes)));
    }
    let may_speak = request.asks_place || !request.used.is_empty();
    if request.remap == Remap::All
        && leak.is_none()
        && may_speak
        && expansion_diff::depends_on_path(request)?
    {
        leak = Some(PathLeak::Derived(Role::Workspace));
    }
    let unchanged = |(path, digest): &(PathBuf, String)| {
        digest::of_source(path, &request.path_map).as_ref() == Some(digest)
    };
    done.is_stale = !request.sources.iter().all(unchanged);
    if let (Some(leak), false) = (leak, done.is_stale) {
        hold_back(request, &entry)?;
        entry = CacheEntry::new(&request.key);
        entry.leak = Some(leak);
    }
    entry.write(&record)?;
    Ok(done)
}

fn run_compiler(request: &CompileRequest, remap: Remap) -> io::Result<Output> {
    let mut args = request.args_for(&request.work);
    let mut changes = restore_cargo_variables();
    if remap != Remap::None {
        args.extend(request.remaps());
        if request.is_linked {
            changes.extend(linker_paths(request));
        }
    }
    Program {
        path: &request.program,
        args: &args,
        changes: &changes,
        directory: Some(&request.directory),
    }
    .output()
}

/// Nix' linker puts the directories behind `-rpath` into every program, and `nix develop` names one
/// below the workspace.
fn linker_paths(request: &CompileRequest) -> Vec<(OsString, Option<OsString>)> {
    env::vars_where(|name| name.starts_with("NIX_LDFLAGS"))
        .into_iter()
        .filter_map(|(name, value)| {
            let hidden = hide_search_paths(value.to_str()?, |path| {
                request.path_map.to_placeholders_str(path)
            });
            Some((name, Some(hidden.into())))
        })
        .collect()
}

fn hide_search_paths(flags: &str, hide: impl Fn(&str) -> String) -> String {
    let mut is_path = false;
    let words = flags.split(' ').map(|word| {
        let word_is_path = std::mem::replace(&mut is_path, word == "-rpath");
        if word_is_path {
            hide(word)
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What stands in a file that was held back: sccache 0.10 does not keep an empty one.
const MARK_TEXT: &[u8] = b"held back\n";

/// Moves the files where sccache does not take them, and leaves marks.
fn hold_back(request: &CompileRequest, entry: &CacheEntry) -> io::Result<()> {
    let held = request.held();
    fsio::create_dir_all(&held)?;
    for name in &request.outputs {
        fsio::rename(&request.work.join(name), &held.join(name))?;
        fsio::write_output(&request.work.join(name), MARK_TEXT)?;
    }
    entry.write(&held.join(&request.record))
}

/// Takes what the call before this one held back.
fn take_held(request: &CompileRequest) -> io::Result<Option<CacheEntry>> {
    let held = request.held();
    let Some(bytes) = fsio::read_bytes(held.join(&request.record)) else {
        return Ok(None);
    };
    let Ok(mut entry) = serde_json::from_slice::<CacheEntry>(&bytes) else {
        return Ok(None);
    };
    for name in &request.outputs {
        fsio::rename(&held.join(name), &request.work.join(name))?;
    }
    entry.key.clone_from(&request.key);
    Ok(Some(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_search_paths_are_hidden() {
        let flags = "-rpath /w/outputs/out/lib -L/w/lib  -rpath /nix/store/x/lib";
        assert_eq!(
            hide_search_paths(flags, |path| path.replace("/w/", "/P/")),
            "-rpath /P/outputs/out/lib -L/w/lib  -rpath /nix/store/x/lib"
        );
    }
}
