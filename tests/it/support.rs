//! The test builder: a scratch folder with a home of its own, and `sccfg` run in it.
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
use std::process::Command;

/// A scratch folder: `home/` is HOME, the rest is the test's.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    /// A folder in it that is taken for it.
    inside: String,
    variables: Vec<(String, String)>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::inside("")
    }

    /// A sandbox whose paths all lie in a folder of this name, which may be an awkward one.
    pub(crate) fn inside(inside: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sccfg-test-")
            .tempdir()
            .unwrap();
        fs::create_dir_all(folder.path().join(inside).join("home")).unwrap();
        Self {
            folder,
            inside: inside.to_owned(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(&self.inside).join(relative)
    }

    /// The folder itself, whose name is plain and short.
    pub(crate) fn outer(&self) -> &Path {
        self.folder.path()
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

/// The folder of the checkout.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The real sccache: `SCCFG_SCCACHE`, else the one on `PATH`. Where there is none, says on
/// standard error that something was left out.
pub(crate) fn sccache() -> Option<PathBuf> {
    let named = std::env::var_os("SCCFG_SCCACHE").map(PathBuf::from);
    let found = named.or_else(|| program("sccache"));
    if found.is_none() {
        left_out("no sccache");
    }
    found
}

/// The version of an sccache.
pub(crate) fn version(sccache: &Path) -> sccfg::config::keys::Version {
    let output = Command::new(sccache).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

/// A real sccache of another version: `SCCFG_SCCACHE_OTHER`. Where there is none, says on standard
/// error that something was left out.
pub(crate) fn other_sccache() -> Option<PathBuf> {
    let found = std::env::var_os("SCCFG_SCCACHE_OTHER").map(PathBuf::from);
    if found.is_none() {
        left_out("no second version of sccache (SCCFG_SCCACHE_OTHER)");
    }
    found
}

/// The program `name` on `PATH`.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    // nushell is apart from the search path, where `exec nu` in somebody's hook would find it.
    if let (Some(nu), "nu") = (std::env::var_os("SCCFG_NU"), name) {
        return Some(nu.into());
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Says on standard error that a part of the tests did not run, and why; past the test harness,
/// which keeps back what passing tests print.
pub(crate) fn left_out(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "left out: {what}");
}
