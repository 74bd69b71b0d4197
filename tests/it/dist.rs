//! `sccfg dist`: a real sccache-dist on loopback ports.

mod build;
mod cluster;
mod edit;
mod nixos;

use serde_json::Value;

use crate::remote::{Machine, fails};
use crate::server::free_port;
use cluster::Cluster;

/// The result of `sccfg dist check --json`.
#[track_caller]
fn check(machine: &Machine, compiler: &str) -> Value {
    let ran = machine.sccfg(&["dist", "check", "--json", "--compiler", compiler]);
    let found: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let works = found["failure"].is_null();
    assert_eq!(ran.code, Some(i32::from(!works)), "{found:#}");
    found
}

#[requires(sccache_dist)]
#[test]
fn each_obstacle_has_a_name() {
    let machine = Machine::new();
    machine
        .sccfg(&["dist", "check"])
        .status(1)
        .stderr_has("names no scheduler");

    let cluster = Cluster::new(&machine);
    cluster.add_client(&cluster.client_token());
    fails(&check(&machine, "cc"), "no-servers");
    let wrong = machine.write("wrong", "another-token\n");
    cluster.add_client(&wrong);
    // Nothing is compiled without a build server, so the token is not seen to be wrong.
    fails(&check(&machine, "cc"), "no-servers");
    cluster.end();

    let token = machine.write("token", "a-token\n");
    let client = |url: &str| {
        machine
            .sccfg(&["dist", "client", url, "--token-file", &token])
            .status(0);
    };
    client(&format!("http://127.0.0.1:{}", free_port()));
    fails(&check(&machine, "cc"), "connection-refused");
    client("http://no-such-host.invalid:10600");
    fails(&check(&machine, "cc"), "name-not-found");
    machine
        .sccfg(&["dist", "check", "--compiler", "no-such-compiler"])
        .status(1)
        .stderr_has("hint: enter the dev shell");
}
