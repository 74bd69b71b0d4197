//! Compiles on real build servers, in their sandboxes.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use super::check;
use super::cluster::Cluster;
use crate::remote::service::{Service, keys};
use crate::remote::{Machine, fails};
use crate::server::real_rustc;
use crate::support::sccache;

/// A client's own server of sccache, which ends with this value.
struct Client<'a>(&'a Machine);

impl<'a> Client<'a> {
    fn new(machine: &'a Machine) -> Self {
        let client = Self(machine);
        let started = client.sccache(&["--start-server"]).output().unwrap();
        assert!(started.status.success(), "{started:?}");
        client
    }

    fn sccache(&self, args: &[&str]) -> Command {
        let mut command = self.0.sandbox.command(sccache());
        command
            .args(args)
            .env("SCCACHE_CONF", self.0.config())
            .env("SCCACHE_SERVER_UDS", self.socket());
        command
    }

    fn socket(&self) -> PathBuf {
        self.0.sandbox.outer().join("s")
    }

    /// Compiles `f<N>.c` for each number, all at the same time.
    #[track_caller]
    fn compile(&self, numbers: std::ops::Range<u32>) {
        let started: Vec<_> = numbers
            .map(|n| {
                let (source, object) = (format!("f{n}.c"), format!("f{n}.o"));
                let text = format!("int f{n}(void) {{ return {n}; }}\n");
                self.0.sandbox.write(&source, &text);
                let args = ["cc", "-c", &source, "-o", &object];
                self.sccache(&args).spawn().unwrap()
            })
            .collect();
        for mut compile in started {
            assert!(compile.wait().unwrap().success());
        }
    }

    fn stats(&self) -> Value {
        let output = self
            .sccache(&["--show-stats", "--stats-format=json"])
            .output();
        let all: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        all["stats"].clone()
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        let _ = self.sccache(&["--stop-server"]).output();
    }
}

/// The compiles of each build server.
fn by_server(stats: &Value) -> Vec<(String, u64)> {
    let compiles = stats["dist_compiles"].as_object().unwrap().iter();
    compiles
        .map(|(server, count)| (server.clone(), count.as_u64().unwrap()))
        .collect()
}

/// The compiles on build servers, and those that were to be there and were made here.
fn all(stats: &Value) -> u64 {
    let elsewhere: u64 = by_server(stats).iter().map(|(_, count)| count).sum();
    elsewhere + stats["dist_errors"].as_u64().unwrap()
}

#[requires(sccache_dist, bwrap, overlay, sandbox)]
#[test]
fn a_build_is_right_when_a_build_server_dies_half_way() {
    // `check` does not use a directory that the sandbox of a build server cannot have.
    let machine = Machine::outside_dev().variable("TMPDIR", "/dev/shm");
    let cluster = Cluster::new(&machine);
    let wrong = machine.write("wrong", "another-token\n");
    cluster.add_client(&wrong);
    let first = cluster.add_server();
    fails(&check(&machine, "cc"), "wrong-token");
    let script = machine.write("gcc", "#!/bin/sh\nexec cc \"$@\"\n");
    cluster.add_client(&cluster.client_token());
    let made = Command::new("chmod").args(["+x", &script]).status();
    assert!(made.unwrap().success());
    fails(&check(&machine, &script), "toolchain");

    let found = check(&machine, "cc");
    assert_eq!(found["failure"], Value::Null, "{found:#}");
    assert_eq!(found["server"], format!("127.0.0.1:{}", first.port));
    assert_eq!(found["scheduler"]["servers"], 1);
    let shown = machine
        .sccfg(&["dist", "check", "--compiler", "cc"])
        .status(0)
        .stdout_has("with build servers: 1");
    assert!(
        shown.stdout.contains("compile: by cc on 127.0.0.1:"),
        "{shown:?}"
    );

    let second = cluster.add_server();
    let client = Client::new(&machine);
    client.compile(0..8);
    let stats = client.stats();
    let compiles = by_server(&stats);
    assert_eq!(compiles.len(), 2, "both have compiled: {stats:#}");
    // What a build server cannot take at the moment is compiled here.
    assert_eq!(all(&stats), 8, "{stats:#}");

    let dead = format!("127.0.0.1:{}", second.port);
    second.end();
    client.compile(8..16);
    let after = client.stats();
    let count = |stats: &Value| stats["dist_compiles"][&dead].as_u64().unwrap();
    assert_eq!(count(&after), count(&stats), "{after:#}");
    // The scheduler takes a minute to notice: what it assigns to the dead one is compiled here.
    assert_eq!(all(&after), 16, "{after:#}");
    assert_eq!(after["compile_fails"], 0, "{after:#}");

    // The program made of all of them.
    let calls: Vec<String> = (0..16).map(|n| format!("f{n}()")).collect();
    let declarations: String = (0..16).map(|n| format!("int f{n}(void);\n")).collect();
    machine.write(
        "main.c",
        &format!(
            "{declarations}int main(void) {{ return {}; }}\n",
            calls.join(" + ")
        ),
    );
    let objects: Vec<String> = (0..16).map(|n| format!("f{n}.o")).collect();
    let linked = machine
        .sandbox
        .command("cc")
        .args(["main.c", "-o", "program"])
        .args(&objects)
        .status();
    assert!(linked.unwrap().success());
    let ran: Output = Command::new(machine.sandbox.path("program"))
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some((0..16).sum::<i32>()));
    cluster.end();
}

/// Builds a crate with portable keys and without the local store, so that sccache is asked.
fn build_with_portable_keys(machine: &Machine, target: &str, variables: &[(&str, &str)]) {
    machine.write(
        "a/Cargo.toml",
        "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    machine.write("a/src/lib.rs", "pub fn one() -> u32 { 1 }\n");
    machine.sccfg(&["wrapper", "install"]).status(0);
    let wrapper = machine.sccfg(&["wrapper", "path"]).status(0);
    let output = machine
        .sandbox
        .command(real_rustc().with_file_name("cargo"))
        .args(["build", "--offline", "--manifest-path", "a/Cargo.toml"])
        .args(["--target-dir", target])
        .env("RUSTC", real_rustc())
        .env("RUSTC_WRAPPER", wrapper.stdout.trim())
        .env("SCCFG_SCCACHE", sccache())
        .env("SCCFG_STORE", "off")
        .env("SCCACHE_CONF", machine.config())
        .env("SCCACHE_SERVER_UDS", machine.sandbox.outer().join("s"))
        .env("CARGO_INCREMENTAL", "0")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{printed}");
    assert!(!printed.contains("without sccache"), "{printed}");
}

/// The wrapper's requests name a source that exists nowhere, and a shim that build servers do not have.
#[requires(sccache_dist, bwrap, overlay, sandbox)]
#[test]
fn units_with_portable_keys_are_compiled_here() {
    let machine = Machine::outside_dev();
    let cluster = Cluster::new(&machine);
    cluster.add_client(&cluster.client_token());
    let _server = cluster.add_server();
    let client = Client::new(&machine);
    build_with_portable_keys(&machine, "first", &[]);
    build_with_portable_keys(&machine, "second", &[]);
    let stats = client.stats();
    assert_eq!(stats["cache_hits"]["counts"]["Rust"], 1, "{stats:#}");
    assert_eq!(stats["cache_misses"]["counts"]["Rust"], 1, "{stats:#}");
    assert_eq!(all(&stats), 0, "{stats:#}");
    cluster.end();
}

#[requires(sccache, moto)]
#[test]
fn a_server_that_a_build_starts_can_use_s3() {
    let machine = Machine::new();
    let store = tempfile::tempdir().unwrap();
    let s3 = Service::s3(store.path());
    let [key, secret] = keys(store.path(), "writer");
    let endpoint = format!("http://127.0.0.1:{}", s3.port);
    let add = ["remote", "add", "s3", "builds", "--region", "us-east-1"];
    machine
        .sccfg(&[&add[..], &["--endpoint", &endpoint]].concat())
        .status(0);
    let credentials = [
        ("AWS_ACCESS_KEY_ID", key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", secret.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    build_with_portable_keys(&machine, "first", &credentials);
    let client = Client(&machine);
    let stats = client.stats();
    assert_eq!(stats["cache_misses"]["counts"]["Rust"], 1, "{stats:#}");
}
