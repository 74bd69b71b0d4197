//! S026: the service of sccache's server fails. `systemctl` is a stub here; `nix::home_manager::service` has tests with systemd.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::DevShell;
use crate::server::path_with;

const RESTARTS: &str = "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\n";
const FAILED: &str = "LoadState=loaded\nActiveState=failed\nSubState=failed\n";
const RUNS: &str = "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n";
const IS_UNKNOWN: &str = "LoadState=not-found\nActiveState=inactive\nSubState=dead\n";

/// A shell without a server, in which `systemctl` prints what [`shows`] has set.
fn shell() -> DevShell {
    let mut shell = DevShell::new();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    let directory = shell.path("systemd").display().to_string();
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>'{directory}/calls'\ncat '{directory}/properties' 2>/dev/null\n"
    );
    shell.write("systemd/systemctl", &script);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(shell.path("systemd/systemctl"), mode).unwrap();
    let path = format!("{directory}:{}", path_with(&shell.machine.sccache));
    shell.machine = shell.machine.variable("PATH", &path);
    shell
}

fn shows(shell: &DevShell, properties: &str) {
    shell.write("systemd/properties", properties);
}

/// What `systemctl` was called with.
fn calls(shell: &DevShell) -> Vec<String> {
    let calls = fs::read_to_string(shell.path("systemd/calls")).unwrap_or_default();
    calls.lines().map(str::to_owned).collect()
}

#[requires(sccache, proc)]
#[test]
fn a_service_that_fails_again_and_again_is_reported() {
    let shell = shell();
    let failure = "Result=exit-code\nExecMainStatus=2\n";
    shows(&shell, &format!("{RESTARTS}{failure}"));
    let finding = shell.finding();
    assert_eq!(finding["code"], "S026", "{finding:#}");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["where"], json!({ "unit": "sccache.service" }));
    let expected = [
        "error[S026]",
        "sccache.service fails again and again: exit status 2",
        "where: sccache.service of systemd's user manager",
        "journalctl --user --unit sccache.service",
    ];
    shell.finds("S026", &expected);

    // The newer name of the state in which it is started.
    let queued = RESTARTS.replace("auto-restart", "auto-restart-queued");
    shows(&shell, &format!("{queued}{failure}"));
    shell.finds("S026", &expected);

    // With a server that a build started, there is a cache.
    shell.machine.sccfg(&["server", "ensure"]).status(0);
    shell.finds("S026", &["warning[S026]"]);
}

#[requires(sccache, proc)]
#[test]
fn the_reason_of_a_failed_service_is_reported() {
    let shell = shell();
    let of_result = |result: &str, expected: &str| {
        shows(&shell, &format!("{FAILED}{result}"));
        let what = format!("sccache.service has failed: {expected}");
        shell.finds("S026", &[&what]);
    };
    of_result("Result=signal\nExecMainStatus=9\n", "ended by signal 9");
    of_result("Result=oom-kill\n", "systemd's result is `oom-kill`");
    of_result("Result=resources\n", "systemd's result is `resources`");

    shell.write("a secret", "SCCACHE_REDIS_PASSWORD=hunter22\n");
    let (secret, missing) = (shell.path("a secret"), shell.path("missing file"));
    let files = format!(
        "EnvironmentFiles={} (ignore_errors=yes)\nEnvironmentFiles={} (ignore_errors=no)\n\
         EnvironmentFiles={} (ignore_errors=no)\n",
        shell.path("optional").display(),
        secret.display(),
        missing.display()
    );
    of_result(
        &format!("Result=resources\n{files}"),
        &format!("its environment file {} does not exist", missing.display()),
    );
    shell.doctor(&[]).stdout_has("environmentFile");
    fs::create_dir(&missing).unwrap();
    of_result(
        &format!("Result=resources\n{files}"),
        &format!(
            "its environment file {} cannot be read: not a regular file",
            missing.display()
        ),
    );
}

#[requires(sccache, proc)]
#[test]
fn a_service_that_does_not_fail_is_not_reported() {
    let shell = shell();
    // Without the service, and with a systemctl that finds no manager.
    for properties in ["", IS_UNKNOWN, RUNS] {
        shows(&shell, properties);
        shell.is_healthy();
        let ran = shell.machine.sccfg(&["server", "status"]).status(0);
        assert!(!ran.stdout.contains("service"), "{}", ran.stdout);
    }
    // It has another server's address, and waits until no build uses that one.
    let waits = format!("{RESTARTS}Result=exit-code\nExecMainStatus=1\n");
    shows(&shell, &waits);
    shell.finds("S026", &["exit status 1"]);
    shell.machine.sccfg(&["server", "ensure"]).status(0);
    shell.is_healthy();
    shell.machine.sccfg(&["server", "status"]).status(0).quiet();
}

#[requires(sccache, proc)]
#[test]
fn the_status_of_the_server_has_a_failing_service() {
    let shell = shell();
    shows(
        &shell,
        &format!("{RESTARTS}Result=exit-code\nExecMainStatus=2\n"),
    );
    let machine = &shell.machine;
    machine
        .sccfg(&["server", "status"])
        .status(1)
        .stdout_has("server     not running\n")
        .stdout_has("service    sccache.service fails again and again: exit status 2\n")
        .stderr_has("sccache.service fails again and again")
        .stderr_has("journalctl --user --unit sccache.service");
    let ran = machine.sccfg(&["server", "status", "--json"]).status(1);
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        status["service"],
        json!({ "unit": "sccache.service", "state": "auto-restart", "reason": "exit status 2" })
    );
    let what = status["problem"]["what"].as_str().unwrap();
    assert!(what.contains("sccache.service"), "{what}");

    shows(&shell, RUNS);
    let ran = machine.sccfg(&["server", "status", "--json"]).status(0);
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(status["service"], json!(null));
}

/// The hook of each shell would take longer.
#[requires(sccache, proc)]
#[test]
fn only_doctor_and_status_run_systemctl() {
    let shell = shell();
    shows(
        &shell,
        &format!("{RESTARTS}Result=exit-code\nExecMainStatus=2\n"),
    );
    for args in [
        &["hook", "bash"][..],
        &["env"],
        &["server", "ensure"],
        &["stats"],
    ] {
        shell.machine.sccfg(args).status(0);
    }
    assert_eq!(calls(&shell), [""; 0]);
    // The shell evaluates the hook.
    shell.doctor(&[]).status(1);
    let calls = calls(&shell);
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert!(calls[0].ends_with("sccache.service"), "{calls:?}");
    let is_read_only = calls[0].starts_with("--user show --property=");
    assert!(is_read_only, "{calls:?}");
}
