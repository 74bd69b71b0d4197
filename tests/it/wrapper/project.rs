//! The fixture of these tests: a workspace in a git repository, its worktrees, a private server, and a compiler
//! that logs what it compiles.
//!
//! ```ignore
//! let project = Project::new()?
//!     .package("app", "", &[("src/main.rs", "fn main() {}")])
//!     .committed();
//! project.main().cargo(&["build"]).ok();
//! project.linked("second").cargo(&["build"]).ok().all_hit();
//! ```

#![allow(dead_code, reason = "each topic uses its part")]

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

pub(crate) use crate::lab::Layout;
use crate::lab::{CompileLog, Counts, Server};
use crate::support::{Ran, Sandbox, project as this_project, sccache, wait_until};

/// Whether the local store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    On,
    Off,
}

/// Where the main checkout is.
const MAIN: &str = "main";

pub(crate) struct Project {
    pub(crate) sandbox: Sandbox,
    /// In this sandbox, so that paths of sockets stay short.
    server: RefCell<Server>,
    compile_log: CompileLog,
    wrapper: PathBuf,
    sccache: PathBuf,
    /// Whether hits are counted.
    counts: bool,
    layout: Layout,
}

impl Project {
    /// An empty workspace of `crates/*`.
    pub(crate) fn new() -> Self {
        Self::below("")
    }

    /// The same, built in this layout.
    pub(crate) fn laid_out(layout: Layout) -> Self {
        Self::new().with_layout(layout)
    }

    /// The same project, built in this layout.
    pub(crate) fn with_layout(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// The same project with the local store in front of sccache, which is the default.
    pub(crate) fn with_store(self) -> Self {
        self.with(Store::On)
    }

    /// The same project with sccache alone, for tests of what sccache does.
    pub(crate) fn without_store(self) -> Self {
        self.with(Store::Off)
    }

    /// The same project with the local store or without.
    pub(crate) fn with(mut self, store: Store) -> Self {
        let store = match store {
            Store::On => "on",
            Store::Off => "off",
        };
        self.sandbox = self.sandbox.variable("SCCFG_STORE", store);
        self
    }

    /// An empty workspace below a directory of this name, which may be unusual.
    pub(crate) fn below(directory: &str) -> Self {
        let sccache = sccache();
        let sandbox = Sandbox::inside(directory);
        for name in ["tmp", "run"] {
            fs::create_dir(sandbox.path(name)).unwrap();
        }
        let sandbox = sandbox
            .variable("CARGO_HOME", cargo_home().to_str().unwrap())
            .variable("RUSTUP_HOME", rustup_home().to_str().unwrap())
            .variable("CARGO_INCREMENTAL", "0");
        let path = |name: &str| sandbox.path(name).to_str().unwrap().to_owned();
        let (tmp, run) = (path("tmp"), path("run"));
        let sandbox = sandbox
            .variable("TMPDIR", &tmp)
            .variable("XDG_RUNTIME_DIR", &run)
            .variable("SCCFG_SCCACHE", sccache.to_str().unwrap());
        let server = Server::start(&sccache, &sandbox.outer().join("sv"));
        let sandbox = server
            .variables()
            .iter()
            .fold(sandbox, |all, (name, value)| all.variable(name, value));
        let sandbox = match std::env::var("SCCFG_TEST_STORE").as_deref() {
            // For a run of all tests without it.
            Ok("off") => sandbox.variable("SCCFG_STORE", "off"),
            _ => sandbox,
        };
        let wrapper = wrapper(&sandbox);
        seed_digests(&sandbox, &wrapper);
        let compile_log = CompileLog::new(&sandbox.outer().join("compile_log"), &real_rustc());
        sandbox.write(
            "main/Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n",
        );
        sandbox.write("main/.gitignore", "/target\n");
        Self {
            sandbox,
            server: RefCell::new(server),
            compile_log,
            counts: std::env::var_os("SCCFG_JUDGED").is_none(),
            wrapper,
            sccache,
            layout: Layout::wanted(),
        }
    }

    /// The small crates of `tests/workspace`.
    pub(crate) fn matrix() -> Self {
        Self::matrix_laid_out(Layout::wanted())
    }

    /// The same, built in this layout.
    pub(crate) fn matrix_laid_out(layout: Layout) -> Self {
        let project = Self::laid_out(layout);
        let from = this_project().join("tests/workspace");
        for part in ["Cargo.toml", "crates", "outside", "shared"] {
            copy(&from.join(part), &project.sandbox.path(MAIN).join(part));
        }
        project.committed()
    }

    /// A file of the main checkout.
    pub(crate) fn file(self, relative: &str, text: &str) -> Self {
        self.sandbox.write(&format!("{MAIN}/{relative}"), text);
        self
    }

    /// A package in `crates/`, with more lines for its manifest.
    pub(crate) fn package(mut self, name: &str, manifest: &str, files: &[(&str, &str)]) -> Self {
        self = self.file(
            &format!("crates/{name}/Cargo.toml"),
            &package(name, manifest),
        );
        for (path, text) in files {
            self = self.file(&format!("crates/{name}/{path}"), text);
        }
        self
    }

    /// Commits the files to a new repository.
    pub(crate) fn committed(self) -> Self {
        let main = self.sandbox.path(MAIN);
        if !main.join("Cargo.lock").exists() && main.join("Cargo.toml").exists() {
            let mut cargo = self.sandbox.command("cargo");
            cargo
                .args(["generate-lockfile", "--offline"])
                .current_dir(&main);
            succeeds(&mut cargo);
        }
        self.git(&main, &["init", "-q", "-b", "main"]);
        self.commit(&main);
        self
    }

    pub(crate) fn commit(&self, checkout: &Path) {
        self.git(checkout, &["add", "."]);
        self.git(checkout, &["commit", "-q", "-m", "m"]);
    }

    pub(crate) fn git(&self, directory: &Path, args: &[&str]) -> String {
        let mut git = self.sandbox.command("git");
        git.current_dir(directory)
            .args(["-c", "user.name=n", "-c", "user.email=e@x"])
            .args(args);
        String::from_utf8(succeeds(&mut git).stdout).unwrap()
    }

    /// The first checkout.
    pub(crate) fn main(&self) -> Checkout<'_> {
        self.checkout(self.sandbox.path(MAIN))
    }

    /// Any directory as a checkout.
    pub(crate) fn checkout(&self, directory: PathBuf) -> Checkout<'_> {
        Checkout {
            project: self,
            directory,
            variables: Vec::new(),
        }
    }

    /// A linked worktree at this path from the sandbox, made now.
    pub(crate) fn linked(&self, relative: &str) -> Checkout<'_> {
        let path = self.sandbox.path(relative);
        let text = path.to_str().unwrap();
        let main = self.sandbox.path(MAIN);
        self.git(&main, &["worktree", "add", "-q", "--detach", text]);
        self.checkout(path)
    }

    /// What the server counted since it began.
    pub(crate) fn counts(&self) -> Counts {
        self.server.borrow().counts()
    }

    /// Another server on the same cache: nothing is left in memory.
    pub(crate) fn replace_server(&self) {
        self.server.borrow_mut().replace();
    }

    /// How often rustc compiled something since the last count, in all checkouts.
    pub(crate) fn take_number_of_compiles(&self) -> usize {
        self.compile_log.take_each().len()
    }

    /// Leaves what was compiled so far out of the count.
    pub(crate) fn forget_compiles(&self) {
        self.compile_log.take();
    }

    pub(crate) fn server_pid(&self) -> u32 {
        self.server.borrow().pid()
    }

    pub(crate) fn wrapper(&self) -> &Path {
        &self.wrapper
    }

    pub(crate) fn sccache(&self) -> &Path {
        &self.sccache
    }

    /// A command with the environment of a shell that has the wrapper.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.sandbox.command(program);
        for name in [
            "RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_BUILD_DIR",
            "CARGO_PROFILE_DEV_DEBUG",
            "RUSTC",
            "RUSTUP_TOOLCHAIN",
            "CARGO",
            "CARGO_TERM_COLOR",
        ] {
            command.env_remove(name);
        }
        command
            .env("RUSTC_WRAPPER", &self.wrapper)
            // What a second worktree gets from the cache is to be seen.
            .env("SCCFG_SEED", "off")
            .envs(self.compile_log.variables())
            .envs(self.layout.variables().iter().copied());
        command
    }
}

/// A checkout, and the variables that cargo gets in it.
#[derive(Clone)]
pub(crate) struct Checkout<'a> {
    project: &'a Project,
    pub(crate) directory: PathBuf,
    variables: Vec<(String, Option<String>)>,
}

impl Checkout<'_> {
    /// The same with a variable set.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.variables
            .push((name.to_owned(), Some(value.to_owned())));
        with
    }

    /// The same, with a compiler that runs this shell script first. In it, `$real` is the real compiler, and `$dir` a
    /// directory, which is returned as well.
    pub(crate) fn with_compiler_script(&self, script: &str) -> (Self, PathBuf) {
        let directory = self.project.sandbox.path("scripted");
        fs::create_dir_all(&directory).unwrap();
        let head = format!("real=$LOGGED_RUSTC\ndir='{}'\n", directory.display());
        (self.with("COMPILER_SCRIPT", &(head + script)), directory)
    }

    /// The same without a variable.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut without = self.clone();
        without.variables.push((name.to_owned(), None));
        without
    }

    /// The same, seen from a directory in it or next to it.
    pub(crate) fn at(&self, relative: &str) -> Self {
        let mut at = self.clone();
        at.directory = self.directory.join(relative);
        at
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.join(relative)
    }

    pub(crate) fn text(&self) -> &str {
        self.directory.to_str().unwrap()
    }

    /// Writes a file, with a time that cargo takes for newer than any build.
    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Cargo compares times, and a file system keeps them only roughly.
        let time = || fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, text).unwrap();
        let before = time();
        wait_until("a later time", || {
            fs::write(&path, text).unwrap();
            time() > before
        });
    }

    #[track_caller]
    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    /// Adds text at the end of a file.
    #[track_caller]
    pub(crate) fn append(&self, relative: &str, text: &str) {
        self.write(relative, &(self.read(relative) + text));
    }

    /// Replaces text in a file.
    #[track_caller]
    pub(crate) fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "no `{from}` in {relative}");
        self.write(relative, &text.replace(from, to));
    }

    pub(crate) fn remove(&self, relative: &str) {
        fs::remove_file(self.path(relative)).unwrap();
    }

    pub(crate) fn clean(&self) {
        let _ = fs::remove_dir_all(self.path("target"));
    }

    /// `cargo ARGS --offline` with the wrapper.
    pub(crate) fn cargo(&self, args: &[&str]) -> Built {
        let output = self.cargo_command(args).output().unwrap();
        self.built(args, &output)
    }

    /// Builds, and appends a line to the source `file` when the sources of the program `app` were listed, before it is compiled.
    pub(crate) fn build_with_edit_during_compile(&self, file: &str) -> Built {
        let (waiting, directory) = self.with_compiler_script(
            "case \"$*\" in *'crate-name app '*--emit=dep-info,link*) echo >$dir/started; while [ ! -e $dir/edited ]; do sleep 0.01; done ;; esac\n",
        );
        let args = ["build"];
        let build = waiting.started(&args);
        wait_until("the compile starts", || directory.join("started").exists());
        self.write(file, &(self.read(file) + "// more\n"));
        fs::write(directory.join("edited"), "").unwrap();
        waiting.built(&args, &build.wait_with_output().unwrap())
    }

    /// The same without the wrapper.
    pub(crate) fn uncached(&self, args: &[&str]) -> Built {
        let mut command = self.cargo_command(args);
        let output = command.env_remove("RUSTC_WRAPPER").output().unwrap();
        self.built(args, &output)
    }

    /// A running cargo with the wrapper.
    pub(crate) fn started(&self, args: &[&str]) -> Child {
        self.cargo_command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn cargo_command(&self, args: &[&str]) -> Command {
        let mut command = self.command("cargo");
        let (before, after) = match args.iter().position(|arg| *arg == "--") {
            Some(place) => args.split_at(place),
            None => (args, &[][..]),
        };
        command.args(before).arg("--offline").args(after);
        command
    }

    /// The names of the files that compiles left in the directory of a profile, but for the notes
    /// that the wrapper keeps for itself.
    pub(crate) fn left_in_deps(&self, profile: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(&format!("target/{profile}/deps"))).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let is_own = |name: &String| {
            name == ".sccfg"
                || Path::new(name)
                    .extension()
                    .is_some_and(|extension| extension == "sccfg")
        };
        let mut names: Vec<_> = names.filter(|name| !is_own(name)).collect();
        names.sort();
        names
    }

    /// A program with what cargo would have in its environment.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.project.command(program);
        command.current_dir(&self.directory);
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// The outcome of a build that was started.
    pub(crate) fn outcome(&self, args: &[&str], output: &Output) -> Built {
        self.built(args, output)
    }

    fn built(&self, args: &[&str], output: &Output) -> Built {
        let what = format!("cargo {} in {}", args.join(" "), self.directory.display());
        let all = self.project.compile_log.take();
        Built {
            counts: self.project.counts,
            compiled: all
                .iter()
                .map(|compile| format!("{} {}", compile.name, compile.kind))
                .collect(),
            ran: Ran::new(what, output),
        }
    }

    /// What a program of the debug profile prints, run in `/`.
    #[track_caller]
    pub(crate) fn says(&self, program: &str) -> String {
        self.says_of(&self.path(&format!("target/debug/{program}")), &[])
    }

    /// What a program prints, run in `/`.
    #[track_caller]
    pub(crate) fn says_of(&self, program: &Path, args: &[&str]) -> String {
        let mut command = self.project.sandbox.command(program);
        command
            .args(args)
            .current_dir("/")
            .env("RUST_BACKTRACE", "0");
        String::from_utf8(succeeds(&mut command).stdout).unwrap()
    }
}

/// The outcome of a build.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) ran: Ran,
    /// What rustc compiled: `name kind`.
    pub(crate) compiled: Vec<String>,
    counts: bool,
}

impl Built {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        Self {
            ran: self.ran.status(0),
            ..self
        }
    }

    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert_ne!(self.ran.code, Some(0), "{:?}", self.ran);
        self
    }

    /// That rustc compiled these and nothing else.
    #[track_caller]
    pub(crate) fn compiled(self, wanted: &[&str]) -> Self {
        if self.counts {
            assert_eq!(self.compiled, wanted, "{:?}", self.ran);
        }
        self
    }

    /// That rustc compiled nothing but these, if anything.
    #[track_caller]
    pub(crate) fn compiled_at_most(self, wanted: &[&str]) -> Self {
        if self.counts {
            let mut others = self.compiled.clone();
            others.retain(|unit| !wanted.contains(&unit.as_str()));
            assert!(others.is_empty(), "{others:?}: {:?}", self.ran);
        }
        self
    }

    /// That everything came from the cache.
    #[track_caller]
    pub(crate) fn all_hit(self) -> Self {
        assert!(
            self.ran.stderr.contains("Compiling") || self.ran.stderr.contains("Checking"),
            "cargo had nothing to do: {:?}",
            self.ran
        );
        self.compiled(&[])
    }

    /// That something was compiled at all.
    #[track_caller]
    pub(crate) fn compiled_some(self) -> Self {
        assert!(!self.compiled.is_empty(), "{:?}", self.ran);
        self
    }

    /// That cargo had nothing to do.
    #[track_caller]
    pub(crate) fn nothing_to_do(self) -> Self {
        let busy = ["Compiling", "Checking", "Dirty"];
        assert!(
            !busy.iter().any(|word| self.ran.stderr.contains(word)),
            "{:?}",
            self.ran
        );
        self.compiled(&[])
    }

    /// That cargo took this package to be out of date.
    #[track_caller]
    pub(crate) fn rebuilt(self, name: &str) -> Self {
        let lines = self.ran.stderr.lines();
        let mut words = lines.map(|line| line.split_whitespace().take(2).collect::<Vec<_>>());
        assert!(
            words.any(|pair| pair == ["Compiling", name] || pair == ["Checking", name]),
            "{name} was not rebuilt: {:?}",
            self.ran
        );
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, part: &str) -> Self {
        Self {
            ran: self.ran.stderr_has(part),
            ..self
        }
    }

    /// That neither output names this.
    #[track_caller]
    pub(crate) fn never_says(self, part: &str) -> Self {
        let said = format!("{}{}", self.ran.stdout, self.ran.stderr);
        assert!(!said.contains(part), "`{part}` in {said}");
        self
    }
}

/// A manifest.
pub(crate) fn package(name: &str, more: &str) -> String {
    let name = name.rsplit('/').next().unwrap();
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{more}\n")
}

/// A section of a manifest with these packages of the workspace as dependencies.
pub(crate) fn uses(names: &[&str]) -> String {
    let line = |name: &&str| format!("{name} = {{ path = \"../{name}\" }}\n");
    let lines: String = names.iter().map(line).collect();
    format!("[dependencies]\n{lines}")
}

/// The wrapper under test: the program in `SCCFG_JUDGED`, else sccfg's. Of another one, hits are not counted. With
/// `/usr/bin/env`, which caches nothing, all pass that do not count runs or hits by themselves: that checks what the tests
/// expect of cargo.
fn wrapper(sandbox: &Sandbox) -> PathBuf {
    if let Some(judged) = std::env::var_os("SCCFG_JUDGED") {
        return judged.into();
    }
    let ran = sandbox.sccfg(&["wrapper", "path"]).status(0);
    ran.stdout.trim().into()
}

/// Gives the wrapper in `sandbox` the digests of the compiler and the linker, as it has them on a machine
/// that built something before. Otherwise it would read the whole toolchain for each test.
fn seed_digests(sandbox: &Sandbox, wrapper: &Path) {
    static DIGESTS: OnceLock<PathBuf> = OnceLock::new();
    let digests = DIGESTS.get_or_init(|| {
        let digests = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digests");
        let sandbox = Sandbox::new()
            .file("Cargo.toml", &package("any", "[workspace]\n"))
            .file("src/main.rs", "fn main() {}\n");
        let compile_log = CompileLog::new(&sandbox.path("compile_log"), &real_rustc());
        let mut cargo = sandbox.command("cargo");
        cargo
            .args(["build", "--offline"])
            .envs(compile_log.variables())
            .env("CARGO_HOME", cargo_home())
            .env("RUSTUP_HOME", rustup_home())
            .env("CARGO_INCREMENTAL", "0")
            .env("RUSTC_WRAPPER", wrapper)
            .env("SCCFG_WRAPPER_DIR", &digests)
            .env("SCCFG_STORE", "on")
            .env("SCCFG_SCCACHE", sccache());
        succeeds(&mut cargo);
        digests
    });
    let state = sandbox.path("home/.cache/sccfg/wrapper");
    for kind in ["compilers", "linkers", "names"] {
        if digests.join(kind).is_dir() {
            copy(&digests.join(kind), &state.join(kind));
        }
    }
    if state.is_dir() {
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

pub(crate) fn real_rustc() -> PathBuf {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = String::from_utf8(output.unwrap().stdout).unwrap();
    Path::new(sysroot.trim()).join("bin/rustc")
}

/// The host triple.
pub(crate) fn host() -> String {
    let output = succeeds(Command::new("rustc").arg("-vV"));
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

pub(crate) fn cargo_home() -> PathBuf {
    home_of("CARGO_HOME", ".cargo")
}

pub(crate) fn rustup_home() -> PathBuf {
    home_of("RUSTUP_HOME", ".rustup")
}

fn home_of(variable: &str, directory: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || Path::new(&std::env::var_os("HOME").unwrap()).join(directory),
        Into::into,
    )
}

#[track_caller]
pub(crate) fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "target" {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}
