//! `home-manager switch`: the generation is built and activated in a scratch home, and sccache reads
//! what it finds there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{HomeManager, Nix, build, nix, nix_path, user};
use crate::server::{free_port, real_rustc, signal};
use crate::support::{Ran, Sandbox, other_sccache, sccache};
use indoc::formatdoc;

mod stub {
    use super::{HomeManager, a_build_survives, a_dry_run_does_nothing, sccache_reads_the_file};

    #[requires(nix, sccache, other_sccache)]
    #[test]
    fn sccache_reads_what_a_switch_wrote_with_the_stub() {
        sccache_reads_the_file(HomeManager::Stub);
    }

    #[requires(nix, sccache)]
    #[test]
    fn a_build_survives_a_switch_with_the_stub() {
        a_build_survives(HomeManager::Stub);
    }

    #[requires(nix, sccache)]
    #[test]
    fn a_dry_run_does_nothing_with_the_stub() {
        a_dry_run_does_nothing(HomeManager::Stub);
    }
}

mod real {
    use super::{HomeManager, a_build_survives, a_dry_run_does_nothing, sccache_reads_the_file};

    #[requires(nix, sccache, other_sccache, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn sccache_reads_what_a_switch_wrote() {
        sccache_reads_the_file(HomeManager::real());
    }

    #[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn a_build_survives_a_switch() {
        a_build_survives(HomeManager::real());
    }

    #[requires(nix, sccache, SCCFG_NIXPKGS_LIB, SCCFG_HOME_MANAGER)]
    #[test]
    fn a_dry_run_does_nothing_at_all() {
        a_dry_run_does_nothing(HomeManager::real());
    }
}

/// A home that home-manager looks after, with a server's address of its own.
pub(super) struct Home {
    pub(super) sandbox: Sandbox,
    pub(super) nix: &'static Nix,
    by: HomeManager,
    pub(super) sccache: PathBuf,
    pub(super) port: u16,
    /// The process whose view of the files commands get, where that is not this one's.
    pub(super) inside: Option<u32>,
}

impl Home {
    pub(super) fn new(home_manager: HomeManager) -> Self {
        let (nix, sccache) = (nix(), sccache());
        let sandbox = Sandbox::new().variable("USER", &user());
        // Where Nix puts the profile of a user who asks for XDG's directories.
        let profiles = sandbox.path("home/.local/state/nix/profiles");
        fs::create_dir_all(&profiles).unwrap();
        let profile = sandbox.path("home/.nix-profile");
        std::os::unix::fs::symlink(profiles.join("profile"), profile).unwrap();
        Self {
            sandbox,
            nix,
            by: home_manager,
            sccache,
            port: free_port(),
            inside: None,
        }
    }

    /// Builds the generation of a configuration with these lines in `programs.sccache`.
    #[track_caller]
    pub(super) fn generation(&self, lines: &str) -> PathBuf {
        self.generation_for("linux", lines)
    }

    /// The same for `linux` or `darwin`, with the programs of this machine in either case.
    #[track_caller]
    pub(super) fn generation_for(&self, system: &str, lines: &str) -> PathBuf {
        self.sandbox.write(
            "home.nix",
            &formatdoc!(
                "
                    {{ pkgs, ... }}: {{
                    home.sessionVariables.SCCACHE_SERVER_PORT = {};
                    programs.sccache = {{
                    enable = true;
                    sccfgPackage = pkgs.sccfg-built;
                    {lines}
                    }};
                    }}
                ",
                self.port
            ),
        );
        let expression = format!(
            "(({}) {{ configuration = {}; darwin = {}; }}).activationPackage",
            self.by
                .evaluate(self.nix, &user(), &self.sandbox.path("home")),
            nix_path(&self.sandbox.path("home.nix")),
            system == "darwin"
        );
        build(self.nix, &self.sandbox, &expression)
    }

    /// The lines for a cache of this size.
    pub(super) fn cache(&self, size: &str) -> String {
        let dir = self.sandbox.path("cache");
        format!(
            "cache = {{ size = {size:?}; dir = \"{}\"; }};",
            dir.display()
        )
    }

    /// A command of the user's, with Nix, outside of any session.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let program = program.as_ref().to_str().unwrap();
        let mut command = match self.inside {
            None => self.nix.user(&self.sandbox, program),
            Some(pid) => {
                let mut enter = self.nix.user(&self.sandbox, "nsenter");
                enter
                    .args(["--mount", "--target", &pid.to_string()])
                    .arg(format!("--wd={}", self.sandbox.path("").display()))
                    .args(["--", program]);
                enter
            }
        };
        for name in [
            "SCCACHE_SERVER_PORT",
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Builds and activates.
    #[track_caller]
    pub(super) fn switch(&self, lines: &str) -> Ran {
        let activate = self.generation(lines).join("activate");
        let output = self.command(activate).output().unwrap();
        Ran::new("activate".to_owned(), &output).status(0)
    }

    /// What this sccache reads in the file of this home, as it prints it.
    #[track_caller]
    fn stats(&self, sccache: &Path) -> String {
        let output = self
            .command(sccache)
            .arg("--show-stats")
            .env("SCCACHE_SERVER_PORT", free_port().to_string())
            .output()
            .unwrap();
        Ran::new("sccache --show-stats".to_owned(), &output)
            .status(0)
            .stdout
    }

    /// A server as the first build of a session starts it.
    #[track_caller]
    pub(super) fn start(&self) -> u32 {
        let output = self
            .command(&self.sccache)
            .arg("--start-server")
            .env("SCCACHE_SERVER_PORT", self.port.to_string())
            .output()
            .unwrap();
        Ran::new("sccache --start-server".into(), &output).status(0);
        self.pid()
    }

    /// What the running server says of itself.
    pub(super) fn counters(&self) -> serde_json::Value {
        let mut stats = self.command(&self.sccache);
        let output = stats
            .args(["--show-stats", "--stats-format=json"])
            .env("SCCACHE_SERVER_PORT", self.port.to_string())
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Its size.
    pub(super) fn largest(&self) -> u64 {
        self.counters()["max_cache_size"].as_u64().unwrap()
    }

    /// A compile through the server that goes on until the file `let-go` is there; returns once it
    /// is under way.
    pub(super) fn compile(&self) -> Child {
        let (mark, let_go) = (self.sandbox.path("compiling"), self.sandbox.path("let-go"));
        self.sandbox.write(
            "bin/rustc",
            &format!(
                "#!/bin/sh\ncase $* in *link*) : >'{}'; n=0; while [ ! -e '{}' ] && [ $n -lt 600 ]; \
                 do sleep 0.1; n=$((n + 1)); done ;; esac\nexec '{}' \"$@\"\n",
                mark.display(),
                let_go.display(),
                real_rustc().display()
            ),
        );
        let rustc = self.sandbox.path("bin/rustc");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&rustc, mode).unwrap();
        self.sandbox.write("slow.rs", "pub fn slow() {}\n");
        fs::create_dir_all(self.sandbox.path("out")).unwrap();
        let child = self
            .command(&self.sccache)
            .env("SCCACHE_SERVER_PORT", self.port.to_string())
            .arg(rustc)
            .args(["--crate-name", "slow", "--crate-type", "lib"])
            .args(["--emit=dep-info,link", "--out-dir", "out", "slow.rs"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while !mark.exists() {
            assert!(started.elapsed() < Duration::from_secs(30), "no compile");
            std::thread::sleep(Duration::from_millis(20));
        }
        child
    }

    /// Lets the compile end.
    #[track_caller]
    pub(super) fn let_go(&self, mut compile: Child) {
        self.sandbox.write("let-go", "");
        assert!(compile.wait().unwrap().success());
        assert!(self.sandbox.exists("out/libslow.rlib"));
    }

    /// The processes of the servers at this home's address.
    pub(super) fn pids(&self) -> Vec<u32> {
        let address = format!("SCCACHE_SERVER_PORT={}", self.port);
        let is_server = |pid: &u32| {
            let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environ.split(|byte| *byte == 0);
            variables.clone().any(|it| it == b"SCCACHE_START_SERVER=1")
                && variables.any(|it| it == address.as_bytes())
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(is_server)
            .collect()
    }

    /// The one server, once those that were told to stop have gone.
    #[track_caller]
    pub(super) fn pid(&self) -> u32 {
        let started = Instant::now();
        loop {
            let pids = self.pids();
            if let [pid] = pids[..] {
                return pid;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{pids:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.sandbox.write("let-go", "");
        for pid in self.pids() {
            signal("KILL", pid);
        }
    }
}

fn sccache_reads_the_file(home_manager: HomeManager) {
    let home = Home::new(home_manager);
    home.switch(&home.cache("24GiB"));
    let file = home.sandbox.path("home/.config/sccache/config");
    assert!(file.is_symlink(), "home-manager links it");
    let cache = home.sandbox.path("cache");
    for sccache in [home.sccache.clone(), other_sccache()] {
        let stats = home.stats(&sccache);
        let said = |name: &str| {
            let line = stats.lines().find(|line| line.starts_with(name)).unwrap();
            line[name.len()..].trim().to_owned()
        };
        assert_eq!(said("Max cache size"), "24 GiB", "{}", sccache.display());
        assert_eq!(
            said("Cache location"),
            format!("Local disk: \"{}\"", cache.display())
        );
    }
    if let HomeManager::Real(..) = home.by {
        // Without settings, the file goes again.
        home.switch("");
        assert!(!file.is_symlink());
    }
}

fn a_build_survives(home_manager: HomeManager) {
    const GIB: u64 = 1 << 30;
    let home = Home::new(home_manager);
    // Without a server, none is started.
    home.switch(&home.cache("24GiB"));
    assert!(home.pids().is_empty());
    let before = home.start();
    let compile = home.compile();
    home.switch(&home.cache("30GiB"))
        .stdout_has("keeps its old settings")
        .stderr_has("is in use; left it running");
    assert_eq!((home.pid(), home.largest()), (before, 24 * GIB));
    home.let_go(compile);
    home.switch(&home.cache("30GiB"));
    assert_ne!(home.pid(), before);
    assert_eq!(home.largest(), 30 * GIB);
    // And is left alone when there is nothing to do.
    let after = home.pid();
    home.switch(&home.cache("30GiB"));
    assert_eq!(home.pid(), after);
}

fn a_dry_run_does_nothing(home_manager: HomeManager) {
    let home = Home::new(home_manager);
    let activate = home.generation(&home.cache("24GiB")).join("activate");
    let run = |dry: &[(&str, &str)]| {
        let mut command = home.command(&activate);
        let output = command.envs(dry.iter().copied()).output().unwrap();
        Ran::new("activate".to_owned(), &output).status(0)
    };
    let file = home.sandbox.path("home/.config/sccache/config");
    run(&[("DRY_RUN", "1")]);
    assert!(!file.is_symlink());
    // The server is older than the file.
    let before = home.start();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let new = activate.with_file_name("home-files/.config/sccache/config");
    std::os::unix::fs::symlink(new, &file).unwrap();
    run(&[("DRY_RUN", "1")]).stdout_has("bin/sccfg server ensure");
    assert_eq!(home.pid(), before);
    run(&[]);
    assert_ne!(home.pid(), before);
}
