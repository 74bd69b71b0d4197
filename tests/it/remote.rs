//! `sccfg remote`: real back ends on a loopback port, a real sccache.

mod check;
mod edit;
mod secret_command;
pub(crate) mod service;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::server::real_rustc;
use crate::support::{Ran, Sandbox, sccache};

/// A machine with the real sccache and rustc on its search path, and a config file of its own.
pub(crate) struct Machine {
    pub(crate) sandbox: Sandbox,
    variables: Vec<(String, String)>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            sandbox: Sandbox::new(),
            variables: Vec::new(),
        }
    }

    /// A machine whose directories, also the one for temporary files, are not below `/dev`, of which sandboxes of build
    /// servers have their own.
    pub(crate) fn outside_dev() -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let sandbox = Sandbox::below(directory, "");
        Self {
            sandbox: sandbox.variable("TMPDIR", directory.to_str().unwrap()),
            variables: Vec::new(),
        }
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its config file.
    pub(crate) fn config(&self) -> PathBuf {
        self.sandbox.path("home/.config/sccache/config")
    }

    /// Runs `sccfg` with these arguments.
    #[track_caller]
    pub(crate) fn sccfg(&self, args: &[&str]) -> Ran {
        let rustc = real_rustc();
        let directories = [
            sccache().parent().unwrap().to_owned(),
            rustc.parent().unwrap().to_owned(),
            PathBuf::from("/usr/bin"),
            PathBuf::from("/bin"),
        ];
        let output = self
            .sandbox
            .command(env!("CARGO_BIN_EXE_sccfg"))
            .args(args)
            .env("PATH", std::env::join_paths(directories).unwrap())
            // sccache would ask Amazon's address for credentials of a virtual machine.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        Ran::new(format!("sccfg {}", args.join(" ")), &output)
    }

    /// The result of `sccfg remote check --json` for the one back end that is configured.
    #[track_caller]
    pub(crate) fn check(&self, args: &[&str]) -> serde_json::Value {
        let all: Vec<&str> = ["remote", "check", "--json"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let ran = self.sccfg(&all);
        let mut found: serde_json::Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        let found = found["remotes"][0].take();
        assert_eq!(ran.code, Some(i32::from(found["works"] != true)), "{found}");
        found
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        self.sandbox.write(name, text);
        self.path(name)
    }

    /// The path of a file in the sandbox.
    pub(crate) fn path(&self, name: &str) -> String {
        self.sandbox.path(name).display().to_string()
    }
}

/// Whether other users can read a file.
pub(crate) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .unwrap()
        .permissions()
        .mode()
        .trailing_zeros()
        >= 6
}

/// That a check failed for this reason, with a hint.
#[track_caller]
pub(crate) fn fails(found: &Value, kind: &str) {
    assert_eq!(found["failure"]["kind"], kind, "{found:#}");
    assert!(
        found["failure"]["hint"]
            .as_str()
            .is_some_and(|hint| !hint.is_empty())
    );
}
