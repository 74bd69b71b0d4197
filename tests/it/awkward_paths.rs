//! Directories whose names are commands to the terminal, or are not UTF-8.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, Sandbox, sccache};
use crate::wrapper::project::{cargo_home, rustup_home, succeeds};

/// A home directory of this name, and in it a repository of this name that can be built.
struct Awkward {
    sandbox: Sandbox,
    home: PathBuf,
    repository: PathBuf,
}

impl Awkward {
    fn named(name: &OsStr) -> Self {
        let sandbox = Sandbox::new()
            .variable("CARGO_HOME", cargo_home().to_str().unwrap())
            .variable("RUSTUP_HOME", rustup_home().to_str().unwrap())
            .variable("RUSTC_WRAPPER", sccache().to_str().unwrap());
        let home = sandbox.path("").join(name);
        let repository = home.join(name);
        std::fs::create_dir_all(repository.join("src")).unwrap();
        let package = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
        std::fs::write(repository.join("Cargo.toml"), package).unwrap();
        std::fs::write(repository.join("src/main.rs"), "fn main() {}\n").unwrap();
        let awkward = Self {
            sandbox,
            home,
            repository,
        };
        succeeds(awkward.command("git").args(["init", "-q"]));
        awkward
    }

    /// A command in the repository. Its server would be one of its own.
    fn command(&self, program: &str) -> Command {
        let mut command = self.sandbox.command(program);
        command
            .current_dir(&self.repository)
            .env("HOME", &self.home)
            .env("SCCACHE_SERVER_UDS", self.sandbox.path("server"));
        command
    }

    fn sccfg(&self, args: &[&str]) -> Ran {
        let mut sccfg = self.command(env!("CARGO_BIN_EXE_sccfg"));
        let ran = Ran::new(
            format!("sccfg {}", args.join(" ")),
            &sccfg.args(args).output().unwrap(),
        );
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
        ran
    }
}

/// What prints the directory of the cache, the store, the wrapper or the repository.
const COMMANDS: [&[&str]; 13] = [
    &["stats"],
    &["store", "status"],
    &["store", "verify"],
    &["clear", "--yes"],
    &["config", "show"],
    &["config", "check"],
    &["config", "path"],
    &["wrapper", "status"],
    &["server", "status"],
    &["report"],
    &["doctor"],
    &["audit", "--all"],
    &["gc", "--incremental", "--dry-run"],
];

#[requires(sccache)]
#[test]
fn control_characters_in_a_path_do_not_reach_the_terminal() {
    let awkward = Awkward::named("a\u{1b}]0;title\u{7}\u{1b}[2Jb".as_ref());
    // It leaves incremental units, which `gc` lists.
    let mut cargo = awkward.command("cargo");
    succeeds(cargo.arg("build").env_remove("RUSTC_WRAPPER"));
    for args in COMMANDS {
        // What is asked for by a script is printed as it is.
        if *args == ["config", "path"] {
            continue;
        }
        let ran = awkward.sccfg(args);
        for printed in [&ran.stdout, &ran.stderr] {
            let is_command = |c: char| c.is_control() && c != '\n' && c != '\t';
            assert!(!printed.contains(is_command), "{args:?}: {printed:?}");
        }
    }
    let listed = awkward.sccfg(&["gc", "--incremental", "--dry-run"]);
    listed.stdout_has("a\\u{1b}]0;title\\u{7}\\u{1b}[2Jb");
}

#[requires(sccache)]
#[test]
fn paths_that_are_not_utf8_are_in_json() {
    let name = OsString::from_vec(b"caf\xe9".to_vec());
    let awkward = Awkward::named(&name);
    for args in COMMANDS {
        awkward.sccfg(args);
        let ran = awkward.sccfg(&[args, &["--json"]].concat());
        let json: Result<Value, _> = serde_json::from_str(&ran.stdout);
        assert!(json.is_ok(), "{args:?}: {ran:?}");
    }
}
