//! `sccfg home`. One configuration a directory: `tests/home_cases/<name>/` has `case.toml`, and a
//! user's home before `sccfg home` in `in/`, after it in `out/`.
//!
//! `SNAPSHOTS=overwrite cargo test --test it home::cases` writes `out/` again; read the difference
//! before it is committed. `tests/it/nix/home_manager/home.rs` has home-manager evaluate the outcomes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rstest::rstest;

use crate::cases::golden::{Tree, overwrite};
use crate::nix::nix;
use crate::support::{Ran, Sandbox};

/// Where home-manager looks for its configuration.
const HOME_NIX: &str = "home/.config/home-manager/home.nix";
const MADE: &str = "home/.config/home-manager/sccache.nix";
const CONFIG: &str = "home/.config/sccache/config";

/// The contents of `case.toml`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The shape, in one line.
    description: String,
    /// The arguments of `home`.
    #[serde(default)]
    args: Vec<String>,
    /// Its exit status.
    exit: i32,
    /// What standard error has to contain.
    #[serde(default)]
    stderr: Vec<String>,
    /// What standard output has to contain.
    #[serde(default)]
    stdout: Vec<String>,
    /// The module that home-manager can evaluate.
    pub(crate) module: Option<String>,
    /// The size that sccache then reads.
    #[serde(default = "ten")]
    pub(crate) size: String,
    #[serde(skip)]
    pub(crate) directory: PathBuf,
}

fn ten() -> String {
    "10 GiB".to_owned()
}

impl Case {
    pub(crate) fn load(path: &Path) -> Self {
        let mut case: Self = toml_edit::de::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        path.parent().unwrap().clone_into(&mut case.directory);
        assert!(!case.description.is_empty());
        case
    }

    pub(crate) fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::new().variable("USER", "me");
        Tree::read(&self.directory.join("in")).write(&sandbox.path("home"));
        sandbox
    }

    pub(crate) fn run(&self, sandbox: &Sandbox, more: &[&str]) -> Ran {
        let mut all = vec!["-C", "home", "home"];
        all.extend(self.args.iter().map(String::as_str));
        all.extend(more);
        sandbox.sccfg(&all)
    }
}

#[rstest]
fn cases(#[files("tests/home_cases/*/case.toml")] path: PathBuf) {
    let case = Case::load(&path);
    let sandbox = case.sandbox();
    let home = || Tree::read(&sandbox.path("home"));
    let before = home();
    case.run(&sandbox, &["--dry-run"]).status(case.exit);
    before.assert_same(&home(), "home --dry-run");

    let mut ran = case.run(&sandbox, &[]).status(case.exit);
    for part in &case.stderr {
        ran = ran.stderr_has(part);
    }
    if case.exit == 0 && case.stderr.is_empty() {
        assert_eq!(
            ran.stderr, "",
            "a warning that no `stderr` in case.toml names"
        );
    }
    for part in &case.stdout {
        ran = ran.stdout_has(part);
    }
    if case.exit != 0 {
        ran.stderr_has("hint:");
        before.assert_same(&home(), "a home that fails");
        return;
    }
    let after = home();
    after.assert_parses();
    after.assert_kept(&case.directory.join("out"), overwrite());
    case.run(&sandbox, &[])
        .status(0)
        .stdout_has("nothing to do");
    case.run(&sandbox, &["--check"]).status(0);
    after.assert_same(&home(), "a second home");
    let directory = case.args.first().filter(|arg| !arg.starts_with('-'));
    let mut remove = vec!["-C", "home", "home", "--remove"];
    remove.extend(directory.map(String::as_str));
    sandbox.sccfg(&remove).status(0);
    let moved = ".config/sccache/config";
    before.without(moved).assert_same(
        &home()
            .without(moved)
            .without(".config/sccache/config.backup"),
        "--remove",
    );
}

#[requires(nix)]
#[test]
fn nix_parses_every_outcome() {
    let cases = crate::support::project().join("tests/home_cases");
    let mut parsed = 0;
    for case in fs::read_dir(cases).unwrap() {
        let out = case.unwrap().path().join("out");
        if !out.exists() {
            continue;
        }
        let sandbox = Sandbox::new();
        for (path, _) in Tree::read(&out).nix() {
            let mut parse = nix().command(&sandbox, "nix-instantiate");
            let output = parse.arg("--parse").arg(out.join(path)).output().unwrap();
            Ran::new("nix-instantiate --parse".to_owned(), &output).status(0);
            parsed += 1;
        }
    }
    assert!(parsed > 20, "{parsed}");
}

/// The list of cases is made when this file is compiled; a new directory does not cause that.
#[test]
fn every_case_is_a_test() {
    let tests = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--list", "home::cases::"])
        .output()
        .unwrap();
    let tests = String::from_utf8(tests.stdout).unwrap();
    let tests = tests
        .lines()
        .filter(|line| line.starts_with("home::cases::"));
    let directories = fs::read_dir(crate::support::project().join("tests/home_cases")).unwrap();
    let directories =
        directories.filter(|entry| entry.as_ref().unwrap().path().join("case.toml").exists());
    assert_eq!(tests.count(), directories.count(), "touch tests/it/home.rs");
}

fn configured() -> Sandbox {
    Sandbox::new().variable("USER", "me").file(
        HOME_NIX,
        "{ pkgs, ... }:\n{\n  home.packages = [ pkgs.hello ];\n}\n",
    )
}

#[test]
fn changing_one_value_keeps_the_others() {
    let sandbox = configured();
    sandbox
        .sccfg(&["home", "--size", "24GiB", "--cache-dir", "/data/sccache"])
        .status(0)
        .stdout_has("created sccache.nix  (sccache's config file)")
        .stdout_has("edited  home.nix  (imports ./sccache.nix)")
        .stdout_has("next:    activate it: home-manager switch");
    sandbox
        .sccfg(&["home", "--incremental", "off"])
        .status(0)
        .stdout_has("edited  sccache.nix");
    sandbox.sccfg(&["home", "--size", "30GiB"]).status(0);
    let made = sandbox.read(MADE);
    for part in [
        "size = 32212254720\n",
        "dir = \"/data/sccache\"\n",
        "CARGO_INCREMENTAL = \"0\";",
        "with a cache of 30GiB.",
    ] {
        assert!(made.contains(part), "no {part} in\n{made}");
    }
    sandbox
        .sccfg(&["home", "--cache-dir", "relative"])
        .status(2)
        .stderr_has("not an absolute path");
}

#[test]
fn manual_edits_are_kept() {
    let sandbox = configured();
    sandbox.sccfg(&["home"]).status(0);
    let edited = sandbox.read(MADE).replace("[ pkgs.sccache ]", "[ ]");
    sandbox.write(MADE, &edited);
    sandbox
        .sccfg(&["home"])
        .status(0)
        .stdout_has("nothing to do");
    sandbox
        .sccfg(&["home", "--size", "30GiB"])
        .status(1)
        .stderr_has("sccache.nix:1:1: this file was edited since sccfg generated it")
        .stderr_has("hint:");
    sandbox
        .sccfg(&["home", "--remove"])
        .status(0)
        .stderr_has("edited since; it is not deleted");
    assert_eq!(sandbox.read(MADE), edited);
    assert!(!sandbox.read(HOME_NIX).contains("sccfg"));
}

#[test]
fn check_reports_missing_settings() {
    let sandbox = configured();
    sandbox
        .sccfg(&["home", "--check"])
        .status(1)
        .stdout_has("+  imports = [ ./sccache.nix ];")
        .stderr_has("hint: run: sccfg home");
    assert!(!sandbox.exists(MADE));
    sandbox.sccfg(&["home"]).status(0);
    sandbox.sccfg(&["home", "--check"]).status(0);
    sandbox
        .sccfg(&["home", "--check", "--size", "11GiB"])
        .status(1);
}

#[test]
fn json_has_the_plan() {
    let ran = configured()
        .sccfg(&["home", "--dry-run", "--json"])
        .status(0);
    let plan: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(plan["files"][0]["path"], "sccache.nix");
    assert_eq!(plan["files"][0]["action"], "create");
    assert_eq!(plan["files"][1]["action"], "edit");
}

#[test]
fn symlinked_dotfiles_are_edited_in_place() {
    let sandbox = Sandbox::new().file("dotfiles/home.nix", "{ }\n");
    fs::create_dir_all(sandbox.path("home/.config/home-manager")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("dotfiles/home.nix"), sandbox.path(HOME_NIX)).unwrap();
    sandbox.sccfg(&["home"]).status(0);
    assert!(sandbox.exists("dotfiles/sccache.nix") && !sandbox.exists(MADE));
    assert!(sandbox.path(HOME_NIX).is_symlink());
    sandbox.sccfg(&["home", "--remove"]).status(0);
    assert_eq!(sandbox.read("dotfiles/home.nix"), "{ }\n");
    assert!(!sandbox.exists("dotfiles/sccache.nix"));
}

#[test]
fn new_files_are_added_to_git() {
    let sandbox = configured();
    let git = |args: &[&str]| {
        let mut git = sandbox.command("git");
        let output = git
            .current_dir(sandbox.path("home/.config/home-manager"))
            .args(args)
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    git(&["init", "-q"]);
    sandbox
        .sccfg(&["home"])
        .status(0)
        .stdout_has("flakes see only files that git tracks: git add -N sccache.nix");
    sandbox.sccfg(&["home", "--remove"]).status(0);
    sandbox.sccfg(&["home", "--git-add"]).status(0);
    assert_eq!(git(&["ls-files"]), "sccache.nix\n");
}

#[test]
fn the_error_for_no_configuration_names_the_searched_directory() {
    let sandbox = Sandbox::new();
    sandbox
        .sccfg(&["home"])
        .status(1)
        .stderr_has(".config/home-manager")
        .stderr_has("hint: pass its directory: sccfg home DIR");
    sandbox
        .sccfg(&["home", "nowhere"])
        .status(1)
        .stderr_has("file or directory not found")
        .stderr_has("hint:");
}

#[test]
fn an_existing_config_file_is_prompted_for_only_at_a_terminal() {
    let config = "# mine\n[cache.disk]\nsize = 53687091200\n";
    let sandbox = configured().file(CONFIG, config);
    // Standard input is not a terminal here.
    sandbox
        .sccfg(&["home"])
        .status(1)
        .stderr_has("exists, and home-manager does not overwrite it")
        .stderr_has("hint: to copy its values and move it to ")
        .stderr_has("config.backup: sccfg home --take-over");
    assert_eq!(sandbox.read(CONFIG), config);
    assert!(!sandbox.exists(MADE));
    sandbox
        .sccfg(&["home", "--take-over", "--size", "60GiB"])
        .status(0);
    assert!(!sandbox.exists(CONFIG));
    assert_eq!(sandbox.read(&format!("{CONFIG}.backup")), config);
    let made = sandbox.read(MADE);
    assert!(
        made.contains("    # mine\n    [cache.disk]\n    size = 64424509440\n"),
        "{made}"
    );
    sandbox
        .sccfg(&["home", "--remove"])
        .status(0)
        .stdout_has("your previous config file is ");
}

#[test]
fn an_existing_symlink_is_accepted_only_from_home_manager() {
    let sandbox = configured().file("dotfiles/sccache", "[cache.disk]\nsize = 53687091200\n");
    let config = sandbox.path(CONFIG);
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(sandbox.path("dotfiles/sccache"), &config).unwrap();
    sandbox
        .sccfg(&["home", "--take-over"])
        .status(1)
        .stderr_has("home-manager does not overwrite it")
        .stderr_has("hint: replace the link with the file");
    assert!(sandbox.exists("dotfiles/sccache") && !sandbox.exists(MADE));
    fs::remove_file(&config).unwrap();
    std::os::unix::fs::symlink("/nix/store/x-home-manager-files/config", &config).unwrap();
    sandbox.sccfg(&["home"]).status(0);
    assert!(config.is_symlink() && sandbox.exists(MADE));
}

#[requires(script)]
#[test]
fn a_terminal_gets_a_prompt() {
    let config = "[cache.disk]\nsize = 53687091200\n";
    for (answer, agreed) in [("y\n", true), ("n\n", false)] {
        let sandbox = configured().file(CONFIG, config);
        let home = format!("{} home", env!("CARGO_BIN_EXE_sccfg"));
        let mut running = sandbox.terminal(&home).spawn().unwrap();
        let mut stdin = running.stdin.take().unwrap();
        stdin.write_all(answer.as_bytes()).unwrap();
        let output = running.wait_with_output().unwrap();
        let ran = Ran::new("sccfg home on a terminal".to_owned(), &output);
        let ran = ran.stdout_has("Copy its values and move it away? [y/N]");
        assert_eq!(ran.code, Some(i32::from(!agreed)), "{}", ran.stdout);
        assert_eq!(sandbox.exists(MADE), agreed);
        assert_eq!(sandbox.exists(CONFIG), !agreed);
    }
}

#[test]
fn completions_have_the_command() {
    for shell in ["bash", "zsh", "fish", "nushell"] {
        let ran = Sandbox::new().sccfg(&["completions", shell]).status(0);
        ran.stdout_has("take-over").stdout_has("cache-dir");
    }
}

#[test]
fn secrets_are_not_written_to_the_store() {
    let refused = [
        (
            "[cache.redis]\nendpoint = \"redis://h\"\npassword = \"hush\"\n",
            "cache.redis.password",
        ),
        (
            "[cache.redis]\nurl = \"redis://me:hush@h/\"\n",
            "cache.redis.url",
        ),
        (
            "[cache.azure]\nconnection_string = \"hush\"\ncontainer = \"c\"\n",
            "cache.azure.connection_string",
        ),
        (
            "[cache.webdav]\nendpoint = \"https://h\"\ntoken = \"hush\"\n",
            "cache.webdav.token",
        ),
        (
            "[dist.auth]\ntype = \"token\"\ntoken = \"hush\"\n",
            "dist.auth.token",
        ),
    ];
    for (config, key) in refused {
        let sandbox = configured().file(CONFIG, config);
        let ran = sandbox.sccfg(&["home", "--take-over"]).status(1);
        let ran = ran
            .stderr_has(&format!(
                "`{key}`: it is secret, and the Nix store is world-readable"
            ))
            .stderr_has(&format!("sccfg config unset {key}"));
        assert!(!ran.stderr.contains("hush") && !ran.stdout.contains("hush"));
        assert_eq!(sandbox.read(CONFIG), config);
        assert!(!sandbox.exists(MADE));
    }
    let harmless = "[cache.redis]\nendpoint = \"redis://h:6379\"\n";
    configured()
        .file(CONFIG, harmless)
        .sccfg(&["home", "--take-over"])
        .status(0);
}
