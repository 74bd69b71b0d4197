//! The shell hook, run through the real shells.

mod portable;
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sccfg::config::size::ByteSize;
use sccfg::hook::HookText;
use sccfg::policy::{Incremental, Wrapper};

use crate::support::{Ran, Sandbox, left_out, program, sccache, version};

const GIB: u64 = 1 << 30;

fn hook(size: Option<u64>, incremental: Incremental) -> String {
    HookText {
        size: size.map(ByteSize::from_bytes),
        incremental,
        wrapper: Wrapper::Sccache,
    }
    .render()
    .unwrap()
}

/// The shells of this machine out of those that have to run the hook.
fn shells() -> Vec<&'static str> {
    let (found, missing): (Vec<_>, Vec<_>) = ["bash", "zsh", "dash"]
        .into_iter()
        .partition(|shell| program(shell).is_some());
    for shell in missing {
        left_out(&format!("no {shell}"));
    }
    found
}

/// Runs the hook as a careful caller's shell would, and prints what it left behind.
///
/// `PATH` is that of the tests without any sccache, unless `front` names folders to put first.
fn run(sandbox: &Sandbox, shell: &str, text: &str, front: &[&Path]) -> Ran {
    prepare(sandbox, text);
    enter(sandbox, shell, front)
}

fn prepare(sandbox: &Sandbox, text: &str) {
    sandbox.write("hook.sh", text);
    sandbox.write(
        "caller.sh",
        "set -eu\n\
         (set -o pipefail) 2>/dev/null && set -o pipefail\n\
         . ./hook.sh\n\
         case $- in *e*u* | *u*e*) ;; *) echo 'options changed' ;; esac\n\
         set | grep -a -E '^_+sccfg|^(conf|dir|size|table|unit|key|value)=' && echo 'left behind'\n\
         for name in SCCACHE_DIR SCCACHE_CACHE_SIZE CARGO_INCREMENTAL RUSTC_WRAPPER; do\n\
           eval \"[ -z \\\"\\${$name+x}\\\" ] || printf '%s=%s\\n' $name \\\"\\$$name\\\"\"\n\
         done\n\
         echo \"sccache=$(command -v sccache || :)\"\n",
    );
}

fn enter(sandbox: &Sandbox, shell: &str, front: &[&Path]) -> Ran {
    let output = enter_command(sandbox, shell, front).output().unwrap();
    Ran::new(format!("the hook in {shell}"), &output).status(0)
}

fn enter_command(sandbox: &Sandbox, shell: &str, front: &[&Path]) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let rest = std::env::split_paths(&path)
        .filter(|folder| !folder.join("sccache").exists() && !folder.join("sccfg").exists());
    let front = front.iter().map(|folder| folder.to_path_buf());
    let mut command = sandbox.command(shell);
    command
        .arg("caller.sh")
        .env("PATH", std::env::join_paths(front.chain(rest)).unwrap());
    command
}

/// That the hook said nothing, and left exactly these variables of the ones that `run` prints.
#[track_caller]
fn assert_environment(ran: &Ran, what: &str, pairs: &[(&str, &str)]) {
    let mut left: Vec<&str> = ran.stdout.lines().collect();
    left.pop(); // where sccache is
    let expected: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        (left, &*ran.stderr),
        (expected.iter().map(String::as_str).collect(), ""),
        "{what}"
    );
}

fn executable(sandbox: &Sandbox, path: &str, text: &str) {
    sandbox.write(path, text);
    fs::set_permissions(sandbox.path(path), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn shellcheck_finds_nothing() {
    if program("shellcheck").is_none() {
        return left_out("no shellcheck");
    }
    for incremental in [Incremental::Off, Incremental::Workspace, Incremental::Auto] {
        for size in [None, Some(24 * GIB)] {
            let sandbox = Sandbox::new().file("hook.sh", &hook(size, incremental));
            let mut shellcheck = sandbox.command("shellcheck");
            let output = shellcheck.args(["-s", "sh", "hook.sh"]).output().unwrap();
            assert_eq!(Ran::new("shellcheck".into(), &output).status(0).stdout, "");
        }
    }
}

#[test]
fn without_a_file_the_repository_s_size_stands_with_the_default_folder() {
    let Some(program) = sccache() else { return };
    let front = [program.parent().unwrap()];
    for shell in shells() {
        let sandbox = Sandbox::new()
            .variable("SCCACHE_SERVER_PORT", "1")
            .variable("SCCACHE_DIR", "/stale")
            .variable("CARGO_INCREMENTAL", "1");
        let default = sandbox.path("home/.cache/sccache");
        let text = hook(Some(24 * GIB), Incremental::Off);
        let ran = run(&sandbox, shell, &text, &front);
        let expected = [
            ("SCCACHE_DIR", default.to_str().unwrap()),
            ("SCCACHE_CACHE_SIZE", "25769803776"),
            ("CARGO_INCREMENTAL", "0"),
        ];
        assert_environment(&ran, shell, &expected);
        // A repository that asks for nothing leaves sccache its defaults.
        let text = hook(None, Incremental::Workspace);
        assert_environment(&run(&sandbox, shell, &text, &front), shell, &[]);
    }
}

#[test]
fn without_sccache_nothing_is_set_and_one_line_says_so() {
    for shell in shells() {
        let sandbox = Sandbox::new()
            .variable("SCCACHE_DIR", "/stale")
            .variable("RUSTC_WRAPPER", "/nowhere/sccache");
        let text = hook(Some(24 * GIB), Incremental::Off);
        let ran = run(&sandbox, shell, &text, &[]);
        assert_eq!(ran.stdout, "CARGO_INCREMENTAL=0\nsccache=\n", "{shell}");
        assert!(ran.stderr.starts_with("sccfg: ") && ran.stderr.lines().count() == 1);
    }
}

#[test]
fn a_shell_that_only_inherited_the_hook_is_left_alone() {
    for shell in shells() {
        let sandbox = Sandbox::new();
        let text = hook(Some(24 * GIB), Incremental::Off);
        let ran = run(&sandbox, shell, &text, &[]);
        assert_eq!(ran.stdout, "sccache=\n", "{shell}");
        assert_eq!(ran.stderr, "", "{shell}");
    }
}

#[test]
fn the_file_decides_on_size_and_folder() {
    const DEFAULT: &str = "the default folder";
    let Some(program) = sccache() else { return };
    let cases: [(&str, Option<(&str, &str)>); 25] = [
        (
            "[cache.disk]\ndir = \"/c\"\nsize = 25769803776\n",
            Some(("/c", "25769803776")),
        ),
        ("[cache.disk]\nsize = 123\ndir = '/c'", Some(("/c", "123"))),
        (
            "# x\n\n[cache.disk] # x\n  dir=\"/c\"  # y\n\tsize=\"7G\" # z\n",
            Some(("/c", "7516192768")),
        ),
        (
            "[cache.disk]\ndir = \"/c\"\nsize = \"512m\"\n",
            Some(("/c", "536870912")),
        ),
        ("[cache.disk]\ndir = \"/c\"\n", Some(("/c", "10737418240"))),
        ("[cache.disk]\nsize = 5\n", Some((DEFAULT, "5"))),
        ("[cache.disk]\r\nsize = 5\r\n", Some((DEFAULT, "5"))),
        (
            "[cache]\ndisk = { dir = \"/c\", size = 5 }\n",
            Some(("/c", "5")),
        ),
        (
            "cache.disk.size = 25_769_803_776\n",
            Some((DEFAULT, "25769803776")),
        ),
        (
            "[cache.disk]\ndir = \"/\\u0041\"\nsize = 5\n",
            Some(("/A", "5")),
        ),
        (
            "[cache.disk]\ndir = \"/`touch x`;'ü=  # $HOME $(touch x)\" # c\nsize = 5\n",
            Some(("/`touch x`;'ü=  # $HOME $(touch x)", "5")),
        ),
        // Nothing about the disk: sccache's own defaults, not what the repository asks for.
        ("", Some((DEFAULT, "10737418240"))),
        (
            "server_startup_timeout_ms = 1\n",
            Some((DEFAULT, "10737418240")),
        ),
        // The file itself rules where the two variables would not say all of it.
        (
            "[cache.disk]\ndir = \"/c\"\nsize = 5\nrw_mode = \"READ_ONLY\"\n",
            None,
        ),
        (
            "[cache.disk]\nsize = 5\n[cache.disk.preprocessor_cache_mode]\n\
             use_preprocessor_cache_mode = false\n",
            None,
        ),
        (
            "[cache]\ndisk = { size = 5, preprocessor_cache_mode = { ignore_time_macros = true } }",
            None,
        ),
        ("[cache.redis]\nendpoint = \"redis://x\"\n", None),
        (
            "[cache.redis]\nendpoint = \"redis://x\"\n[cache.disk]\nsize = 5\n",
            None,
        ),
        // And where its folder is none that is worth being written in a shell's quotes.
        (
            "[cache.disk]\ndir = '/a b/\"$(touch x)\\'\nsize = 5\n",
            None,
        ),
        ("[cache.disk]\ndir = \"/a\\nb\"\nsize = 5\n", None),
        ("[cache.disk]\ndir = \"\"\nsize = 5\n", None),
        ("[cache.disk]\ndir = \"relative\"\nsize = 5\n", None),
        // sccache does not take these at all, and says so itself.
        ("[cache.disk]\nsize = \"24GiB\"\n", None),
        ("[cache.disk]\nsize = 5\nsise = 6\n", None),
        ("{\"cache\": {\"disk\": {\"size\": 5}}}", None),
    ];
    let is_new = version(&program) >= "0.11.0".parse().unwrap();
    for shell in shells() {
        for (text, wanted) in cases {
            let sandbox = Sandbox::new()
                .variable("SCCACHE_SERVER_PORT", "1")
                .variable("SCCACHE_CACHE_SIZE", "1G")
                .variable("SCCACHE_DIR", "/stale")
                // Nix sets such names in every dev shell.
                .variable("out", "7 /out")
                .file("home/.config/sccache/config", text);
            let script = hook(Some(24 * GIB), Incremental::Workspace);
            let ran = run(&sandbox, shell, &script, &[program.parent().unwrap()]);
            let default = sandbox.path("home/.cache/sccache");
            // Before 0.11, a size is a number and nothing else, and a quote is printed escaped.
            let is_text = text.contains("size=\"") || text.contains("size = \"");
            let wanted = wanted.filter(|(dir, _)| is_new || !is_text && !dir.contains('\''));
            let expected = wanted.map(|(dir, size)| {
                let default = default.to_str().unwrap();
                let dir = if dir == DEFAULT { default } else { dir };
                [("SCCACHE_DIR", dir), ("SCCACHE_CACHE_SIZE", size)]
            });
            let expected = expected.as_ref().map_or(&[][..], |pairs| &pairs[..]);
            assert_environment(&ran, &format!("{shell}, with the file\n{text}\n"), expected);
            assert!(!sandbox.exists("x") && !sandbox.exists("home/x"));
        }
    }
}

#[test]
fn the_file_is_where_sccache_looks_for_it() {
    let Some(program) = sccache() else { return };
    let front = [program.parent().unwrap()];
    for shell in shells() {
        let text = hook(Some(24 * GIB), Incremental::Workspace);
        let place = |sandbox: Sandbox, file: &str, dir: &str| {
            sandbox.write(file, "[cache.disk]\nsize = 5\n");
            let sandbox = sandbox.variable("SCCACHE_SERVER_PORT", "1");
            let dir = sandbox.path(dir);
            let ran = run(&sandbox, shell, &text, &front);
            let expected = [
                ("SCCACHE_DIR", dir.to_str().unwrap()),
                ("SCCACHE_CACHE_SIZE", "5"),
            ];
            assert_environment(&ran, &format!("{shell} {file}"), &expected);
        };
        let sandbox = Sandbox::new();
        let (config, cache) = (sandbox.path("xdg c"), sandbox.path("xdg d"));
        let sandbox = sandbox
            .variable("XDG_CONFIG_HOME", config.to_str().unwrap())
            .variable("XDG_CACHE_HOME", cache.to_str().unwrap());
        place(sandbox, "xdg c/sccache/config", "xdg d/sccache");
        // One that is not absolute does not count.
        let sandbox = Sandbox::new()
            .variable("XDG_CONFIG_HOME", "relative")
            .variable("XDG_CACHE_HOME", "relative");
        place(
            sandbox,
            "home/.config/sccache/config",
            "home/.cache/sccache",
        );
        let sandbox = Sandbox::new().file("home/.config/sccache/config", "[cache.disk]\nsize = 9");
        let named = sandbox.path("some where");
        let sandbox = sandbox.variable("SCCACHE_CONF", named.to_str().unwrap());
        place(sandbox, "some where", "home/.cache/sccache");
    }
}

#[test]
fn auto_is_off_in_linked_worktrees_only() {
    let text = hook(None, Incremental::Auto);
    let sandbox = Sandbox::new();
    let git = |args: &[&str]| {
        let output = sandbox
            .command("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
            .args(args)
            .output()
            .unwrap();
        Ran::new(format!("git {args:?}"), &output).status(0);
    };
    git(&["init", "-q", "main"]);
    git(&["-C", "main", "commit", "-q", "--allow-empty", "-m", "x"]);
    git(&["-C", "main", "worktree", "add", "-q", "../linked"]);
    sandbox.write("module/.git", "gitdir: ../main/.git/modules/module\n");
    for folder in ["main/a/b", "linked/a/b", "module/a", "none"] {
        fs::create_dir_all(sandbox.path(folder)).unwrap();
    }
    for shell in shells() {
        for (folder, value) in [
            ("main/a/b", ""),
            ("linked/a/b", "0"),
            ("linked", "0"),
            ("module/a", ""),
            ("none", ""),
        ] {
            let output = sandbox
                .command(shell)
                .args(["-c", &format!("{text}\necho \"${{CARGO_INCREMENTAL-}}\"")])
                .env("CARGO_INCREMENTAL", "stale")
                .env("RUSTC_WRAPPER", "/nowhere/sccache")
                .current_dir(sandbox.path(folder))
                .output()
                .unwrap();
            let ran = Ran::new(format!("{shell} in {folder}"), &output).status(0);
            assert_eq!(ran.stdout.trim_end(), value, "{shell} in {folder}");
        }
    }
}

#[test]
fn a_wrapper_that_does_not_run_is_unset_with_one_line() {
    let text = hook(None, Incremental::Workspace);
    for shell in shells() {
        let sandbox = Sandbox::new().file("not executable", "");
        let plain = sandbox.path("not executable");
        for wrapper in [
            "/nowhere/sccache",
            "no-such-sccache",
            plain.to_str().unwrap(),
        ] {
            let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", wrapper);
            let ran = run(&sandbox, shell, &text, &[]);
            assert_eq!(ran.stdout, "sccache=\n", "{shell} {wrapper}");
            assert!(ran.stderr.starts_with("sccfg: "), "{}", ran.stderr);
            assert!(ran.stderr.contains(wrapper) && ran.stderr.lines().count() == 1);
        }
    }
}

#[test]
fn the_wrapper_of_the_flake_is_the_sccache_on_path() {
    let text = hook(None, Incremental::Workspace);
    for shell in shells() {
        let sandbox = Sandbox::new();
        let (own, profile, other) = (
            "nix/store/0-sccache-1.0/bin/sccache",
            "profile/bin/sccache",
            "other/sccache",
        );
        for name in [own, profile, other] {
            executable(&sandbox, name, "#!/bin/sh\nexit 1\n");
        }
        let other = sandbox.path("other");
        let on_path = |wrapper: &Path| {
            let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", wrapper.to_str().unwrap());
            let ran = run(&sandbox, shell, &text, &[&other]);
            assert_eq!(ran.stderr, "");
            let last = ran.stdout.lines().last().unwrap();
            PathBuf::from(last.strip_prefix("sccache=").unwrap())
        };
        let (own, profile) = (sandbox.path(own), sandbox.path(profile));
        assert_eq!(on_path(&own), own, "{shell}");
        // The folder of this one may hold a cargo and anything else.
        assert_eq!(on_path(&profile), other.join("sccache"), "{shell}");
        assert_eq!(
            on_path(Path::new("sccache")),
            other.join("sccache"),
            "{shell}"
        );
    }
}

#[test]
fn sccfg_takes_over_where_it_knows_how() {
    let text = hook(Some(24 * GIB), Incremental::Off);
    for shell in shells() {
        let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", "/nowhere/sccache");
        executable(
            &sandbox,
            "new/sccfg",
            "#!/bin/sh\n[ \"$*\" = 'hook bash --incremental=off --size=25769803776' ] && echo \"export SCCACHE_DIR='/by sccfg'\"\n",
        );
        let ran = run(&sandbox, shell, &text, &[&sandbox.path("new")]);
        let wrapper = ("RUSTC_WRAPPER", "/nowhere/sccache");
        assert_environment(&ran, shell, &[("SCCACHE_DIR", "/by sccfg"), wrapper]);
        executable(
            &sandbox,
            "old/sccfg",
            "#!/bin/sh\necho 'export SCCACHE_DIR=/half'\necho \"unrecognized subcommand 'hook'\" >&2\nexit 2\n",
        );
        let old = sandbox.path("old");
        let ran = run(&sandbox, shell, &text, &[&old]);
        assert_eq!(ran.stdout, "CARGO_INCREMENTAL=0\nsccache=\n", "{shell}");
    }
}
