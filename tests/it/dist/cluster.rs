//! A scheduler and build servers of the real sccache-dist, with the config files that sccfg writes.

use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::remote::{Machine, is_private};
use crate::server::free_port;
use crate::support::{sccache, wait_until};

/// A process that ends with this value.
pub(super) struct Daemon {
    process: Child,
    pub(super) port: u16,
}

impl Daemon {
    pub(super) fn end(self) {
        drop(self);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A scheduler, the files of its tokens, and a machine that is to be its client.
pub(super) struct Cluster<'a> {
    machine: &'a Machine,
    scheduler: Daemon,
}

fn sccache_dist() -> PathBuf {
    sccache().with_file_name("sccache-dist")
}

/// Starts a program that runs sccache-dist, and waits until it listens.
pub(super) fn start(machine: &Machine, mut command: Command, port: u16) -> Daemon {
    let log = File::create(machine.sandbox.path(&format!("{port}.log"))).unwrap();
    let process = command
        .env("SCCACHE_NO_DAEMON", "1")
        .env("SCCACHE_LOG", "info")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let daemon = Daemon { process, port };
    wait_until("sccache-dist listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    daemon
}

/// Waits until the log of the program at `port` has this text.
pub(super) fn wait_for_log(machine: &Machine, port: u16, text: &str) {
    let log = format!("{port}.log");
    wait_until(text, || machine.sandbox.read(&log).contains(text));
}

fn run_dist(machine: &Machine, role: &str, config: &str, port: u16) -> Daemon {
    let mut command = machine.sandbox.command(sccache_dist());
    command.args([role, "--config", config]);
    start(machine, command, port)
}

/// What `sccache-dist auth …` prints, in a file of the machine.
pub(super) fn secret(machine: &Machine, name: &str, args: &[&str]) -> String {
    let output = Command::new(sccache_dist())
        .arg("auth")
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    machine.write(name, &String::from_utf8(output.stdout).unwrap())
}

impl<'a> Cluster<'a> {
    /// Writes the config file of a scheduler, and starts it.
    pub(super) fn new(machine: &'a Machine) -> Self {
        let client = secret(machine, "client-token", &["generate-shared-token"]);
        let key = secret(machine, "server-key", &["generate-jwt-hs256-key"]);
        let port = free_port();
        let ran = machine
            .sccfg(&[
                "dist",
                "scheduler",
                "--address",
                &format!("127.0.0.1:{port}"),
                "--client-token-file",
                &client,
                "--server-key-file",
                &key,
            ])
            .status(0)
            .stdout_has("sccache-dist scheduler --config");
        let token = machine.sandbox.read("client-token");
        assert!(!format!("{ran:?}").contains(token.trim()), "{ran:?}");
        assert!(is_private(&machine.sandbox.path("scheduler.conf")));
        let scheduler = run_dist(machine, "scheduler", "scheduler.conf", port);
        Self { machine, scheduler }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.scheduler.port)
    }

    pub(super) fn client_token(&self) -> String {
        self.machine
            .sandbox
            .path("client-token")
            .display()
            .to_string()
    }

    /// Makes the machine a client with the token in this file.
    #[track_caller]
    pub(super) fn add_client(&self, token: &str) {
        self.machine
            .sccfg(&["dist", "client", &self.url(), "--token-file", token])
            .status(0)
            .stdout_has("sccfg dist check");
        assert!(is_private(&self.machine.config()));
    }

    /// Adds a build server, and waits until the scheduler knows it.
    pub(super) fn add_server(&self) -> Daemon {
        let port = free_port();
        let address = format!("127.0.0.1:{port}");
        let token = secret(
            self.machine,
            &format!("token-{port}"),
            &[
                "generate-jwt-hs256-server-token",
                "--config",
                &self.machine.path("scheduler.conf"),
                "--server",
                &address,
            ],
        );
        let name = format!("server-{port}.conf");
        self.machine
            .sccfg(&[
                "dist",
                "server",
                &self.url(),
                "--address",
                &address,
                "--token-file",
                &token,
                "--cache-dir",
                &self.machine.path(&format!("cache-{port}")),
                "--build-dir",
                &self.machine.path(&format!("build-{port}")),
                "--out",
                &name,
            ])
            .status(0);
        assert!(is_private(&self.machine.sandbox.path(&name)));
        let daemon = run_dist(self.machine, "server", &name, port);
        wait_for_log(self.machine, port, "Server connected to scheduler");
        daemon
    }

    pub(super) fn end(self) {
        drop(self);
    }
}
