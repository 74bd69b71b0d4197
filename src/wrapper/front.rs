//! The front: what cargo runs in place of sccache.
//!
//! It works out a key of its own for a unit, from everything that the unit is made of but not from
//! where that stands. To sccache the unit is a library with nothing in it but that key; all that
//! sccache asks its compiler about it, the [`shim`](super::shim) answers.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::{Asked, INCREMENTAL, Unit, parse, without};
use super::binary::{self, Leak};
use super::call::{Call, Done, How, MARK, VARIABLE, hide_variables};
use super::compiler::Compiler;
use super::dep_info::DepInfo;
use super::digest::Stamped;
use super::inputs::{Finished, Inputs, Instead, NoKey};
use super::record::{Local, Reach, Stored, folder_of, path_of, stored_name};
use super::shim;
use super::state::{DAY, State};
use crate::portable::{LINKS, SCCACHE, SWITCH};
use crate::proc::Program;
use crate::server::client::{on_path, resolve, resolve_real};
use crate::{env, fsio};

/// Acts as the wrapper of the compile that `arguments` ask for.
pub fn run(arguments: &[OsString]) -> ExitCode {
    let Some((program, rest)) = arguments.split_first() else {
        return become_sccache(arguments);
    };
    let stem = Path::new(program).file_stem().unwrap_or_default();
    let is_driver = stem == "clippy-driver";
    if stem != "rustc" && !is_driver {
        // A workspace wrapper that nobody knows may do anything.
        let wraps = rest
            .first()
            .is_some_and(|it| Path::new(it).file_stem() == Some("rustc".as_ref()));
        return if wraps {
            become_compiler(arguments)
        } else {
            become_sccache(arguments)
        };
    }
    if env::var_os(SWITCH).is_some_and(|value| value == "off") {
        return become_compiler(arguments);
    }
    // A workspace wrapper gets the compiler as its first argument.
    let flags = if is_driver {
        rest.get(1..).unwrap_or_default()
    } else {
        rest
    };
    let Ok(cwd) = env::current_dir() else {
        return become_compiler(arguments);
    };
    let unit = match parse(flags, &cwd) {
        Asked::Unit(unit) => unit,
        Asked::Other => return become_compiler(arguments),
        Asked::Strange(why, unit) => {
            note(&unit, why);
            return match why {
                INCREMENTAL => become_compiler(arguments),
                _ => become_sccache(arguments),
            };
        }
    };
    if unit.is_linked() && env::var_os(LINKS).is_some_and(|value| value == "off") {
        note(&unit, "it is linked, and that is switched off");
        return become_compiler(arguments);
    }
    match Compile::prepare(arguments, is_driver, &unit, &cwd).and_then(Compile::run) {
        Ok(status) => status,
        Err(NoKey { why, instead }) => {
            note(&unit, why);
            match instead {
                Instead::Sccache => become_sccache(arguments),
                Instead::Compiler => become_compiler(arguments),
            }
        }
    }
}

/// Leaves word for `sccfg wrapper explain`.
fn note(unit: &Unit, why: &str) {
    if !unit.name.is_empty() && unit.out_dir.is_absolute() {
        Local::without_key(unit, why).write(&path_of(unit));
    }
}

/// Runs what was asked for without any cache.
fn become_compiler(arguments: &[OsString]) -> ExitCode {
    become_program(Path::new(&arguments[0]), &arguments[1..])
}

/// Hands over to sccache; to the compiler where there is none.
fn become_sccache(arguments: &[OsString]) -> ExitCode {
    match sccache() {
        Some(sccache) => become_program(&sccache, arguments),
        None if arguments.is_empty() => {
            let _ = writeln!(
                io::stderr(),
                "sccfg: sccache cannot be found\nhint: put it on PATH, or let {SCCACHE} name it"
            );
            ExitCode::FAILURE
        }
        None => become_compiler(arguments),
    }
}

fn become_program(program: &Path, args: &[OsString]) -> ExitCode {
    let error = Program {
        path: program,
        args,
        changes: &[],
        folder: None,
    }
    .become_it();
    let _ = writeln!(
        io::stderr(),
        "sccfg: running {}: {error}",
        program.display()
    );
    ExitCode::from(127)
}

/// The real sccache: the one that is named, else the first on the search path that is not this.
pub fn sccache() -> Option<PathBuf> {
    let search_path = env::search_path();
    match env::var_os(SCCACHE).filter(|it| !it.is_empty()) {
        Some(named) => resolve_real(&named, &search_path),
        None => on_path(&search_path),
    }
}

/// One compile, ready to be looked up.
struct Compile<'a> {
    unit: &'a Unit,
    state: State,
    sccache: PathBuf,
    program: PathBuf,
    args: Vec<String>,
    cwd: &'a Path,
    compiler: Compiler,
    outputs: Vec<String>,
    finished: Finished,
    work: Work,
}

/// A folder for one unit, while it is looked up.
struct Work(PathBuf);

impl Work {
    /// Beside the files, so that these only have to be renamed.
    fn make(out_dir: &Path) -> io::Result<Self> {
        let folder = folder_of(out_dir).join("work");
        for name in fsio::names_in(&folder) {
            // Of a build that was killed. No compile takes a day.
            let left = folder.join(name);
            if fsio::age(&left).is_some_and(|age| age > DAY) {
                let _ = fsio::remove_folder(&left);
            }
        }
        fsio::new_folder(&folder, "").map(Self)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fsio::remove_folder(&self.0);
    }
}

impl<'a> Compile<'a> {
    fn prepare(
        arguments: &[OsString],
        is_driver: bool,
        unit: &'a Unit,
        cwd: &'a Path,
    ) -> Result<Self, NoKey> {
        let state = State::find().ok_or(NoKey::new("no folder to remember things in"))?;
        state.prune();
        let sccache = sccache().ok_or(NoKey::compile("no sccache can be found"))?;
        let (named, rest) = arguments.split_first().ok_or(NoKey::new("no compiler"))?;
        let args: Option<Vec<String>> = rest
            .iter()
            .map(|it| it.to_str().map(str::to_owned))
            .collect();
        let args = args.ok_or(NoKey::new("an argument that is no text"))?;
        let no_compiler = NoKey::new("a compiler that does not answer");
        let (compiler, program, driver) = if is_driver {
            let program = resolve(named, &env::search_path()).ok_or(no_compiler)?;
            let subject = format!("driver {}", program.display());
            let driver = Stamped::known(&state, "compilers", &subject, || vec![program.clone()]);
            let rustc = rest.first().ok_or(no_compiler)?;
            (
                Compiler::find(rustc, &state).ok_or(no_compiler)?,
                program,
                Some(driver.digest),
            )
        } else {
            let compiler = Compiler::find(named, &state).ok_or(no_compiler)?;
            let program = compiler.program.clone();
            (compiler, program, None)
        };
        let outputs = compiler.outputs(unit, &state).ok_or(no_compiler)?;
        let inputs = Inputs::gather(unit, &compiler, driver.as_deref(), cwd, &state)?;
        let finished = inputs.finish(|| list_sources(&program, &args, unit, cwd))?;
        let work = Work::make(&unit.out_dir)
            .map_err(|_| NoKey::new("a folder that cannot be written to"))?;
        Ok(Self {
            unit,
            state,
            sccache,
            program,
            args,
            cwd,
            compiler,
            outputs,
            finished,
            work,
        })
    }

    fn run(self) -> Result<ExitCode, NoKey> {
        let (how, reach) = match &self.finished.here {
            None => (How::Portable, Reach::Anywhere),
            Some(why) => (How::Plain, Reach::HereAs(why.clone())),
        };
        let (stored, hit) = match self.look_up(&self.finished.key, how)? {
            Found::Stored(stored, hit) => (stored, hit),
            Found::Failed(done) => return Ok(self.pass_on(&done)),
        };
        let Some(leak) = stored.leak else {
            return Ok(self.deliver(&stored, hit, reach));
        };
        let how = match leak {
            Leak::Value(_) => How::Here,
            // Nobody can say what was made of a stand-in.
            Leak::Made(_) | Leak::Location(_) => How::Plain,
        };
        let here = format!(
            "{} {how:?}\n{}",
            self.finished.key,
            self.finished.places.spelled_out()
        );
        match self.look_up(&super::digest::of(here.as_bytes()), how)? {
            Found::Stored(stored, hit) => Ok(self.deliver(&stored, hit, Reach::HereFor(leak))),
            Found::Failed(done) => Ok(self.pass_on(&done)),
        }
    }

    /// Has sccache find what is stored under `key`, or have the shim make it.
    fn look_up(&self, key: &str, how: How) -> Result<Found, NoKey> {
        let unit = self.unit;
        let call = Call {
            key: key.to_owned(),
            program: self.program.clone(),
            args: self.args.clone(),
            folder: self.cwd.to_owned(),
            out_dir: unit.out_dir.clone(),
            work: self.work.0.clone(),
            sources: self.finished.sources.clone(),
            used: self.finished.used.clone(),
            asks_place: self.finished.asks_place,
            outputs: self.outputs.clone(),
            record: stored_name(unit),
            dep_info: format!("{}.d", unit.stem()),
            places: self.finished.places.clone(),
            how,
            is_linked: unit.is_linked(),
        };
        call.write()
            .map_err(|_| NoKey::new("a folder that cannot be written to"))?;
        let shim = shim::path(&self.compiler, &self.state).ok_or(NoKey::new("no shim"))?;
        let mut changes = hide_variables();
        changes.push((VARIABLE.into(), Some(call.path().into())));
        let mut args: Vec<OsString> = vec![shim.into()];
        let flags = [
            "--crate-name",
            &unit.name,
            "--crate-type",
            "lib",
            "--emit=link",
        ];
        args.extend(flags.map(OsString::from));
        args.extend(["--out-dir".into(), call.work.clone().into()]);
        args.extend([
            "--cfg".into(),
            format!("{MARK}\"{key}\"").into(),
            "unit.rs".into(),
        ]);
        let output = Program {
            path: &self.sccache,
            args: &args,
            changes: &changes,
            // sccache puts it into the key.
            folder: Some(Path::new("/")),
        }
        .output();
        let done = call.done();
        let stored = Stored::read(&call.work.join(&call.record), key);
        match (output, stored, done) {
            (Ok(output), Some(stored), done) if output.status.success() => {
                Ok(Found::Stored(Box::new(stored), done.is_none()))
            }
            (_, Some(stored), Some(done)) if done.is_stale => {
                Ok(Found::Stored(Box::new(stored), false))
            }
            (_, _, Some(done)) if done.status != 0 => Ok(Found::Failed(done)),
            (Ok(output), ..) => {
                tell(&output.stderr);
                Err(NoKey::compile("sccache failed"))
            }
            (Err(_), ..) => Err(NoKey::compile("sccache cannot be run")),
        }
    }

    /// Puts this place into what is there, and says what the compiler said.
    fn deliver(&self, stored: &Stored, hit: bool, reach: Reach) -> ExitCode {
        let unit = self.unit;
        let places = &self.finished.places;
        let dep_info = places.show_dep_info(stored.dep_info.bytes());
        let dep_info_path = unit.out_dir.join(format!("{}.d", unit.stem()));
        let mut is_written = fsio::write_output(&dep_info_path, &dep_info);
        for name in &self.outputs {
            let (from, to) = (self.work.0.join(name), unit.out_dir.join(name));
            // Of libraries for rustc, other programs will be made.
            let is_end = !to
                .extension()
                .is_some_and(|it| it == "rlib" || it == "rmeta");
            let moved = if unit.is_linked() && is_end {
                binary::place(&from, &to, places, hit)
            } else {
                fsio::rename(&from, &to)
            };
            is_written = is_written.and(moved);
        }
        if let Err(error) = is_written {
            let _ = writeln!(
                io::stderr(),
                "sccfg: writing to {}: {error}",
                unit.out_dir.display()
            );
            return ExitCode::FAILURE;
        }
        let mut local = Local::new(unit, stored);
        local.reach = reach;
        local.hit = hit;
        local.macros.clone_from(&self.finished.macros);
        local.code.clone_from(&self.finished.code);
        local.closure.clone_from(&self.finished.closure);
        local.places = places.clone();
        local.seen.clone_from(&self.finished.seen);
        local.write(&path_of(unit));
        let said = |bytes: &[u8]| places.show_said(bytes);
        let _ = io::stdout().write_all(&said(stored.stdout.bytes()));
        let _ = io::stderr().write_all(&said(stored.stderr.bytes()));
        ExitCode::SUCCESS
    }

    /// Says what the compiler said, and ends as it did.
    fn pass_on(&self, done: &Done) -> ExitCode {
        // Of crates below, it knows nothing but stand-ins.
        let said = |bytes: &[u8]| self.finished.places.show_said(bytes);
        let _ = io::stdout().write_all(&said(done.stdout.bytes()));
        let _ = io::stderr().write_all(&said(done.stderr.bytes()));
        ExitCode::from(u8::try_from(done.status).unwrap_or(1))
    }
}

/// What came of looking.
enum Found {
    /// It is there; `true` if nothing had to be compiled for it.
    Stored(Box<Stored>, bool),
    /// The compile failed.
    Failed(Done),
}

/// Why sccache did not do its work; the build goes on without it.
fn tell(stderr: &[u8]) {
    let text = String::from_utf8_lossy(stderr);
    let said = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it says nothing");
    let _ = writeln!(io::stderr(), "sccfg: compiled without sccache: {said}");
}

/// Has the compiler list what the unit is made of.
fn list_sources(program: &Path, args: &[String], unit: &Unit, cwd: &Path) -> Option<DepInfo> {
    let folder = folder_of(&unit.out_dir);
    fsio::make_folder(&folder).ok()?;
    let file = folder.join(format!("{}.list", unit.stem()));
    let mut list = without(args, &["--emit", "--out-dir"]);
    list.extend(["--emit=dep-info".into(), "-o".into(), file.clone().into()]);
    let output = Program {
        path: program,
        args: &list,
        changes: &[],
        folder: Some(cwd),
    }
    .output();
    let text = fsio::bytes(&file);
    let _ = fsio::remove_file(&file);
    if !output.is_ok_and(|output| output.status.success()) {
        return None;
    }
    DepInfo::parse(&String::from_utf8(text?).ok()?)
}
