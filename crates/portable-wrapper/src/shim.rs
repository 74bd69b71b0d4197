//! The shim: what sccache runs in place of rustc.
//!
//! Of a unit of ours, which the [`front`](super::front) marks, it lists no sources, since the key
//! says it all, names the files that the front expects, and compiles what the front described.
//! Everything else goes to the compiler as it is.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};

use super::binary::{self, Leak};
use super::call::{Call, Done, How, Language, MARK, show_variables};
use super::compiler::Compiler;
use super::digest;
use super::places::Role;
use super::record::{Stored, Text};
use super::state::State;
use super::twin;
use sccfg_util::proc::{self, Program};
use sccfg_util::{env, fsio};

/// The file beside a shim that names its compiler.
const COMPILER: &str = "compiler";

/// The shim of `compiler`: one for each, because sccache knows a compiler by its path.
pub(super) fn path(compiler: &Compiler, state: &State) -> Option<PathBuf> {
    let directory = state
        .directory()
        .join("shims")
        .join(&compiler.digest()[..32]);
    let shim = directory.join("rustc");
    let this = env::program()?;
    let named = compiler.program.as_os_str().as_encoded_bytes();
    let file = directory.join(COMPILER);
    // The same compiler may have moved to another path.
    if fsio::bytes(&file).as_deref() != Some(named) {
        fsio::replace_deep(&file, named).ok()?;
    }
    if fsio::link_text(&shim).as_ref() != Some(&this) {
        fsio::replace_link(&shim, &this).ok()?;
    }
    Some(shim)
}

/// Acts as the compiler that stands behind the shim called `name`.
pub fn run(name: &Path, arguments: &[OsString]) -> ExitCode {
    let has = |text: &str| arguments.iter().any(|it| it == text);
    let mark = arguments
        .iter()
        .find_map(|it| it.to_str()?.strip_prefix(MARK));
    if let Some(key) = mark {
        let Some(call) = Call::from_environment() else {
            return fail("the description of the compile is not there");
        };
        if key.trim_matches('"') != call.key {
            return fail("the description is of another compile");
        }
        if has("--print") {
            return print_names(&call);
        }
        return match value_of(arguments, "-o") {
            Some(file) => list_nothing(file),
            None => compile(&call),
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
        changes: &show_variables(),
        directory: None,
    }
    .become_it();
    fail(&format!("running {}: {error}", compiler.display()))
}

fn compiler_of(shim: &Path) -> Option<PathBuf> {
    let named = fsio::bytes(shim.parent()?.join(COMPILER))?;
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

fn print_names(call: &Call) -> ExitCode {
    let mut names = call.outputs.join("\n");
    names.push_str(&format!("\n{}\n", call.record));
    match io::stdout().write_all(names.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn compile(call: &Call) -> ExitCode {
    // The compiler inherits the lock, and so outlives a shim that is killed.
    let _lock = fsio::lock_until_all_end(&call.lock());
    // Another one may have done it while this one waited.
    let done = match call.done() {
        Some(done) => done,
        None => match make(call) {
            Ok(done) => {
                if let Err(error) = call.say(&done) {
                    return fail(&format!("writing to {}: {error}", call.work.display()));
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
fn make(call: &Call) -> io::Result<Done> {
    let record = call.work.join(&call.record);
    let mut done = Done {
        status: 0,
        stdout: Text::Plain(String::new()),
        stderr: Text::Plain(String::new()),
        is_stale: false,
    };
    if call.how == How::Here
        && let Some(stored) = take_held(call)?
    {
        stored.write(&record)?;
        return Ok(done);
    }
    let mut leak = None;
    let mut output = run_compiler(call, call.how)?;
    if !output.status.success()
        && call.how != How::Plain
        && call.places.has_stand_in(&output.stderr)
    {
        // A macro may have looked for a source where it is said to be.
        let plain = run_compiler(call, How::Plain)?;
        if plain.status.success() {
            output = plain;
            leak = (call.how == How::Portable).then_some(Leak::Location(Role::Target));
        }
    }
    let (stdout, stderr) = (call.as_asked(&output.stdout), call.as_asked(&output.stderr));
    done.status = proc::code(output.status);
    if done.status != 0 {
        done.stdout = stdout.into();
        done.stderr = stderr.into();
        return Ok(done);
    }
    let mut stored = Stored::new(&call.key);
    stored.stdout = call.places.hide_said(&stdout).into();
    stored.stderr = call.places.hide_said(&stderr).into();
    let dep_info = fsio::bytes(call.work.join(&call.dep_info)).unwrap_or_default();
    stored.dep_info = call.places.hide_dep_info(&call.as_asked(&dep_info)).into();
    let home = call.places.kept();
    for name in &call.outputs {
        let bytes = fsio::artifact(call.work.join(name)).ok_or(io::ErrorKind::NotFound)?;
        if call.how == How::Portable && leak.is_none() {
            leak = match call.language {
                Language::Rust => binary::leak(name, &bytes, &call.places),
                Language::C => binary::leak_of_object(&bytes, &call.places),
            };
        }
        if let Some(home) = home {
            let is_movable = !call.uses_home && binary::is_movable(&bytes);
            if !is_movable || binary::names(&bytes, home) {
                stored.home = Some(home.to_owned());
            }
            stored.is_movable &= is_movable;
        }
        stored.outputs.push((name.clone(), digest::of(&bytes)));
    }
    let may_speak = call.asks_place || !call.used.is_empty();
    if call.how == How::Portable && leak.is_none() && may_speak && twin::speaks_of_its_place(call)?
    {
        leak = Some(Leak::Made(Role::Workspace));
    }
    let unchanged = |(path, digest): &(PathBuf, String)| {
        digest::of_source(path, &call.places).as_ref() == Some(digest)
    };
    done.is_stale = !call.sources.iter().all(unchanged);
    if let (Some(leak), false) = (leak, done.is_stale) {
        hold_back(call, &stored)?;
        stored = Stored::new(&call.key);
        stored.leak = Some(leak);
    }
    stored.write(&record)?;
    Ok(done)
}

fn run_compiler(call: &Call, how: How) -> io::Result<Output> {
    let mut args = call.args_for(&call.work);
    let mut changes = show_variables();
    if how != How::Plain {
        args.extend(call.remaps());
        if call.is_linked {
            changes.extend(linker_paths(call));
        }
    }
    Program {
        path: &call.program,
        args: &args,
        changes: &changes,
        directory: Some(&call.directory),
    }
    .output()
}

/// Nix' linker puts the directories behind `-rpath` into every program, and `nix develop` names one
/// below the workspace.
fn linker_paths(call: &Call) -> Vec<(OsString, Option<OsString>)> {
    env::pairs(|name| name.starts_with("NIX_LDFLAGS"))
        .into_iter()
        .filter_map(|(name, value)| {
            let hidden = hide_search_paths(value.to_str()?, |path| call.places.hide_text(path));
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
fn hold_back(call: &Call, stored: &Stored) -> io::Result<()> {
    let held = call.held();
    fsio::make_dir(&held)?;
    for name in &call.outputs {
        fsio::rename(&call.work.join(name), &held.join(name))?;
        fsio::write_output(&call.work.join(name), MARK_TEXT)?;
    }
    stored.write(&held.join(&call.record))
}

/// Takes what the call before this one held back.
fn take_held(call: &Call) -> io::Result<Option<Stored>> {
    let held = call.held();
    let Some(bytes) = fsio::bytes(held.join(&call.record)) else {
        return Ok(None);
    };
    let Ok(mut stored) = serde_json::from_slice::<Stored>(&bytes) else {
        return Ok(None);
    };
    for name in &call.outputs {
        fsio::rename(&held.join(name), &call.work.join(name))?;
    }
    stored.key.clone_from(&call.key);
    Ok(Some(stored))
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
