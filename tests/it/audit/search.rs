//! Which directories are repositories.

use super::{FLAKE, MANIFEST, Projects};

#[test]
fn every_checkout_with_a_manifest_is_found() {
    let projects = Projects::new();
    projects.repository("app", &[]);
    projects.repository("group/tool", &[("flake.nix", FLAKE)]);
    projects.managed("managed", &[]);
    assert_eq!(projects.found(), ["app", "group/tool", "managed"]);
}

#[test]
fn a_manifest_may_be_below_the_root_of_a_checkout() {
    let projects = Projects::new();
    let nested = [("flake.nix", FLAKE), ("backend/Cargo.toml", MANIFEST)];
    projects.repository("with-flake", &nested);
    projects.repository("without", &[("services/api/Cargo.toml", MANIFEST)]);
    let foreign = [
        ("tests/case/Cargo.toml", MANIFEST),
        ("template/Cargo.toml", MANIFEST),
        ("a/b/c/Cargo.toml", MANIFEST),
    ];
    projects.repository("foreign", &foreign);
    for name in ["with-flake", "without", "foreign"] {
        let manifest = projects.sandbox.path(&format!("all/{name}/Cargo.toml"));
        std::fs::remove_file(manifest).unwrap();
    }
    assert_eq!(projects.found(), ["with-flake", "without/services/api"]);
}

#[test]
fn a_nested_flake_is_a_repository_only_with_a_policy() {
    let projects = Projects::new();
    let files = [
        ("flake.nix", FLAKE),
        ("one/flake.nix", FLAKE),
        ("one/Cargo.toml", MANIFEST),
        ("two/flake.nix", FLAKE),
        ("two/sccfg.toml", ""),
    ];
    projects.repository("all-of-them", &files);
    std::fs::remove_file(projects.sandbox.path("all/all-of-them/Cargo.toml")).unwrap();
    assert_eq!(projects.found(), ["all-of-them", "all-of-them/two"]);
}

#[test]
fn directories_without_git_and_ignored_ones_are_no_repositories() {
    let projects = Projects::new();
    let write = |path: &str, text: &str| projects.sandbox.write(&format!("all/{path}"), text);
    write("unpacked/Cargo.toml", MANIFEST);
    write("policy-alone/sccfg.toml", "");
    write(".hidden/.git/HEAD", "ref: refs/heads/main\n");
    write(".hidden/Cargo.toml", MANIFEST);
    write("node_modules/x/.git/HEAD", "ref: refs/heads/main\n");
    write("node_modules/x/Cargo.toml", MANIFEST);
    projects.repository(
        "mono",
        &[("web/Cargo.toml", MANIFEST), (".gitignore", "/out\n")],
    );
    write("mono/out/x/Cargo.toml", MANIFEST);
    std::fs::remove_file(projects.sandbox.path("all/mono/Cargo.toml")).unwrap();
    assert_eq!(projects.found(), ["mono/web", "policy-alone"]);
    // What is named is searched.
    projects
        .audit(&["--json", ".hidden"])
        .status(0)
        .stdout_has(".hidden");
}

#[test]
fn worktrees_are_one_repository_and_the_primary_one_is_examined() {
    let projects = Projects::new();
    projects.managed("app", &[]);
    projects.git("app", &["worktree", "add", "--quiet", "../a-linked-one"]);
    projects.git("app", &["worktree", "add", "--quiet", ".worktrees/inside"]);
    // `worktree add --orphan` takes git 2.42.
    projects.git(
        "app",
        &["worktree", "add", "--quiet", "--detach", "../empty"],
    );
    projects.git("empty", &["checkout", "--quiet", "--orphan", "empty"]);
    projects.git("empty", &["rm", "-r", "--quiet", "--force", "."]);
    projects.git("app", &["worktree", "add", "--quiet", "../gone"]);
    std::fs::remove_dir_all(projects.sandbox.path("all/gone")).unwrap();
    assert_eq!(projects.found(), ["app"]);
    let about = projects.about("app");
    let worktrees = about["worktrees"].as_array().unwrap();
    assert_eq!(worktrees.len(), 4);
    let linked: Vec<bool> = worktrees
        .iter()
        .map(|one| one["linked"].as_bool().unwrap())
        .collect();
    assert_eq!(linked, [false, true, true, true]);
    let without = worktrees.iter().filter(|one| one["policy"] == false);
    assert_eq!(without.count(), 1);
    let gone = about["gone_worktrees"].as_array().unwrap();
    assert!(gone[0].as_str().unwrap().ends_with("all/gone"));
    projects
        .audit(&[])
        .status(0)
        .stdout_has("4 (1 without sccfg.toml)")
        .stdout_has("3 linked worktrees; 1 worktree is gone (`git worktree prune` removes them from git's list)");
}

#[test]
fn a_submodule_belongs_to_the_repository_around_it() {
    let projects = Projects::new();
    projects.repository("library", &[]);
    projects.repository("app", &[]);
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
    ];
    projects.git("app", &[&add[..], &["../library", "vendored"]].concat());
    std::fs::remove_file(projects.sandbox.path("all/app/Cargo.toml")).unwrap();
    assert_eq!(projects.found(), ["library"]);
}

#[test]
fn a_directory_that_is_missing_is_named() {
    Projects::new()
        .audit(&["no-such"])
        .status(1)
        .stderr_has("could not search")
        .stderr_has("no-such: No such file or directory")
        .stderr_has("hint:");
}

#[test]
fn a_search_without_results_says_so() {
    Projects::new()
        .audit(&[])
        .status(0)
        .stdout_has("no repositories found");
}
