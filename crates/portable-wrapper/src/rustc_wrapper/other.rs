//! Calls other than compiles of Rust: compilers of other languages, and commands of sccache.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::args::as_text;
use crate::build_script;
use crate::cc::{self, Attempt};
use crate::observation::ObservedRun;
use crate::sccache::{Sccache, StderrReader};
use crate::storage::Storage;
use crate::uncached::{exec_compiler, exec_sccache, other_by_sccache};
use sccfg_util::env;

/// How such a call is run.
enum Other {
    /// It has ended with this exit code.
    Done(ExitCode),
    /// By the compiler, with these arguments.
    Compiler(Vec<OsString>),
    /// By sccache, with a digest of the headers' directories.
    Sccache(Sccache, String),
    /// As a command of sccache.
    Command,
}

/// Runs a compiler of another language, or a command of sccache.
pub(super) fn run_other(arguments: &[OsString], observed: Option<&ObservedRun>) -> ExitCode {
    let other = compile_other(arguments, observed.is_some());
    if let Some(observed) = observed {
        match other {
            // The files that the compiler reads are noted.
            Other::Done(_) | Other::Compiler(_) => observed.mark_noted(),
            Other::Sccache(..) | Other::Command => observed.mark_unnoted(),
        }
    }
    match other {
        Other::Done(code) => code,
        Other::Compiler(arguments) => exec_compiler(&arguments),
        Other::Sccache(sccache, headers) => other_by_sccache(&sccache, arguments, &headers),
        Other::Command => exec_sccache(arguments),
    }
}

/// Looks up a compile of another language, if possible. `is_observed`: whether it is part of an observed run.
fn compile_other(arguments: &[OsString], is_observed: bool) -> Other {
    let (program, args) = match arguments {
        [program, args @ ..] if !program.to_string_lossy().starts_with('-') => (program, args),
        // A command for sccache itself, such as `--show-stats`.
        _ => return Other::Command,
    };
    let plain = || Other::Compiler(arguments.to_vec());
    // Standard input can be read only once, and sccache does not cache such a compile either.
    if args.iter().any(|argument| argument == "-") {
        return plain();
    }
    let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
    if out_dir.as_deref().is_some_and(build_script::is_recorded) {
        return cc::with_remaps(program, args).map_or_else(plain, Other::Compiler);
    }
    let headers = match (as_text(args), env::current_dir()) {
        (Some(words), Ok(directory)) => cc::hashed_headers(&words, &directory),
        _ => Some(String::new()),
    };
    let Some(headers) = headers else {
        return plain();
    };
    let reader = StderrReader::BuildScript;
    let Ok(storage) = Storage::find(reader, out_dir.as_deref()) else {
        return plain();
    };
    match cc::run(&storage, program, args, is_observed) {
        Attempt::Done(code) => return Other::Done(code),
        Attempt::Refused if is_observed => return plain(),
        Attempt::Refused | Attempt::Unsupported => {}
    }
    match storage.into_sccache() {
        Some(sccache) if !sccache.is_disabled() => Other::Sccache(sccache, headers),
        _ => plain(),
    }
}
