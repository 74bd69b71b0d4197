//! The service under a systemd of its own, in a namespace where `/run` is empty: what sd-switch, and
//! what the activation does to a server that runs as a unit.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::HomeManager;
use super::switch::Home;
use crate::server::{free_port, signal};
use crate::support::{Ran, wait_until};
use indoc::formatdoc;

const GIB: u64 = 1 << 30;
const SYSTEMD: &str = "/usr/lib/systemd/systemd";
/// Its runtime directory, in the namespace.
const RUNTIME: &str = "/run/user/0";
const SERVICE: &str = "service.enable = true;";

mod stub {
    use super::{
        HomeManager, a_failing_unit_is_reported, a_password_comes_from_a_file, a_server_is_kept,
        a_unit_changes_its_address, an_agent_s_script_serves, another_server_makes_room,
        variables_of_the_manager_do_not_count,
    };

    #[requires(nix, sccache, redis_server)]
    #[test]
    fn an_agent_s_script_runs_a_server_with_the_stub() {
        an_agent_s_script_serves(HomeManager::Stub);
    }

    #[requires(nix, sccache, root, systemd, cgroups, nsenter, redis_server)]
    #[test]
    fn a_unit_s_server_gets_its_password_from_a_file_with_the_stub() {
        a_password_comes_from_a_file(HomeManager::Stub);
    }

    #[requires(nix, sccache, root, systemd, cgroups, nsenter)]
    #[test]
    fn a_unit_s_server_is_restarted_once_idle_with_the_stub() {
        a_server_is_kept(HomeManager::Stub);
    }

    #[requires(nix, sccache, root, systemd, cgroups, nsenter)]
    #[test]
    fn another_server_makes_room_for_the_unit_s_with_the_stub() {
        another_server_makes_room(HomeManager::Stub);
    }

    #[requires(nix, sccache, root, systemd, cgroups, nsenter)]
    #[test]
    fn a_unit_gets_its_new_address_once_idle_with_the_stub() {
        a_unit_changes_its_address(HomeManager::Stub);
    }

    #[requires(nix, sccache, root, systemd, cgroups, nsenter)]
    #[test]
    fn a_unit_ignores_variables_of_the_manager_with_the_stub() {
        variables_of_the_manager_do_not_count(HomeManager::Stub);
    }

    #[requires(nix, sccache, root, systemd, cgroups, nsenter, redis_server)]
    #[test]
    fn a_unit_that_fails_is_reported_with_its_reason_with_the_stub() {
        a_failing_unit_is_reported(HomeManager::Stub);
    }
}

mod real {
    use super::{
        HomeManager, a_failing_unit_is_reported, a_password_comes_from_a_file, a_server_is_kept,
        a_unit_changes_its_address, an_agent_s_script_serves, another_server_makes_room,
        variables_of_the_manager_do_not_count,
    };

    #[requires(nix, sccache, redis_server, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn an_agent_s_script_runs_a_server() {
        an_agent_s_script_serves(HomeManager::real());
    }

    #[requires(
        nix,
        sccache,
        root,
        systemd,
        cgroups,
        nsenter,
        redis_server,
        SCCFG_NIXPKGS_LIB,
        SCCFG_HOME_MANAGER,
        sd_switch
    )]
    #[test]
    fn a_unit_s_server_gets_its_password_from_a_file() {
        a_password_comes_from_a_file(HomeManager::real());
    }

    #[requires(
        nix,
        sccache,
        root,
        systemd,
        cgroups,
        nsenter,
        SCCFG_NIXPKGS_LIB,
        SCCFG_HOME_MANAGER,
        sd_switch
    )]
    #[test]
    fn a_unit_s_server_is_restarted_once_idle() {
        a_server_is_kept(HomeManager::real());
    }

    #[requires(
        nix,
        sccache,
        root,
        systemd,
        cgroups,
        nsenter,
        SCCFG_NIXPKGS_LIB,
        SCCFG_HOME_MANAGER,
        sd_switch
    )]
    #[test]
    fn another_server_makes_room_for_the_unit_s() {
        another_server_makes_room(HomeManager::real());
    }

    #[requires(
        nix,
        sccache,
        root,
        systemd,
        cgroups,
        nsenter,
        SCCFG_NIXPKGS_LIB,
        SCCFG_HOME_MANAGER,
        sd_switch
    )]
    #[test]
    fn a_unit_gets_its_new_address_once_idle() {
        a_unit_changes_its_address(HomeManager::real());
    }

    #[requires(
        nix,
        sccache,
        root,
        systemd,
        cgroups,
        nsenter,
        SCCFG_NIXPKGS_LIB,
        SCCFG_HOME_MANAGER,
        sd_switch
    )]
    #[test]
    fn a_unit_ignores_variables_of_the_manager() {
        variables_of_the_manager_do_not_count(HomeManager::real());
    }

    #[requires(
        nix,
        sccache,
        root,
        systemd,
        cgroups,
        nsenter,
        redis_server,
        SCCFG_NIXPKGS_LIB,
        SCCFG_HOME_MANAGER,
        sd_switch
    )]
    #[test]
    fn a_unit_that_fails_is_reported_with_its_reason() {
        a_failing_unit_is_reported(HomeManager::real());
    }
}

/// A user who is logged in.
struct Session {
    home: Home,
    systemd: Child,
    is_stub: bool,
}

impl Session {
    fn new(home_manager: HomeManager) -> Self {
        let is_stub = matches!(home_manager, HomeManager::Stub);
        let mut home = Home::new(home_manager);
        let script = formatdoc!(
            "
                set -e
                mount -t tmpfs tmpfs /run
                mkdir -p /run/systemd/system {RUNTIME}
                chmod 700 {RUNTIME}
                for root in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
                [ -e $root/cgroup.procs ] || continue
                mkdir -p $root/sccfg-test-$1/user@0.service
                echo $$ >$root/sccfg-test-$1/user@0.service/cgroup.procs
                done
                exec {SYSTEMD} --user --log-target=console"
        );
        let mut systemd = home.command("unshare");
        let systemd = systemd
            .args(["--mount", "--propagation", "private", "bash", "-c"])
            .args([&script, "bash", &home.port.to_string()])
            .env("XDG_RUNTIME_DIR", RUNTIME)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        home.inside = Some(systemd.id());
        let mut session = Self {
            home,
            systemd,
            is_stub,
        };
        let started = Instant::now();
        while session.systemctl(&["is-system-running"]).stdout.trim() != "running" {
            let ended = session.systemd.try_wait().unwrap();
            assert!(ended.is_none(), "systemd does not run here: {ended:?}");
            assert!(started.elapsed() < Duration::from_secs(30), "no systemd");
            std::thread::sleep(Duration::from_millis(50));
        }
        session
    }

    #[track_caller]
    fn systemctl(&self, args: &[&str]) -> Ran {
        let mut command = self.home.command("systemctl");
        let output = command
            .arg("--user")
            .args(args)
            .env("XDG_RUNTIME_DIR", RUNTIME)
            .output()
            .unwrap();
        Ran::new(format!("systemctl --user {}", args.join(" ")), &output)
    }

    /// `home-manager switch`, with a cache of this size and these lines.
    #[track_caller]
    fn switch(&self, size: &str, more: &str) -> Ran {
        let lines = format!("{}{more}", self.home.cache(size));
        let activate = self.home.generation(&lines).join("activate");
        if self.is_stub {
            // What sd-switch does with this unit is left to the test.
            let files = activate.with_file_name("home-files/.config/systemd");
            let mut copy = self.home.command("cp");
            let to = self.home.sandbox.path("home/.config");
            std::fs::create_dir_all(&to).unwrap();
            let output = copy
                .args(["-rLT", "--remove-destination"])
                .arg(files)
                .arg(to.join("systemd"))
                .output();
            Ran::new("cp".to_owned(), &output.unwrap()).status(0);
            self.systemctl(&["daemon-reload"]).status(0);
            self.systemctl(&["start", "sccache.service"]).status(0);
        }
        let mut activate = self.home.command(activate);
        let output = activate.env("XDG_RUNTIME_DIR", RUNTIME).output().unwrap();
        Ran::new("activate".to_owned(), &output).status(0)
    }

    /// `sccfg` in a shell of this session.
    #[track_caller]
    fn sccfg(&self, args: &[&str]) -> Ran {
        self.run(self.home.command(env!("CARGO_BIN_EXE_sccfg")), args)
    }

    /// The same, and what it did with locks.
    #[track_caller]
    fn traced(&self, args: &[&str]) -> (Ran, String) {
        let trace = self.home.sandbox.path("locks");
        let mut strace = self.home.command("strace");
        strace
            .args(["-f", "-qq", "-e", "trace=flock", "-o"])
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_sccfg"));
        let ran = self.run(strace, args);
        (ran, self.home.sandbox.read("locks"))
    }

    /// The findings of `sccfg doctor`.
    fn doctor(&self) -> String {
        self.sccfg(&["doctor"]).stdout
    }

    /// Restarts the unit, which systemd then starts again and again.
    #[track_caller]
    fn fails_to_restart(&self) {
        self.systemctl(&["restart", "sccache"]);
        wait_until("the unit's failure", || {
            self.property("SubState").starts_with("auto-restart")
        });
    }

    fn run(&self, mut command: Command, args: &[&str]) -> Ran {
        let command = command
            .args(args)
            .env("SCCACHE_SERVER_PORT", self.home.port.to_string())
            .env("XDG_RUNTIME_DIR", RUNTIME)
            .env("RUSTC_WRAPPER", &self.home.sccache);
        Ran::new(
            format!("sccfg {}", args.join(" ")),
            &command.output().unwrap(),
        )
    }

    fn property(&self, name: &str) -> String {
        let shown = self.systemctl(&["show", "--property", name, "--value", "sccache"]);
        shown.stdout.trim().to_owned()
    }

    /// The process of the unit, once it listens.
    #[track_caller]
    fn unit(&self) -> u32 {
        let started = Instant::now();
        loop {
            let pid = self.property("MainPID").parse().unwrap_or_default();
            if pid != 0 && self.home.pids() == [pid] && self.listens() {
                return pid;
            }
            assert!(
                started.elapsed() < Duration::from_secs(40),
                "servers {:?}\n{}",
                self.home.pids(),
                self.systemctl(&["status", "sccache"]).stdout
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether a server has created the socket of this session.
    fn has_socket(&self) -> bool {
        let mut test = self.home.command("test");
        let test = test.args(["-S", &format!("{RUNTIME}/sccache.sock")]);
        test.status().unwrap().success()
    }

    fn listens(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.home.port)).is_ok()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.home.sandbox.write("let-go", "");
        signal("TERM", self.systemd.id());
        let started = Instant::now();
        while self.systemd.try_wait().is_ok_and(|it| it.is_none()) {
            if started.elapsed() > Duration::from_secs(10) {
                let _ = self.systemd.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for root in ["", "/systemd", "/unified"] {
            let group = format!("/sys/fs/cgroup{root}/sccfg-test-{}", self.home.port);
            let _ = Command::new("find")
                .args([&group, "-depth", "-type", "d", "-delete"])
                .stderr(Stdio::null())
                .status();
        }
    }
}

fn a_server_is_kept(home_manager: HomeManager) {
    let session = Session::new(home_manager);
    let home = &session.home;
    session.switch("24GiB", SERVICE);
    let before = session.unit();
    assert_eq!(home.largest(), 24 * GIB);

    let compile = home.compile();
    session
        .switch("30GiB", SERVICE)
        .stdout_has("keeps its old settings");
    assert_eq!((session.unit(), home.largest()), (before, 24 * GIB));
    home.let_go(compile);

    // A dev shell may be faster than the next switch, and does it through systemd, too.
    let (ran, locks) = session.traced(&["server", "ensure"]);
    ran.status(0).stdout_has("restarted");
    // Having the lock, it does not wait for it.
    assert!(
        locks.contains("LOCK_EX") && !locks.contains("EAGAIN"),
        "{locks}"
    );
    let after = session.unit();
    assert_ne!(after, before);
    assert_eq!(home.largest(), 30 * GIB);

    // Nothing is done without need, and a setting that no server tells of is need enough.
    session.switch("30GiB", SERVICE);
    assert_eq!(session.unit(), after);
    let more = format!("{SERVICE}settings.server_startup_timeout_ms = 20000;");
    session.switch("30GiB", &more);
    assert_ne!(session.unit(), after);

    // It does not end by itself, and `stop` is for good, also in a shell of `su`, which knows no session.
    let mut su = home.command(env!("CARGO_BIN_EXE_sccfg"));
    let su = su
        .args(["server", "stop"])
        .env("SCCACHE_SERVER_PORT", home.port.to_string())
        .env("RUSTC_WRAPPER", &home.sccache);
    Ran::new("su -c".to_owned(), &su.output().unwrap()).status(0);
    let state = session.systemctl(&["is-active", "sccache"]).stdout;
    assert_eq!(state.trim(), "inactive");
    assert!(home.pids().is_empty());
}

fn another_server_makes_room(home_manager: HomeManager) {
    let session = Session::new(home_manager);
    let home = &session.home;
    // A build started one before there was a service, and is still at it.
    let before = home.start();
    let compile = home.compile();
    session.switch("24GiB", SERVICE);
    // The unit found the address taken, and waits for its next turn.
    wait_until("the unit's first turn", || {
        session.property("SubState") == "auto-restart"
    });
    assert_eq!(home.pids(), [before]);
    home.let_go(compile);
    assert_ne!(session.unit(), before);
    assert_eq!(home.largest(), 24 * GIB);
}

/// Of two servers on one directory, each would evict what the other has stored.
fn a_unit_changes_its_address(home_manager: HomeManager) {
    let session = Session::new(home_manager);
    let home = &session.home;
    session.switch("24GiB", SERVICE);
    let before = session.unit();

    let compile = home.compile();
    let socket = format!("{SERVICE}service.socket = true;");
    session
        .switch("24GiB", &socket)
        .stdout_has("keeps its old address");
    assert_eq!(session.unit(), before);
    assert!(!session.has_socket());
    home.let_go(compile);

    session.switch("24GiB", &socket);
    wait_until("the socket", || session.has_socket());
    let after = home.pid();
    assert_ne!(after, before);
    assert_eq!(session.property("MainPID"), after.to_string());
    assert!(!session.listens());
    session.switch("24GiB", &socket);
    assert_eq!(session.property("MainPID"), after.to_string());

    session.switch("24GiB", SERVICE);
    session.unit();
}

/// Sessions import their environment into the manager, with what a dev shell has set in it.
fn variables_of_the_manager_do_not_count(home_manager: HomeManager) {
    let session = Session::new(home_manager);
    session
        .systemctl(&[
            "set-environment",
            "SCCACHE_SERVER_UDS=/run/user/0/sccache.sock",
            "SCCACHE_DIR=/nowhere",
            "SCCACHE_CACHE_SIZE=5G",
        ])
        .status(0);
    session.switch("24GiB", SERVICE);
    session.unit();
    assert_eq!(session.home.largest(), 24 * GIB);
    assert!(!session.has_socket());
}

/// A Redis with a password, and the file that holds it; gone with this.
struct Redis {
    process: Child,
    lines: String,
}

impl Redis {
    const PASSWORD: &str = "pa$$ 'w%rd";

    fn new(home: &Home) -> Self {
        let port = free_port().to_string();
        let process = Command::new("redis-server")
            .current_dir(home.sandbox.path(""))
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
            .args(["--requirepass", Self::PASSWORD])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        home.sandbox.write(
            "secret",
            &format!("# it\nSCCACHE_REDIS_PASSWORD=\"{}\"\n", Self::PASSWORD),
        );
        let file = home.sandbox.path("secret");
        let lines = format!(
            "service.enable = true; remote.redis = {{ endpoint = \"redis://127.0.0.1:{port}\"; \
             db = 1; environmentFile = \"{}\"; }};",
            file.display()
        );
        Self { process, lines }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// That what was compiled once is found in Redis.
#[track_caller]
fn finds_in_redis(home: &Home) {
    for _ in 0..2 {
        let compile = home.compile();
        home.let_go(compile);
    }
    let stats = home.counters();
    let location = stats["cache_location"].as_str().unwrap();
    assert!(location.starts_with("redis"), "{stats}");
    assert_eq!(stats["stats"]["cache_hits"]["counts"]["Rust"], 1, "{stats}");
}

fn a_password_comes_from_a_file(home_manager: HomeManager) {
    let session = Session::new(home_manager);
    let redis = Redis::new(&session.home);
    // It would not start without the password.
    session.switch("24GiB", &redis.lines);
    session.unit();
    finds_in_redis(&session.home);
}

fn a_failing_unit_is_reported(home_manager: HomeManager) {
    let session = Session::new(home_manager);
    let sandbox = &session.home.sandbox;
    let redis = Redis::new(&session.home);
    session.switch("24GiB", &redis.lines);
    session.unit();
    assert!(!session.doctor().contains("S026"));

    let secret = sandbox.read("secret");
    std::fs::remove_file(sandbox.path("secret")).unwrap();
    session.fails_to_restart();
    let file = sandbox.path("secret").display().to_string();
    let missing = format!("again and again: its environment file {file} does not exist");
    let told = session.doctor();
    assert!(
        told.contains("error[S026]") && told.contains(&missing),
        "{told}"
    );
    let status = session.sccfg(&["server", "status"]).status(1);
    status.stdout_has(&missing);

    sandbox.write("secret", &secret);
    drop(redis);
    session.fails_to_restart();
    let told = session.doctor();
    assert!(told.contains("again and again: exit status 2"), "{told}");

    // `stop` is no failure.
    session.systemctl(&["stop", "sccache"]).status(0);
    assert!(!session.doctor().contains("S026"));
}

/// launchd runs nowhere but on macOS; the script that it starts is one for bash.
fn an_agent_s_script_serves(home_manager: HomeManager) {
    let home = Home::new(home_manager);
    let redis = Redis::new(&home);
    let generation = home.generation_for("darwin", &redis.lines);
    let script = generation.join("home-files/.local/share/sccfg/sccache-server");
    // One that a build started makes room for it.
    let before = home.start();
    let mut server = home.command(script);
    let mut server = server.stdout(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while home.pids() != [server.id()] || TcpStream::connect(("127.0.0.1", home.port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "no server");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_ne!(server.id(), before);
    finds_in_redis(&home);
    signal("TERM", server.id());
    server.wait().unwrap();
}
