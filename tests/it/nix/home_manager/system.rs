//! The modules for NixOS and nix-darwin, a configuration a directory of `tests/system`, over
//! options that `tests/nix/system` declares in their place: files in `/etc`, and in `effects.json`
//! the values.

use std::fs;
use std::path::{Path, PathBuf};

use super::kept::{Effects, check, check_refused};
use super::{HomeManager, build, nix, nix_path};
use crate::support::{Sandbox, project};

mod stub {
    use super::{HomeManager, effects, refusals};

    #[requires(nix)]
    #[test]
    fn systems_get_what_the_options_say_with_the_stub() {
        effects(&HomeManager::Stub);
    }

    #[requires(nix)]
    #[test]
    fn errors_in_options_of_a_system_are_refused_with_the_stub() {
        refusals(&HomeManager::Stub);
    }
}

mod real {
    use super::{HomeManager, effects, refusals};

    #[requires(nix, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn systems_get_what_the_options_say() {
        effects(&HomeManager::real());
    }

    #[requires(nix, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn errors_in_options_of_a_system_are_refused() {
        refusals(&HomeManager::real());
    }
}

pub(super) fn cases() -> PathBuf {
    project().join("tests/system")
}

/// The expression of the harness, with nixpkgs' lib or the stub of it.
fn harness(home_manager: &HomeManager, flakes: &Path) -> String {
    let lib = match home_manager {
        HomeManager::Stub => String::new(),
        HomeManager::Real(_, lib) => format!("lib = import {};", nix_path(lib)),
    };
    format!(
        "(import {} {{ {lib} modules = {}; sccfg = {:?}; }})",
        nix_path(&flakes.join("system")),
        nix_path(&project().join("modules")),
        env!("CARGO_BIN_EXE_sccfg"),
    )
}

#[track_caller]
fn effects(home_manager: &HomeManager) {
    let nix = nix();
    let harness = harness(home_manager, &nix.flakes);
    let expression = format!("{harness}.cases {}", nix_path(&cases()));
    let built = build(nix, &Sandbox::new(), &expression);
    check(&cases(), &built, &nix.store(), |case| {
        let mut effects = Effects::default();
        effects.add_files("etc/", &case.join("etc"), |_| true);
        let text = fs::read_to_string(case.join("effects.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let text = serde_json::to_string_pretty(&value).unwrap();
        effects.add("effects.json", format!("{text}\n"));
        effects
    });
}

#[track_caller]
fn refusals(home_manager: &HomeManager) {
    let nix = nix();
    let harness = harness(home_manager, &nix.flakes);
    check_refused(nix, &cases(), |name| {
        let module = cases().join(name).join("module.nix");
        format!(
            "({harness}.evaluate {{ configuration = {}; isDarwin = {}; }}).drvPath",
            nix_path(&module),
            name.contains("darwin")
        )
    });
}
