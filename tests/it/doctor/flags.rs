//! S034 to S036: variables and flags of cargo that change every key.

use super::DevShell;

#[requires(sccache, proc)]
#[test]
fn a_target_directory_for_every_project_is_reported() {
    let shell = DevShell::new();
    let everywhere = shell.path("everywhere").display().to_string();
    let shell = shell.with("CARGO_TARGET_DIR", &everywhere);
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("[S034]")
        .stdout_has("variable CARGO_TARGET_DIR");
    // Named after the project, it is a choice.
    let own = shell.path("everywhere/repo").display().to_string();
    let shell = shell.with("CARGO_TARGET_DIR", &own);
    shell.finds("S035", &["variable CARGO_TARGET_DIR"]);
}

#[requires(sccache, proc)]
#[test]
fn a_target_directory_in_the_users_configuration_is_reported() {
    let shell = DevShell::new();
    shell.write(
        "home/.cargo/config.toml",
        "[build]\ntarget-dir = \"/var/target\"\n",
    );
    shell.finds("S034", &["config.toml:2:1", "build.build-dir"]);
    // In the repository's own file it is for this repository.
    shell.write("home/.cargo/config.toml", "");
    shell.write(
        "repo/.cargo/config.toml",
        "[build]\ntarget-dir = \"/var/target\"\n",
    );
    shell.is_healthy();
}

#[requires(sccache, proc)]
#[test]
fn variables_of_cargo_in_every_key_are_named_without_their_values() {
    for (name, advice) in [
        ("CARGO_TERM_COLOR", "`term.color` in cargo's configuration"),
        ("CARGO_REGISTRY_TOKEN", "cargo login"),
        ("CARGO_NET_RETRY", "`net.retry`"),
    ] {
        let shell = DevShell::new().with(name, "cio0123456789abcdef");
        shell.finds("S035", &[&format!("variable {name}"), advice]);
        let ran = shell.doctor(&["--json"]).status(1);
        assert!(
            !ran.stdout.contains("cio0123456789abcdef"),
            "{}",
            ran.stdout
        );
        // Portable keys leave it out.
        let init = ["-C", "repo", "init", "--wrapper", "portable"];
        shell.machine.sccfg(&init).status(0);
        shell.is_healthy();
    }
}

#[requires(sccache, proc)]
#[test]
fn only_a_cargo_home_in_the_project_is_reported() {
    let shell = DevShell::new();
    let elsewhere = shell.path("cargo").display().to_string();
    let shell = shell.with("CARGO_HOME", &elsewhere);
    shell.is_healthy();
    let inside = shell.path("repo/.cargo-home").display().to_string();
    let shell = shell.with("CARGO_HOME", &inside);
    shell.finds("S035", &["variable CARGO_HOME"]);
}

#[requires(sccache, proc)]
#[test]
fn what_cargo_sets_itself_and_profiles_are_not_reported() {
    DevShell::new()
        .with("CARGO_BUILD_JOBS", "4")
        .with("CARGO_REGISTRIES_MINE_TOKEN", "x")
        .with("CARGO_PROFILE_DEV_DEBUG", "0")
        .with("CARGO_MANIFEST_DIR", "/x")
        .is_healthy();
}

#[requires(sccache, proc)]
#[test]
fn flags_that_prevent_caching_are_reported() {
    let shell = DevShell::new().with("RUSTFLAGS", "-C debuginfo=1 --emit=asm");
    shell.finds(
        "S036",
        &["variable RUSTFLAGS", "`--emit=asm` prevents caching"],
    );
    let shell = shell.with("RUSTFLAGS", "-C debuginfo=1 -C link-arg=-fuse-ld=lld");
    shell.is_healthy();
    let root = shell.path("repo").canonicalize().unwrap();
    let text = format!(
        "[target.x86_64-unknown-linux-gnu]\nrustflags = [\"--remap-path-prefix={}=/x\"]\n",
        root.display()
    );
    shell.write("repo/.cargo/config.toml", &text);
    shell.finds("S036", &[".cargo/config.toml:2:1", "--remap-path-prefix"]);
    shell.write(
        "repo/.cargo/config.toml",
        "[build]\nrustflags = \"-Cincremental=/tmp/x\"\n",
    );
    shell.finds("S036", &[".cargo/config.toml:2:1", "incrementally"]);
}

/// What is reported is so: with the flag, real sccache counts each unit as not cacheable.
#[requires(sccache, proc)]
#[test]
fn sccache_does_not_cache_what_is_reported() {
    let shell = DevShell::new();
    let not_cached = |flags: &str| {
        let mut zero = shell.machine.sandbox.command(&shell.machine.sccache);
        assert!(zero.arg("--zero-stats").output().unwrap().status.success());
        let mut cargo = shell.machine.sandbox.command("cargo");
        cargo
            .args(["build", "--offline", "--quiet", "--target-dir"])
            .arg(shell.path(&format!("target-{}", flags.len())))
            .current_dir(shell.path("repo"))
            .env("RUSTC_WRAPPER", &shell.machine.sccache)
            .env("CARGO_INCREMENTAL", "0")
            .env("RUSTFLAGS", flags);
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut stats = shell.machine.sandbox.command(&shell.machine.sccache);
        let output = stats.args(["--show-stats", "--stats-format=json"]).output();
        let json: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        json["stats"]["not_cached"].clone()
    };
    assert!(not_cached("-C debuginfo=1")["more than one --emit"].is_null());
    let counted = not_cached("--emit=asm");
    assert!(
        counted["more than one --emit"].as_u64() > Some(0),
        "{counted}"
    );
}
