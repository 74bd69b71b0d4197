//! `sccfg cargo --user`: the user's configuration of cargo, and a wrapper that cargo can always run.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::doctor::DevShell;
use crate::support::{Ran, Sandbox};
use crate::wrapper::project::{package, rustup_home};

const CONFIG: &str = "home/.cargo/config.toml";
const WRAPPER: &str = "home/.local/share/sccfg/cargo/sccache";
/// An sccache that says that it ran, in place of a real one and its server.
const SAYS: &str = "#!/bin/sh\necho ran >>\"$0.log\"\nexec \"$@\"\n";

/// A user with a package `app`, and an sccache in `bin`.
struct User {
    sandbox: Sandbox,
}

impl User {
    fn new() -> Self {
        let sandbox = Sandbox::new()
            .file("app/Cargo.toml", &package("app", ""))
            .file("app/src/lib.rs", "pub fn f() {}\n");
        let path = std::env::var("PATH").unwrap();
        let bin = sandbox.path("bin");
        let path = format!("{}:{path}", bin.display());
        let sandbox = sandbox.variable("PATH", &path);
        let user = Self { sandbox };
        user.install("bin/sccache");
        user
    }

    fn install(&self, path: &str) {
        self.sandbox.write(path, SAYS);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.sandbox.path(path), mode).unwrap();
    }

    fn cargo_user(&self, more: &[&str]) -> Ran {
        let args = [&["cargo", "--user"], more].concat();
        let mut command = self.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        let command = command.args(args).env_remove("CARGO_HOME");
        Ran::new("sccfg cargo --user".into(), &command.output().unwrap())
    }

    /// A build from scratch by the real cargo, with the user's file alone.
    #[track_caller]
    fn builds(&self) {
        let home = self.sandbox.path("home/.cargo");
        let mut cargo = self.sandbox.command("cargo");
        cargo
            .args(["build", "--offline", "--target-dir"])
            .arg(tempfile::tempdir().unwrap().path())
            .current_dir(self.sandbox.path("app"))
            .env("CARGO_HOME", home)
            .env("RUSTUP_HOME", rustup_home());
        Ran::new("cargo build".into(), &cargo.output().unwrap()).status(0);
    }

    /// How often this sccache ran.
    fn runs(&self, path: &str) -> usize {
        let log = fs::read_to_string(self.sandbox.path(&format!("{path}.log")));
        log.unwrap_or_default().lines().count()
    }
}

#[test]
fn cargo_runs_sccache_and_the_file_is_restored_byte_for_byte() {
    for before in [
        "# mine\n[build] # fast\njobs = 2\n\n[net]\noffline = true",
        "[net]\r\nretry = 1\r\n",
    ] {
        let user = User::new();
        user.sandbox.write(CONFIG, before);
        user.cargo_user(&[])
            .status(0)
            .stdout_has("config.toml  (rustc-wrapper)");
        let wrapper = user.sandbox.path(WRAPPER);
        let text = user.sandbox.read(CONFIG);
        assert!(
            text.contains(&format!("rustc-wrapper = \"{}\"", wrapper.display())),
            "{text}"
        );
        user.builds();
        assert!(user.runs("bin/sccache") > 0);
        user.cargo_user(&[]).status(0).stdout_has("nothing to do");
        user.cargo_user(&["--remove"]).status(0);
        assert_eq!(user.sandbox.read(CONFIG), before);
        assert!(!wrapper.exists());
        user.cargo_user(&["--remove"])
            .status(0)
            .stdout_has("nothing to do");
    }
}

#[test]
fn a_file_that_was_created_is_deleted() {
    let user = User::new();
    user.cargo_user(&["--dry-run"])
        .status(0)
        .stdout_has("+rustc-wrapper = ");
    assert!(!user.sandbox.exists(CONFIG) && !user.sandbox.exists(WRAPPER));
    user.sandbox.write("home/.cargo/env", "");
    user.cargo_user(&["--json"])
        .status(0)
        .stdout_has("\"user-cargo-config\"");
    assert!(user.sandbox.exists(CONFIG));
    user.cargo_user(&["--remove"]).status(0);
    assert!(!user.sandbox.exists(CONFIG));
}

#[test]
fn cargo_works_after_sccache_was_removed() {
    let user = User::new();
    user.cargo_user(&[]).status(0);
    // Uninstalled: another one on PATH runs.
    fs::remove_file(user.sandbox.path("bin/sccache")).unwrap();
    user.install("later/sccache");
    // The machine's own sccache would start a server for the whole machine.
    let path = std::env::var("PATH").unwrap();
    let without =
        std::env::split_paths(&path).filter(|directory| !directory.join("sccache").exists());
    let path = std::env::join_paths(without).unwrap();
    let path = path.to_str().unwrap();
    let later = user.sandbox.path("later");
    // The wrapper's own directory may be on PATH.
    let own = user.sandbox.path(WRAPPER);
    let own = own.parent().unwrap();
    let path = format!("{}:{}:{path}", own.display(), later.display());
    let user = User {
        sandbox: user.sandbox.variable("PATH", &path),
    };
    user.builds();
    assert!(user.runs("later/sccache") > 0);
    // None at all.
    fs::remove_file(user.sandbox.path("later/sccache")).unwrap();
    user.builds();
    // A link into a store that was collected.
    symlink(
        "/nix/store/gone-sccache/bin/sccache",
        user.sandbox.path("bin/sccache"),
    )
    .unwrap();
    user.builds();
}

#[test]
fn a_damaged_marker_is_reported() {
    let user = User::new();
    user.sandbox.write(CONFIG, "[net]\noffline = true\n");
    user.cargo_user(&[]).status(0);
    let text = user.sandbox.read(CONFIG);
    let begin = "# >>> sccfg >>> written by `sccfg cargo --user`\n";
    for (from, to, said) in [
        (
            begin,
            "",
            "config.toml:5:1: this sccfg end marker has no begin marker",
        ),
        (
            " written by",
            "",
            "config.toml:3:1: this sccfg begin marker was edited",
        ),
        (
            "# <<< sccfg <<<",
            "",
            "config.toml:3:1: `# <<< sccfg <<<` is missing after this line",
        ),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text);
        user.sandbox.write(CONFIG, &damaged);
        for more in [&[][..], &["--remove"]] {
            user.cargo_user(more)
                .status(1)
                .stderr_has(said)
                .stderr_has("hint: ");
        }
        let mut doctor = user.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        let doctor = doctor
            .args(["-C", "app", "doctor"])
            .env_remove("CARGO_HOME");
        let mut doctor = Ran::new("sccfg doctor".into(), &doctor.output().unwrap());
        for part in said.splitn(2, ": ").chain(["warning[S062]"]) {
            doctor = doctor.stdout_has(part);
        }
        assert_eq!(user.sandbox.read(CONFIG), damaged);
    }
}

#[test]
fn a_wrapper_set_by_someone_else_is_not_changed() {
    let user = User::new();
    let theirs = "[build]\nrustc-wrapper = \"kache\"\n";
    user.sandbox.write(CONFIG, theirs);
    user.cargo_user(&[])
        .status(1)
        .stderr_has("config.toml:2:1: `build.rustc-wrapper` is `kache` already")
        .stderr_has("hint: remove the line");
    assert_eq!(user.sandbox.read(CONFIG), theirs);
    fs::remove_file(user.sandbox.path(CONFIG)).unwrap();
    symlink(
        "/nix/store/x-home-manager-files/.cargo/config.toml",
        user.sandbox.path(CONFIG),
    )
    .unwrap();
    user.cargo_user(&[]).status(1).stderr_has("hint:");
    user.sandbox.sccfg(&["cargo"]).status(2);
}

/// It is for projects without a dev shell, and runs the compiler where sccache is missing.
#[test]
fn a_dev_shell_beside_it_does_not_contradict_it() {
    let user = User::new();
    user.cargo_user(&[]).status(0);
    let text = user.sandbox.read(CONFIG);
    for more in [&[][..], &["--fix-cargo-config"]] {
        let mut init = user.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
        init.args(["-C", "app", "init", "--no-user-config"])
            .args(more);
        init.env_remove("CARGO_HOME");
        let ran = Ran::new("sccfg init".into(), &init.output().unwrap()).status(0);
        assert!(!ran.stderr.contains("RUSTC_WRAPPER"), "{}", ran.stderr);
        assert_eq!(user.sandbox.read(CONFIG), text);
    }
}

#[test]
fn without_sccache_nothing_is_written() {
    let user = User::new();
    fs::remove_file(user.sandbox.path("bin/sccache")).unwrap();
    let user = User {
        sandbox: user.sandbox.variable("PATH", "/nowhere"),
    };
    user.cargo_user(&[])
        .status(1)
        .stderr_has("there is no sccache on PATH")
        .stderr_has("hint:");
    assert!(!user.sandbox.exists(CONFIG));
}

#[requires(shellcheck)]
#[test]
fn the_wrapper_is_a_clean_script() {
    let user = User::new();
    user.cargo_user(&[]).status(0);
    let mut shellcheck = user.sandbox.command("shellcheck");
    let output = shellcheck.arg(user.sandbox.path(WRAPPER)).output().unwrap();
    Ran::new("shellcheck".into(), &output).status(0);
}

#[requires(sccache, proc)]
#[test]
fn doctor_finds_a_wrapper_that_is_missing_and_writes_ours_again() {
    let shell = DevShell::new();
    let config = "home/.cargo/config.toml";
    shell.write(config, "[build]\nrustc-wrapper = \"/nowhere/sccache\"\n");
    shell.finds(
        "S039",
        &["config.toml:2:1", "/nowhere/sccache, which cannot be run"],
    );
    shell.write(config, "[term]\nquiet = false\n");
    let mut cargo_user = shell.machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
    let cargo_user = cargo_user
        .args(["cargo", "--user"])
        .env_remove("CARGO_HOME");
    assert!(cargo_user.status().unwrap().success());
    shell.is_healthy();
    fs::remove_file(shell.path(WRAPPER)).unwrap();
    shell.finds("S039", &["sccfg cargo --user"]);
    shell.is_cured_by_changing(&[WRAPPER]);
}
