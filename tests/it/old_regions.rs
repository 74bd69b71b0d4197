//! Regions that 0.1.0 wrote, with its hook of 115 lines: `tests/old_regions/<name>/` has the
//! repository before `init`, and as 0.1.0 left it.

use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::cases::golden::Tree;
use crate::support::Sandbox;

#[rstest]
fn apply_shortens_old_regions_and_remove_undoes_them(
    #[files("tests/old_regions/*/before")]
    #[dirs]
    before: PathBuf,
) {
    let written = before.with_file_name("written");
    let sandbox = Sandbox::new();
    let lines = || sandbox.read("repo/flake.nix").lines().count();
    Tree::read(&written).write(&sandbox.path("repo"));
    let old = lines();
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0);
    let applied = Tree::read(&sandbox.path("repo"));
    // With sccfg as an input, the hook was one line already.
    let has_input = sandbox.read("repo/sccfg.toml").contains("\ninput = ");
    assert!(has_input || lines() < old - 100, "{} of {old}", lines());
    // As `init` writes it today.
    let fresh = Sandbox::new();
    Tree::read(&before).write(&fresh.path("repo"));
    fresh.write("repo/sccfg.toml", &sandbox.read("repo/sccfg.toml"));
    let mut init = vec!["-C", "repo", "init", "--no-user-config"];
    init.extend(sandbox.exists("repo/.envrc").then_some("--direnv"));
    fresh.sccfg(&init).status(0);
    Tree::read(&fresh.path("repo")).assert_same(&applied, "apply");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    Tree::read(&before).assert_same(&Tree::read(&sandbox.path("repo")), "remove after apply");
}

#[rstest]
fn remove_undoes_old_regions_without_apply(
    #[files("tests/old_regions/*/before")]
    #[dirs]
    before: PathBuf,
) {
    let sandbox = Sandbox::new();
    Tree::read(&before.with_file_name("written")).write(&sandbox.path("repo"));
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    Tree::read(&before).assert_same(&Tree::read(&sandbox.path("repo")), "remove");
}

#[test]
fn every_kind_of_old_region_is_covered() {
    let read = |name: &str| {
        let directory = Path::new("tests/old_regions").join(name).join("written");
        std::fs::read_to_string(crate::support::project().join(directory).join("flake.nix"))
            .unwrap()
    };
    assert!(read("one-line-shell").contains("# sccfg:inline"));
    assert!(read("asked-by-attributes").contains("# sccfg:was"));
    assert!(read("crlf").contains("_sccfg_hook() {\r\n"));
    assert!(read("unknown-maker").contains("overrideAttrs"));
    assert!(read("input-one-line").contains(".shellHook {"));
}
