//! One configuration a directory of `tests/home`, with whatever it makes of a home: files, units,
//! agents, the variables of a session, what runs when it is activated, and what is warned of.
//!
//! `SNAPSHOTS=overwrite cargo test home_manager::golden::stub` writes all of these again.

use std::fs;
use std::path::Path;

use super::kept::{Effects, check, check_refused};
use super::{HomeManager, build, cases, nix, nix_path};
use crate::support::{Sandbox, project};

mod stub {
    use super::{HomeManager, effects, refusals};

    #[requires(nix)]
    #[test]
    fn every_option_has_its_effect_with_the_stub() {
        effects(&HomeManager::Stub);
    }

    #[requires(nix)]
    #[test]
    fn errors_in_options_are_refused_by_name_with_the_stub() {
        refusals(&HomeManager::Stub);
    }
}

mod real {
    use super::{HomeManager, effects, refusals};

    #[requires(nix, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn every_option_has_its_effect() {
        effects(&HomeManager::real());
    }

    #[requires(nix, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn errors_in_options_are_refused_by_name() {
        refusals(&HomeManager::real());
    }
}

#[test]
fn the_example_of_the_manual_is_a_case() {
    let module = fs::read_to_string(cases().join("worked-example/module.nix")).unwrap();
    let module = module.replace("sccfg-built", "sccfg");
    let manual = fs::read_to_string(project().join("docs/home-manager.md")).unwrap();
    assert!(manual.contains(&format!("```nix\n{module}```\n")));
}

#[track_caller]
fn effects(home_manager: &HomeManager) {
    let nix = nix();
    let expression = format!(
        "import {} {{ evaluate = {}; directory = {}; }}",
        nix_path(&nix.flakes.join("home-manager/cases.nix")),
        home_manager.evaluate(nix, "me", Path::new("/home/me")),
        nix_path(&cases())
    );
    let built = build(nix, &Sandbox::new(), &expression);
    check(&cases(), &built, &nix.store(), of_case);
}

#[track_caller]
fn refusals(home_manager: &HomeManager) {
    let nix = nix();
    let evaluate = home_manager.evaluate(nix, "me", Path::new("/home/me"));
    check_refused(nix, &cases(), |name| {
        let module = cases().join(name).join("module.nix");
        format!(
            "(({evaluate}) {{ configuration = {}; }}).activationPackage.drvPath",
            nix_path(&module)
        )
    });
}

/// What a built case has. Of the files, those that are about compiling.
fn of_case(case: &Path) -> Effects {
    let generation = case.join("generation");
    let is_ours = |name: &str| {
        let words = ["sccache", "sccfg", "cargo"];
        words.iter().any(|word| name.contains(word))
    };
    let mut effects = Effects::default();
    for directory in ["home-files", "LaunchAgents"] {
        effects.add_files(
            &format!("{directory}/"),
            &generation.join(directory),
            is_ours,
        );
    }
    let script = effects.0.values().find_map(|text| script(text));
    effects.add("sccache-server", script.unwrap_or_default());
    effects.add("packages", packages(&generation));
    effects.add("session-variables", variables(&generation));
    effects.add("activation", activation(&generation));
    let warnings = fs::read_to_string(case.join("warnings")).unwrap();
    effects.add("warnings", warnings);
    effects
}

/// The script that a unit starts, where it starts one.
fn script(unit: &str) -> Option<String> {
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))?;
    let text = fs::read(start).ok()?;
    let text = text.starts_with(b"#!").then_some(text)?;
    let text = String::from_utf8(text).unwrap();
    // Which shell it is depends on the machine.
    Some(text.split_once('\n')?.1.to_owned())
}

fn lines<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The programs that are installed, of those that matter here.
fn packages(generation: &Path) -> String {
    let is_there = |name: &&str| generation.join("home-path/bin").join(name).exists();
    lines(["sccache", "sccfg"].into_iter().filter(is_there))
}

/// The variables of a session that are about compiling.
fn variables(generation: &Path) -> String {
    let file = generation.join("home-path/etc/profile.d/hm-session-vars.sh");
    let text = fs::read_to_string(file).unwrap();
    let is_ours = |line: &&str| {
        ["SCCACHE_", "SCCFG_", "RUSTC_", "CARGO_"]
            .iter()
            .any(|prefix| line.starts_with(&format!("export {prefix}")))
    };
    lines(text.lines().filter(is_ours))
}

/// What the activation does for us.
fn activation(generation: &Path) -> String {
    let text = fs::read_to_string(generation.join("activate")).unwrap();
    let Some((_, rest)) = text.split_once("_iNote \"Activating %s\" \"sccacheServer\"\n") else {
        return String::new();
    };
    let end = "unset -f sccacheServer\n";
    rest[..rest.find(end).unwrap() + end.len()].to_owned()
}
