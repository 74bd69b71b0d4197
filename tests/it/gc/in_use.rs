//! Target directories that look like those of workspaces that no longer exist, and that somebody uses.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use rstest::rstest;

use super::{Repo, found};
use crate::lab::Layout;
use crate::wrapper::project::succeeds;

/// rust-script writes a manifest elsewhere, which names the script with its absolute path.
#[rstest]
fn the_package_of_a_script_has_its_manifest_elsewhere(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    let script = repo.path("scripts/tool.rs");
    repo.sandbox.write("scripts/tool.rs", "fn main() {}\n");
    let manifest = format!(
        "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         [[bin]]\nname = \"tool\"\npath = \"{}\"\n",
        script.display()
    );
    repo.sandbox.write("generated/tool/Cargo.toml", &manifest);
    repo.build_into("generated/tool", "binaries");
    assert_eq!(repo.finds(&["../binaries"]), []);
    fs::remove_file(script).unwrap();
    assert_eq!(repo.finds(&["../binaries"]), [found("orphan", "binaries")]);
}

/// `cargo -Zscript` builds below cargo's home, and there is no manifest at all.
#[test]
fn a_script_of_cargo_has_no_manifest() {
    let repo = Repo::new();
    let script = "---\npackage.edition = \"2021\"\n---\nfn main() { println!(env!(\"CARGO_MANIFEST_DIR\")); }\n";
    repo.sandbox.write("scripts/tool.rs", script);
    let target = repo.path("binaries");
    let cargo = |args: &[&str]| -> Command {
        let mut cargo = repo.cargo("scripts");
        cargo.args(["-Zscript", "-q"]).args(args);
        cargo.args(["--manifest-path", "tool.rs"]);
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.env("CARGO_TARGET_DIR", &target);
        cargo
    };
    for command in ["check", "build"] {
        succeeds(&mut cargo(&[command]));
        assert_eq!(repo.finds(&["../binaries"]), [], "{command}");
    }
    fs::remove_file(repo.path("scripts/tool.rs")).unwrap();
    assert_eq!(repo.finds(&["../binaries"]), [found("orphan", "binaries")]);
}

/// What a checkout without a target directory has built in another's, no file there tells: the same commit makes the
/// same units, and cargo takes them as they are.
#[rstest]
fn a_directory_in_which_another_checkout_may_build_stays(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values(&["check"], &["test", "--no-run"])] command: &[&str],
) {
    let repo = Repo::laid_out(layout);
    repo.sandbox.write("repo/src/lib.rs", "pub fn more() {}\n");
    repo.commit();
    repo.linked("one");
    repo.build_into("one", "caches/shared");
    let shared = repo.path("caches/shared");
    for place in ["one", "repo"] {
        let mut cargo = repo.cargo(place);
        let cargo = cargo.args(command).env("CARGO_TARGET_DIR", &shared);
        succeeds(cargo);
    }
    repo.git(&["worktree", "remove", "--force", "../one"]);
    assert_eq!(repo.finds(&["../caches"]), []);
    repo.gc(&["--dry-run", "../caches"])
        .status(0)
        .stderr_has("caches/shared: ")
        .stderr_has("repo may build in it: it has no target directory of its own");
    // Once it has one, nothing speaks against it.
    repo.build("repo");
    assert_eq!(
        repo.finds(&["../caches"]),
        [found("orphan", "caches/shared")]
    );
}

/// Wherever `sccfg gc` is run, and whichever of its workspaces the worktree builds.
#[test]
fn another_worktree_is_known_from_everywhere() {
    let repo = Repo::new();
    for (name, text) in [
        (
            "Cargo.toml",
            "[package]\nname = \"fuzz\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[workspace]\n",
        ),
        ("src/main.rs", "fn main() {}\n"),
    ] {
        repo.sandbox.write(&format!("repo/fuzz/{name}"), text);
    }
    repo.commit();
    repo.linked("one");
    repo.build("repo");
    repo.build_into("one/fuzz", "caches/shared");
    let mut cargo = repo.cargo("repo/fuzz");
    let shared = repo.path("caches/shared");
    succeeds(cargo.arg("check").env("CARGO_TARGET_DIR", &shared));
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let caches = repo.path("caches").display().to_string();
    for start in ["repo", "repo/src", "repo/fuzz", "caches"] {
        let ran = repo
            .sandbox
            .sccfg(&["-C", start, "gc", "--dry-run", &caches]);
        ran.status(0)
            .stdout_has("nothing to remove")
            .stderr_has("fuzz may build in it: it has no target directory of its own");
    }
}

/// Its manifest may have a conflict at the moment.
#[test]
fn a_checkout_that_cargo_does_not_know_may_build_anywhere() {
    let repo = Repo::new();
    repo.build("repo");
    repo.linked("one");
    repo.linked("two");
    repo.build_into("one", "caches/shared");
    repo.git(&["worktree", "remove", "--force", "../one"]);
    let manifest = repo.sandbox.read("two/Cargo.toml");
    repo.sandbox.write("two/Cargo.toml", "<<<<<<< HEAD\n");
    let ran = repo.gc(&["--dry-run", "../caches"]).status(0);
    ran.stderr_has("two may build in it: `cargo metadata` fails there");
    repo.sandbox.write("two/Cargo.toml", &manifest);
    repo.build("two");
    assert_eq!(
        repo.finds(&["../caches"]),
        [found("orphan", "caches/shared")]
    );
}

/// Tests and build scripts of different packages have the same names.
#[test]
fn a_checkout_of_another_project_does_not_build_in_it() {
    let repo = Repo::new();
    for (package, name) in [("repo", "other"), ("elsewhere/gone", "app")] {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
        for (file, text) in [
            ("Cargo.toml", manifest.as_str()),
            ("build.rs", "fn main() {}\n"),
            ("src/main.rs", "fn main() {}\n"),
            ("tests/it.rs", "#[test]\nfn works() {}\n"),
        ] {
            repo.sandbox.write(&format!("{package}/{file}"), text);
        }
    }
    let target = repo.path("caches/gone");
    for command in [&["build", "-q"][..], &["test", "-q", "--no-run"]] {
        let mut cargo = repo.cargo("elsewhere/gone");
        succeeds(cargo.args(command).env("CARGO_TARGET_DIR", &target));
    }
    fs::remove_dir_all(repo.path("elsewhere")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), [found("orphan", "caches/gone")]);
}

/// Nobody builds in what is left of a worktree.
#[test]
fn what_is_left_of_a_worktree_is_not_shared() {
    let repo = Repo::new();
    repo.linked("one");
    repo.build("one");
    repo.remove_all_but_target("one");
    assert_eq!(repo.finds(&[]), [found("orphan", "one/target")]);
}

/// What is compiled as a library names the workspace, also where nothing is linked.
#[rstest]
fn what_another_checkout_with_a_directory_of_its_own_has_compiled_stays(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
) {
    let repo = Repo::laid_out(layout);
    repo.sandbox.write("repo/src/lib.rs", "pub fn more() {}\n");
    repo.commit();
    repo.linked("one");
    repo.build("repo");
    repo.build_into("one", "caches/shared");
    let mut cargo = repo.cargo("repo");
    let shared = repo.path("caches/shared");
    succeeds(cargo.arg("check").env("CARGO_TARGET_DIR", &shared));
    repo.git(&["worktree", "remove", "--force", "../one"]);
    assert_eq!(repo.finds(&["../caches"]), []);
}

/// Programs have the same names, as those that were made by the same template.
#[rstest]
fn what_another_workspace_with_a_program_of_the_same_name_has_compiled_stays(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values(&["check"], &["test", "--no-run"], &["build", "--release"])] command: &[&str],
    #[values("", "src/lib.rs")] more: &str,
    #[values("elsewhere/deep/app", "app-2")] live: &str,
) {
    let repo = Repo::laid_out(layout);
    let shared = repo.path("caches/shared");
    for package in ["app", live] {
        for file in ["Cargo.toml", "src/main.rs"] {
            let text = repo.sandbox.read(&format!("repo/{file}"));
            repo.sandbox.write(&format!("{package}/{file}"), &text);
        }
        if !more.is_empty() {
            let library = "#[test]\nfn works() {}\n";
            repo.sandbox.write(&format!("{package}/{more}"), library);
        }
    }
    // cargo writes no dep-info of a program for integration tests.
    if command[0] == "test" {
        repo.sandbox.write(&format!("{live}/tests/it.rs"), "");
    }
    repo.build_into("app", "caches/shared");
    let mut cargo = repo.cargo(live);
    succeeds(cargo.args(command).env("CARGO_TARGET_DIR", &shared));
    fs::remove_dir_all(repo.path("app")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), []);
}

/// The sources have the path that cargo was given, and the debug information has the canonical one.
#[rstest]
fn a_workspace_that_was_built_through_a_link_is_not_gone_with_the_link(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values(&["build"], &["build", "--examples"])] command: &[&str],
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    for file in ["Cargo.toml", "src/main.rs"] {
        let text = repo.sandbox.read(&format!("repo/{file}"));
        repo.sandbox.write(&format!("real/{file}"), &text);
    }
    let example = "real/examples/shows.rs";
    repo.sandbox.write(example, "fn main() {}\n");
    symlink("real", repo.path("link")).unwrap();
    let mut cargo = repo.cargo("repo");
    cargo.args(command).arg("--manifest-path");
    cargo.arg(repo.path("link/Cargo.toml"));
    succeeds(cargo.env("CARGO_TARGET_DIR", repo.path("caches/shared")));
    fs::remove_file(repo.path("link")).unwrap();
    assert_eq!(repo.finds(&["../caches"]), []);
    fs::remove_dir_all(repo.path("real")).unwrap();
    let orphan = [found("orphan", "caches/shared")];
    assert_eq!(repo.finds(&["../caches"]), orphan);
}

/// Also if no program in it says where it was.
#[rstest]
fn a_copy_of_a_target_directory_stays(
    #[values(Layout::V1, Layout::V2)] layout: Layout,
    #[values(true, false)] is_linked: bool,
) {
    let repo = Repo::laid_out(layout);
    repo.build("repo");
    repo.sandbox.write(
        "repo/src/main.rs",
        "fn main() { println!(env!(\"CARGO_MANIFEST_DIR\")); }\n",
    );
    repo.commit();
    repo.linked("one");
    let target = repo.path("caches/one");
    let command = if is_linked { "build" } else { "check" };
    let mut cargo = repo.cargo("one");
    succeeds(cargo.arg(command).env("CARGO_TARGET_DIR", &target));
    fs::remove_dir_all(repo.path("one")).unwrap();
    let original = [found("orphan", "caches/one")];
    assert_eq!(repo.finds(&["../caches"]), original);
    let copy = repo.path("caches/copy");
    succeeds(Command::new("cp").arg("-a").args([&target, &copy]));
    assert_eq!(repo.finds(&["../caches"]), original);
}
