//! The compiler shim, which sccache runs instead of rustc. [`protocol`](super::protocol) documents when and why.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::compile::{self, Made};
use super::compiler::Compiler;
use super::protocol::{CompileRequest, FileRequest, ShimCall, Task, restore_cargo_variables};
use super::state_dir::StateDir;
use sccfg_util::proc::Program;
use sccfg_util::{env, fsio};

/// The name of the file with the path of the shim's compiler, in the directory of the shim.
const COMPILER: &str = "compiler";

/// The shim of `compiler`, created if missing. Each compiler has one, since sccache identifies a
/// compiler by its path.
pub(super) fn path(compiler: &Compiler, state: &StateDir) -> Option<PathBuf> {
    let directory = state
        .directory()
        .join("shims")
        .join(&compiler.digest()[..32]);
    let shim = directory.join("rustc");
    let this = env::current_program()?;
    let program = compiler.program.as_os_str().as_encoded_bytes();
    let file = directory.join(COMPILER);
    // The same compiler may have moved to another path.
    if fsio::read_bytes(&file).as_deref() != Some(program) {
        state.own_directory()?;
        fsio::replace_and_create_dir(&file, program).ok()?;
    }
    if fsio::read_link(&shim).as_ref() != Some(&this) {
        state.own_directory()?;
        fsio::replace_link(&shim, &this).ok()?;
    }
    Some(shim)
}

/// Acts as the compiler of the shim called `name`.
pub(super) fn run(name: &Path, arguments: &[OsString]) -> ExitCode {
    match ShimCall::parse(arguments) {
        ShimCall::RealCompiler => run_real_compiler(name, arguments),
        ShimCall::Unit { key, task } => {
            if let Some(request) = FileRequest::from_environment() {
                return transfer(&request, key, &task);
            }
            let Some(request) = CompileRequest::from_environment() else {
                return fail("the compile request was not found");
            };
            if key != request.key {
                return fail("the compile request is for another key");
            }
            match task {
                Task::PrintFileNames => print_lines(request.outputs.iter().chain([&request.entry])),
                Task::ListSources { file } => list_no_sources(file),
                Task::Compile => compile(&request),
            }
        }
    }
}

fn run_real_compiler(name: &Path, arguments: &[OsString]) -> ExitCode {
    // sccache passes `+TOOLCHAIN` to detect rustup's proxy. A compiler rejects that argument.
    let is_toolchain = |argument: &OsString| argument.to_string_lossy().starts_with('+');
    if arguments.first().is_some_and(is_toolchain) {
        return ExitCode::FAILURE;
    }
    let Some(compiler) = compiler_of(name) else {
        return fail("the shim's compiler is not known");
    };
    let error = Program {
        path: &compiler,
        args: arguments,
        changes: &restore_cargo_variables(),
        directory: None,
    }
    .exec();
    fail(&format!("could not run {}: {error}", compiler.display()))
}

fn compiler_of(shim: &Path) -> Option<PathBuf> {
    let path = fsio::read_bytes(shim.parent()?.join(COMPILER))?;
    String::from_utf8(path).ok().map(PathBuf::from)
}

fn fail(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "sccfg: {why}");
    ExitCode::from(2)
}

fn list_no_sources(file: &Path) -> ExitCode {
    match fsio::replace(file, b"unit: \n") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("could not write {}: {error}", file.display())),
    }
}

fn print_lines<'a>(lines: impl IntoIterator<Item = &'a String>) -> ExitCode {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn transfer(request: &FileRequest, key: &str, task: &Task<'_>) -> ExitCode {
    if key != request.key {
        return fail("the request is for another key");
    }
    match task {
        Task::PrintFileNames => print_lines([&request.name]),
        Task::ListSources { file } => list_no_sources(file),
        Task::Compile => match request.compile() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => fail(&format!("could not write beside the request: {error}")),
        },
    }
}

fn compile(request: &CompileRequest) -> ExitCode {
    // The compiler inherits both locks, and so keeps them if the shim is killed.
    let _lock = fsio::lock_for_children(&request.lock());
    let busy_lock = request.busy_lock.as_deref();
    let _busy = busy_lock.and_then(fsio::share_lock_for_children);
    if !request.is_wanted() {
        return fail("the wrapper no longer waits for the compile");
    }
    // Another shim may have compiled it while this one waited for the lock.
    let result = match request.result() {
        Some(result) => result,
        None => match compile::make(request, &|_, _| {}, None, None) {
            Ok(Made { result, entry }) => {
                let path = request.work.join(&request.entry);
                let written = entry.map_or(Ok(()), |entry| entry.write(&path));
                if let Err(error) = written.and_then(|()| request.report(&result)) {
                    let work = request.work.display();
                    return fail(&format!("could not write to {work}: {error}"));
                }
                result
            }
            Err(error) => return fail(&format!("could not compile: {error}")),
        },
    };
    match result.status {
        // sccache does not store the output of a failed compile.
        0 if result.is_stale => ExitCode::FAILURE,
        status => ExitCode::from(u8::try_from(status).unwrap_or(1)),
    }
}
