//! Portable keys in `nix develop`: a second worktree finds what the first one compiled.

use std::path::Path;

use serde_json::Value;

use super::modules::{Way, flake};
use super::{Nix, nix};
use crate::lab::Server;
use crate::support::{Ran, Sandbox, sccache};

/// A package whose library contains `OUT_DIR`, and a program, in a git repository.
struct Worktrees {
    nix: &'static Nix,
    sandbox: Sandbox,
    server: Server,
}

impl Worktrees {
    /// `one` and `two`, with what `set_up` puts into the first.
    fn new(set_up: impl FnOnce(&Sandbox)) -> Self {
        let (nix, sccache) = (nix(), sccache());
        let sandbox = Sandbox::new()
            .file(
                "one/Cargo.toml",
                "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
            )
            .file("one/Cargo.lock", "version = 3\n[[package]]\nname = \"x\"\nversion = \"0.1.0\"\n")
            .file("one/build.rs", "fn main() { let out = std::env::var(\"OUT_DIR\").unwrap(); std::fs::write(out + \"/x.rs\", \"pub const X: u8 = 1;\").unwrap(); }\n")
            .file("one/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));\n")
            .file("one/src/main.rs", "fn main() { println!(\"{}\", x::X); }\n")
            .file("one/.gitignore", "target\n");
        let server = Server::start(&sccache, &sandbox.outer().join("sv"));
        let sandbox = server
            .variables()
            .iter()
            .fold(sandbox, |all, (name, value)| all.variable(name, value));
        // As for a user who has sccfg.
        let directory = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
        let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
        let sandbox = sandbox.variable("PATH", &path);
        // sccache counts what is shared, and a worktree that starts built compiles nothing.
        let sandbox = sandbox.variable("SCCFG_STORE", "off");
        let sandbox = sandbox.variable("SCCFG_SEED", "off");
        set_up(&sandbox);
        for args in [
            &["init", "-q", "one"][..],
            &["-C", "one", "add", "."],
            &["-C", "one", "commit", "-q", "-m", "x"],
            &["-C", "one", "worktree", "add", "-q", "../elsewhere/two"],
        ] {
            let mut git = sandbox.command("git");
            git.args(["-c", "user.name=x", "-c", "user.email=x@example.org"]);
            Ran::new(format!("git {args:?}"), &git.args(args).output().unwrap()).status(0);
        }
        Self {
            nix,
            sandbox,
            server,
        }
    }

    /// Builds in the shell there. Returns `RUSTC_WRAPPER`, and the numbers of hits and misses.
    fn build(&self, worktree: &str) -> (String, u64, u64) {
        let before = self.server.counts();
        let script = "cargo build --quiet --offline >&2 && echo \"$RUSTC_WRAPPER\"";
        let ran = self
            .nix
            .develop(&self.sandbox, worktree, None, &["bash", "-c", script])
            .status(0);
        let after = self.server.counts();
        (
            ran.stdout.trim_end().to_owned(),
            after.rust_hits - before.rust_hits,
            after.rust_misses - before.rust_misses,
        )
    }

    /// The output of `sccfg wrapper explain` for the library there.
    fn explained(&self, worktree: &str) -> Value {
        let target = self.sandbox.path(worktree).join("target");
        let ran = self.sandbox.sccfg(&[
            "wrapper",
            "explain",
            "x",
            "--json",
            "--target-dir",
            target.to_str().unwrap(),
        ]);
        serde_json::from_str(&ran.status(0).stdout).unwrap()
    }

    #[track_caller]
    fn assert_shared(&self) -> String {
        let (wrapper, hits, misses) = self.build("one");
        // A build script, a library, a program.
        assert_eq!((hits, misses), (0, 3), "{wrapper}");
        assert_eq!(self.build("elsewhere/two"), (wrapper.clone(), 3, 0));
        for (worktree, hit) in [("one", false), ("elsewhere/two", true)] {
            let units = self.explained(worktree);
            let units = units["units"].as_array().unwrap();
            assert_eq!(units.len(), 3);
            for unit in units {
                assert_eq!(
                    (&unit["hit"], &unit["is_portable"]),
                    (&hit.into(), &true.into())
                );
            }
        }
        wrapper
    }
}

#[requires(nix, sccache)]
#[test]
fn a_repository_that_was_set_up_for_it_shares_all_units() {
    let set_up = |sandbox: &Sandbox| {
        sandbox
            .sccfg(&["init", "one", "--wrapper", "portable", "--no-user-config"])
            .status(0);
        // A worktree that starts built compiles nothing.
        let policy = sandbox.read("one/sccfg.toml");
        let policy = policy.replace("[portable]\n", "[portable]\nseed = false\n");
        sandbox.write("one/sccfg.toml", &policy);
    };
    let worktrees = Worktrees::new(set_up);
    let front = worktrees
        .sandbox
        .path("home/.local/share/sccfg/wrapper/sccache");
    assert_eq!(Path::new(&worktrees.assert_shared()), front);
}

#[requires(nix, sccache)]
#[test]
fn a_shell_of_lib_shares_all_units() {
    let set_up = |sandbox: &Sandbox| {
        let flake = flake(Way::Lib, "{ wrapper = \"portable\"; }", "");
        sandbox.write("one/flake.nix", &flake);
    };
    let worktrees = Worktrees::new(set_up);
    let wrapper = worktrees.assert_shared();
    assert!(wrapper.ends_with("/libexec/sccfg/sccache"), "{wrapper}");
    assert!(!worktrees.sandbox.exists("home/.local/share/sccfg"));
}

#[requires(nix)]
#[test]
fn a_teammate_without_sccfg_has_sccache_itself() {
    let nix = nix();
    let sandbox = Sandbox::new().file("repo/Cargo.toml", "[package]\nname = \"x\"\n");
    sandbox
        .sccfg(&["init", "repo", "--wrapper", "portable", "--no-user-config"])
        .status(0);
    let sandbox = sandbox.variable("SCCACHE_SERVER_PORT", "1");
    let env = nix.dev_env(&sandbox, "repo", None);
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env.get("SCCFG_SCCACHE"), None);
}
