//! `init`, `apply` and `remove` on whole repositories.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::lab::kill;
use crate::support::{Ran, Sandbox, files_below};

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }: {
    devShells.x86_64-linux.default =
      let pkgs = nixpkgs.legacyPackages.x86_64-linux;
      in pkgs.mkShell {
        packages = [ pkgs.cargo ];
      };
  };
}
"#;

const CONFIG: &str = "home/.config/sccache/config";

fn repository() -> Sandbox {
    Sandbox::new().file("repo/flake.nix", FLAKE)
}

/// The plan that `init` prints as JSON.
fn plan(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Without a file, the hook leaves the variable as it is; with one, that decides.
#[test]
fn init_warns_if_it_names_another_directory_than_the_variable() {
    let sandbox = repository().variable("SCCACHE_DIR", "/mine");
    let default = sandbox.path("home/.cache/sccache").display().to_string();
    sandbox
        .sccfg(&["init", "repo", "--size", "24GiB"])
        .status(0)
        .stderr_has(&format!(
            "SCCACHE_DIR is /mine; shells with the hook use {default}"
        ))
        .stderr_has("sccfg config set cache.disk.dir");
    let again = sandbox
        .sccfg(&["init", "repo", "--size", "30GiB"])
        .status(0);
    assert!(!again.stderr.contains("SCCACHE_DIR"), "{again:?}");
    let sandbox = repository().variable("SCCACHE_DIR", "/mine");
    let named = sandbox
        .sccfg(&["init", "repo", "--cache-dir", "/mine"])
        .status(0);
    assert!(!named.stderr.contains("SCCACHE_DIR"), "{named:?}");
}

/// The files are written to temporary ones first.
#[test]
fn an_interrupted_init_leaves_no_temporary_files() {
    for milliseconds in (0..200).step_by(4) {
        let sandbox = repository();
        let mut init = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        let init = init.args(["init", "repo", "--linker", "mold", "--linker-config", "set"]);
        let mut init = init
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        kill()
            .args(["-INT", &init.id().to_string()])
            .output()
            .unwrap();
        init.wait().unwrap();
        let files = files_below(&sandbox.path("repo"));
        let is_temporary = |path: &&PathBuf| path.extension().is_some_and(|it| it == "tmp");
        let left: Vec<_> = files.iter().filter(is_temporary).collect();
        assert!(left.is_empty(), "{left:?} after {milliseconds} ms");
    }
}

#[test]
fn init_and_remove_restore_the_repository() {
    let sandbox = repository();
    sandbox
        .sccfg(&["init", "repo", "--size", "24GiB"])
        .status(0)
        .stdout_has("edited  flake.nix  (dev shell default)")
        .stdout_has("created sccfg.toml")
        .stdout_has("next:    enter the shell: nix develop");
    assert!(sandbox.read("repo/sccfg.toml").contains("size = \"24GiB\""));
    assert!(sandbox.read(CONFIG).contains("size = 25769803776"));
    // It may get a password later.
    let metadata = fs::metadata(sandbox.path(CONFIG)).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stdout_has("nothing to do");
    sandbox.sccfg(&["apply", "repo", "--check"]).status(0);

    sandbox.sccfg(&["remove", "repo"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
    assert!(!sandbox.exists("repo/sccfg.toml"));
    // Other repositories use the machine's file.
    assert!(sandbox.exists(CONFIG));
    sandbox
        .sccfg(&["remove", "repo"])
        .status(0)
        .stdout_has("nothing to do");
}

#[test]
fn a_dry_run_shows_a_diff_and_writes_nothing() {
    let sandbox = repository();
    let shown = sandbox.sccfg(&["init", "repo", "--dry-run"]).status(0);
    let shown = shown
        .stdout_has("--- a/flake.nix\n+++ b/flake.nix\n@@ ")
        .stdout_has("+        CARGO_INCREMENTAL = \"0\";")
        .stdout_has("--- /dev/null\n+++ b/sccfg.toml\n");
    assert!(
        !shown.stdout.contains('\u{1b}'),
        "no colour without a terminal"
    );
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
    assert!(!sandbox.exists("repo/sccfg.toml") && !sandbox.exists(CONFIG));

    let coloured = sandbox
        .sccfg(&["init", "repo", "--dry-run", "--color", "always"])
        .status(0);
    assert!(coloured.stdout.contains("\u{1b}[32m+"));
}

#[test]
fn the_diff_of_a_file_outside_the_repository_names_its_path_from_the_root() {
    let sandbox = repository().file(CONFIG, "");
    let path = sandbox.path(CONFIG);
    let from_root = path.strip_prefix("/").unwrap().display();
    let diff = sandbox
        .sccfg(&["init", "repo", "--size", "24GiB", "--dry-run"])
        .status(0)
        .stdout_has(&format!("--- a/{from_root}\n+++ b/{from_root}\n@@ "))
        .stdout;
    let (_, of_config) = diff.rsplit_once("--- a/").unwrap();
    sandbox.write("the.diff", &format!("--- a/{of_config}"));
    let mut git = sandbox.command("git");
    git.args(["apply", "--unsafe-paths", "--directory=/"])
        .arg(sandbox.path("the.diff"))
        .current_dir("/");
    let applied = git.output().unwrap();
    assert!(applied.status.success(), "{applied:?}");
    assert!(sandbox.read(CONFIG).contains("size = "));
}

#[test]
fn patch_accepts_the_diff() {
    let sandbox = repository();
    let diff = sandbox
        .sccfg(&["init", "repo", "--dry-run", "--no-user-config"])
        .status(0)
        .stdout;
    sandbox.write("the.diff", &diff);
    let applied = sandbox
        .command("git")
        .args(["apply", "--directory=repo", "the.diff"])
        .output()
        .unwrap();
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    sandbox
        .sccfg(&["init", "repo", "--no-user-config"])
        .status(0)
        .stdout_has("nothing to do");
}

#[test]
fn json_has_the_plan() {
    let sandbox = repository();
    let ran = sandbox
        .sccfg(&["init", "repo", "--dry-run", "--json"])
        .status(0);
    let plan = plan(&ran);
    assert_eq!(plan["files"][0]["path"], "flake.nix");
    assert_eq!(plan["files"][0]["action"], "edit");
    assert_eq!(plan["files"][1]["what"], "policy");
    assert_eq!(plan["files"][2]["what"], "user-config");
    assert_eq!(plan["shells"][0]["shell"], "default");
    assert_eq!(plan["shells"][0]["how"], "edited");
    assert_eq!(plan["shells"][0]["place"]["line"], 6);
}

#[test]
fn the_machines_size_grows_to_the_largest_request_and_never_shrinks() {
    let sandbox = repository().file("other/flake.nix", FLAKE);
    sandbox
        .sccfg(&["init", "repo", "--size", "24GiB"])
        .status(0);
    let config = sandbox.read(CONFIG);
    sandbox
        .sccfg(&["init", "other", "--size", "10GiB"])
        .status(0);
    assert_eq!(sandbox.read(CONFIG), config);
    sandbox
        .sccfg(&["init", "other", "--size", "30GiB"])
        .status(0)
        .stdout_has("(cache grows from 24GiB to 30GiB)");
    assert!(sandbox.read(CONFIG).contains("size = 32212254720"));
}

#[test]
fn no_user_config_leaves_sccaches_config_unchanged() {
    let sandbox = repository();
    sandbox
        .sccfg(&["init", "repo", "--no-user-config"])
        .status(0);
    sandbox
        .sccfg(&["apply", "repo", "--no-user-config"])
        .status(0);
    assert!(!sandbox.exists(CONFIG));
    sandbox
        .sccfg(&["apply", "repo"])
        .status(0)
        .stdout_has("created");
    assert!(sandbox.exists(CONFIG));
}

#[test]
fn a_size_without_a_unit_is_an_error() {
    let sandbox = repository();
    for size in ["24", "1.5", "0"] {
        sandbox
            .sccfg(&["init", "repo", "--size", size])
            .status(2)
            .stderr_has("less than 1 MiB")
            .stderr_has("add a unit");
        sandbox
            .sccfg(&["config", "set", "cache.disk.size", size])
            .status(2)
            .stderr_has("less than 1 MiB")
            .stderr_has("hint: add a unit");
    }
    assert!(!sandbox.exists("repo/sccfg.toml") && !sandbox.exists(CONFIG));
    sandbox.write("repo/sccfg.toml", "[cache]\nsize = \"1.5\"\n");
    sandbox
        .sccfg(&["apply", "repo"])
        .status(1)
        .stderr_has("sccfg.toml:2:8: ")
        .stderr_has("less than 1 MiB")
        .stderr_has("hint: write a size with a unit");
}

#[test]
fn the_size_in_a_flake_is_taken_over() {
    let flake = FLAKE.replace(
        "packages =",
        "SCCACHE_CACHE_SIZE = \"24G\";\n        packages =",
    );
    let sandbox = Sandbox::new().file("repo/flake.nix", &flake);
    sandbox.sccfg(&["init", "repo"]).status(0);
    assert!(sandbox.read("repo/sccfg.toml").contains("size = \"24GiB\""));
    assert!(sandbox.read(CONFIG).contains("size = 25769803776"));
    let edited = sandbox.read("repo/flake.nix");
    assert!(
        edited.contains("# sccfg:was SCCACHE_CACHE_SIZE = \"24G\";"),
        "{edited}"
    );
    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stdout_has("nothing to do");
    sandbox.sccfg(&["remove", "repo"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), flake);
}

#[test]
fn check_fails_until_a_changed_policy_is_applied() {
    let sandbox = repository();
    sandbox.sccfg(&["init", "repo"]).status(0);
    let policy = sandbox
        .read("repo/sccfg.toml")
        .replace("= \"off\"", "= \"workspace\"");
    sandbox.write("repo/sccfg.toml", &policy);
    sandbox
        .sccfg(&["apply", "repo", "--check"])
        .status(1)
        .stdout_has("-        CARGO_INCREMENTAL = \"0\";")
        .stderr_has("hint: run: sccfg apply");
    sandbox.sccfg(&["apply", "repo"]).status(0);
    assert!(
        !sandbox
            .read("repo/flake.nix")
            .contains("CARGO_INCREMENTAL = ")
    );
    sandbox.sccfg(&["apply", "repo", "--check"]).status(0);
    // The option does the same.
    sandbox
        .sccfg(&["init", "repo", "--incremental", "off"])
        .status(0);
    assert!(
        sandbox
            .read("repo/sccfg.toml")
            .contains("incremental = \"off\" # off, workspace")
    );
    assert!(
        sandbox
            .read("repo/flake.nix")
            .contains("CARGO_INCREMENTAL = \"0\";")
    );
}

/// Nix does not see such a flake in a git work tree.
#[test]
fn a_flake_that_git_ignores_is_entered_by_its_path() {
    let sandbox = repository().file("repo/.gitignore", "/flake.nix\n");
    let git = |args: &[&str]| {
        let status = sandbox
            .command("git")
            .args(["-C", "repo"])
            .args(args)
            .status();
        assert!(status.unwrap().success(), "{args:?}");
    };
    git(&["init", "-q"]);
    let shown = |args: &[&str], next: &str| {
        let ran = sandbox.sccfg(args).status(0);
        assert!(ran.stdout.lines().any(|line| line == next), "{ran:?}");
        ran
    };
    let next = "next:    enter the shell: nix develop path:.";
    shown(&["init", "repo", "--direnv"], next);
    let envrc = sandbox.read("repo/.envrc");
    assert!(envrc.contains("\nuse flake path:.\n"), "{envrc}");
    sandbox.sccfg(&["remove", "repo"]).status(0);

    // `git add -N` would fail.
    std::fs::remove_file(sandbox.path("repo/flake.nix")).unwrap();
    let ran = shown(&["init", "repo", "--git-add"], next);
    assert!(!ran.stdout.contains("git add"), "{ran:?}");
    sandbox.sccfg(&["remove", "repo"]).status(0);

    // A tracked file is none that git ignores.
    sandbox.write("repo/flake.nix", FLAKE);
    git(&["add", "--force", "flake.nix"]);
    shown(&["init", "repo"], "next:    enter the shell: nix develop");
}

#[test]
fn a_generated_flake_has_no_other_shell() {
    let sandbox = Sandbox::new().file("repo/Cargo.toml", "[package]\nname = \"app\"\n");
    let refused = |args: &[&str]| {
        sandbox
            .sccfg(args)
            .status(1)
            .stderr_has("error: no dev shell `dev`: there is no flake.nix")
            .stderr_has("sccfg init --shell default");
        assert!(!sandbox.exists("repo/flake.nix"));
    };
    refused(&["init", "repo", "--shell", "dev"]);
    // After the flake was deleted.
    sandbox.write("repo/sccfg.toml", "[shell]\nnames = [\"dev\"]\n");
    refused(&["init", "repo"]);
    sandbox
        .sccfg(&["init", "repo", "--shell", "default"])
        .status(0);
    assert!(sandbox.exists("repo/flake.nix"));
}

#[test]
fn a_managed_shell_can_be_renamed() {
    let sandbox = repository();
    sandbox.sccfg(&["init", "repo"]).status(0);
    let renamed = |text: &str| text.replace("x86_64-linux.default", "x86_64-linux.dev");
    sandbox.write("repo/flake.nix", &renamed(&sandbox.read("repo/flake.nix")));
    let before = sandbox.read("repo/flake.nix");
    sandbox
        .sccfg(&["init", "repo"])
        .status(1)
        .stderr_has("no dev shell `default`")
        .stderr_has("it has dev; choose one: sccfg init --shell dev");
    // A name that is nowhere is still an error.
    sandbox
        .sccfg(&["init", "repo", "--shell", "other"])
        .status(1)
        .stderr_has("no dev shell `other`");
    sandbox
        .sccfg(&["init", "repo", "--shell", "dev"])
        .status(0)
        .stdout_has("no longer the dev shell default");
    assert_eq!(sandbox.read("repo/flake.nix"), before);
    let policy = sandbox.read("repo/sccfg.toml");
    assert!(policy.contains("names = [\"dev\"]"), "{policy}");
    sandbox.sccfg(&["apply", "repo", "--check"]).status(0);
    sandbox.sccfg(&["remove", "repo"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), renamed(FLAKE));
}

#[test]
fn the_next_command_is_quoted() {
    let flake = FLAKE.replace("x86_64-linux.default", "x86_64-linux.\"with space\"");
    let sandbox = Sandbox::new().file("repo/flake.nix", &flake);
    sandbox
        .sccfg(&["init", "repo", "--shell", "other"])
        .status(1)
        .stderr_has("sccfg init --shell 'with space'");
    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stdout_has("enter the shell: nix develop '.#with space'");
}

#[test]
fn apply_without_a_policy_fails_with_a_hint() {
    repository()
        .sccfg(&["apply", "repo"])
        .status(1)
        .stderr_has("no sccfg.toml in")
        .stderr_has("hint: run `sccfg init` first");
}

#[test]
fn an_unknown_key_in_the_policy_is_an_error() {
    repository()
        .file("repo/sccfg.toml", "[cargo]\nincremetal = \"off\"\n")
        .sccfg(&["-C", "repo", "apply"])
        .status(1)
        .stderr_has("sccfg.toml:2:1: ")
        .stderr_has("hint: did you mean `incremental`?");
}

#[test]
fn the_repository_is_found_from_a_subdirectory() {
    let sandbox = repository().file("repo/crates/one/src/lib.rs", "");
    sandbox
        .sccfg(&["-C", "repo/crates/one/src", "init"])
        .status(0);
    assert!(sandbox.exists("repo/sccfg.toml"));
    sandbox.sccfg(&["-C", "repo/crates", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

#[test]
fn the_search_ends_at_the_work_tree() {
    let sandbox = Sandbox::new()
        .file("flake.nix", FLAKE)
        .file("inner/.git/HEAD", "ref: refs/heads/main\n")
        .file("inner/Cargo.toml", "[package]\nname = \"inner\"\n");
    sandbox
        .sccfg(&["-C", "inner", "init"])
        .status(0)
        .stdout_has("created flake.nix");
    assert_eq!(sandbox.read("flake.nix"), FLAKE);
}

#[test]
fn remove_deletes_a_generated_flake() {
    let sandbox = Sandbox::new().file(
        "repo/Cargo.toml",
        "[package]\nname = \"new\"\nversion = \"0.1.0\"\ndescription = \"a \\\"${quoted}\\\" one\"\n",
    );
    sandbox
        .sccfg(&["init", "repo", "--size", "24GiB"])
        .status(0)
        .stdout_has("created flake.nix  (dev shell default)");
    let flake = sandbox.read("repo/flake.nix");
    assert!(flake.starts_with("# Generated by `sccfg init`"), "{flake}");
    assert!(
        flake.contains("RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\";"),
        "{flake}"
    );
    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stdout_has("nothing to do");
    sandbox.sccfg(&["apply", "repo", "--check"]).status(0);
    sandbox
        .sccfg(&["remove", "repo"])
        .status(0)
        .stdout_has("deleted flake.nix");
    assert!(!sandbox.exists("repo/flake.nix") && !sandbox.exists("repo/sccfg.toml"));
}

#[test]
fn remove_keeps_an_edited_generated_flake() {
    let sandbox = Sandbox::new().file("repo/Cargo.toml", "[package]\nname = \"new\"\n");
    sandbox.sccfg(&["init", "repo"]).status(0);
    let flake = sandbox
        .read("repo/flake.nix")
        .replace("pkgs.cargo\n", "pkgs.cargo\n# mine\n");
    sandbox.write("repo/flake.nix", &flake);
    sandbox
        .sccfg(&["remove", "repo"])
        .status(0)
        .stderr_has("edited since; it is not deleted");
    let left = sandbox.read("repo/flake.nix");
    assert!(
        left.contains("# mine") && !left.contains("sccfg >>>"),
        "{left}"
    );
}

#[test]
fn new_files_are_added_to_git() {
    let sandbox = Sandbox::new().file("repo/Cargo.toml", "[package]\nname = \"new\"\n");
    let git = |args: &[&str]| {
        let output = sandbox
            .command("git")
            .current_dir(sandbox.path("repo"))
            .args(args)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    git(&["init", "-q"]);
    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stdout_has("flakes see only files that git tracks: git add -N flake.nix sccfg.toml");
    assert_eq!(git(&["ls-files"]), "");
    // Also if an earlier `init` wrote them.
    sandbox.sccfg(&["init", "repo", "--git-add"]).status(0);
    assert_eq!(git(&["ls-files"]), "flake.nix\nsccfg.toml\n");
    git(&["rm", "-q", "--cached", "flake.nix", "sccfg.toml"]);
    sandbox.sccfg(&["remove", "repo"]).status(0);
    sandbox.sccfg(&["init", "repo", "--git-add"]).status(0);
    assert_eq!(git(&["ls-files"]), "flake.nix\nsccfg.toml\n");
}

/// Also where the flake was there before, and without those that git ignores.
#[test]
fn new_files_beside_a_flake_are_added_to_git() {
    let sandbox = repository().file("repo/.gitignore", ".cargo/\n");
    let git = |args: &[&str]| {
        let mut git = sandbox.command("git");
        let output = git.current_dir(sandbox.path("repo")).args(args).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    git(&["init", "-q"]);
    git(&["add", "flake.nix"]);
    let options = ["--direnv", "--linker", "lld", "--linker-config", "comment"];
    sandbox
        .sccfg(&[&["init", "repo", "--git-add"], &options[..]].concat())
        .status(0);
    assert!(sandbox.exists("repo/.cargo/config.toml"));
    assert_eq!(git(&["ls-files"]), ".envrc\nflake.nix\nsccfg.toml\n");
}

#[test]
fn contradictions_in_cargos_config_are_reported_or_fixed() {
    let cargo = "[build]\nrustc-wrapper = \"sccache\" # ours\njobs = 2\n";
    let sandbox = repository().file("repo/.cargo/config.toml", cargo);
    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stderr_has(".cargo/config.toml:2:");
    assert_eq!(sandbox.read("repo/.cargo/config.toml"), cargo);
    sandbox
        .sccfg(&["init", "repo", "--fix-cargo-config"])
        .status(0);
    let fixed = sandbox.read("repo/.cargo/config.toml");
    assert!(
        fixed.contains("# sccfg:was rustc-wrapper = \"sccache\" # ours"),
        "{fixed}"
    );
    sandbox.sccfg(&["remove", "repo"]).status(0);
    assert_eq!(sandbox.read("repo/.cargo/config.toml"), cargo);
}

#[test]
fn nothing_is_written_when_one_file_cannot_be() {
    let sandbox = repository().file(CONFIG, "[cache.disk]\nsize = \"24GiB\"\ndri = \"x\"\n");
    sandbox
        .sccfg(&["init", "repo"])
        .status(1)
        .stderr_has("config:3:1")
        .stderr_has("hint:");
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
    assert!(!sandbox.exists("repo/sccfg.toml"));
}

#[test]
fn the_portable_wrapper_is_installed_for_a_repository_that_requests_it() {
    let sandbox = repository();
    let front = sandbox.path("home/.local/share/sccfg/wrapper/sccache");
    let init = ["init", "repo", "--wrapper", "portable"];
    let dry = [&init[..], &["--dry-run"]].concat();
    sandbox
        .sccfg(&dry)
        .status(0)
        .stdout_has("+wrapper = \"portable\"");
    assert!(!front.exists() && !sandbox.exists("repo/sccfg.toml"));
    let said = format!("linked  {}", front.display());
    sandbox
        .sccfg(&init)
        .status(0)
        .stdout_has("portable keys")
        .stdout_has(&said);
    let program = std::fs::canonicalize(env!("CARGO_BIN_EXE_sccfg")).unwrap();
    assert_eq!(front.canonicalize().unwrap(), program);
    sandbox.sccfg(&init).status(0).stdout_has("nothing to do");
    // The flake names sccache itself, for users without sccfg.
    let flake = sandbox.read("repo/flake.nix");
    assert!(flake.contains("RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\""));
    // On another machine, `apply` installs it, and a check changes nothing.
    let check = ["apply", "repo", "--check"];
    std::fs::remove_file(&front).unwrap();
    sandbox.sccfg(&check).status(0);
    assert!(!front.exists());
    sandbox
        .sccfg(&["apply", "repo"])
        .status(0)
        .stdout_has(&said);
    sandbox.sccfg(&["remove", "repo"]).status(0);
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

#[test]
fn a_failed_installation_of_the_wrapper_does_not_stop_init() {
    let sandbox = repository().file("home/.local/share/sccfg", "in the way");
    sandbox
        .sccfg(&["init", "repo", "--wrapper", "portable"])
        .status(0)
        .stdout_has("created sccfg.toml")
        .stderr_has("shells will use plain sccache")
        .stderr_has("hint:");
}

#[test]
fn init_says_what_auto_shares() {
    let auto = ["init", "repo", "--incremental", "auto"];
    repository()
        .sccfg(&auto)
        .status(0)
        .stderr_has("linked worktrees share nothing with the primary checkout")
        .stderr_has("--wrapper portable");
    let portable = [&auto[..], &["--wrapper", "portable"]].concat();
    repository().sccfg(&portable).status(0).quiet();
}

#[test]
fn quiet_prints_only_errors() {
    let sandbox = repository();
    let ran = sandbox.sccfg(&["-q", "init", "repo"]).status(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    sandbox
        .sccfg(&["-q", "apply", "nowhere"])
        .status(1)
        .stderr_has("directory not found");
}

#[test]
fn a_line_of_the_hook_is_named_once_although_it_contains_another_string() {
    let hook = "\n        ${pkgs.lib.optionalString true \"export RUSTC_WRAPPER=mine\"}\n      ";
    let flake = FLAKE.replace(
        "packages = [ pkgs.cargo ];",
        &format!("packages = [ pkgs.cargo ];\n      shellHook = ''{hook}'';"),
    );
    assert_ne!(flake, FLAKE);
    let sandbox = Sandbox::new().file("repo/flake.nix", &flake);
    let ran = sandbox.sccfg(&["init", "repo"]).status(0);
    assert_eq!(ran.stderr.matches("changes RUSTC_WRAPPER").count(), 1);
}

#[test]
fn a_flake_that_is_a_link_is_edited_and_restored_once() {
    let sandbox = Sandbox::new().file("repo/nix/f.nix", FLAKE);
    std::os::unix::fs::symlink("nix/f.nix", sandbox.path("repo/flake.nix")).unwrap();
    sandbox
        .sccfg(&["init", "repo"])
        .status(0)
        .stdout_has("edited  flake.nix -> nix/f.nix  (dev shell default)");
    let removed = sandbox.sccfg(&["remove", "repo"]).status(0);
    let removed = removed.stdout_has("edited  flake.nix -> nix/f.nix  (restored)");
    assert_eq!(removed.stdout.matches("(restored)").count(), 1);
    assert_eq!(sandbox.read("repo/nix/f.nix"), FLAKE);
    assert!(
        fs::symlink_metadata(sandbox.path("repo/flake.nix"))
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn the_path_of_a_file_is_no_repository() {
    repository()
        .sccfg(&["init", "repo/flake.nix"])
        .status(1)
        .stderr_has("flake.nix as a repository: it is a file")
        .stderr_has("hint: pass its directory: ");
}

#[test]
fn file_modes_are_kept_and_no_temporary_files_remain() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = repository();
    let flake = sandbox.path("repo/flake.nix");
    fs::set_permissions(&flake, fs::Permissions::from_mode(0o640)).unwrap();
    sandbox.sccfg(&["init", "repo"]).status(0);
    assert_eq!(
        fs::metadata(&flake).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let mut names: Vec<_> = fs::read_dir(sandbox.path("repo"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["flake.nix", "sccfg.toml"]);
}

#[test]
fn help_and_errors_are_colored_as_the_option_says() {
    let sandbox = Sandbox::new().variable("CLICOLOR_FORCE", "1");
    for line in [&["--help"][..], &["frobnicate"], &["server", "--help"]] {
        let colored = |options: &[&str]| {
            let ran = sandbox.sccfg(&[options, line].concat());
            (ran.stdout + &ran.stderr).contains('\x1b')
        };
        assert!(colored(&[]), "{line:?}");
        assert!(!colored(&["--color", "never"]), "{line:?}");
        assert!(!colored(&["--color=never"]), "{line:?}");
    }
    let sandbox = Sandbox::new();
    for line in [
        &["--color", "always", "server", "--help"][..],
        &["server", "--help", "--color=always"],
    ] {
        sandbox.sccfg(line).stdout_has("\x1b");
    }
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let sandbox = Sandbox::new();
    sandbox
        .sccfg(&["man"])
        .status(0)
        .stdout_has(concat!(
            ".TH sccfg 1 \" \" \"sccfg ",
            env!("CARGO_PKG_VERSION"),
            "\""
        ))
        .stdout_has("sccfg\\-init(1)");
    sandbox
        .sccfg(&["man", "config", "show"])
        .status(0)
        .stdout_has(".TH sccfg-config-show 1")
        .stdout_has(concat!("\"sccfg ", env!("CARGO_PKG_VERSION"), "\""))
        .stdout_has("\\-\\-show\\-secrets");
    sandbox
        .sccfg(&["man", "config", "frobnicate"])
        .status(2)
        .stderr_has("error: no command `config frobnicate`\nhint: ");

    sandbox
        .sccfg(&["man", "--out-dir", "man"])
        .status(0)
        .stdout_has(" manual pages to ");
    for (page, option) in [
        ("sccfg", "\\-\\-quiet"),
        ("sccfg-init", "\\-\\-size"),
        ("sccfg-server-restart", "\\-\\-force"),
        ("sccfg-config-set", "\\-\\-color"),
    ] {
        let text = sandbox.read(&format!("man/{page}.1"));
        assert!(text.contains(option), "{page}: no {option}: {text}");
    }
}

#[test]
fn completions_are_printed() {
    let sandbox = Sandbox::new();
    sandbox
        .sccfg(&["completions", "bash"])
        .status(0)
        .stdout_has("_sccfg()");
    sandbox
        .sccfg(&["completions", "zsh"])
        .status(0)
        .stdout_has("#compdef sccfg");
    sandbox
        .sccfg(&["completions", "nu"])
        .status(0)
        .stdout_has("export extern sccfg");
    sandbox
        .sccfg(&["--frobnicate"])
        .status(2)
        .stderr_has("Usage:");
}

/// Of arguments without a dash, `clap_complete` completes no values in these shells.
#[test]
fn completions_have_the_values_of_arguments() {
    for (shell, parts) in [
        (
            "elvish",
            [
                "&'sccfg;hook'= {\n            cand bash 'bash, and any other POSIX shell'\n",
                "&'sccfg;config;set'= {\n            cand cache 'cache'\n",
                "&'sccfg;remote;add'= {\n            cand s3 '",
            ],
        ),
        (
            "powershell",
            [
                "'sccfg;hook' {\n            [CompletionResult]::new('bash', 'bash', [CompletionResultType]::ParameterValue, 'bash, and",
                "'sccfg;config;set' {\n            [CompletionResult]::new('cache', 'cache', ",
                "'sccfg;completions' {\n            [CompletionResult]::new('bash', 'bash', ",
            ],
        ),
    ] {
        let mut ran = Sandbox::new().sccfg(&["completions", shell]).status(0);
        for part in parts {
            ran = ran.stdout_has(part);
        }
    }
}

/// Names of files are no values of these arguments.
#[test]
fn bash_completes_files_only_where_there_are_any() {
    let sandbox = Sandbox::new();
    let script = sandbox.sccfg(&["completions", "bash"]).status(0).stdout;
    sandbox.write("sccfg.bash", &script);
    sandbox.write("file", "");
    for (words, has_file) in [
        ("sccfg init --shell", false),
        ("sccfg report --build", false),
        ("sccfg remote add --secret-file", true),
    ] {
        let complete = format!(
            "source ./sccfg.bash; COMP_WORDS=({words} f); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _sccfg sccfg f \"${{COMP_WORDS[COMP_CWORD - 1]}}\" > /dev/null; echo \"${{COMPREPLY[*]}}\""
        );
        let output = sandbox.command("bash").args(["-c", &complete]).output();
        let ran = Ran::new(words.to_owned(), &output.unwrap()).status(0);
        assert_eq!(ran.stdout.contains("file"), has_file, "{ran:?}");
    }
}

#[requires(fish)]
#[test]
fn fish_completes_the_values_of_arguments() {
    let sandbox = Sandbox::new();
    let script = sandbox.sccfg(&["completions", "fish"]).status(0).stdout;
    sandbox.write("sccfg.fish", &script);
    for (line, expected) in [
        ("sccfg hook ", &["bash", "fish", "nu", "zsh"][..]),
        ("sccfg -q hook --size 1G f", &["fish"]),
        ("sccfg hook bash z", &[]),
        ("sccfg config get store.e", &["store.enabled"]),
        ("sccfg config unset store.e", &["store.enabled"]),
        ("sccfg remote add red", &["redis"]),
        ("sccfg help conf", &["config"]),
        ("sccfg explain sccfg.f", &[]),
        ("sccfg init --shell sccfg.f", &[]),
    ] {
        let mut fish = sandbox.command("fish");
        let complete = format!("source sccfg.fish; complete -C '{line}'");
        let output = fish.args(["--no-config", "-c", &complete]).output();
        let ran = Ran::new(complete, &output.unwrap()).status(0).quiet();
        let values = ran.stdout.lines().map(|line| line.split('\t').next());
        let values: Vec<_> = values.flatten().collect();
        assert_eq!(values, expected, "{line}");
    }
}
