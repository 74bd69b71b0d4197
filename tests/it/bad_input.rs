//! Invalid input, and failures of the machine while `sccfg` runs: an error with a hint, exit status 1,
//! and unchanged files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::support::{Ran, Sandbox};

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        RUSTC_WRAPPER = "sccache";
      };
    };
}
"#;

const INIT: [&str; 6] = ["-C", "repo", "init", "--size", "24GiB", "--no-user-config"];

/// The contents of a directory; symlinks are not followed.
type Contents = BTreeMap<PathBuf, Vec<u8>>;

fn contents(directory: &Path) -> Contents {
    let mut all = Contents::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap();
        if kind.is_dir() {
            all.extend(contents(&path));
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            all.insert(path, target.to_str().unwrap().into());
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            all.insert(path, bytes);
        }
    }
    all
}

/// That `init` fails with a hint, says `what`, and leaves the sandbox as it is.
#[track_caller]
fn refused(sandbox: &Sandbox, what: &str) -> Ran {
    let before = contents(&sandbox.path(""));
    let ran = sandbox.sccfg(&INIT).status(1);
    assert_eq!(ran.stdout, "");
    let ran = ran.stderr_has(what).stderr_has("hint: ");
    assert!(before == contents(&sandbox.path("")), "something changed");
    ran
}

fn with_flake(text: &str) -> Sandbox {
    Sandbox::new().file("repo/flake.nix", text)
}

/// Usage is wrong by itself, so a script can tell a mistake in it from a failure.
#[test]
fn a_wrong_value_is_wrong_usage() {
    let sandbox =
        with_flake(FLAKE).file("repo/home/home.nix", "{ home.stateVersion = \"24.05\"; }\n");
    let before = contents(&sandbox.path(""));
    for line in [
        "config set cache.disk.size 24Go",
        "config set cache.disk.dir relative",
        "config set cache.disk.size 1G cache.disk.sizes 1G",
        "config set cache.disk.size 1G cache.disk.dir",
        "config set store.size 24Go",
        "config set store.dir relative",
        "config set store.enabled maybe",
        "config set store.enabled true store.siz 1G",
        "config get cache.sizes",
        "config unset cache.sizes",
        "init --size 24Go repo",
        "init --cache-dir relative repo",
        "home --cache-dir relative repo/home",
        "remote add redis cache.example.org",
        "remote add redis redis://",
        "remote add webdav https://me@/",
        "remote add s3 a/b",
        "remote add s3 builds",
        "remote add s3 builds --env",
        "remote add gha --secret-command pass",
        "dist client scheduler --token-file token",
        "man frobnicate",
        "report --since yesterday",
        "gc --unused never",
        "hook tcsh",
    ] {
        let ran = sandbox.sccfg(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.stdout, "", "{line}");
        ran.status(2);
    }
    assert!(before == contents(&sandbox.path("")), "something changed");
}

#[test]
fn something_that_does_not_exist_is_a_failure() {
    let sandbox = with_flake(FLAKE);
    for line in [
        "-C missing stats",
        "init missing",
        "init repo --shell missing",
        "home missing",
        "audit missing",
        "gc missing",
        "verify missing",
        "docker missing",
        "seed --from missing",
        "remote check redis",
        "config get cache.disk.size",
    ] {
        let ran = sandbox.sccfg(&line.split(' ').collect::<Vec<_>>());
        ran.status(1).stderr_has("hint: ");
    }
}

#[test]
fn an_empty_file() {
    for text in ["", " # nothing\n"] {
        refused(&with_flake(text), "flake.nix:");
    }
}

#[test]
fn the_error_says_that_a_file_is_empty() {
    refused(
        &with_flake(""),
        "flake.nix:1:1: this file has no Nix expression",
    )
    .stderr_has("if it is empty, delete it");
}

#[test]
fn a_binary_file() {
    let sandbox = with_flake("");
    let bytes: Vec<u8> = (0..=255).cycle().take(4096).collect();
    fs::write(sandbox.path("repo/flake.nix"), bytes).unwrap();
    refused(&sandbox, "not valid UTF-8 (at byte 128)");
    refused(&with_flake("{ outputs = \0; }"), "flake.nix:1:13: ");
}

#[test]
fn a_directory_in_place_of_a_file() {
    let sandbox = Sandbox::new().file("repo/flake.nix/default.nix", FLAKE);
    refused(&sandbox, "flake.nix: it is a directory");
    let sandbox = with_flake(FLAKE).file("repo/sccfg.toml/x", "");
    refused(&sandbox, "sccfg.toml: it is a directory");
}

#[requires(not_root)]
#[test]
fn an_unreadable_file() {
    let sandbox = with_flake(FLAKE);
    let path = sandbox.path("repo/flake.nix");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    refused(&sandbox, "flake.nix: Permission denied");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
}

#[test]
fn a_read_only_file() {
    let sandbox = with_flake(FLAKE);
    let path = sandbox.path("repo/flake.nix");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    refused(&sandbox, "flake.nix: the file is read-only").stderr_has("chmod u+w");
}

#[requires(not_root)]
#[test]
fn a_read_only_directory() {
    let sandbox = with_flake(FLAKE);
    let path = sandbox.path("repo");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
    refused(&sandbox, "Permission denied");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn file_modes_are_kept() {
    let sandbox = with_flake(FLAKE);
    let path = sandbox.path("repo/flake.nix");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    sandbox.sccfg(&INIT).status(0);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn five_megabytes() {
    let mut packages = String::new();
    while packages.len() < 5 << 20 {
        packages.push_str("          pkgs.hello # and once more\n");
    }
    let list = format!("packages = [\n{packages}        ];\n        RUSTC_WRAPPER");
    let text = FLAKE.replace("RUSTC_WRAPPER", &list);
    let sandbox = with_flake(&text);
    sandbox.sccfg(&INIT).status(0);
    assert!(sandbox.read("repo/flake.nix").contains("/bin/sccache"));
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert!(sandbox.read("repo/flake.nix") == text);
}

#[test]
fn ten_thousand_levels() {
    let deep = |open: &str, close: &str, levels| {
        let value = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        with_flake(&FLAKE.replace("\"sccache\"", &value))
    };
    for (open, close) in [("(", ")"), ("{ a = ", "; }"), ("\"${", "}\""), ("x: ", "")] {
        let sandbox = deep(open, close, 10_000);
        refused(&sandbox, "nested too deeply");
    }
    // rnix itself does not count these as levels.
    for (open, close) in [("1 + ", ""), ("a // ", ""), ("[", "]")] {
        refused(&deep(open, close, 10_000), "nested too deeply");
        deep(open, close, 300).sccfg(&INIT).status(0);
    }
}

#[test]
fn half_a_million_levels() {
    for open in ["1 + ", "a // "] {
        let value = format!("{}1", open.repeat(500_000));
        refused(
            &with_flake(&FLAKE.replace("\"sccache\"", &value)),
            "nested too deeply",
        );
    }
}

#[test]
fn unterminated_comments() {
    refused(&with_flake("/* "), "flake.nix:1:");
    refused(&with_flake(&format!("{FLAKE}/* ")), "flake.nix:13:");
    refused(&with_flake("{ outputs = ''"), "flake.nix:1:");
}

#[test]
fn symlink_loops() {
    let sandbox = with_flake("");
    let path = sandbox.path("repo/flake.nix");
    fs::remove_file(&path).unwrap();
    symlink("flake.nix", &path).unwrap();
    refused(&sandbox, "flake.nix: Too many levels of symbolic links");
}

#[test]
fn a_dangling_symlink() {
    let sandbox = with_flake("");
    let path = sandbox.path("repo/flake.nix");
    fs::remove_file(&path).unwrap();
    symlink("gone.nix", &path).unwrap();
    refused(&sandbox, "it is a dangling symbolic link");
}

#[test]
fn a_symlink_out_of_the_repository() {
    let sandbox = Sandbox::new()
        .file("repo/README.md", "")
        .file("other/flake.nix", FLAKE);
    symlink("../other/flake.nix", sandbox.path("repo/flake.nix")).unwrap();
    refused(&sandbox, "outside of");
}

#[test]
fn a_directory_symlink_out_of_the_repository() {
    let shell = "pkgs.mkShell {\n        RUSTC_WRAPPER = \"sccache\";\n      }";
    let sandbox = with_flake(&FLAKE.replace(shell, "import ./nix/shell.nix { inherit pkgs; }"))
        .file("other/shell.nix", &format!("{{ pkgs }}:\n{shell}\n"));
    symlink("../other", sandbox.path("repo/nix")).unwrap();
    refused(&sandbox, "outside of");
}

#[test]
fn a_symlink_within_the_repository_is_kept() {
    let sandbox = Sandbox::new().file("repo/nix/flake.nix", FLAKE);
    symlink("nix/flake.nix", sandbox.path("repo/flake.nix")).unwrap();
    sandbox.sccfg(&INIT).status(0);
    let link = fs::read_link(sandbox.path("repo/flake.nix")).unwrap();
    assert_eq!(link, Path::new("nix/flake.nix"));
    assert!(sandbox.read("repo/nix/flake.nix").contains("/bin/sccache"));
    sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(sandbox.read("repo/nix/flake.nix"), FLAKE);
}

#[test]
fn a_bare_repository_is_refused() {
    let sandbox = Sandbox::new();
    let git = sandbox
        .command("git")
        .args(["init", "-q", "--bare", "bare"])
        .status();
    assert!(git.unwrap().success());
    let before = contents(&sandbox.path(""));
    for directory in ["bare", "bare/refs"] {
        for args in [
            &["-C", directory, "init", "--no-user-config"][..],
            &["init", directory, "--no-user-config"],
        ] {
            sandbox
                .sccfg(args)
                .status(1)
                .stderr_has("bare as a repository: it is git's directory")
                .stderr_has("hint: run sccfg in a work tree");
        }
    }
    assert!(before == contents(&sandbox.path("")), "something changed");
}

/// A clone with `--bare` in a directory of its own, next to its worktrees.
#[test]
fn a_directory_around_a_bare_repository_is_refused() {
    let sandbox = Sandbox::new().file("around/.git", "gitdir: ./.bare\n");
    let git = |args: &[&str]| {
        let status = sandbox.command("git").args(args).status();
        assert!(status.unwrap().success(), "{args:?}");
    };
    git(&["init", "-q", "--bare", "around/.bare"]);
    let before = contents(&sandbox.path(""));
    for args in [
        &["-C", "around", "init", "--no-user-config"][..],
        &["init", "around", "--no-user-config"],
    ] {
        sandbox
            .sccfg(args)
            .status(1)
            .stderr_has("around as a repository: its git repository is bare")
            .stderr_has("hint: run sccfg in a work tree");
    }
    assert!(before == contents(&sandbox.path("")), "something changed");
}

#[test]
fn errors_in_sccfg_toml_are_in_the_terms_of_toml() {
    for (text, what, hint) in [
        (
            "[cargo]\nincremental = 3\n",
            "sccfg.toml:2:15: expected a string",
            "the values of `cargo.incremental` are",
        ),
        (
            "[cargo]\nincremental = \"of\"\n",
            "sccfg.toml:2:15: unknown value `of`",
            "did you mean \"off\"?",
        ),
        (
            "[cargo]\nlinkr = \"mold\"\n",
            "sccfg.toml:2:1: unknown key `linkr`",
            "did you mean `linker`?",
        ),
        (
            "cargo = 3\n",
            "sccfg.toml:1:9: invalid type: integer `3`, expected a table",
            "write a line `[cargo]`",
        ),
        (
            "[shell]\nnames = \"default\"\n",
            "expected a list",
            "write a list of names",
        ),
        (
            "[cache]\nsize = \"1GiB\"\nsize = \"2GiB\"\n",
            "sccfg.toml:3:1: duplicate key",
            "remove one of the lines",
        ),
    ] {
        let sandbox = with_flake(FLAKE).file("repo/sccfg.toml", text);
        refused(&sandbox, what).stderr_has(&format!("hint: {hint}"));
    }
}

#[test]
fn a_pipe_in_place_of_a_file() {
    let sandbox = with_flake("");
    let path = sandbox.path("repo/flake.nix");
    fs::remove_file(&path).unwrap();
    let made = sandbox.command("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    sandbox
        .sccfg(&INIT)
        .status(1)
        .stderr_has("it is not a regular file")
        .stderr_has("hint: ");
}

/// Runs `init` in `sh` after `before`, which has to leave no space for what is written.
#[track_caller]
fn without_room(sandbox: &Sandbox, before: &str) -> Ran {
    let script = format!("{before} exec \"$0\" \"$@\"");
    let output = sandbox
        .command("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_sccfg")])
        .args(INIT)
        .output()
        .unwrap();
    Ran::new(before.to_owned(), &output)
}

#[test]
fn a_file_size_limit() {
    // Blocks of 512 bytes, or of 1024 where sh is bash: less than this flake takes.
    let sandbox = with_flake(&format!("{FLAKE}# {}\n", "x".repeat(4096)));
    let before = contents(&sandbox.path(""));
    without_room(&sandbox, "trap '' XFSZ; ulimit -f 2;")
        .status(1)
        .stderr_has("flake.nix: File too large");
    assert!(before == contents(&sandbox.path("")), "something changed");
}

#[requires(unshare, mount)]
#[test]
fn a_full_disk() {
    let sandbox = with_flake(FLAKE);
    let script = "mount -t tmpfs -o size=64k none repo && cd repo && printf %s \"$FLAKE\" >flake.nix \
                  && ! cat /dev/zero >full 2>/dev/null && cd .. && \
                  if \"$0\" \"$@\"; then exit 90; fi && \
                  test \"$(cat repo/flake.nix)\" = \"$FLAKE\" && test \"$(ls -A repo | wc -l)\" = 2 && \
                  rm repo/full && \"$0\" \"$@\" && grep -q bin/sccache repo/flake.nix";
    let output = sandbox
        .command("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_sccfg"))
        .args(INIT)
        .env("FLAKE", FLAKE.trim_end())
        .output()
        .unwrap();
    Ran::new("init on a full disk".to_owned(), &output)
        .status(0)
        .stderr_has("No space left on device")
        .stderr_has("hint: the disk is full");
}

/// A script that keeps the output in a file learns that the file is not whole; `sccfg … | head` is no error.
#[test]
fn output_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let print = |words: &str| {
        let mut shell = sandbox.command("sh");
        let sccfg = env!("CARGO_BIN_EXE_sccfg");
        shell.args(["-c", &words.replace("SCCFG", &format!("'{sccfg}'"))]);
        Ran::new(words.to_owned(), &shell.output().unwrap())
    };
    for words in [
        "SCCFG --help >/dev/full",
        "SCCFG config set --help >/dev/full",
        "SCCFG --version >/dev/full",
        "SCCFG completions bash >/dev/full",
        "SCCFG config show >/dev/full",
        "SCCFG store status --json >/dev/full",
    ] {
        print(words)
            .status(1)
            .stderr_has("error: could not write to standard output: No space left on device")
            .stderr_has("hint: ");
    }
    print("{ SCCFG completions bash; echo $? >&2; } | head -c 1")
        .status(0)
        .stderr_has("0\n");
}

#[test]
fn a_path_below_a_file_is_an_error_with_a_hint() {
    let sandbox = Sandbox::new().file("file", "");
    for args in [
        &["man", "--out-dir", "file/man"][..],
        &["man", "--out-dir", "/proc/man"],
        &["report", "--html", "/nowhere/page"],
    ] {
        let ran = sandbox.sccfg(args).status(1).stderr_has("hint: ");
        assert!(!ran.stderr.contains("at path"), "{}", ran.stderr);
    }
    let output = sandbox
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["config", "set", "cache.disk.size", "5GiB"])
        .env("SCCACHE_CONF", sandbox.path("file/config"))
        .output()
        .unwrap();
    Ran::new("config set below a file".to_owned(), &output)
        .status(1)
        .stderr_has("hint: a part of the path is a file");
}

#[test]
fn a_link_to_itself_is_no_repository() {
    let sandbox = Sandbox::new();
    symlink("loop", sandbox.path("loop")).unwrap();
    sandbox
        .sccfg(&["init", "loop"])
        .status(1)
        .stderr_has("loop as a repository: Too many levels of symbolic links")
        .stderr_has("hint: pass the directory of a repository");
}

#[test]
fn invalid_toml_of_sccache_is_an_error_with_a_hint() {
    let sandbox = Sandbox::new().file("config", "[cache.disk\n");
    for args in [
        &["config", "show"][..],
        &["config", "set", "cache.disk.size", "5GiB"],
    ] {
        let output = sandbox
            .command(env!("CARGO_BIN_EXE_sccfg"))
            .args(args)
            .env("SCCACHE_CONF", sandbox.path("config"))
            .output()
            .unwrap();
        Ran::new(format!("{args:?}"), &output)
            .status(1)
            .stderr_has("config:1:12: invalid TOML: ")
            .stderr_has("hint: correct the file");
    }
}

#[test]
fn a_directory_that_was_removed() {
    let sandbox = Sandbox::new();
    let run = |words: &str| {
        let mut shell = sandbox.command("sh");
        let sccfg = env!("CARGO_BIN_EXE_sccfg");
        let script = format!("mkdir gone && cd gone && rmdir ../gone && '{sccfg}' {words}");
        shell.args(["-c", &script]);
        Ran::new(words.to_owned(), &shell.output().unwrap())
    };
    run("env")
        .status(1)
        .stderr_has("error: could not read the current directory: No such file")
        .stderr_has("hint: it may have been removed");
    run("-C / env").status(0);
    run("-C /nowhere env")
        .status(1)
        .stderr_has("could not change to the directory /nowhere: No such file");
}

/// Kills `sccfg` at many points of its run: each file is then either old or new, and the next run
/// succeeds.
#[test]
fn a_kill_at_any_time() {
    let shell = "{ pkgs }:\npkgs.mkShell {\n  RUSTC_WRAPPER = \"sccache\";\n}\n";
    let flake = FLAKE.replace(
        "    };\n}\n",
        "      devShells.x86_64-linux.ci = import ./nix/ci.nix { inherit pkgs; };\n    };\n}\n",
    );
    let sandbox = with_flake(&flake).file("repo/nix/ci.nix", shell);
    let init: Vec<&str> = INIT
        .into_iter()
        .chain(["--shell", "default", "--shell", "ci"])
        .collect();
    let remove = ["-C", "repo", "remove"];
    let repository = || {
        let all = contents(&sandbox.path("repo"));
        let is_ours = |path: &Path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(".sccfg-")
        };
        all.into_iter()
            .filter(|(path, _)| !is_ours(path))
            .collect::<Contents>()
    };
    let old = repository();
    let started = Instant::now();
    sandbox.sccfg(&init).status(0);
    let whole = started.elapsed();
    let new = repository();
    assert_eq!((old.len(), new.len()), (2, 3));
    sandbox.sccfg(&remove).status(0);

    let (mut before, mut between, mut after) = (0, 0, 0);
    let rounds = 120;
    for round in 0..rounds {
        let mut run = sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        let mut run = run
            .args(&init)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * round / rounds);
        run.kill().unwrap();
        run.wait().unwrap();
        let now = repository();
        for path in new.keys() {
            let state = now.get(path);
            assert!(
                state == old.get(path) || state == new.get(path),
                "{path:?} is torn"
            );
        }
        match &now {
            now if *now == old => before += 1,
            now if *now == new => after += 1,
            _ => between += 1,
        }
        if round % 2 == 0 {
            sandbox.sccfg(&init).status(0);
            assert!(repository() == new, "an init after the kill");
        }
        sandbox.sccfg(&remove).status(0);
        assert!(repository() == old, "a remove after the kill");
    }
    eprintln!("killed before {before}, between {between}, after {after} of the writes");
    assert!(before > 0);
}
