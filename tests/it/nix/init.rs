//! What `sccfg init` writes, as it arrives in `nix develop`.

use super::nix;
use crate::support::{Sandbox, sccache};

#[test]
fn a_repository_without_anything_gets_a_shell_that_caches() {
    let (Some(nix), Some(_)) = (nix(), sccache()) else {
        return;
    };
    let sandbox = Sandbox::new()
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
    // The machine's file decides from then on.
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "30GiB"])
        .status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "32212254720");
}
