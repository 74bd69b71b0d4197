//! What `doctor` prints, and its exit status.

use super::{DevShell, through};
use crate::support::{Ran, Sandbox, other_sccache, sccache};

#[requires(sccache, proc)]
#[test]
fn a_machine_as_init_leaves_it_is_one_line() {
    let shell = DevShell::new();
    shell.is_healthy();
    // Whether or not a server runs.
    shell.machine.sccfg(&["server", "stop"]).status(0);
    shell.is_healthy();
    let json = shell.doctor(&["--json"]).status(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["problems"], serde_json::json!([]));
    shell
        .doctor(&["--fix"])
        .status(0)
        .stdout_has("no problems found");
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn every_version_of_sccache_is_healthy() {
    for sccache in [sccache(), other_sccache()] {
        DevShell::of(sccache).is_healthy();
    }
}

#[requires(sccache, proc)]
#[test]
fn the_portable_wrapper_is_healthy() {
    let shell = DevShell::new();
    let init = ["-C", "repo", "init", "--wrapper", "portable"];
    shell.machine.sccfg(&init).status(0);
    shell.is_healthy();
}

#[requires(sccache, proc)]
#[test]
fn a_finding_has_a_code_a_location_a_reason_and_a_fix() {
    let shell = DevShell::new().with("SCCACHE_IDLE_TIMEOUT", "many");
    let ran = shell.doctor(&[]).status(1).quiet();
    let expected = "\
warning[S011]: sccache ignores SCCACHE_IDLE_TIMEOUT=many, and uses 600 seconds
  where: variable SCCACHE_IDLE_TIMEOUT
  why:   sccache ignores most invalid values without a message, and uses its default instead
  fix:   write a number without a unit

1 problem found; explain a code: sccfg doctor --explain S011
";
    assert!(ran.stdout.ends_with(expected), "{}", ran.stdout);
}

#[test]
fn a_code_is_explained() {
    let sandbox = Sandbox::new();
    let explain = |code: &str| sandbox.sccfg(&["doctor", "--explain", code]);
    let ran = explain("s012").status(0);
    assert!(ran.stdout.starts_with("## S012 "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("S013"), "{}", ran.stdout);
    explain("S999").status(2);
}

#[requires(sccache, proc)]
#[test]
fn without_a_terminal_a_fix_is_confirmed_by_an_option() {
    let shell = DevShell::new();
    shell.write(
        "repo/.cargo/config.toml",
        "[build]\nrustc-wrapper = \"sccache\"\n",
    );
    let before = shell.files();
    shell
        .doctor(&["--fix"])
        .status(1)
        .stderr_has("could not ask whether to comment out `build.rustc-wrapper`")
        .stderr_has("not a terminal")
        .stderr_has("hint: pass --yes");
    shell
        .doctor(&["--fix", "--json"])
        .status(1)
        .stderr_has("--json does not ask whether to comment out `build.rustc-wrapper`")
        .stderr_has("hint: pass --yes, or no --fix");
    assert_eq!(shell.files(), before);
}

#[requires(sccache, proc, script)]
#[test]
fn in_a_terminal_each_fix_is_asked_for() {
    for (answer, is_changed) in [("y", true), ("n", false)] {
        let shell = DevShell::new();
        let config = "[build]\nrustc-wrapper = \"sccache\"\n";
        shell.write("repo/.cargo/config.toml", config);
        let ran = in_terminal(&shell, &format!("{answer}\\n"));
        let ran = ran.status(i32::from(!is_changed));
        assert!(ran.stdout.contains("[y/N]"), "{ran:?}");
        let text = shell.machine.sandbox.read("repo/.cargo/config.toml");
        assert_eq!(text != config, is_changed, "{text}");
    }
}

#[requires(sccache, proc, script)]
#[test]
fn a_fix_that_is_declined_is_not_asked_for_again() {
    let shell = DevShell::new();
    let config = "[build]\nrustc-wrapper = \"sccache\"\n";
    shell.write("repo/.cargo/config.toml", config);
    shell.write("home/.bashrc", "sccache --stop-server\n");
    let ran = in_terminal(&shell, "n\\ny\\n").status(1);
    assert_eq!(ran.stdout.matches("[y/N]").count(), 2, "{}", ran.stdout);
    ran.stdout_has("error[S032]");
    let profile = shell.machine.sandbox.read("home/.bashrc");
    assert_eq!(profile, "# sccfg:was sccache --stop-server\n");
    assert_eq!(
        shell.machine.sandbox.read("repo/.cargo/config.toml"),
        config
    );
}

/// `doctor --fix` in a terminal, in which this is typed.
#[track_caller]
fn in_terminal(shell: &DevShell, typed: &str) -> Ran {
    // `script` takes one command line, for the shell that `SHELL` names.
    let line = format!(
        "line=$(printf ' %q' \"$@\"); printf '{typed}' | SHELL=$BASH script -qec \"$line\" /dev/null"
    );
    let inner = shell.command("repo", &["--fix"]);
    let mut script = through("bash", &["-c", &line, "bash"], &inner);
    Ran::new("script".into(), &script.output().unwrap())
}

#[requires(sccache, proc)]
#[test]
fn secrets_are_not_printed() {
    let shell = DevShell::new()
        .with("CARGO_REGISTRY_TOKEN", "cio0123456789abcdef")
        .with("SCCACHE_REDIS_ENDPOINT", "redis://me:hunter22@localhost");
    shell.write("conf", "[cache.disk]\nsise = 5\n[cache.webdav]\nendpoint = 'http://localhost'\npassword = 'correct horse'\n");
    let profile = "MY_PASSWORD=battery-staple sccache --stop-server\n";
    shell.write("home/.bashrc", profile);
    for args in [&[][..], &["--json"]] {
        let ran = shell.doctor(args).status(1).stdout_has("S053");
        for secret in [
            "cio0123456789abcdef",
            "hunter22",
            "correct horse",
            "battery-staple",
        ] {
            assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
            assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
        }
    }
}
