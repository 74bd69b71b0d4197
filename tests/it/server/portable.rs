//! The server of a shell whose `RUSTC_WRAPPER` is the portable wrapper: sccache's own.

use super::{GIB, Machine};

#[requires(sccache, proc)]
#[test]
fn commands_in_a_shell_with_the_wrapper_are_about_the_server_of_sccache() {
    let machine = Machine::new();
    let ran = machine.sccfg(&["wrapper", "path"]).status(0);
    let machine = machine.variable("RUSTC_WRAPPER", ran.stdout.trim_end());
    machine.file_says(24 * GIB);
    // As any other shell: one with other settings is restarted, of which the shell says nothing.
    let before = machine.start("10G");
    machine
        .shell("echo \"$SCCFG_SCCACHE\"")
        .status(0)
        .stdout_has(machine.sccache.to_str().unwrap())
        .quiet();
    assert_ne!(machine.pid(), before);
    assert_eq!(machine.largest(), 24 * GIB);
    machine
        .sccfg(&["stats"])
        .status(0)
        .stdout_has("server     sccache");
    let status = machine.status();
    assert_eq!(status["pid"], machine.pid(), "{status}");
    let server = |verb| machine.sccfg(&["server", verb]).status(0);
    server("ensure").quiet();
    server("restart").stdout_has("restarted");
    server("stop").stdout_has("stopped");
    server("start").stdout_has("started");
    machine.sccfg(&["clear", "--yes"]).status(0);
}
