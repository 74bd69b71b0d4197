//! Projects of the command `devenv`, whose shell is in `devenv.nix` and not in a flake. The forms of that file are in
//! `tests/cases/devenv-file…`.

use rstest::rstest;

use crate::cases::golden::Tree;
use crate::support::{Ran, Sandbox};

const MODULE: &str = "\
{ pkgs, ... }:

{
  languages.rust.enable = true;
  enterShell = ''
    echo entered
  '';
}
";
const YAML: &str = "\
inputs:
  nixpkgs:
    url: github:cachix/devenv-nixpkgs/rolling
";
const FLAKE: &str = "{
  outputs = { nixpkgs, ... }:
    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in
    { devShells.x86_64-linux.default = pkgs.mkShell { packages = [ ]; }; };
}
";

fn project() -> Sandbox {
    Sandbox::new()
        .file("repo/devenv.nix", MODULE)
        .file("repo/devenv.yaml", YAML)
}

fn init(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.sccfg(&[&["-C", "repo", "init", "--no-user-config"], more].concat())
}

fn tree(sandbox: &Sandbox) -> Tree {
    Tree::read(&sandbox.path("repo"))
}

#[test]
fn devenv_nix_is_edited_and_no_flake_is_generated() {
    let sandbox = project().file("repo/Cargo.toml", "[package]\nname = \"x\"\n");
    let before = tree(&sandbox);
    init(&sandbox, &["--dry-run"])
        .status(0)
        .stdout_has("+++ b/devenv.nix")
        .stdout_has("+  env.RUSTC_WRAPPER = \"${pkgs.sccache}/bin/sccache\";");
    before.assert_same(&tree(&sandbox), "--dry-run");
    init(&sandbox, &["--size", "24GiB"])
        .status(0)
        .quiet()
        .stdout_has("edited  devenv.nix  (dev shell)")
        .stdout_has("created sccfg.toml  (incremental off, requests 24GiB)")
        .stdout_has("next:    enter the shell: devenv shell");
    assert!(!sandbox.exists("repo/flake.nix"));
    assert!(
        sandbox
            .read("repo/sccfg.toml")
            .contains("names = [\"default\"]")
    );
    sandbox
        .sccfg(&["-C", "repo", "remove"])
        .status(0)
        .stdout_has("edited  devenv.nix  (restored)");
    before.assert_same(&tree(&sandbox), "remove");
}

#[test]
fn apply_renders_the_regions_of_devenv_nix_again() {
    let sandbox = project();
    init(&sandbox, &[]).status(0);
    let policy = sandbox.read("repo/sccfg.toml");
    let policy = policy.replace("\"off\"", "\"workspace\"");
    sandbox.write("repo/sccfg.toml", &policy);
    let apply = |more: &[&str]| sandbox.sccfg(&[&["-C", "repo", "apply"], more].concat());
    apply(&["--check"])
        .status(1)
        .stdout_has("-  env.CARGO_INCREMENTAL = \"0\";");
    apply(&["--no-user-config"]).status(0);
    assert!(
        !sandbox
            .read("repo/devenv.nix")
            .contains("CARGO_INCREMENTAL = ")
    );
    apply(&["--check"]).status(0);
}

#[test]
fn lines_in_a_region_of_devenv_nix_are_not_lost() {
    let sandbox = project();
    init(&sandbox, &[]).status(0);
    let edited = sandbox.read("repo/devenv.nix");
    let edited = edited.replace(
        "env.CARGO_INCREMENTAL",
        "env.MINE = \"1\";\n  env.CARGO_INCREMENTAL",
    );
    sandbox.write("repo/devenv.nix", &edited);
    for command in ["apply", "remove"] {
        sandbox
            .sccfg(&["-C", "repo", command])
            .status(1)
            .stderr_has("is in a sccfg region but was not written by sccfg");
        assert_eq!(sandbox.read("repo/devenv.nix"), edited);
    }
}

#[requires(sccache, proc)]
#[test]
fn doctor_reports_devenv_nix_that_is_out_of_date_and_a_second_value() {
    let sandbox = project().variable("SCCACHE_SERVER_PORT", "1");
    init(&sandbox, &[]).status(0);
    let policy = sandbox.read("repo/sccfg.toml");
    sandbox.write(
        "repo/sccfg.toml",
        &policy.replace("\"off\"", "\"workspace\""),
    );
    sandbox.write(
        "repo/devenv.local.nix",
        "{\n  env.RUSTC_WRAPPER = \"sccache\";\n}\n",
    );
    let doctor = || sandbox.sccfg(&["-C", "repo", "doctor"]);
    doctor()
        .stdout_has("[S051]")
        .stdout_has("devenv.nix")
        .stdout_has(
            "[S052]: devenv.local.nix sets RUSTC_WRAPPER as well, and devenv refuses two values",
        );
    sandbox.write(
        "repo/devenv.local.nix",
        "{ lib, ... }: { env.RUSTC_WRAPPER = lib.mkForce \"\"; }\n",
    );
    sandbox.sccfg(&["-C", "repo", "doctor", "--fix", "--yes"]);
    let healthy = doctor().stdout;
    assert!(
        !healthy.contains("[S051]") && !healthy.contains("[S052]"),
        "{healthy}"
    );
}

#[test]
fn a_project_is_found_from_its_directories() {
    let sandbox = project().file("repo/src/lib.rs", "");
    sandbox
        .sccfg(&["-C", "repo/src", "init", "--no-user-config"])
        .status(0)
        .stdout_has("edited  devenv.nix");
    // One below a policy is a part of that repository.
    sandbox.write("repo/docs/devenv.nix", MODULE);
    sandbox
        .sccfg(&["-C", "repo/docs", "remove"])
        .status(0)
        .stdout_has("edited  devenv.nix  (restored)");
    assert_eq!(sandbox.read("repo/devenv.nix"), MODULE);
}

#[test]
fn a_project_in_the_repository_of_a_flake_is_set_up_by_itself() {
    let sandbox = Sandbox::new()
        .file("repo/flake.nix", FLAKE)
        .file("repo/.git/HEAD", "")
        .file("repo/backend/devenv.nix", MODULE);
    sandbox
        .sccfg(&["-C", "repo/backend", "init", "--no-user-config"])
        .status(0);
    assert!(sandbox.exists("repo/backend/sccfg.toml"));
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

/// Both set the same variables: devenv refuses two values, so the one of the outer project takes precedence.
#[test]
fn an_imported_project_with_a_policy_of_its_own_is_left_alone() {
    let sandbox = project()
        .file(
            "repo/devenv.yaml",
            &format!("{YAML}imports:\n- ./backend\n"),
        )
        .file("repo/backend/devenv.nix", MODULE);
    sandbox
        .sccfg(&["-C", "repo", "init", "--no-user-config", "backend"])
        .status(0);
    let backend = sandbox.read("repo/backend/devenv.nix");
    init(&sandbox, &[])
        .status(0)
        .stdout_has("edited  devenv.nix  (dev shell, wrapped)");
    let forced = "env.RUSTC_WRAPPER = lib.mkForce \"${pkgs.sccache}/bin/sccache\";";
    assert!(sandbox.read("repo/devenv.nix").contains(forced));
    init(&sandbox, &[]).stdout_has("nothing to do");
    assert_eq!(sandbox.read("repo/backend/devenv.nix"), backend);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/devenv.nix"), MODULE);
    assert_eq!(sandbox.read("repo/backend/devenv.nix"), backend);
}

#[test]
fn devenv_nix_that_cannot_be_read_does_not_prevent_the_edit_of_a_flake() {
    let broken = "{ pkgs, ... }: { packages = [ ; }\n";
    let sandbox = project()
        .file("repo/devenv.nix", broken)
        .file("repo/flake.nix", FLAKE);
    init(&sandbox, &[])
        .status(0)
        .stdout_has("edited  flake.nix  (dev shell default)")
        .stderr_has("devenv.nix:1:31: not valid Nix");
    assert_eq!(sandbox.read("repo/devenv.nix"), broken);
}

#[test]
fn a_project_that_gets_a_flake_later_keeps_its_region() {
    let sandbox = Sandbox::new().file("repo/devenv.nix", MODULE);
    init(&sandbox, &[]).status(0);
    let edited = sandbox.read("repo/devenv.nix");
    sandbox.write("repo/flake.nix", FLAKE);
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0)
        .stdout_has("edited  flake.nix");
    assert_eq!(sandbox.read("repo/devenv.nix"), edited);
}

#[test]
fn an_envrc_loads_the_shell_with_devenv() {
    let sandbox = project();
    init(&sandbox, &["--direnv"])
        .status(0)
        .stdout_has("created .envrc  (loads the dev shell)");
    let envrc = sandbox.read("repo/.envrc");
    let lines = "eval \"$(devenv direnvrc)\"\nuse devenv\nwatch_file sccfg.toml\n";
    assert!(envrc.contains(lines), "{envrc}");
    init(&sandbox, &["--direnv"]).stdout_has("nothing to do");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert!(!sandbox.exists("repo/.envrc"));
}

#[test]
fn the_envrc_of_devenv_is_completed() {
    let envrc = "#!/usr/bin/env bash\n\neval \"$(devenv direnvrc)\"\n\nuse devenv --impure\n";
    let sandbox = project().file("repo/.envrc", envrc);
    init(&sandbox, &["--direnv"])
        .status(0)
        .quiet()
        .stdout_has("edited  .envrc  (watches the inputs of the dev shell)");
    let edited = sandbox.read("repo/.envrc");
    assert_eq!(edited.matches("use devenv").count(), 1, "{edited}");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), envrc);
}

#[rstest]
#[case::as_devenv_init_writes_it(YAML)]
#[case::with_comments(
    "# yaml-language-server: $schema=x\ninputs:\n    # ours\n    nixpkgs: # rolling\n        url: github:a/b\n# imports: [ ]\n"
)]
#[case::without_inputs("# a comment\nallow_unfree: true\nimports:\n- ./x\n")]
#[case::without_an_end_of_line("allow_unfree: true\ninputs:\n  a:\n    url: b")]
#[case::carriage_returns("inputs:\r\n  a:\r\n    url: b\r\n")]
#[case::blank("\n")]
fn the_input_in_devenv_yaml_is_added_and_removed_again(#[case] yaml: &str) {
    let sandbox = project().file("repo/devenv.yaml", yaml);
    let before = tree(&sandbox);
    let input = ["--input", "github:owner/sccfg"];
    init(&sandbox, &input)
        .status(0)
        .stdout_has("edited  devenv.yaml  (input sccfg)");
    let edited = sandbox.read("repo/devenv.yaml");
    assert!(edited.contains("url: \"github:owner/sccfg\""), "{edited}");
    init(&sandbox, &input).stdout_has("nothing to do");
    // The URL is the policy's.
    let policy = sandbox.read("repo/sccfg.toml");
    sandbox.write("repo/sccfg.toml", &policy.replace("owner", "other"));
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0);
    assert_eq!(
        sandbox.read("repo/devenv.yaml"),
        edited.replace("owner", "other")
    );
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    before.assert_same(&tree(&sandbox), "remove");
}

#[test]
fn without_the_input_in_the_policy_it_is_removed() {
    let sandbox = Sandbox::new().file("repo/devenv.nix", MODULE);
    init(&sandbox, &["--input", "github:owner/sccfg"])
        .status(0)
        .stdout_has("created devenv.yaml  (input sccfg)");
    let policy = sandbox.read("repo/sccfg.toml");
    sandbox.write("repo/sccfg.toml", &policy.replace("input = ", "# input = "));
    sandbox
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0);
    assert!(!sandbox.exists("repo/devenv.yaml"));
    assert!(!sandbox.read("repo/devenv.nix").contains("inputs.sccfg"));
}

#[rstest]
#[case::on_one_line("inputs: { a: { url: b } }\n", "`inputs` is not written on lines")]
#[case::nothing("inputs:\n", "`inputs` has no entries")]
#[case::another(
    "inputs:\n  sccfg:\n    url: github:a/b\n",
    "there is another input `sccfg`"
)]
#[case::invalid("inputs: [\n", "invalid YAML")]
#[case::empty("", "the file is empty")]
fn a_devenv_yaml_that_cannot_be_edited_safely_is_refused(#[case] yaml: &str, #[case] why: &str) {
    let sandbox = project().file("repo/devenv.yaml", yaml);
    let before = tree(&sandbox);
    init(&sandbox, &["--input", "github:owner/sccfg"])
        .status(1)
        .stderr_has("devenv.yaml:")
        .stderr_has(why)
        .stderr_has("hint:");
    before.assert_same(&tree(&sandbox), "a refused init");
}

#[test]
fn an_input_of_this_name_and_url_is_enough() {
    let yaml = "inputs:\n  sccfg:\n    url: github:owner/sccfg\n";
    let sandbox = project().file("repo/devenv.yaml", yaml);
    init(&sandbox, &["--input", "github:owner/sccfg"]).status(0);
    assert_eq!(sandbox.read("repo/devenv.yaml"), yaml);
    assert!(
        sandbox
            .read("repo/devenv.nix")
            .contains("inputs.sccfg.lib.shellHook")
    );
}
