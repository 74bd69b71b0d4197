//! `init --direnv`: the region of `.envrc`, evaluated by real direnv.

use std::path::Path;
use std::process::Command;

use rstest::rstest;

use crate::nix::nix;
use crate::support::{Ran, Sandbox};

const FLAKE: &str = "{\n  outputs = { nixpkgs, ... }:\n    let pkgs = nixpkgs.legacyPackages.x86_64-linux; in\n    { devShells.x86_64-linux.default = pkgs.mkShell { packages = [ ]; }; };\n}\n";

fn repository() -> Sandbox {
    Sandbox::new().file("repo/flake.nix", FLAKE)
}

fn init(sandbox: &Sandbox) -> Ran {
    sandbox.sccfg(&["-C", "repo", "init", "--direnv"]).status(0)
}

/// The lines of the region without comments.
fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .skip_while(|line| !line.starts_with("# >>> sccfg"))
        .take_while(|line| !line.starts_with("# <<< sccfg"))
        .filter(|line| !line.starts_with('#'))
        .collect()
}

const WATCHED: [&str; 2] = [
    "watch_file sccfg.toml",
    "if has sccfg; then watch_file \"$(sccfg config path)\"; fi",
];

#[test]
fn a_new_envrc_enters_the_shell_and_is_removed() {
    let sandbox = repository();
    init(&sandbox)
        .stdout_has("created .envrc  (loads the dev shell)")
        .stdout_has("direnv allow");
    let text = sandbox.read("repo/.envrc");
    assert_eq!(lines(&text), ["use flake", WATCHED[0], WATCHED[1]]);
    init(&sandbox).stdout_has("nothing to do");
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert!(!sandbox.exists("repo/.envrc"));
}

#[rstest]
#[case::plain("export A=1\n")]
#[case::without_an_end_of_line("export A=1")]
#[case::empty("")]
#[case::blank("\n \n")]
#[case::blank_lines_at_the_end("dotenv\n\n\n")]
#[case::carriage_returns("dotenv\r\n")]
fn an_envrc_is_completed_and_restored_byte_for_byte(#[case] before: &str) {
    let sandbox = repository().file("repo/.envrc", before);
    init(&sandbox).stdout_has("edited  .envrc");
    let text = sandbox.read("repo/.envrc");
    assert!(text.starts_with(before.trim_end()), "{text}");
    assert_eq!(lines(&text)[0], "use flake", "{text}");
    init(&sandbox).stdout_has("nothing to do");
    assert_eq!(sandbox.read("repo/.envrc"), text);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), before);
}

#[rstest]
#[case("use flake\n")]
#[case("has nix && use flake . --impure\n")]
#[case("if has nix; then\n  use flake\nfi\n")]
fn a_use_flake_is_never_repeated(#[case] before: &str) {
    let sandbox = repository().file("repo/.envrc", before);
    init(&sandbox).stdout_has("watches the inputs of the dev shell");
    assert_eq!(lines(&sandbox.read("repo/.envrc")), WATCHED);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), before);
}

#[test]
fn another_shell_of_the_user_is_kept_and_reported() {
    let sandbox = repository().file("repo/.envrc", "use nix\n");
    init(&sandbox).stderr_has(".envrc loads another shell with `use nix`");
    assert_eq!(lines(&sandbox.read("repo/.envrc")), WATCHED);
}

#[rstest]
#[case("eval \"$(nix print-dev-env)\"")]
#[case(". <(nix --offline print-dev-env .#ci --profile .direnv/shell)")]
#[case("use our_shell ci")]
#[case("if has nix; then use our_shell; fi")]
fn lines_that_may_load_the_shell_are_reported_and_no_other_is_loaded(#[case] line: &str) {
    let before = format!("export A=1\n{line}\n");
    let sandbox = repository().file("repo/.envrc", &before);
    init(&sandbox)
        .stderr_has(&format!(
            "no `use flake` was added to .envrc, which may load the dev shell with `{line}`"
        ))
        .stderr_has("hint: ");
    assert_eq!(lines(&sandbox.read("repo/.envrc")), WATCHED);
    init(&sandbox).stdout_has("nothing to do");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), before);
}

#[test]
fn lines_below_the_region_are_kept() {
    let sandbox = repository().file("repo/.envrc", "export A=1");
    init(&sandbox);
    let text = sandbox.read("repo/.envrc") + "export B=2\n";
    sandbox.write("repo/.envrc", &text);
    sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
    sandbox.sccfg(&["-C", "repo", "apply"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), text);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), "export A=1\nexport B=2\n");
}

#[test]
fn a_region_that_was_edited_is_drift_and_a_damaged_one_is_refused() {
    let sandbox = repository();
    init(&sandbox);
    let text = sandbox.read("repo/.envrc");
    sandbox.write(
        "repo/.envrc",
        &text.replace("use flake\n", "use flake .#x\n"),
    );
    sandbox
        .sccfg(&["-C", "repo", "apply", "--check"])
        .status(1)
        .stdout_has("+use flake\n");
    sandbox
        .sccfg(&["-C", "repo", "apply"])
        .status(0)
        .stdout_has("direnv allow");
    assert_eq!(sandbox.read("repo/.envrc"), text);
    let damaged = text.replace("# <<< sccfg <<<\n", "");
    sandbox.write("repo/.envrc", &damaged);
    for verb in ["apply", "remove"] {
        sandbox
            .sccfg(&["-C", "repo", verb])
            .status(1)
            .stderr_has(".envrc:1:1");
    }
    assert_eq!(sandbox.read("repo/.envrc"), damaged);
}

#[test]
fn the_shell_that_is_managed_is_the_one_that_is_entered() {
    let flake = FLAKE.replace("x86_64-linux.default", "x86_64-linux.ci");
    let sandbox = Sandbox::new().file("repo/flake.nix", &flake);
    init(&sandbox);
    assert_eq!(lines(&sandbox.read("repo/.envrc"))[0], "use flake .#ci");
}

#[test]
fn without_the_flag_an_envrc_is_left_alone() {
    let sandbox = repository().file("repo/.envrc", "use flake\n");
    sandbox.sccfg(&["-C", "repo", "init"]).status(0);
    sandbox.sccfg(&["-C", "repo", "apply"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), "use flake\n");
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), "use flake\n");
}

#[test]
fn comments_about_the_markers_are_kept() {
    let envrc = "# >>> sccfg >>> is how a region starts\nexport A=1\n";
    let sandbox = repository().file("repo/.envrc", envrc);
    init(&sandbox);
    let written = sandbox.read("repo/.envrc");
    assert!(
        written.starts_with(envrc) && written.contains("use flake\n"),
        "{written}"
    );
    init(&sandbox);
    assert_eq!(sandbox.read("repo/.envrc"), written);
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/.envrc"), envrc);
}

#[requires(shellcheck)]
#[test]
fn the_region_passes_shellcheck() {
    let sandbox = repository();
    init(&sandbox);
    let output = Command::new("shellcheck")
        .args(["--shell=bash", "--norc"])
        .arg(sandbox.path("repo/.envrc"))
        .output()
        .unwrap();
    Ran::new("shellcheck".to_owned(), &output).status(0);
}

#[requires(nix, sccache, direnv)]
#[test]
fn real_direnv_enters_the_shell_with_sccache_in_force() {
    let nix = nix();
    let path = std::env::var("PATH").unwrap();
    let sccfg = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
    let flake = FLAKE.replace(
        "{\n  outputs",
        &format!(
            "{{\n  inputs.nixpkgs.url = \"{}\";\n  outputs",
            nix.nixpkgs()
        ),
    );
    let sandbox = Sandbox::new()
        .variable("PATH", &format!("{}:{path}", sccfg.display()))
        .variable("SCCACHE_SERVER_PORT", "1")
        .file("repo/flake.nix", &flake)
        .file("repo/.envrc", "export MINE=1\n");
    init(&sandbox);
    let direnv = |args: &[&str]| {
        let mut direnv = nix.user(&sandbox, "direnv");
        let output = direnv.args(args).output().unwrap();
        Ran::new(format!("direnv {}", args.join(" ")), &output)
    };
    direnv(&["allow", "repo"]).status(0);
    let env = direnv(&["exec", "repo", "/usr/bin/env"]).status(0);
    let env = env
        .stdout_has("MINE=1\n")
        .stdout_has("CARGO_INCREMENTAL=0\n");
    assert!(
        env.stdout.contains("/bin/sccache\n"),
        "{}\n{}",
        env.stdout,
        env.stderr
    );
    // A second time, nothing changes.
    let again = direnv(&["exec", "repo", "/usr/bin/env"]).status(0);
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| {
                ["CARGO_", "RUSTC", "SCCACHE_"]
                    .iter()
                    .any(|it| line.starts_with(it))
            })
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&again.stdout), sorted(&env.stdout));
    // direnv reloads when the policy or sccache's config file changes.
    let watches = direnv(&[
        "exec",
        "repo",
        "sh",
        "-c",
        "direnv show_dump \"$DIRENV_WATCHES\"",
    ]);
    let watches = watches.status(0);
    for file in ["sccfg.toml", "sccache/config"] {
        assert!(watches.stdout.contains(file), "{file}: {}", watches.stdout);
    }
}

#[rstest]
#[case(
    "use flake .#ci\n",
    "loads a dev shell that is not managed with `use flake .#ci`"
)]
#[case("use flake ./nix\n", "loads the dev shell of another flake")]
#[case("eval \"$(lorri direnv)\"\n", "loads another shell with")]
fn an_envrc_that_loads_another_shell_is_named(#[case] before: &str, #[case] warning: &str) {
    let sandbox = repository().file("repo/.envrc", before);
    init(&sandbox).stderr_has(warning);
    assert_eq!(lines(&sandbox.read("repo/.envrc")), WATCHED);
}
