//! The modules with the real flake-parts, devshell and devenv, and nixpkgs' real `lib`: checkouts
//! that `SCCFG_NIXPKGS_LIB`, `SCCFG_FLAKE_PARTS`, `SCCFG_DEVSHELL` and `SCCFG_DEVENV` name. Only the
//! packages are stubs.

use std::fs;
use std::path::{Path, PathBuf};

use super::modules::{Way, assert_caches, assert_same_text, flake};
use super::{Nix, flake as own, list, nix};
use crate::support::{Sandbox, project};

/// The directory in a variable, for tests with `#[requires(…)]` of that variable.
#[track_caller]
pub(super) fn checkout(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(variable).expect(variable))
}

fn reference(path: &Path) -> String {
    format!("path:{}", path.display())
}

/// The stub of nixpkgs with the real `lib`.
fn nixpkgs_with(lib: &Path, nix: &Nix, sandbox: &Sandbox) -> String {
    let target = sandbox.path("nixpkgs");
    for (from, to) in [
        (nix.flake("nixpkgs"), target.clone()),
        (lib.join("lib"), target.join("lib")),
    ] {
        let _ = fs::remove_dir_all(&to);
        let mut files = Vec::new();
        list(&from, &mut files);
        for file in files {
            let to = to.join(file.strip_prefix(&from).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(file, to).unwrap();
        }
    }
    reference(&target)
}

/// Enters the shell of `way` with the flake `name` of `variable`'s checkout.
fn enter(way: Way, name: &str, variable: &str, more: &str) {
    let nix = nix();
    let (lib, real) = (checkout("SCCFG_NIXPKGS_LIB"), checkout(variable));
    let sandbox = Sandbox::new()
        .variable("SCCACHE_SERVER_PORT", "1")
        .file("empty/flake.nix", "{ outputs = _: { }; }\n");
    let more = more.replace("@repo@", sandbox.path("repo").to_str().unwrap());
    let settings = "{ cache.size = \"24GiB\"; }";
    sandbox.write("repo/flake.nix", &flake(way, settings, &more));
    let nixpkgs = nixpkgs_with(&lib, nix, &sandbox);
    let mut instead = vec![
        ("nixpkgs".to_owned(), nixpkgs.clone()),
        (name.to_owned(), reference(&real)),
    ];
    // Its own inputs, so that nothing is fetched.
    let lock = fs::read_to_string(real.join("flake.lock")).unwrap_or_default();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap_or_default();
    let inputs = lock["nodes"]["root"]["inputs"].as_object();
    for input in inputs.into_iter().flat_map(|inputs| inputs.keys()) {
        let target = match input.as_str() {
            "nixpkgs" => nixpkgs.clone(),
            "nixpkgs-lib" => reference(&lib),
            _ => reference(&sandbox.path("empty")),
        };
        instead.push((format!("{name}/{input}"), target));
    }
    let nix = nix.with(instead);
    assert_caches(&nix, &sandbox);
    assert_same_text(&nix, &sandbox);
    let with = |settings: &str| sandbox.write("repo/flake.nix", &flake(way, settings, &more));
    with("{ cache.size = 24; }");
    nix.evaluate(&sandbox, "repo", None)
        .status(0)
        .stderr_has("sccfg.cache.size is 24 bytes, less than 1 MiB");
    for (setting, option, allowed) in [
        (
            "cache.size = \"24 apples\"",
            "sccfg.cache.size",
            "\"24GiB\"",
        ),
        ("incremental = \"on\"", "sccfg.incremental", "\"workspace\""),
    ] {
        with(&format!("{{ {setting}; }}"));
        nix.evaluate(&sandbox, "repo", None)
            .status(1)
            .stderr_has(option)
            .stderr_has(allowed);
    }
}

#[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_FLAKE_PARTS)]
#[test]
fn flake_parts() {
    enter(Way::FlakeParts, "flake-parts", "SCCFG_FLAKE_PARTS", "");
}

#[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_DEVSHELL)]
#[test]
fn devshell() {
    enter(Way::Devshell, "devshell", "SCCFG_DEVSHELL", "");
}

#[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_DEVENV)]
#[test]
fn devenv() {
    // Otherwise the environment has its root, and another program runs its tasks.
    let more = "devenv.root = \"@repo@\";
                task.package = pkgs.writeShellScriptBin \"devenv-tasks\" \":\";";
    enter(Way::Devenv, "devenv", "SCCFG_DEVENV", more);
}

#[requires(nix, nix_with_file_sets, SCCFG_NIXPKGS_LIB)]
#[test]
fn the_flake_is_in_order_with_the_real_lib() {
    let (nix, lib) = (nix(), checkout("SCCFG_NIXPKGS_LIB"));
    let sandbox = Sandbox::new();
    let nixpkgs = nixpkgs_with(&lib, nix, &sandbox);
    own::nix_flake(&sandbox, &nix.flake("sccfg"), &nixpkgs, &["flake", "check"]).status(0);
}

#[requires(nix, SCCFG_NIXPKGS_LIB)]
#[test]
fn the_options_are_documented_the_same_by_the_real_lib() {
    let lib = checkout("SCCFG_NIXPKGS_LIB");
    let written = fs::read_to_string(project().join("docs/options.md")).unwrap();
    assert_eq!(own::options_doc(&lib.join("lib")), written);
}
