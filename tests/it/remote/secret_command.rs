//! `sccfg remote add --secret-command`: a secret of a password store, which is in no file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::service::Service;
use super::{Machine, is_private};

const SETTINGS: &str = "home/.config/sccfg/config.toml";

/// A machine with a password store that has `hunter22`, and a Redis server that asks for it.
struct Lab {
    machine: Machine,
    redis: Service,
}

impl Lab {
    fn new() -> Self {
        let machine = Machine::new();
        let socket = machine.path("s");
        let machine = machine.variable("SCCACHE_SERVER_UDS", &socket);
        let redis = Service::redis(machine.sandbox.outer(), &["--requirepass", "hunter22"]);
        // As `pass`, it prints the password first, and what belongs to it below.
        let store = machine.write(
            "pass",
            "#!/bin/sh\n[ \"$*\" = 'show sccache' ] || exit 3\nprintf 'hunter22\\nuser: me\\n'\n",
        );
        fs::set_permissions(&store, fs::Permissions::from_mode(0o755)).unwrap();
        Self { machine, redis }
    }

    /// `sccfg remote add` with this argument of the password store.
    fn add(&self, entry: &str, more: &[&str]) -> crate::support::Ran {
        let url = format!("redis://127.0.0.1:{}", self.redis.port);
        let command = format!("'{}' show {entry}", self.machine.path("pass"));
        let args = ["remote", "add", "redis", &url, "--secret-command", &command];
        self.machine.sccfg(&[&args, more].concat())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.machine.sccfg(&["server", "stop"]);
    }
}

#[requires(sccache, redis_server)]
#[test]
fn a_server_gets_the_secret_that_is_in_no_file() {
    let lab = Lab::new();
    let machine = &lab.machine;
    let before = "[store] # mine\nenabled = false\n";
    machine.sandbox.write(SETTINGS, before);
    // What an earlier run has copied is removed.
    let secret = machine.write("secret", "hunter22");
    let url = format!("redis://127.0.0.1:{}", lab.redis.port);
    let copied = ["remote", "add", "redis", &url, "--secret-file", &secret];
    machine.sccfg(&copied).status(0);
    let shown = lab.add("sccache", &["--dry-run"]).status(0);
    assert!(!shown.stdout.contains("hunter22"), "{shown:?}");
    lab.add("sccache", &[])
        .status(0)
        .stdout_has("command for the secret of redis");
    for file in ["home/.config/sccache/config", SETTINGS] {
        assert!(!machine.sandbox.read(file).contains("hunter22"), "{file}");
    }
    assert!(machine.sandbox.read(SETTINGS).starts_with(before));
    assert_eq!(machine.check(&["--no-outage"])["works"], true);

    // sccache starts only if it can read the back end.
    machine.sccfg(&["server", "ensure"]).status(0);
    machine
        .sccfg(&["server", "status"])
        .status(0)
        .stdout_has("running, process ");
    machine.sccfg(&["server", "stop"]).status(0);

    // The shell hook does not leave the start to sccache, which has no password.
    machine.sandbox.write("repo/sccfg.toml", "");
    machine.sccfg(&["-C", "repo", "hook", "bash"]).status(0);
    machine
        .sccfg(&["server", "status"])
        .status(0)
        .stdout_has("running, process ");
    machine.sccfg(&["server", "stop"]).status(0);

    machine.sccfg(&["remote", "remove", "redis"]).status(0);
    assert_eq!(machine.sandbox.read(SETTINGS), before);
}

#[requires(sccache, redis_server)]
#[test]
fn a_command_that_fails_is_named_and_a_shell_is_entered_nevertheless() {
    let lab = Lab::new();
    lab.add("nothing", &[]).status(0);
    assert!(is_private(&lab.machine.sandbox.path(SETTINGS)));
    for args in [
        &["remote", "check", "--no-outage"][..],
        &["server", "ensure"],
    ] {
        lab.machine
            .sccfg(args)
            .status(1)
            .stderr_has("could not get the secret of Redis: its command failed (exit status: 3)")
            .stderr_has("config.toml:2:9")
            .stderr_has("hint: run it in a terminal");
    }
    lab.machine.sandbox.write("repo/sccfg.toml", "");
    lab.machine
        .sccfg(&["-C", "repo", "hook", "bash"])
        .status(0)
        .stderr_has("could not get the secret of Redis");
}

#[requires(sccache, redis_server)]
#[test]
fn a_shell_can_run_the_command_itself() {
    let lab = Lab::new();
    let lines = lab.add("sccache", &["--env"]).status(0).stdout;
    assert!(!lines.contains("hunter22"), "{lines}");
    let script = format!("{lines}echo \"$SCCACHE_REDIS_PASSWORD\"");
    let output = lab
        .machine
        .sandbox
        .command("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"hunter22\n");
    assert!(!lab.machine.config().exists());
}

#[requires(sccache)]
#[test]
fn only_back_ends_whose_secret_sccache_takes_from_a_variable_have_a_command() {
    let machine = Machine::new();
    for (args, part) in [
        (&["s3", "builds", "--region", "x"][..], "~/.aws/credentials"),
        (&["azure", "builds"], "use --secret-file FILE"),
        (&["gcs", "builds"], "use --secret-file FILE"),
    ] {
        let add = ["remote", "add"];
        let command = ["--secret-command", "pass show x"];
        machine
            .sccfg(&[&add, args, &command].concat())
            .status(1)
            .stderr_has("takes no secret from a command")
            .stderr_has(part);
    }
    assert!(!machine.config().exists());
}
