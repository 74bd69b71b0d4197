//! `sccfg remote add --secret-command`: a secret of a password store, which is in no file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::service::{Service, keys};
use super::{Machine, fails, is_private};

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
    assert!(machine.sandbox.read(SETTINGS).starts_with(before));
    works_without_a_secret_in_a_file(machine, "hunter22");

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
fn a_command_that_fails_is_named_and_the_shell_is_entered_anyway() {
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

/// A machine with a command that prints this text, and what starts with it has to be given to `--secret-command`.
fn with_command(text: &str) -> (Machine, String) {
    let machine = Machine::new();
    let socket = machine.path("s");
    let machine = machine.variable("SCCACHE_SERVER_UDS", &socket);
    let secrets = machine.write("secrets", text);
    (machine, format!("cat '{secrets}'"))
}

/// That a server of this machine starts, which reads the back end first, and that no file has the secret.
fn works_without_a_secret_in_a_file(machine: &Machine, secret: &str) {
    for file in ["home/.config/sccache/config", SETTINGS] {
        assert!(!machine.sandbox.read(file).contains(secret), "{file}");
    }
    let found = machine.check(&["--no-outage"]);
    assert_eq!(found["works"], true, "{found:#}");
    machine.sccfg(&["server", "ensure"]).status(0);
    machine
        .sccfg(&["server", "status"])
        .status(0)
        .stdout_has("running, process ");
    machine.sccfg(&["server", "stop"]).status(0);
}

#[requires(sccache, moto)]
#[test]
fn the_keys_of_s3_come_from_a_command() {
    let (machine, command) = with_command("");
    let directory = machine.sandbox.outer().to_owned();
    let s3 = Service::s3(&directory);
    let endpoint = format!("http://127.0.0.1:{}", s3.port);
    let add = ["remote", "add", "s3", "builds", "--region", "us-east-1"];
    let add = [&add[..], &["--endpoint", &endpoint]].concat();
    let add = [&add[..], &["--secret-command", &command]].concat();
    machine.sccfg(&add).status(0);
    machine
        .sccfg(&["server", "ensure"])
        .status(1)
        .stderr_has("the secret of S3: its command prints no line AWS_ACCESS_KEY_ID=…")
        .stderr_has("hint: let it print AWS_ACCESS_KEY_ID=…");

    let [id, key] = keys(&directory, "writer");
    machine.write(
        "secrets",
        &format!(
            "# of the team\nexport AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY='{key}'\n"
        ),
    );
    works_without_a_secret_in_a_file(&machine, &key);
    machine
        .sccfg(&[&add[..], &["--env"]].concat())
        .status(2)
        .stderr_has("eval \"$(cat ");

    machine.write(
        "secrets",
        &format!("AWS_ACCESS_KEY_ID={id}\nAWS_SECRET_ACCESS_KEY=wrong\n"),
    );
    fails(&machine.check(&["--no-outage"]), "wrong-credentials");
}

#[requires(sccache, azurite, node, python3)]
#[test]
fn the_connection_string_of_azure_comes_from_a_command() {
    let (machine, command) = with_command("");
    let (_azure, strings) = Service::azure(machine.sandbox.outer());
    let string = strings["writer"].as_str().unwrap();
    machine.write("secrets", &format!("{string}\nof the team\n"));
    machine
        .sccfg(&[
            "remote",
            "add",
            "azure",
            "builds",
            "--secret-command",
            &command,
        ])
        .status(0);
    works_without_a_secret_in_a_file(&machine, string);
    // Its table has an empty key in place of the secret, without which sccache would reject the whole file.
    machine.sccfg(&["config", "check"]).status(0);
    machine.sccfg(&["remote", "remove", "azure"]).status(0);
    assert!(!machine.sandbox.exists(SETTINGS));
}

#[requires(sccache)]
#[test]
fn only_back_ends_whose_secret_sccache_takes_from_a_variable_have_a_command() {
    let machine = Machine::new();
    machine
        .sccfg(&[
            "remote",
            "add",
            "gcs",
            "builds",
            "--secret-command",
            "pass show x",
        ])
        .status(2)
        .stderr_has("takes no secret from a command")
        .stderr_has("use --secret-file FILE");
    assert!(!machine.config().exists());
}
