//! S020 to S023: the running server.

use std::net::TcpListener;

use super::DevShell;
use crate::server::{GIB, free_port, signal};
use crate::support::{other_sccache, sccache};

/// A shell in which the hook did not reconcile the server: the file was changed since.
fn with_other_settings() -> DevShell {
    let shell = DevShell::new();
    shell.machine.sccfg(&["server", "stop"]).status(0);
    shell
}

#[requires(sccache, proc)]
#[test]
fn a_server_with_another_size_is_restarted_by_fix() {
    let shell = with_other_settings();
    // The hook would restart an idle server, and leaves this shell's alone.
    let shell = shell.with("SCCACHE_SERVER_PORT", &free_port().to_string());
    let before = start_at_the_shells_port(&shell, "10G");
    let finding = shell.finding();
    assert_eq!(finding["code"], "S020", "{finding:#}");
    assert_eq!(finding["where"]["pid"], before);
    assert_eq!(finding["command"], "sccfg server ensure --wait 600");
    shell.finds("S020", &["the server has size 10GiB, not 24GiB", "/conf:3"]);
    shell.is_cured_by_changing(&[]);
    assert_ne!(shell.machine.pid(), before);
}

fn start_at_the_shells_port(shell: &DevShell, size: &str) -> u32 {
    let port = shell.variable("SCCACHE_SERVER_PORT");
    let sccache = &shell.machine.sccache;
    let mut command = shell.machine.sandbox.command(sccache);
    let output = command
        .arg("--start-server")
        .env("SCCACHE_SERVER_PORT", port)
        .env("SCCACHE_DIR", shell.path("cache"))
        .env("SCCACHE_CACHE_SIZE", size)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    shell.machine.pid()
}

#[requires(sccache, other_sccache, proc)]
#[test]
fn a_server_of_another_version_is_told_with_its_danger() {
    for (client, server) in [(sccache(), other_sccache()), (other_sccache(), sccache())] {
        let shell = DevShell::of(client.clone());
        shell.machine.sccfg(&["server", "stop"]).status(0);
        let shell = shell.with("SCCACHE_SERVER_PORT", &free_port().to_string());
        let port = shell.variable("SCCACHE_SERVER_PORT");
        let mut command = shell.machine.sandbox.command(&server);
        let output = command
            .arg("--start-server")
            .env("SCCACHE_SERVER_PORT", port)
            .env("SCCACHE_DIR", shell.path("cache"))
            .env("SCCACHE_CACHE_SIZE", (24 * GIB).to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let finding = shell.finding();
        assert_eq!(finding["code"], "S021", "{finding:#}");
        let is_older = crate::support::version(&client) < crate::support::version(&server);
        let severity = if is_older { "error" } else { "warning" };
        assert_eq!(finding["severity"], severity);
        // What it says is the remedy.
        shell.evaluating("env").is_healthy();
    }
}

#[requires(sccache, proc)]
#[test]
fn another_program_at_the_address_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shell = DevShell::new().with("SCCACHE_SERVER_PORT", &port.to_string());
    let finding = shell.finding();
    assert_eq!(finding["code"], "S022", "{finding:#}");
    assert_eq!(finding["where"]["pid"], std::process::id());
    assert_eq!(finding["severity"], "error");
}

#[requires(sccache, proc)]
#[test]
fn a_server_that_does_not_reply_is_replaced_by_fix() {
    let shell = with_other_settings();
    let shell = shell.with("SCCACHE_SERVER_PORT", &free_port().to_string());
    let hung = start_at_the_shells_port(&shell, "24G");
    signal("STOP", hung);
    let finding = shell.finding();
    assert_eq!(finding["code"], "S023", "{finding:#}");
    assert_eq!(finding["where"]["pid"], hung);
    shell.is_cured_by_changing(&[]);
    assert_ne!(shell.machine.pid(), hung);
}
