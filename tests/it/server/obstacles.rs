//! What can be in the way of a server: each with a message that says what to do.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{GIB, Machine, free_port, signal};
use crate::support::{Ran, left_out, program};

#[test]
fn a_port_that_something_else_has_is_left_to_it() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.file_says(24 * GIB);
    let listener = TcpListener::bind(("127.0.0.1", machine.port)).unwrap();
    // One that never answers, then one that closes.
    for answers in [false, true] {
        let listener = listener.try_clone().unwrap();
        if answers {
            std::thread::spawn(move || {
                for connection in listener.incoming() {
                    let _ = connection.unwrap().read(&mut [0; 1]);
                }
            });
        }
        let started = Instant::now();
        let ensure = machine.sccfg(&["server", "ensure"]).status(1);
        let process = format!("process {}", std::process::id());
        ensure
            .stderr_has(&process)
            .stderr_has("hint:")
            .stderr_has("SCCACHE_SERVER_PORT");
        let shell = machine.shell("sccache --show-stats >/dev/null; echo $SCCACHE_SERVER_UDS");
        let shell = shell.status(0).says_once(&["is taken by", "instead"]);
        assert!(shell.stdout.contains("/sccache-"), "{}", shell.stdout);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_server_that_hangs_is_told_from_one_that_works() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.file_says(24 * GIB);
    let hung = machine.start("24G");
    signal("STOP", hung);
    let started = Instant::now();
    let ran = machine.sccfg(&["server", "status"]).status(1);
    ran.stderr_has("does not answer")
        .stderr_has("restart --force");
    machine
        .shell("")
        .status(0)
        .says_once(&["does not answer", "restart --force"]);
    assert!(started.elapsed() < Duration::from_secs(20));
    machine.sccfg(&["server", "stop", "--wait", "0"]).status(1);
    machine.sccfg(&["server", "restart", "--force"]).status(0);
    assert_ne!(machine.pid(), hung);
    machine.shell("").status(0).quiet();
}

#[test]
fn what_answers_otherwise_than_sccache_is_said() {
    let Some(machine) = Machine::new() else {
        return;
    };
    // Itself, not a stand-in that looks at its name.
    let mut python = Command::new("python3");
    let python = python.args(["-c", "import sys; print(sys.executable, end='')"]);
    let Ok(python) = python.output() else {
        return left_out("no python3");
    };
    let python = String::from_utf8(python.stdout).unwrap();
    machine.file_says(24 * GIB);
    // By its name it might be one.
    let named = machine.sandbox.path("sccache");
    std::os::unix::fs::symlink(python, &named).unwrap();
    let script = "import socket, sys\ns = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n\
                  print(flush=True)\nwhile True: s.accept()[0].close()\n";
    let mut imposter = Command::new(named)
        .args(["-c", script, &machine.port.to_string()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let _ = imposter.stdout.as_mut().unwrap().read(&mut [0; 1]);
    let ran = machine.sccfg(&["server", "ensure"]);
    let shell = machine.shell("echo $SCCACHE_SERVER_UDS");
    imposter.kill().unwrap();
    imposter.wait().unwrap();
    ran.status(1)
        .stderr_has("does not answer like an sccache server")
        .stderr_has("hint:");
    shell.status(0).stdout_has("/sccache-");
}

#[test]
fn a_socket_left_behind_is_replaced() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let socket = machine.sandbox.path("left behind.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let machine = machine.variable("SCCACHE_SERVER_UDS", socket.to_str().unwrap());
    machine.file_says(24 * GIB);
    // Clients that start a server by themselves would orphan one another's, so a shell does.
    machine.shell("").status(0).quiet();
    let first = machine.pid();
    let ensure = || machine.sccfg(&["server", "ensure"]).status(0).quiet();
    ensure().stdout_has("in line");
    assert_eq!(machine.pid(), first);
    machine.file_says(30 * GIB);
    ensure().stdout_has("restarted");
    assert_ne!(machine.pid(), first);
    // Many at once do not orphan one another's servers.
    machine.sccfg(&["server", "stop"]).status(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| machine.sccfg(&["server", "ensure"]).status(0));
        }
    });
    assert_eq!(machine.pids().len(), 1);
}

#[test]
fn a_broken_config_file_is_named_and_neither_variable_is_set() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sandbox.write("conf", "[cache.disk]\nsise = 5\n");
    let shell = machine.shell("echo ${SCCACHE_DIR-unset} ${SCCACHE_CACHE_SIZE-unset}");
    let shell = shell
        .status(0)
        .says_once(&["sccfg: ", "/conf:2:1", "did you mean"]);
    assert_eq!(shell.stdout, "unset unset\n");
    machine
        .sccfg(&["server", "status"])
        .status(1)
        .stderr_has("/conf:2:1");
}

#[test]
fn a_cache_folder_that_cannot_be_used_is_said() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sandbox.write("file", "");
    let dir = machine.sandbox.path("file/cache");
    let text = format!("[cache.disk]\ndir = '{}'\nsize = 5\n", dir.display());
    machine.sandbox.write("conf", &text);
    machine
        .shell("")
        .status(0)
        .says_once(&["file/cache", "/conf:2", "nothing is kept"]);
    machine
        .sccfg(&["server", "status"])
        .stderr_has("cache.disk.dir");
}

#[test]
fn sccache_missing_costs_the_cache_and_not_the_build() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.file_says(24 * GIB);
    for wrapper in ["/nowhere/sccache", "no-such-wrapper"] {
        let mut shell = machine.shell_command("echo ${RUSTC_WRAPPER-unset} ${SCCACHE_DIR-unset}");
        let output = shell
            .env("RUSTC_WRAPPER", wrapper)
            .env("SCCACHE_DIR", "/stale")
            .output()
            .unwrap();
        let ran = Ran::new("hook".into(), &output).status(0);
        assert_eq!(ran.stdout, "unset unset\n");
        ran.says_once(&["sccfg: nothing is cached here", wrapper, "cannot be run"]);
    }
    let output = machine
        .sandbox
        .command(env!("CARGO_BIN_EXE_sccfg"))
        .args(["server", "ensure"])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    Ran::new("ensure".into(), &output)
        .status(1)
        .stderr_has("hint: put sccache on PATH");
}

#[test]
fn a_remote_that_is_down_is_named_by_what_set_it_up() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let closed = free_port();
    let text = format!("[cache.redis]\nendpoint = 'redis://127.0.0.1:{closed}'\n");
    machine.sandbox.write("conf", &text);
    let ran = machine.sccfg(&["server", "ensure"]).status(1);
    ran.stderr_has("`redis`")
        .stderr_has("/conf:1")
        .stderr_has("hint: builds fail until");
    // A shell is not kept waiting for it.
    let started = Instant::now();
    machine.shell("").status(0).quiet();
    assert!(started.elapsed() < Duration::from_secs(4));
    fs::remove_file(machine.sandbox.path("conf")).unwrap();
    let machine = machine
        .variable("SCCACHE_BUCKET", "b")
        .variable("SCCACHE_REGION", "auto")
        .variable("SCCACHE_ENDPOINT", &format!("http://127.0.0.1:{closed}"))
        .variable("AWS_ACCESS_KEY_ID", "x")
        .variable("AWS_SECRET_ACCESS_KEY", "hunter2");
    let ran = machine.sccfg(&["server", "start"]).status(1);
    let ran = ran.stderr_has("set up by SCCACHE_BUCKET");
    assert!(!ran.stderr.contains("hunter2"));
    let ran = machine.sccfg(&["env", "--shell", "json"]).status(0);
    assert!(!ran.stdout.contains("hunter2") && ran.stdout.contains("SCCACHE_BUCKET"));
    let ran = machine
        .sccfg(&["env", "--shell", "json", "--show-secrets"])
        .status(0);
    ran.stdout_has("hunter2");
}

#[test]
fn without_a_runtime_folder_of_the_shell_s_there_is_one_in_tmp() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.file_says(24 * GIB);
    machine.start("10G");
    machine.sandbox.write("run/sccfg", "in the way");
    machine
        .sccfg(&["server", "ensure"])
        .status(0)
        .stdout_has("restarted");
    assert_eq!(machine.largest(), 24 * GIB);
}

/// Runs `args` as the user with this number.
fn as_user(machine: &Machine, user: u32, args: &[&str]) -> Option<Command> {
    if program("setpriv").is_none() || !am_root() {
        left_out("another user: needs root and setpriv");
        return None;
    }
    let mut command = machine.sandbox.command("setpriv");
    command
        .args([&format!("--reuid={user}"), "--clear-groups", "--"])
        .args(args);
    Some(command)
}

fn am_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

#[test]
fn a_server_of_another_user_is_left_to_that_user() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.file_says(24 * GIB);
    let theirs = machine.sandbox.path("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o777)).unwrap();
    let sccache = machine.sccache.to_str().unwrap();
    let Some(mut start) = as_user(&machine, 65534, &[sccache, "--start-server"]) else {
        return;
    };
    let output = start.env("SCCACHE_DIR", &theirs).output().unwrap();
    if !output.status.success() {
        return left_out("another user cannot run sccache here");
    }
    let ran = machine.sccfg(&["server", "ensure"]).status(1);
    ran.stderr_has("belongs to another user (number 65534)")
        .stderr_has("hint:");
    let shell = machine.shell("echo $SCCACHE_SERVER_UDS").status(0);
    shell
        .says_once(&["another user", "instead"])
        .stdout_has("/sccache-");
    // And the other way round, where this user may not even look into the process.
    let mine = Machine::new().unwrap();
    mine.file_says(24 * GIB);
    mine.start("10G");
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    let Some(mut ensure) = as_user(&mine, 65534, &[sccfg, "server", "ensure"]) else {
        return;
    };
    let output = ensure.output().unwrap();
    let ran = Ran::new("as another user".into(), &output);
    if ran.stderr.contains("setpriv") {
        return left_out("another user cannot run sccfg here");
    }
    ran.status(1)
        .stderr_has("belongs to another user (number 0)");
}

#[test]
fn without_any_runtime_folder_no_server_is_started_and_the_shell_opens() {
    let Some(machine) = Machine::new() else {
        return;
    };
    // A user of whose folder somebody else was the first.
    let user = 50_000 + std::process::id() % 10_000;
    let folder = format!("/tmp/sccfg-{user}");
    let sccfg = env!("CARGO_BIN_EXE_sccfg");
    let Some(mut ensure) = as_user(&machine, user, &[sccfg, "server", "ensure"]) else {
        return;
    };
    machine.file_says(24 * GIB);
    let cache = machine.sandbox.path("cache");
    fs::create_dir(&cache).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(&folder).unwrap();
    let output = ensure.output();
    let hook = as_user(&machine, user, &[sccfg, "hook", "bash"]).map(|mut hook| hook.output());
    fs::remove_dir(&folder).unwrap();
    let ran = Ran::new("ensure".into(), &output.unwrap());
    if ran.stderr.contains("setpriv") {
        return left_out("another user cannot run sccfg here");
    }
    let ran = ran.status(1).stderr_has("belongs to another user");
    ran.stderr_has("hint: let XDG_RUNTIME_DIR name a folder of your own");
    let ran = Ran::new("hook".into(), &hook.unwrap().unwrap())
        .status(0)
        .quiet();
    ran.stdout_has("export SCCACHE_CACHE_SIZE='25769803776'");
}
