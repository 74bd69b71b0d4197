//! The test builder: a scratch directory with a home of its own, and `sccfg` run in it.
//!
//! ```ignore
//! Sandbox::new()
//!     .file("repo/flake.nix", "{ outputs = _: { }; }")
//!     .sccfg(&["-C", "repo", "init", "--dry-run"])
//!     .status(1)
//!     .stderr_has("hint:");
//! ```

#![allow(dead_code, reason = "each topic uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A scratch directory: `home/` is HOME, the rest is the test's.
pub(crate) struct Sandbox {
    directory: tempfile::TempDir,
    /// A directory in it that is taken for it.
    inside: String,
    variables: Vec<(String, String)>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::inside("")
    }

    /// A sandbox whose paths all lie in a directory of this name, which may be an awkward one.
    pub(crate) fn inside(inside: &str) -> Self {
        Self::below(&std::env::temp_dir(), inside)
    }

    /// The same in a directory that is not the one for temporary files.
    pub(crate) fn below(directory: &Path, inside: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("sccfg-test-")
            .tempdir_in(directory)
            .unwrap();
        fs::create_dir_all(directory.path().join(inside).join("home")).unwrap();
        Self {
            directory,
            inside: inside.to_owned(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(&self.inside).join(relative)
    }

    /// The directory itself, whose name is plain and short.
    pub(crate) fn outer(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(self, relative: &str, text: &str) -> Self {
        self.write(relative, text);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    pub(crate) fn exists(&self, relative: &str) -> bool {
        self.path(relative).exists()
    }

    /// A command with this sandbox's home and none of the caller's cargo, sccache or XDG settings.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env("HOME", self.path("home"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if [
                "XDG_",
                "SCCACHE_",
                "SCCFG_",
                "RUSTC_WRAPPER",
                "CARGO_INCREMENTAL",
                "CARGO_BUILD_",
                // `sccfg gc` removes what is in it.
                "CARGO_TARGET_DIR",
                // Of the build script of sccfg itself: cargo sets it for tests.
                "OUT_DIR",
                // Of the systemd that runs the user's own server.
                "DBUS_SESSION_BUS_ADDRESS",
            ]
            .iter()
            .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A command that runs a line of sh in a terminal of its own, whose input and output are pipes.
    pub(crate) fn terminal(&self, line: &str) -> Command {
        let mut command = self.command("script");
        command
            // Otherwise `script` runs the line by the person's login shell.
            .env("SHELL", "/bin/sh")
            .args(["--quiet", "--return", "--command", line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    /// Runs `sccfg` in the sandbox.
    #[track_caller]
    pub(crate) fn sccfg(&self, args: &[&str]) -> Ran {
        let output = self
            .command(env!("CARGO_BIN_EXE_sccfg"))
            .args(args)
            .output()
            .unwrap();
        Ran::new(format!("sccfg {}", args.join(" ")), &output)
    }
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    what: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn new(what: String, output: &std::process::Output) -> Self {
        Self {
            what,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn status(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "{}\n--- stdout\n{}--- stderr\n{}",
            self.what,
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, part: &str) -> Self {
        assert!(
            self.stdout.contains(part),
            "{}: no `{part}` in\n{}",
            self.what,
            self.stdout
        );
        self
    }

    /// That it said exactly one line on standard error, with these words in it.
    #[track_caller]
    pub(crate) fn says_once(self, words: &[&str]) -> Self {
        assert_eq!(
            self.stderr.lines().count(),
            1,
            "{}: {}",
            self.what,
            self.stderr
        );
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in {}", self.stderr);
        }
        self
    }

    /// That it said nothing on standard error.
    #[track_caller]
    pub(crate) fn quiet(self) -> Self {
        assert_eq!(self.stderr, "", "{}", self.what);
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, part: &str) -> Self {
        assert!(
            self.stderr.contains(part),
            "{}: no `{part}` in\n{}",
            self.what,
            self.stderr
        );
        self
    }
}

/// The directory of the checkout.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The real sccache: `SCCFG_SCCACHE`, else the one on `PATH`. With `SCCFG_SWAP`, which `scripts/test`
/// sets for its second run, it is the other version.
///
/// For tests with `#[requires(sccache)]`.
#[track_caller]
pub(crate) fn sccache() -> PathBuf {
    sccache_if_any().expect("no sccache: the test lacks #[requires(sccache)]")
}

/// The same, for what does without as well.
pub(crate) fn sccache_if_any() -> Option<PathBuf> {
    if swapped() { old() } else { new() }
}

/// A real sccache of another version.
///
/// For tests with `#[requires(other_sccache)]`.
#[track_caller]
pub(crate) fn other_sccache() -> PathBuf {
    let found = if swapped() { new() } else { old() };
    found.expect("no SCCFG_SCCACHE_OTHER: the test lacks #[requires(other_sccache)]")
}

fn new() -> Option<PathBuf> {
    let named = std::env::var_os("SCCFG_SCCACHE").map(PathBuf::from);
    named.or_else(|| program("sccache"))
}

fn old() -> Option<PathBuf> {
    std::env::var_os("SCCFG_SCCACHE_OTHER").map(PathBuf::from)
}

fn swapped() -> bool {
    std::env::var_os("SCCFG_SWAP").is_some()
}

/// The version of an sccache.
pub(crate) fn version(sccache: &Path) -> sccache_control::config::version::Version {
    let output = Command::new(sccache).arg("--version").output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    sccache_control::config::version::parse_version(&output).unwrap()
}

/// The program `name` on `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    // nushell is apart from the search path, where `exec nu` in somebody's hook would find it.
    if let (Some(nu), "nu") = (std::env::var_os("SCCFG_NU"), name) {
        return Some(nu.into());
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

/// Calls `is_done` until it is true, for a minute at most.
///
/// Nothing is measured by it: what is waited for comes at once where the machine is quiet.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_done() {
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The files below a directory, sorted.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}
