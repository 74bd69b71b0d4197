//! The effects of `sccfg init` in `nix develop`.

use std::path::Path;

use super::nix;
use crate::support::Sandbox;

#[requires(nix, sccache)]
#[test]
fn a_repository_without_anything_gets_a_shell_that_caches() {
    let nix = nix();
    let sccfg = Path::new(env!("CARGO_BIN_EXE_sccfg")).parent().unwrap();
    let path = format!("{}:{}", sccfg.display(), std::env::var("PATH").unwrap());
    let sandbox = Sandbox::new()
        .variable("PATH", &path)
        .variable("SCCACHE_SERVER_PORT", "1")
        .variable("CARGO_INCREMENTAL", "1")
        .file("repo/Cargo.toml", "[package]\nname = \"x\"\n");
    sandbox
        .sccfg(&["-C", "repo", "init", "--size", "24GiB"])
        .status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    let default = sandbox.path("home/.cache/sccache");
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "25769803776");
    assert_eq!(env["SCCACHE_DIR"], default.to_str().unwrap());
    let ran = nix.develop(
        &sandbox,
        "repo",
        None,
        &["bash", "-c", "command -v sccache"],
    );
    assert_eq!(ran.status(0).stdout.trim_end(), env["RUSTC_WRAPPER"]);
    // From then on, sccache's config file decides.
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "30GiB"])
        .status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "32212254720");
}

#[requires(nix, sccache)]
#[test]
fn a_teammate_without_sccfg_has_only_the_variables_of_the_policy() {
    let nix = nix();
    let sandbox = Sandbox::new()
        .variable("CARGO_INCREMENTAL", "1")
        .file("repo/Cargo.toml", "[package]\nname = \"x\"\n");
    let init = ["-C", "repo", "init", "--size", "24GiB", "--no-user-config"];
    sandbox.sccfg(&init).status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "24G");
    assert_eq!(env.get("SCCACHE_DIR"), None);
    // An existing config file decides.
    let set = ["config", "set", "cache.disk.size", "30GiB"];
    sandbox.sccfg(&set).status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env.get("SCCACHE_CACHE_SIZE"), None);
}
