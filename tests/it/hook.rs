//! The shell hook, run through the real shells.

use indoc::{formatdoc, indoc};
mod portable;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::Incremental;
use sccfg_util::size::ByteSize;

use crate::support::{Ran, Sandbox};

const GIB: u64 = 1 << 30;

/// The hook in the flake of a repository.
fn hook(size: Option<u64>, incremental: Incremental) -> String {
    HookText {
        size: size.map(ByteSize::from_bytes),
        incremental,
        settings: Settings::InPolicy,
    }
    .render()
}

/// Runs the hook with strict shell options, and prints the variables after it.
///
/// `PATH` is that of the tests without any sccache, unless `front` names directories to put first.
fn run(sandbox: &Sandbox, shell: &str, text: &str, front: &[&Path]) -> Ran {
    prepare(sandbox, text);
    enter(sandbox, shell, front)
}

fn prepare(sandbox: &Sandbox, text: &str) {
    sandbox.write("hook.sh", text);
    sandbox.write(
        "caller.sh",
        indoc! {r#"
            set -eu
            (set -o pipefail) 2>/dev/null && set -o pipefail
            . ./hook.sh
            case $- in *e*u* | *u*e*) ;; *) echo 'options changed' ;; esac
            set | grep -a -E '^_+sccfg|^(conf|dir|size|table|unit|key|value)=' && echo 'left behind'
            for name in SCCACHE_DIR SCCACHE_CACHE_SIZE CARGO_INCREMENTAL RUSTC_WRAPPER; do
            eval "[ -z \"\${$name+x}\" ] || printf '%s=%s\n' $name \"\$$name\""
            done
            echo "sccache=$(command -v sccache || :)"
        "#},
    );
}

fn enter(sandbox: &Sandbox, shell: &str, front: &[&Path]) -> Ran {
    let output = enter_command(sandbox, shell, front).output().unwrap();
    Ran::new(format!("the hook in {shell}"), &output).status(0)
}

fn enter_command(sandbox: &Sandbox, shell: &str, front: &[&Path]) -> Command {
    let path = std::env::var_os("PATH").unwrap();
    let rest = std::env::split_paths(&path).filter(|directory| {
        !directory.join("sccache").exists() && !directory.join("sccfg").exists()
    });
    let front = front.iter().map(|directory| directory.to_path_buf());
    let mut command = sandbox.command(shell);
    command
        .arg("caller.sh")
        .env("PATH", std::env::join_paths(front.chain(rest)).unwrap());
    command
}

/// Asserts that the hook printed nothing and left exactly these of the variables that `run` prints.
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

#[requires(shellcheck)]
#[test]
fn shellcheck_finds_nothing() {
    for settings in [Settings::InPolicy, Settings::InHook] {
        for incremental in [Incremental::Off, Incremental::Workspace, Incremental::Auto] {
            for size in [None, Some(ByteSize::from_bytes(24 * GIB))] {
                let hook = HookText {
                    size,
                    incremental,
                    settings,
                };
                let sandbox = Sandbox::new().file("hook.sh", &hook.render());
                let mut shellcheck = sandbox.command("shellcheck");
                let output = shellcheck.args(["-s", "sh", "hook.sh"]).output().unwrap();
                assert_eq!(Ran::new("shellcheck".into(), &output).status(0).stdout, "");
            }
        }
    }
}

/// A sandbox as in `mkShell`: with the wrapper, without sccfg.
fn without_sccfg() -> Sandbox {
    let sandbox = Sandbox::new();
    executable(&sandbox, "store/bin/sccache", "#!/bin/sh\nexit 1\n");
    let wrapper = sandbox.path("store/bin/sccache");
    sandbox.variable("RUSTC_WRAPPER", wrapper.to_str().unwrap())
}

/// The wrapper of `without_sccfg`, the last of the printed variables.
fn wrapper(sandbox: &Sandbox) -> (&'static str, String) {
    let path = sandbox.path("store/bin/sccache");
    ("RUSTC_WRAPPER", path.to_str().unwrap().to_owned())
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn without_sccfg_and_without_a_file_the_size_of_the_repository_is_used(#[case] shell: &str) {
    let sandbox = without_sccfg();
    let expected = [
        ("SCCACHE_CACHE_SIZE", "24G"),
        ("CARGO_INCREMENTAL", "0"),
        ("RUSTC_WRAPPER", &wrapper(&sandbox).1),
    ];
    // `mkShell` has set the variables of the policy before.
    let sandbox = sandbox.variable("CARGO_INCREMENTAL", "0");
    let text = hook(Some(24 * GIB), Incremental::Off);
    assert_environment(&run(&sandbox, shell, &text, &[]), shell, &expected);
    // Without a request, the defaults and the user's variables stay.
    let text = hook(None, Incremental::Off);
    assert_environment(&run(&sandbox, shell, &text, &[]), shell, &expected[1..]);
    let sandbox = sandbox.variable("SCCACHE_DIR", "/mine");
    let dir = [("SCCACHE_DIR", "/mine"), expected[1], expected[2]];
    assert_environment(&run(&sandbox, shell, &text, &[]), shell, &dir);
}

/// One disk variable alone would make sccache ignore the disk table of its file.
#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn without_sccfg_the_file_decides_alone(#[case] shell: &str) {
    let place = |shell: &str, sandbox: Sandbox, file: &str| {
        sandbox.write(file, "[cache.disk]\nsize = 5\n");
        for size in [None, Some(24 * GIB)] {
            let text = hook(size, Incremental::Workspace);
            let (name, wrapper) = wrapper(&sandbox);
            let what = format!("{shell} {file}");
            assert_environment(
                &run(&sandbox, shell, &text, &[]),
                &what,
                &[(name, &wrapper)],
            );
        }
    };
    let stale = || {
        without_sccfg()
            .variable("SCCACHE_DIR", "/stale")
            .variable("SCCACHE_CACHE_SIZE", "1G")
    };
    place(shell, stale(), "home/.config/sccache/config");
    let sandbox = stale();
    let config = sandbox.path("xdg c");
    let sandbox = sandbox.variable("XDG_CONFIG_HOME", config.to_str().unwrap());
    place(shell, sandbox, "xdg c/sccache/config");
    let sandbox = stale();
    let named = sandbox.path("some where");
    let sandbox = sandbox.variable("SCCACHE_CONF", named.to_str().unwrap());
    place(shell, sandbox, "some where");
}

/// On macOS the file is elsewhere, so the hook does not set the size.
#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn a_home_directory_of_macos_is_not_changed(#[case] shell: &str) {
    let sandbox = without_sccfg().file("home/Library/x", "");
    let text = hook(Some(24 * GIB), Incremental::Workspace);
    let (name, wrapper) = wrapper(&sandbox);
    let ran = run(&sandbox, shell, &text, &[]);
    assert_environment(&ran, shell, &[(name, &wrapper)]);
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn a_wrapper_that_does_not_run_is_unset(#[case] shell: &str) {
    let sandbox = Sandbox::new().file("not executable", "");
    let plain = sandbox.path("not executable");
    for wrapper in [
        "/nowhere/sccache",
        "no-such-sccache",
        plain.to_str().unwrap(),
    ] {
        let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", wrapper);
        let text = hook(None, Incremental::Workspace);
        assert_environment(&run(&sandbox, shell, &text, &[]), shell, &[]);
    }
    // An empty value means no wrapper, whatever cargo's configuration says.
    let sandbox = Sandbox::new().variable("RUSTC_WRAPPER", "");
    let text = hook(None, Incremental::Workspace);
    let ran = run(&sandbox, shell, &text, &[]);
    assert_environment(&ran, shell, &[("RUSTC_WRAPPER", "")]);
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn without_a_home_the_hook_does_not_fail(#[case] shell: &str) {
    let sandbox = without_sccfg();
    prepare(&sandbox, &hook(Some(24 * GIB), Incremental::Off));
    let mut command = enter_command(&sandbox, shell, &[]);
    let output = command.env_remove("HOME").output().unwrap();
    let ran = Ran::new(format!("{shell} without HOME"), &output).status(0);
    ran.quiet().stdout_has("RUSTC_WRAPPER=");
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn a_shell_that_only_inherited_the_hook_is_not_changed(#[case] shell: &str) {
    let sccfg = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
    let sandbox = Sandbox::new()
        .variable("CARGO_INCREMENTAL", "1")
        .file("sccfg.toml", "");
    let text = hook(None, Incremental::Off);
    for front in [&[sccfg][..], &[]] {
        let ran = run(&sandbox, shell, &text, front);
        assert_environment(&ran, shell, &[("CARGO_INCREMENTAL", "1")]);
    }
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn auto_is_off_in_linked_worktrees_only(#[case] shell: &str) {
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
    for directory in ["main/a/b", "linked/a/b", "module/a", "none"] {
        fs::create_dir_all(sandbox.path(directory)).unwrap();
    }
    for (directory, value) in [
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
            .current_dir(sandbox.path(directory))
            .output()
            .unwrap();
        let ran = Ran::new(format!("{shell} in {directory}"), &output).status(0);
        assert_eq!(ran.stdout.trim_end(), value, "{shell} in {directory}");
    }
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn sccfg_takes_over_if_it_supports_the_shell(#[case] shell: &str) {
    let wrapper = ("RUSTC_WRAPPER", "/nowhere/sccache");
    let text = hook(Some(24 * GIB), Incremental::Workspace);
    let of_module = HookText {
        size: Some(ByteSize::from_bytes(24 * GIB)),
        incremental: Incremental::Workspace,
        settings: Settings::InHook,
    };
    let sandbox = Sandbox::new()
        .variable("RUSTC_WRAPPER", wrapper.1)
        .variable("CARGO_INCREMENTAL", "1");
    let answers = |line: &str| {
        let script = formatdoc!(
            r#"
                #!/bin/sh
                [ "$*" = '{line}' ] || exit 1
                echo "export SCCACHE_DIR='/by sccfg'; unset CARGO_INCREMENTAL"
                echo 'sccfg: the server is in use' >&2
            "#
        );
        executable(&sandbox, "new/sccfg", &script);
    };
    let new = sandbox.path("new");
    let expect = |text: &str| {
        let ran = run(&sandbox, shell, text, &[&new]);
        // Its messages reach the user.
        let ran = ran.says_once(&["the server is in use"]);
        let expected = format!(
            "SCCACHE_DIR=/by sccfg\nRUSTC_WRAPPER={}\nsccache=\n",
            wrapper.1
        );
        assert_eq!(ran.stdout, expected, "{shell}");
    };
    answers("hook bash");
    expect(&text);
    // The shell of a module has no `sccfg.toml`.
    answers("hook bash --incremental=workspace --size=24G");
    expect(&of_module.render());
}

#[rstest]
#[case::bash("bash")]
#[requires(zsh)]
#[case::zsh("zsh")]
#[requires(dash)]
#[case::dash("dash")]
fn a_failing_sccfg_leaves_the_shell_as_without_sccfg(#[case] shell: &str) {
    let sandbox = without_sccfg().variable("CARGO_INCREMENTAL", "1");
    executable(
        &sandbox,
        "old/sccfg",
        "#!/bin/sh\necho 'export SCCACHE_DIR=/half'\necho \"unrecognized subcommand 'hook'\" >&2\nexit 2\n",
    );
    let old = sandbox.path("old");
    let text = hook(None, Incremental::Workspace);
    let ran = run(&sandbox, shell, &text, &[&old]).says_once(&["unrecognized subcommand"]);
    let expected = format!("RUSTC_WRAPPER={}\nsccache=\n", wrapper(&sandbox).1);
    assert_eq!(ran.stdout, expected, "{shell}");
}

/// Only sccfg supervises the server.
#[test]
fn without_sccfg_no_server_is_asked() {
    let sandbox = Sandbox::new();
    executable(
        &sandbox,
        "bin/sccache",
        "#!/bin/sh\necho \"$*\" >>\"$HOME/calls\"\n",
    );
    let sandbox = sandbox.variable("RUSTC_WRAPPER", "sccache");
    let text = hook(Some(24 * GIB), Incremental::Auto);
    run(&sandbox, "bash", &text, &[&sandbox.path("bin")]).quiet();
    assert!(!sandbox.exists("home/calls"));
}
