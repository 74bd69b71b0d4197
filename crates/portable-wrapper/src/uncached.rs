//! Compiles without a portable key: by sccache with cargo's arguments, or by the compiler itself.

mod c_calls;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Output};

use memchr::memmem;

pub(super) use self::c_calls::other_by_sccache;
use super::args::Unit;
use super::args::remaps::with_remaps;
use super::binary;
use super::dep_info::DepInfo;
use super::diagnostics;
use super::path_map::{PREFIX, PathMap, REMAP, Role, escaped};
use super::sccache::{
    Run, RunOutcome, Sccache, failure, find_sccache, is_lost_server, lost_server,
};
use super::uncacheable::Uncacheable;
use super::unit_manifest::{UnitManifest, manifest_path};
use super::windows::Part;
use super::work_dir::WorkDir;
use sccfg_util::proc::{self, Program};
use sccfg_util::secret;
use sccfg_util::wrapper_vars::{SCCACHE, SWITCH, is_off};
use sccfg_util::{env, fsio};

/// How this process ends.
pub(super) enum End {
    /// With this code.
    Code(ExitCode),
    /// By this signal, which ended the compiler.
    Signal(i32),
}

impl From<ExitCode> for End {
    fn from(code: ExitCode) -> Self {
        Self::Code(code)
    }
}

impl From<Result<ExitStatus, ExitCode>> for End {
    /// As a compiler ended, if it could be run.
    fn from(status: Result<ExitStatus, ExitCode>) -> Self {
        match status {
            Ok(status) => match proc::signal_of(status) {
                Some(signal) => Self::Signal(signal),
                None => Self::Code(code_of(status)),
            },
            Err(code) => Self::Code(code),
        }
    }
}

impl End {
    /// Ends by the signal at once, or returns the code.
    pub(super) fn exit(self) -> ExitCode {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => {
                proc::exit_by_signal(signal);
                ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
            }
        }
    }
}

/// Records why a unit has no key, for `sccfg explain`.
pub(super) fn record_reason(
    unit: &Unit,
    why: Uncacheable,
    unknown_input: Option<String>,
    vendored: BTreeSet<PathBuf>,
) {
    if !unit.name.is_empty() && unit.out_dir.is_absolute() {
        let mut manifest = UnitManifest::without_key(unit, why);
        manifest.unknown_input = unknown_input;
        manifest.vendored = vendored;
        manifest.write(&manifest_path(unit));
    }
}

fn code_of(status: ExitStatus) -> ExitCode {
    ExitCode::from(u8::try_from(proc::exit_code(status)).unwrap_or(1))
}

/// Compiles a unit without a cache. Its dependencies may be cached, and then contain placeholders: the compiler gets the same
/// remappings to find their sources, and its messages and linked files get the real paths. If cargo `has_metadata` already, the
/// announcement of the metadata is not printed.
pub(super) fn compile_unit(
    arguments: &[OsString],
    unit: &Unit,
    path_map: &PathMap,
    why: Uncacheable,
    has_metadata: bool,
) -> Result<ExitStatus, ExitCode> {
    let (program, args) = split(arguments);
    let mut args = args.to_vec();
    // The output may contain the arguments, or a program in front of the compiler may write paths of sources elsewhere.
    let are_visible = matches!(
        why,
        Uncacheable::CompilerArguments | Uncacheable::KernelFile | Uncacheable::WorkspaceWrapper
    );
    // Libraries for other targets contain no placeholders.
    let is_supported = binary::supports_target(unit.target.as_deref());
    if !is_off(SWITCH) && !are_visible && is_supported {
        // An incremental build starts from scratch when its arguments change. In generated source, `file!()` would be a
        // placeholder, which is longer than the path.
        let has_generated =
            env::var_os("OUT_DIR").is_some_and(|path| !fsio::names_in(Path::new(&path)).is_empty());
        let is_plain = why == Uncacheable::Incremental || has_generated;
        let is_wanted = |role| !is_plain || role == Role::CargoHome;
        let remaps = path_map.remaps(REMAP, is_wanted);
        args = with_remaps(args, remaps.into_iter().map(OsString::from).collect());
    }
    let status = run_compiler(program, &args, |line| {
        let is_announced = has_metadata && diagnostics::announced_metadata(line).is_some();
        if is_announced {
            Vec::new()
        } else {
            path_map.to_real_output(line)
        }
    })?;
    let has_outputs_for_users =
        unit.is_linked() || unit.has_unusual_emits() || unit.separate_debug_info().is_some();
    if status.success() && has_outputs_for_users {
        let names = fsio::names_in(&unit.out_dir).into_iter();
        let outputs = names.filter(|name| unit.is_final_output(name));
        let outputs = outputs.map(|name| unit.out_dir.join(name));
        for path in outputs.chain(unit.named_outputs.iter().cloned()) {
            // On macOS, debug information may be a directory.
            if path.is_file()
                && let Err(error) = write_paths_in(&path, path_map)
            {
                return Err(cannot_write(&path, &error));
            }
        }
    }
    Ok(status)
}

/// Writes real paths over the placeholders in an output other than a library for other crates.
fn write_paths_in(path: &Path, path_map: &PathMap) -> io::Result<()> {
    /// Assembler code and intermediate representations (`--emit`).
    const TEXTS: [&str; 3] = ["ll", "mir", "s"];
    let extension = path.extension().and_then(OsStr::to_str);
    if !extension.is_some_and(|extension| TEXTS.contains(&extension)) {
        return binary::write_paths_in(path, path_map);
    }
    let text = fsio::open(path)?;
    if !Part::whole(&text)?.contains(PREFIX)? {
        return Ok(());
    }
    fsio::write_output_with(path, |file| path_map.copy_with_real_paths(&text, file))
}

/// Ends as the compiler ended: by the same signal, or with its exit status.
pub(super) fn exit_as(status: Result<ExitStatus, ExitCode>) -> ExitCode {
    End::from(status).exit()
}

/// Has sccache compile a unit in a work directory. So a server that answers late, after the unit was compiled without it, does
/// not overwrite files that cargo reads. If the unit may have assembler code, the outputs of sccache are not used: it does not know
/// which files that code includes.
pub(super) fn unit_by_sccache(
    sccache: &Sccache,
    arguments: &[OsString],
    unit: &Unit,
    path_map: &PathMap,
) -> ExitCode {
    let Ok(work) = WorkDir::create(&unit.out_dir) else {
        let (program, args) = split(arguments);
        return exit_as(compile(program, args, path_map));
    };
    let moved = with_out_dir(arguments, &work.0);
    let is_assembled = Cell::new(false);
    let delivered = |output: &Output| -> io::Result<bool> {
        let in_out_dir = |text: &[u8]| without_work_dir(text, &unit.out_dir);
        let names = fsio::names_in(&work.0);
        is_assembled.set(may_have_assembler_code(&work.0, &names));
        if is_assembled.get() {
            return Ok(true);
        }
        for name in &names {
            let (from, to) = (work.0.join(name), unit.out_dir.join(name));
            if is_dep_info(name) {
                let text = fsio::read_bytes(&from).ok_or(io::ErrorKind::NotFound)?;
                fsio::write_output(&to, &in_out_dir(&text))?;
            } else {
                // The server has another umask.
                fsio::set_mode_of_output(&from)?;
                fsio::rename(&from, &to)?;
            }
        }
        if !names.is_empty() {
            print(
                &in_out_dir(&output.stdout),
                &in_out_dir(&output.stderr),
                path_map,
            );
        }
        Ok(!names.is_empty())
    };
    let is_written = || true;
    let code = by_sccache(
        sccache,
        arguments,
        &moved,
        &[],
        path_map,
        delivered,
        is_written,
    );
    if is_assembled.get() {
        let (program, args) = split(arguments);
        return exit_as(compile(program, args, path_map));
    }
    code
}

fn is_dep_info(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| extension == "d")
}

/// Whether one of the sources that the dep-info among the files `names` in `directory` lists may have assembler code: it has the name of
/// a macro for that, such as `asm` or `global_asm`.
fn may_have_assembler_code(directory: &Path, names: &[String]) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80;
    let has_macro = |source: &[u8]| {
        memmem::find_iter(source, b"asm").any(|at| {
            let before = at.checked_sub(1).map(|before| source[before]);
            let after = source.get(at + 3).copied();
            !before.is_some_and(is_name) && !after.is_some_and(|byte| is_name(byte) || byte == b'_')
        })
    };
    let mut records = names.iter().filter(|name| is_dep_info(name));
    records.any(|name| {
        let text =
            fsio::read_bytes(directory.join(name)).and_then(|bytes| String::from_utf8(bytes).ok());
        let info = text.as_deref().and_then(DepInfo::parse);
        info.is_none_or(|info| {
            let mut sources = info.files.iter();
            sources.any(|path| fsio::read_bytes(path).is_none_or(|source| has_macro(&source)))
        })
    })
}

/// Runs sccache with `moved`, and the compiler with `arguments` if that fails. `delivered` moves sccache's output to its path,
/// and returns whether there was any; `is_written` returns whether the compiler wrote one.
fn by_sccache(
    sccache: &Sccache,
    arguments: &[OsString],
    moved: &[OsString],
    changes: &[(OsString, Option<OsString>)],
    path_map: &PathMap,
    delivered: impl Fn(&Output) -> io::Result<bool>,
    is_written: impl Fn() -> bool,
) -> ExitCode {
    let Run { outcome, idle } = sccache.run(moved, changes, None);
    sccache.count_idle(idle);
    let (why, has_answered) = match &outcome {
        RunOutcome::Exited(output) if output.status.success() => match delivered(output) {
            Ok(true) => {
                if let Some(why) = lost_server(output) {
                    sccache.disable_for_build(&why);
                }
                return ExitCode::SUCCESS;
            }
            Ok(false) => (
                "it reported success but delivered no output".to_owned(),
                true,
            ),
            Err(error) => (format!("its output could not be moved: {error}"), true),
        },
        RunOutcome::Exited(output) => (failure(output), true),
        RunOutcome::NoAnswer(why) => (why.clone(), false),
    };
    // sccache's exit status does not distinguish an error in the source from a failure of sccache. The compiler's does.
    let (program, args) = split(arguments);
    let status = compile(program, args, path_map);
    let is_compiled = status.as_ref().is_ok_and(ExitStatus::success) && is_written();
    if !has_answered || is_compiled {
        sccache.disable_for_build(&why);
    }
    exit_as(status)
}

fn print(stdout: &[u8], stderr: &[u8], path_map: &PathMap) {
    let _ = io::stdout().write_all(stdout);
    let _ = io::stderr().write_all(&printable(stderr, path_map));
}

/// The standard error of a compile by sccache, for users. Messages of sccache itself, which end at the compiler's next message,
/// may contain a secret of its configuration, which is hidden. The message that the server was lost is removed, because it is
/// reported separately.
fn printable(stderr: &[u8], path_map: &PathMap) -> Vec<u8> {
    let mut is_of_sccache = false;
    let mut printable = Vec::new();
    for line in stderr.split_inclusive(|byte| *byte == b'\n') {
        is_of_sccache =
            line.first() != Some(&b'{') && (is_of_sccache || line.starts_with(b"sccache: "));
        let line = path_map.to_real_output(line);
        if is_of_sccache {
            let line = String::from_utf8_lossy(&line);
            if !is_lost_server(&line) {
                printable.extend(secret::redact_text(&line).bytes());
            }
        } else {
            printable.extend(line);
        }
    }
    printable
}

/// The arguments with another value of `--out-dir`.
fn with_out_dir(arguments: &[OsString], directory: &Path) -> Vec<OsString> {
    let mut moved = arguments.to_vec();
    for at in 0..moved.len() {
        if moved[at] == "--out-dir" && at + 1 < moved.len() {
            moved[at + 1] = directory.into();
        } else if moved[at].to_string_lossy().starts_with("--out-dir=") {
            moved[at] = OsString::from("--out-dir=");
            moved[at].push(directory);
        }
    }
    moved
}

/// Text with the output directory instead of a work directory below it: that of this compile or, in restored output, that of an
/// earlier one.
fn without_work_dir(text: &[u8], out_dir: &Path) -> Vec<u8> {
    let parent = WorkDir::parent(out_dir);
    let (parent, out_dir) = (parent.to_string_lossy(), out_dir.to_string_lossy());
    let mut text = text.to_vec();
    // Paths are escaped in JSON messages, and not in dep-info.
    for (parent, out_dir) in [
        (parent.to_string(), out_dir.to_string()),
        (escaped(&parent), escaped(&out_dir)),
    ] {
        let parent = format!("{parent}/");
        let mut replaced = Vec::with_capacity(text.len());
        let mut rest = &text[..];
        while let Some(at) = memmem::find(rest, parent.as_bytes()) {
            let name = &rest[at + parent.len()..];
            let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric());
            replaced.extend_from_slice(&rest[..at]);
            replaced.extend_from_slice(out_dir.as_bytes());
            rest = &name[length.count()..];
        }
        replaced.extend_from_slice(rest);
        text = replaced;
    }
    text
}

/// A path for a temporary file of this process in the directory of `path`.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.sccfg.o", std::process::id()));
    path.with_file_name(name)
}

/// Runs a compiler, and replaces placeholders in its messages by real paths.
fn compile(program: &Path, args: &[OsString], path_map: &PathMap) -> Result<ExitStatus, ExitCode> {
    run_compiler(program, args, |line| path_map.to_real_output(line))
}

/// Runs a compiler. `change` converts each line of its messages.
fn run_compiler(
    program: &Path,
    args: &[OsString],
    change: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<ExitStatus, ExitCode> {
    let compiler = Program {
        path: program,
        args,
        changes: &[],
        directory: None,
    };
    compiler
        .status(change)
        .map_err(|error| cannot_run(program, &error))
}

fn split(arguments: &[OsString]) -> (&Path, &[OsString]) {
    match arguments.split_first() {
        Some((program, args)) => (Path::new(program), args),
        None => (Path::new(""), &[]),
    }
}

/// Replaces this process by the compiler.
pub(super) fn exec_compiler(arguments: &[OsString]) -> ExitCode {
    let (program, args) = split(arguments);
    exec(program, args)
}

/// Replaces this process by sccache, or by the compiler if there is no sccache.
pub(super) fn exec_sccache(arguments: &[OsString]) -> ExitCode {
    match find_sccache() {
        Some(sccache) => exec(&sccache, arguments),
        None if arguments.is_empty() => {
            let _ = writeln!(
                io::stderr(),
                "sccfg: sccache was not found\nhint: put it on PATH, or set {SCCACHE} to its path"
            );
            ExitCode::FAILURE
        }
        None => exec_compiler(arguments),
    }
}

fn exec(program: &Path, args: &[OsString]) -> ExitCode {
    let error = Program {
        path: program,
        args,
        changes: &[],
        directory: None,
    }
    .exec();
    cannot_run(program, &error)
}

fn cannot_run(program: &Path, error: &io::Error) -> ExitCode {
    let program = program.display();
    let _ = writeln!(io::stderr(), "sccfg: could not run {program}: {error}");
    ExitCode::from(127)
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> ExitCode {
    let path = path.display();
    let _ = writeln!(io::stderr(), "sccfg: could not write to {path}: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_messages_of_sccache_alone() {
        let stderr = "sccache: warning: cannot reach redis://me:hunter2@host/\npassword = \"hunter2\"\n\
                      {\"rendered\":\"redis://me:mine@host\"}\nwarning: password = \"mine\"\n";
        let text = printable(stderr.as_bytes(), &PathMap::default());
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.starts_with("sccache: warning: cannot reach redis://"));
        assert!(
            text.ends_with(stderr.split_once("\n{").unwrap().1),
            "{text}"
        );
    }

    #[test]
    fn the_output_directory_is_replaced_in_both_forms() {
        for (line, moved) in [
            ("rustc --out-dir /a b.rs", "rustc --out-dir /w b.rs"),
            ("rustc --out-dir=/a b.rs", "rustc --out-dir=/w b.rs"),
            ("rustc b.rs", "rustc b.rs"),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let words = with_out_dir(&words, Path::new("/w"));
            assert_eq!(words.join(" ".as_ref()), moved);
        }
    }

    #[test]
    fn work_directories_are_replaced_in_output() {
        let text = "/t/deps/.sccfg/work/Ab12/libx.rlib: a.rs\n/t/deps/.sccfg/work/Ab12 /t/deps/y /u/deps/.sccfg/work/1/z";
        let shown = without_work_dir(text.as_bytes(), Path::new("/t/deps"));
        assert_eq!(
            String::from_utf8(shown).unwrap(),
            "/t/deps/libx.rlib: a.rs\n/t/deps /t/deps/y /u/deps/.sccfg/work/1/z"
        );
        let text = r#"{"artifact":"/t/\"d/.sccfg/work/Ab12/libx.rmeta"}"#;
        let shown = without_work_dir(text.as_bytes(), Path::new("/t/\"d"));
        assert_eq!(
            String::from_utf8(shown).unwrap(),
            r#"{"artifact":"/t/\"d/libx.rmeta"}"#
        );
    }
}
