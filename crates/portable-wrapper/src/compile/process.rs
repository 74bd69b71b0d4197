//! Runs the compiler for a unit, with placeholders instead of the paths of the checkout.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::process::Output;

use super::values;
use crate::args::remaps::with_remaps;
use crate::args::shortened;
use crate::located_libraries::Copies;
use crate::native_library;
use crate::observation::Observation;
use crate::path_leak::PathLeak;
use crate::path_map::Role;
use crate::protocol::{CompileRequest, Language, Remap, restore_cargo_variables};
use sccfg_util::env;
use sccfg_util::proc::Program;

/// Runs the compiler. Also returns the leak of a native library that cannot have placeholders.
///
/// # Errors
/// If it cannot be started.
pub(super) fn run_to_end(
    request: &CompileRequest,
    remap: Remap,
    observation: Option<&Observation>,
    on_stderr: &dyn Fn(&[u8]),
) -> io::Result<(Output, Option<PathLeak>)> {
    let (output, leak) = run_compiler(request, remap, observation, None, on_stderr)?;
    let output = output.ok_or_else(|| io::Error::other("the compiler was stopped"))?;
    Ok((output, leak))
}

/// Runs the compiler, until [`stop`](Program::output_until) can be read. Also returns the leak of a native library that cannot
/// have placeholders.
///
/// # Errors
/// If it cannot be started.
pub(super) fn run_compiler(
    request: &CompileRequest,
    remap: Remap,
    observation: Option<&Observation>,
    stop: Option<BorrowedFd<'_>>,
    on_stderr: &dyn Fn(&[u8]),
) -> io::Result<(Option<Output>, Option<PathLeak>)> {
    let mut args = request.args_for(&request.work);
    let mut changes = restore_cargo_variables();
    if let Some(observation) = observation {
        changes.extend(observation.changes().iter().cloned());
    }
    let mut leak = None;
    let mut located = Copies::default();
    if remap != Remap::None {
        if !request.native_libraries.is_empty() {
            match native_library::with_copies(&args, request) {
                Ok(Some(with_copies)) => args = with_copies,
                _ => leak = Some(PathLeak::Embedded(Role::Target)),
            }
        }
        if request.links_copies() {
            located = Copies::make(&args, request)?;
            args = located.in_args(args, request);
        }
        args = with_remaps(args, request.remap_args());
        if request.is_linked {
            changes.extend(linker_paths(request));
        }
    }
    args.extend(request.remap_of_work_dir(remap));
    let values = values::change_for(request, remap, observation);
    let has_values = values.is_some();
    changes.extend(values);
    if request.language == Language::Rust {
        args = shortened(args, &request.work.join("arguments"))?;
    }
    let compiler = Program {
        path: &request.program,
        args: &args,
        changes: &changes,
        directory: Some(&request.directory),
    };
    let on_stderr = |line: &[u8]| {
        if has_values {
            on_stderr(&values::in_message(line.to_vec()));
        } else {
            on_stderr(line);
        }
    };
    let output = compiler
        .output_until(stop, &on_stderr)?
        .map(|output| Output {
            stdout: located.undone(output.stdout),
            stderr: located.undone(output.stderr),
            ..output
        });
    if has_values {
        values::restore_in_dep_info(request)?;
    }
    Ok((output, leak.filter(|_| remap == Remap::All)))
}

/// The linker variables of Nix with placeholders: the directories after `-rpath` are written into every program, and `nix
/// develop` adds one below the workspace.
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
