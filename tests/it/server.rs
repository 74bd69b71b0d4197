//! The life of the server: real servers at addresses of their own, real builds, real shells.
//!
//! ```ignore
//! let machine = Machine::new();
//! machine.file_says(24 * GIB);
//! let before = machine.start("10G");
//! machine.sccfg(&["server", "ensure"]).status(0).stdout_has("restarted");
//! assert_ne!(machine.pid(), before);
//! ```

mod build;
mod obstacles;
mod portable;
mod versions;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::Incremental;

use crate::support::{Ran, Sandbox, sccache, wait_until};

pub(crate) const GIB: u64 = 1 << 30;

/// A user's machine: a home, a runtime directory, a config file, a cache, one sccache on `PATH`,
/// and an address. All servers on it are ended, by their process numbers, when it goes.
pub(crate) struct Machine {
    pub(crate) sandbox: Sandbox,
    pub(crate) sccache: PathBuf,
    pub(crate) port: u16,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(sccache())
    }

    pub(crate) fn with(sccache: PathBuf) -> Self {
        Self::below(&std::env::temp_dir(), sccache)
    }

    /// A machine whose directory is in this one.
    fn below(directory: &Path, sccache: PathBuf) -> Self {
        let sandbox = Sandbox::below(directory, "");
        fs::set_permissions(sandbox.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        let run = sandbox.path("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).unwrap();
        let conf = sandbox.path("conf");
        let port = free_port();
        let sandbox = sandbox
            .variable("XDG_RUNTIME_DIR", run.to_str().unwrap())
            .variable("SCCACHE_CONF", conf.to_str().unwrap())
            .variable("SCCACHE_SERVER_PORT", &port.to_string())
            .variable("PATH", &path_with(&sccache));
        Self {
            sandbox,
            sccache,
            port,
        }
    }

    pub(crate) fn variable(self, name: &str, value: &str) -> Self {
        // Taken apart by hand, since it has a Drop.
        let mut this = self;
        let sandbox = std::mem::replace(&mut this.sandbox, Sandbox::new());
        this.sandbox = sandbox.variable(name, value);
        this
    }

    /// The machine's file asks for a cache of this size.
    pub(crate) fn file_says(&self, size: u64) {
        let dir = self.sandbox.path("cache");
        let text = format!("[cache.disk]\ndir = '{}'\nsize = {size}\n", dir.display());
        self.sandbox.write("conf", &text);
    }

    /// A server that somebody started with settings of their own; its process number.
    pub(crate) fn start(&self, size: &str) -> u32 {
        self.start_with(&self.sccache, size)
    }

    pub(crate) fn start_with(&self, sccache: &Path, size: &str) -> u32 {
        let output = self
            .sandbox
            .command(sccache)
            .arg("--start-server")
            .env("SCCACHE_DIR", self.sandbox.path("cache"))
            .env("SCCACHE_CACHE_SIZE", size)
            .output()
            .unwrap();
        Ran::new("sccache --start-server".into(), &output).status(0);
        self.pid()
    }

    #[track_caller]
    pub(crate) fn sccfg(&self, args: &[&str]) -> Ran {
        self.sandbox.sccfg(args)
    }

    /// A new shell: what `sccfg hook bash` prints, evaluated by bash; then `script`.
    #[track_caller]
    fn shell(&self, script: &str) -> Ran {
        let output = self.shell_command(script).output().unwrap();
        Ran::new(format!("a shell with {script}"), &output)
    }

    fn shell_command(&self, script: &str) -> Command {
        let mut command = self.sandbox.command("bash");
        let hook = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
        command.args(["-euc", &format!("{hook}\n{script}")]);
        command
    }

    /// What `server status --json` says.
    #[track_caller]
    fn status(&self) -> serde_json::Value {
        let ran = self.sccfg(&["server", "status", "--json"]);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
    }

    /// What sccache itself says of the server's size.
    pub(crate) fn largest(&self) -> u64 {
        let mut stats = self.sandbox.command(&self.sccache);
        let stats = stats.args(["--show-stats", "--stats-format=json"]);
        let json: serde_json::Value =
            serde_json::from_slice(&stats.output().unwrap().stdout).unwrap();
        json["max_cache_size"].as_u64().unwrap()
    }

    /// The processes of all servers of this machine.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let conf = format!("SCCACHE_CONF={}", self.sandbox.path("conf").display());
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let read = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
                let environ = read("environ");
                let variables: Vec<&[u8]> = environ.split(|byte| *byte == 0).collect();
                let has = |variable: &str| variables.contains(&variable.as_bytes());
                has("SCCACHE_START_SERVER=1") && has(&conf)
            })
            .collect()
    }

    /// The one server, once those that were told to stop have gone.
    #[track_caller]
    pub(crate) fn pid(&self) -> u32 {
        let started = Instant::now();
        loop {
            let pids = self.pids();
            if let [pid] = pids[..] {
                return pid;
            }
            assert!(started.elapsed() < Duration::from_secs(15), "{pids:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for pid in self.pids() {
            signal("KILL", pid);
        }
    }
}

pub(crate) fn signal(name: &str, pid: u32) {
    let mut kill = crate::lab::kill();
    let _ = kill.args(["-s", name, &pid.to_string()]).status();
    let stat = format!("/proc/{pid}/stat");
    if name == "STOP" && Path::new(&stat).exists() {
        // The process stops when it is scheduled next.
        wait_until("it stops", || {
            fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "))
        });
    }
}

/// A port on which nothing listens. The system gives none of these to clients and listeners that ask for any (from 32768 on,
/// `ip_local_port_range` in `ip(7)`), so that it is still free a little later.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    loop {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + nth) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// rustc itself rather than rustup's proxy, which looks for toolchains at home.
pub(crate) fn real_rustc() -> PathBuf {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .unwrap();
    Path::new(String::from_utf8(output.stdout).unwrap().trim()).join("bin/rustc")
}

/// A search path on which this sccache comes first, then cargo and rustc themselves rather than
/// rustup's proxies, which look for toolchains at home.
pub(crate) fn path_with(sccache: &Path) -> String {
    let path = std::env::var("PATH").unwrap();
    let directory = sccache.parent().unwrap().display();
    format!(
        "{directory}:{}:{path}",
        real_rustc().parent().unwrap().display()
    )
}

#[requires(sccache, proc)]
#[test]
fn a_mismatched_idle_server_is_restarted_once() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let status = machine.sccfg(&["server", "status"]).status(1);
    status.stdout_has("size 10GiB, not 24GiB");
    let ensure = || machine.sccfg(&["server", "ensure"]).status(0).quiet();
    ensure().stdout_has("it had size 10GiB instead of 24GiB");
    let after = machine.pid();
    assert_ne!(after, before);
    assert_eq!(machine.largest(), 24 * GIB);
    ensure().stdout_has("up to date");
    assert_eq!(machine.pid(), after);
    let status = machine.status();
    assert_eq!(status["pid"], after);
    assert_eq!(status["differences"], serde_json::json!([]));
}

#[requires(sccache, proc)]
#[test]
fn sixty_four_shells_at_once_restart_a_mismatched_server_once() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let script = "sccache --show-stats --stats-format=json; echo; echo $SCCACHE_CACHE_SIZE";
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let ran = machine.shell(script).status(0).quiet();
                let size = format!("\"max_cache_size\":{}", 24 * GIB);
                let ran = ran.stdout_has(&size).stdout_has("25769803776\n");
                drop(ran);
                seen.lock().unwrap().extend(machine.pids());
            });
        }
    });
    let mut seen = seen.into_inner().unwrap();
    assert!(!machine.pids().contains(&before));
    seen.remove(&before);
    assert_eq!(
        Vec::from_iter(seen),
        [machine.pid()],
        "one server came after it"
    );
}

#[requires(sccache, proc)]
#[test]
fn two_projects_that_ask_for_different_sizes_share_the_larger() {
    let machine = Machine::new();
    for (project, size) in [("ten", "10GiB"), ("more", "24GiB")] {
        let policy = format!("[cache]\nsize = \"{size}\"\n");
        machine
            .sandbox
            .write(&format!("{project}/sccfg.toml"), &policy);
    }
    machine.start("10G");
    let enter = |project: &str| {
        let mut shell = machine.shell_command("echo $SCCACHE_CACHE_SIZE");
        let output = shell.current_dir(machine.sandbox.path(project)).output();
        Ran::new(project.to_owned(), &output.unwrap())
            .status(0)
            .quiet()
    };
    enter("ten").stdout_has("10737418240");
    enter("more").stdout_has("25769803776");
    let first = machine.pid();
    for _ in 0..10 {
        enter("ten").stdout_has("25769803776");
        enter("more").stdout_has("25769803776");
    }
    assert_eq!((machine.pid(), machine.largest()), (first, 24 * GIB));
    // With a file, that decides, and both export it.
    machine.file_says(30 * GIB);
    enter("ten").stdout_has("32212254720");
    let first = machine.pid();
    for project in ["more", "ten", "more"] {
        enter(project).stdout_has("32212254720");
    }
    assert_eq!((machine.pid(), machine.largest()), (first, 30 * GIB));
}

/// No server runs in between that would tell which size the cache has.
#[requires(sccache, proc)]
#[test]
fn a_smaller_request_starts_no_smaller_server() {
    let machine = Machine::new();
    let socket = machine.sandbox.path("socket").display().to_string();
    let machine = machine.variable("SCCACHE_SERVER_UDS", &socket);
    let projects = [("tiny", "8MiB"), ("more", "24GiB"), ("less", "12GiB")];
    for (project, size) in projects {
        let policy = format!("[cache]\nsize = \"{size}\"\n");
        let file = format!("{project}/sccfg.toml");
        machine.sandbox.write(&file, &policy);
    }
    machine.sandbox.write("none/sccfg.toml", "");
    let enter = |project: &str, size: u64| {
        let mut shell = machine.shell_command("echo $SCCACHE_CACHE_SIZE");
        let output = shell.current_dir(machine.sandbox.path(project)).output();
        let ran = Ran::new(project.to_owned(), &output.unwrap()).status(0);
        assert_eq!(ran.quiet().stdout, format!("{size}\n"), "{project}");
        assert_eq!(machine.largest(), size, "{project}");
        machine.sccfg(&["server", "stop"]).status(0);
    };
    // Other projects have sccache's default.
    enter("tiny", 10 * GIB);
    enter("more", 24 * GIB);
    for project in ["less", "tiny", "none"] {
        enter(project, 24 * GIB);
    }
}

#[requires(sccache, proc)]
#[test]
fn without_a_file_the_users_own_variables_stay() {
    let machine = Machine::new();
    let socket = machine.sandbox.path("socket").display().to_string();
    let machine = machine.variable("SCCACHE_SERVER_UDS", &socket);
    let dir = machine.sandbox.path("mine").display().to_string();
    machine
        .sandbox
        .write("repo/sccfg.toml", "[cache]\nsize = \"24GiB\"\n");
    machine.sandbox.write("none/sccfg.toml", "");
    let hook = format!("eval \"$('{}' hook bash)\"", env!("CARGO_BIN_EXE_sccfg"));
    let shell = |project: &str, size: Option<&str>| {
        let script = format!("{hook}\necho $SCCACHE_DIR ${{SCCACHE_CACHE_SIZE-unset}}");
        let mut shell = machine.shell_command(&script);
        shell.current_dir(machine.sandbox.path(project));
        shell.env("SCCACHE_DIR", &dir);
        shell.envs(size.map(|size| ("SCCACHE_CACHE_SIZE", size)));
        let ran = Ran::new(format!("{project} {size:?}"), &shell.output().unwrap());
        ran.status(0).quiet().stdout
    };
    assert_eq!(shell("none", Some("5G")), format!("{dir} {}\n", 5 * GIB));
    assert_eq!(shell("none", None), format!("{dir} {}\n", 10 * GIB));
    assert_eq!(shell("repo", Some("5G")), format!("{dir} {}\n", 24 * GIB));
    assert_eq!(shell("repo", Some("50G")), format!("{dir} {}\n", 50 * GIB));
    assert_eq!(machine.largest(), 50 * GIB);
    let location = machine.status()["location"].to_string();
    assert!(location.contains(&dir), "{location}");
}

#[requires(sccache, proc)]
#[test]
fn a_server_that_is_killed_between_two_shells_is_started_again() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let before = machine.start("24G");
    machine.shell("").status(0).quiet();
    signal("KILL", before);
    // Without a program, the process has ended.
    let program = format!("/proc/{before}/exe");
    wait_until("the server has ended", || fs::read_link(&program).is_err());
    // The next one says nothing, and a server that is asked for is the right one.
    machine.shell("").status(0).quiet();
    machine
        .sccfg(&["server", "ensure"])
        .status(0)
        .stdout_has("started");
    assert_eq!(machine.largest(), 24 * GIB);
    assert_ne!(machine.pid(), before);
}

#[requires(sccache, proc, strace, ptrace)]
#[test]
fn a_matching_server_costs_a_shell_neither_a_process_nor_a_connection() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    machine.sccfg(&["server", "ensure"]).status(0);
    let trace = machine.sandbox.path("trace");
    let output = machine
        .sandbox
        .command("strace")
        .args(["-f", "-e", "trace=process,network", "-o"])
        .arg(&trace)
        .args([env!("CARGO_BIN_EXE_sccfg"), "hook", "bash"])
        .output()
        .unwrap();
    Ran::new("strace".into(), &output).status(0);
    let trace = fs::read_to_string(trace).unwrap();
    for call in ["clone(", "clone3(", "fork(", "socket(", "connect("] {
        assert!(!trace.contains(call), "{trace}");
    }
    assert_eq!(trace.matches("execve(").count(), 1, "{trace}");
}

#[requires(sccache, proc)]
#[test]
fn a_server_of_ours_keeps_what_back_ends_need_and_nothing_of_the_shell() {
    let machine = Machine::new();
    let machine = machine
        .variable("AWS_REGION", "somewhere")
        .variable("TMPDIR", "/tmp/going-away")
        .variable("PROJECT_SECRET", "x");
    machine.file_says(24 * GIB);
    machine.sccfg(&["server", "start"]).status(0);
    let environ = fs::read(format!("/proc/{}/environ", machine.pid())).unwrap();
    let environ = String::from_utf8_lossy(&environ);
    assert!(environ.contains("AWS_REGION=somewhere") && environ.contains("HOME="));
    assert!(environ.contains("SCCACHE_IDLE_TIMEOUT=7200"), "{environ}");
    assert!(!environ.contains("going-away") && !environ.contains("PROJECT_SECRET"));
    let directory = fs::read_link(format!("/proc/{}/cwd", machine.pid())).unwrap();
    assert_eq!(directory, Path::new("/"));
}

#[requires(sccache, proc)]
#[test]
fn start_stop_and_restart_say_what_they_did() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let server = |verb| machine.sccfg(&["server", verb]).status(0);
    server("stop").stdout_has(&format!(
        "the sccache server at port {} is not running",
        machine.port
    ));
    server("status").stdout_has("not running");
    server("start").stdout_has("started");
    let first = machine.pid();
    server("start").stdout_has("already running");
    assert_eq!(machine.pid(), first);
    server("restart").stdout_has("restarted");
    assert_ne!(machine.pid(), first);
    server("stop").stdout_has("stopped");
    assert_eq!(machine.pids(), [0_u32; 0]);
    let ran = machine.sccfg(&["server", "ensure", "--json"]).status(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["done"], "started");
    assert_eq!(json["address"]["port"], machine.port);
}

/// The server is started in `/`, where the path would be another one.
#[requires(sccache, proc)]
#[test]
fn a_relative_socket_is_that_of_the_current_directory() {
    let machine = Machine::new().variable("SCCACHE_SERVER_UDS", "socket");
    machine.file_says(24 * GIB);
    let socket = machine.sandbox.path("socket").display().to_string();
    machine
        .sccfg(&["server", "start"])
        .status(0)
        .stdout_has(&format!("started the sccache server at socket {socket}"));
    machine.pid();
    assert_eq!(machine.largest(), 24 * GIB);
    machine
        .sccfg(&["server", "start"])
        .status(0)
        .stdout_has(&format!(
            "the sccache server at socket {socket} is already running"
        ));
    machine.sccfg(&["server", "stop"]).status(0);
    assert_eq!(machine.pids(), [0_u32; 0]);
}

/// Why a server is restarted or not is a decision, which `--verbose` prints.
#[requires(sccache, proc)]
#[test]
fn verbose_prints_the_decision_about_the_server() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    machine
        .sccfg(&["-v", "server", "ensure"])
        .status(0)
        .stderr_has("sccfg: sccache is ")
        .stderr_has("sccfg: no server is running at ");
    machine
        .sccfg(&["-v", "server", "ensure"])
        .status(0)
        .stderr_has("is up to date");
}

/// A unit stops what runs at its address before it starts, while the process that restarts it holds the
/// lock.
#[requires(sccache, proc, strace, ptrace)]
#[test]
fn a_stop_where_nothing_listens_takes_no_lock() {
    let machine = Machine::new();
    let trace = machine.sandbox.path("trace");
    for args in [&["server", "stop", "--wait", "0"][..], &["server", "stop"]] {
        let mut strace = machine.sandbox.command("strace");
        strace
            .args(["-f", "-qq", "-e", "trace=flock", "-o"])
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_sccfg"))
            .args(args);
        let ran = Ran::new(format!("{args:?}"), &strace.output().unwrap());
        ran.status(0).stdout_has("not running");
        assert_eq!(fs::read_to_string(&trace).unwrap(), "", "{args:?}");
    }
}

#[requires(sccache, proc)]
#[test]
fn no_decision_depends_on_the_clock() {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    machine.sccfg(&["server", "ensure"]).status(0);
    let before = machine.pid();
    // As after a step of the clock: what is kept seems older than the machine, or not yet made.
    for date in ["1990-01-01", "2090-01-01"] {
        for entry in fs::read_dir(machine.sandbox.path("run/sccfg")).unwrap() {
            let mut touch = Command::new("touch");
            let touch = touch.args(["-d", date]).arg(entry.unwrap().path());
            assert!(touch.status().unwrap().success());
        }
        machine.shell("").status(0).quiet();
        machine
            .sccfg(&["server", "ensure"])
            .status(0)
            .stdout_has("up to date");
        assert_eq!(machine.pid(), before);
    }
    // What is kept may also be lost, or be nonsense.
    machine.sandbox.write(
        &format!("run/sccfg/port-{}.json", machine.port),
        "{\"process\": 7",
    );
    machine.shell("").status(0).quiet();
    assert_eq!(machine.pid(), before);
}

#[requires(sccache, sccache_with_levels, proc)]
#[test]
fn sccache_is_asked_once_for_what_it_alone_knows() {
    let machine = Machine::new();
    let dir = machine.sandbox.path("cache");
    let text = format!(
        "[cache.disk]\ndir = '{}'\nsize = 5368709120\n[cache.multilevel]\nchain = [\"disk\"]\n",
        dir.display()
    );
    machine.start("10G");
    machine.sandbox.write("conf", &text);
    machine
        .sccfg(&["server", "ensure"])
        .status(0)
        .stdout_has("restarted");
    let after = machine.pid();
    machine.shell("").status(0).quiet();
    machine
        .sccfg(&["server", "ensure"])
        .status(0)
        .stdout_has("up to date");
    assert_eq!(machine.pid(), after);
    let memo = machine
        .sandbox
        .read(&format!("run/sccfg/port-{}.json", machine.port));
    assert!(memo.contains("Multi-level"), "{memo}");
}

#[requires(sccache, direnv, proc)]
#[test]
fn direnv_takes_the_hook_and_sees_no_change_from_one_reload_to_the_next() {
    enter_by_direnv(&format!(
        "eval \"$('{}' hook bash)\"\n",
        env!("CARGO_BIN_EXE_sccfg")
    ));
}

#[requires(sccache, direnv, proc)]
#[test]
fn direnv_takes_the_hook_of_a_flake_as_well() {
    let hook = HookText {
        size: None,
        incremental: Incremental::Off,
        settings: Settings::InPolicy,
    };
    let directory = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
    let path = format!("PATH='{}':$PATH\n", directory.display());
    enter_by_direnv(&(path + &hook.render()));
}

fn enter_by_direnv(hook: &str) {
    let machine = Machine::new();
    machine.file_says(24 * GIB);
    let before = machine.start("10G");
    machine.sandbox.write("repo/.envrc", hook);
    machine.sandbox.write("repo/sccfg.toml", "");
    let direnv = |args: &[&str], inherited: &[(String, String)]| {
        // direnv waits for whoever holds its pipe: a server must not.
        let mut direnv = machine.sandbox.command("timeout");
        direnv
            .args(["60", "direnv"])
            .args(args)
            .current_dir(machine.sandbox.path("repo"))
            .envs(inherited.iter().map(|(name, value)| (name, value)));
        Ran::new(format!("direnv {args:?}"), &direnv.output().unwrap()).status(0)
    };
    direnv(&["allow"], &[]);
    let read = |ran: &Ran| -> std::collections::BTreeMap<String, Option<String>> {
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let first = read(&direnv(&["export", "json"], &[]));
    assert_eq!(first["SCCACHE_CACHE_SIZE"].as_deref(), Some("25769803776"));
    assert_eq!(first["CARGO_INCREMENTAL"].as_deref(), Some("0"));
    assert_ne!(machine.pid(), before);
    let inherited: Vec<(String, String)> = first
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let mut touch = Command::new("touch");
    let envrc = machine.sandbox.path("repo/.envrc");
    touch
        .args(["-d", "2090-01-01"])
        .arg(envrc)
        .status()
        .unwrap();
    let again = direnv(&["export", "json"], &inherited);
    let changed = read(&again);
    let ours = changed.keys().filter(|name| !name.starts_with("DIRENV_"));
    assert_eq!(ours.count(), 0, "{}", again.stdout);
}
