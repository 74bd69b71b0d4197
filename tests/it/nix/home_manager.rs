//! The modules for home-manager, NixOS and nix-darwin: configurations under real Nix.
//!
//! With checkouts of nix-community/home-manager and nix-community/nixpkgs.lib (`SCCFG_HOME_MANAGER`,
//! `SCCFG_NIXPKGS_LIB`) the real home-manager evaluates them; the tests in `stub` use the stub in `tests/nix/home-manager/stub`, and need neither. Both must have the same results.

mod backends;
mod golden;
mod home;
mod kept;
mod service;
mod switch;
mod system;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::real::checkout;
use super::{Nix, nix, nix_path};
use crate::support::{Ran, Sandbox, project};

/// The home-manager that evaluates a configuration.
#[derive(Debug, Clone)]
enum HomeManager {
    /// The stub.
    Stub,
    /// Checkouts of home-manager and of nixpkgs' lib.
    Real(PathBuf, PathBuf),
}

impl HomeManager {
    /// The real one, from the two checkouts.
    fn real() -> Self {
        let lib = checkout("SCCFG_NIXPKGS_LIB");
        // The repository nixpkgs.lib keeps it in a directory.
        let below = lib.join("lib");
        let lib = if below.is_dir() { below } else { lib };
        Self::Real(checkout("SCCFG_HOME_MANAGER"), lib)
    }

    /// The expression of a function from `{ configuration; darwin ? false; }` to what home-manager
    /// makes of it, for a user with this home.
    fn evaluate(&self, nix: &Nix, user: &str, home: &Path) -> String {
        let checkouts = match self {
            Self::Stub => String::new(),
            Self::Real(home_manager, lib) => format!(
                "homeManager = {}; lib = import {};",
                nix_path(home_manager),
                nix_path(lib)
            ),
        };
        format!(
            "import {} {{ {checkouts} modules = {}; sccfg = {:?}; user = {:?}; home = {:?}; }}",
            nix_path(&nix.flakes.join("home-manager")),
            nix_path(&project().join("modules")),
            env!("CARGO_BIN_EXE_sccfg"),
            user,
            home.to_str().unwrap(),
        )
    }
}

/// The user that runs the tests, by name.
fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Builds `expression` and gives its place in the store.
#[track_caller]
fn build(nix: &Nix, sandbox: &Sandbox, expression: &str) -> PathBuf {
    let output = nix
        .command(sandbox, "nix-build")
        .args(["--no-out-link", "-E", expression])
        .output()
        .unwrap();
    let ran = Ran::new(format!("nix-build -E {expression}"), &output).status(0);
    PathBuf::from(ran.stdout.trim())
}

/// The cases, a directory each.
fn cases() -> PathBuf {
    project().join("tests/home")
}
