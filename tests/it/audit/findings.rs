//! What is wrong with a repository, with the others, or with the machine.

use super::{FLAKE, Projects, USES_SCCACHE, flake_with};

#[test]
fn a_repository_without_a_policy_is_not_wrong() {
    let projects = Projects::new();
    projects.repository("plain", &[]);
    projects.repository("flake", &[("flake.nix", FLAKE)]);
    let good = flake_with(&format!("{USES_SCCACHE} CARGO_INCREMENTAL = \"0\";"));
    projects.repository("uses-sccache", &[("flake.nix", &good)]);
    let other = flake_with("RUSTC_WRAPPER = \"${pkgs.kache}/bin/kache\";");
    projects.repository("other-wrapper", &[("flake.nix", &other)]);
    // Without sccache, nothing of this matters.
    let incremental = "[env]\nCARGO_WORKSPACE = { value = \"\", relative = true }\n";
    projects.repository("no-cache", &[(".cargo/config.toml", incremental)]);
    projects
        .audit(&[])
        .status(0)
        .stdout_has("no problems found");
    let own = &projects.about("other-wrapper")["own_settings"][0];
    assert_eq!(own["name"], "RUSTC_WRAPPER");
    assert_eq!(own["value"], "\"${pkgs.kache}/bin/kache\"");
    assert_eq!(own["where"]["line"], 4);
}

#[test]
fn sccache_with_incremental_compilation_is_found_in_every_file() {
    let projects = Projects::new();
    let hook = flake_with("shellHook = ''\n  export RUSTC_WRAPPER=sccache\n'';");
    for (name, files) in [
        ("attribute", ("flake.nix", &*flake_with(USES_SCCACHE))),
        ("hook", ("flake.nix", &*hook)),
        ("envrc", (".envrc", "export RUSTC_WRAPPER=sccache\n")),
        (
            "cargo",
            (".cargo/config.toml", "build.rustc-wrapper = 'sccache'\n"),
        ),
    ] {
        projects.repository(name, &[files]);
        assert_eq!(projects.codes(name), ["S030"], "{name}");
    }
    projects
        .audit(&[])
        .status(1)
        .stdout_has("hook/flake.nix:5:3: builds use sccache, but they are incremental")
        .stdout_has("cargo/.cargo/config.toml:1:7:")
        .stdout_has("4 problems found in 4 repositories;");
}

#[test]
fn what_switches_incremental_compilation_off_is_respected() {
    let projects = Projects::new();
    let shell = flake_with(USES_SCCACHE);
    for (name, file, text) in [
        (
            "profile",
            "Cargo.toml",
            "[workspace]\n[profile.dev]\nincremental = false\n",
        ),
        (
            "config",
            ".cargo/config.toml",
            "build.incremental = false\n",
        ),
        (
            "envrc",
            ".envrc",
            "use flake\nCARGO_INCREMENTAL=$(choose)\n",
        ),
        (
            "other",
            "nix/common.nix",
            "{ CARGO_INCREMENTAL = \"0\"; }\n",
        ),
    ] {
        projects.repository(name, &[("flake.nix", &shell), (file, text)]);
        assert!(projects.codes(name).is_empty(), "{name}");
    }
    // A variable that is not exported reaches no program.
    let hook = flake_with("shellHook = ''\n  RUSTC_WRAPPER=sccache\n'';");
    projects.repository("unexported", &[("flake.nix", &hook)]);
    projects.audit(&[]).status(0);
}

#[test]
fn incremental_compilation_that_makes_sccache_fail_is_an_error() {
    let projects = Projects::new();
    let shell = flake_with(&format!("{USES_SCCACHE} CARGO_INCREMENTAL = \"1\";"));
    projects.repository("app", &[("flake.nix", &shell)]);
    projects
        .audit(&[])
        .status(1)
        .stdout_has("error[S030]")
        .stdout_has("app/flake.nix:4:")
        .stdout_has("sccache refuses every compilation with CARGO_INCREMENTAL=1");
}

#[test]
fn two_sizes_contradict_each_other() {
    let projects = Projects::new();
    let size = |size| {
        let attributes =
            format!("{USES_SCCACHE} CARGO_INCREMENTAL = 0; SCCACHE_CACHE_SIZE = \"{size}\";");
        flake_with(&attributes)
    };
    projects.repository("one", &[("flake.nix", &size("24G"))]);
    projects.repository("same", &[("flake.nix", &size("24G"))]);
    projects.audit(&[]).status(0);
    projects.repository("two", &[("flake.nix", &size("40G"))]);
    assert_eq!(projects.codes("two"), ["S070"]);
    projects
        .audit(&[])
        .status(1)
        .stdout_has("SCCACHE_CACHE_SIZE is 40GiB here, and 24GiB in 2 other repositories")
        .stdout_has("SCCACHE_CACHE_SIZE is 24GiB here, and 40GiB in another repository");
    projects
        .sandbox
        .sccfg(&["doctor", "--explain", "s070"])
        .status(0)
        .stdout_has("## S070 different cache settings");
    // The machine's file decides, and one of them agrees with it.
    projects
        .sandbox
        .sccfg(&["config", "set", "cache.disk.size", "24GiB"])
        .status(0);
    assert!(projects.codes("one").is_empty());
    assert_eq!(projects.codes("two"), ["S012"]);
    projects
        .audit(&[])
        .status(1)
        .stdout_has("SCCACHE_CACHE_SIZE=40GiB in the dev shell replaces [cache.disk] of")
        .stdout_has("which has 24GiB");
}

#[test]
fn two_wrappers_in_one_repository_are_found() {
    let projects = Projects::new();
    let shell = flake_with(&format!("{USES_SCCACHE} CARGO_INCREMENTAL = \"0\";"));
    let cargo = "[build]\nrustc-wrapper = \"kache\"\n";
    projects.repository(
        "app",
        &[("flake.nix", &shell), (".cargo/config.toml", cargo)],
    );
    projects
        .audit(&[])
        .status(1)
        .stdout_has("warning[S032]")
        .stdout_has("app/.cargo/config.toml:2:1: `kache` does not run in the dev shell");
}

#[test]
fn what_doctor_finds_in_files_is_found_with_its_code() {
    let projects = Projects::new();
    for name in ["outdated", "faulty", "stops", "twice", "overridden"] {
        projects.managed(name, &[]);
    }
    let write = |path: &str, text: &str| projects.sandbox.write(&format!("all/{path}"), text);
    write(
        "outdated/sccfg.toml",
        "[cargo]\nincremental = \"auto\"\nwrapper = \"portable\"\n",
    );
    write("faulty/sccfg.toml", "[cargo]\nincremetal = \"off\"\n");
    write("stops/.husky/pre-push", "sccache --stop-server\n");
    write(
        "twice/.cargo/config.toml",
        "[build]\nrustc-wrapper = \"sccache\"\n",
    );
    write("overridden/.envrc", "use flake\nexport RUSTC_WRAPPER=\n");
    for (name, code) in [
        ("outdated", "S051"),
        ("faulty", "S050"),
        ("stops", "S053"),
        ("twice", "S032"),
        ("overridden", "S060"),
    ] {
        assert_eq!(projects.codes(name), [code], "{name}");
    }
    projects.repository(
        "size",
        &[("shell.nix", "{ SCCACHE_CACHE_SIZE = \"5GB\"; }\n")],
    );
    assert_eq!(projects.codes("size"), ["S016"]);
    projects.repository("hook", &[(".envrc", "sccache --stop-server || true\n")]);
    assert_eq!(projects.codes("hook"), ["S053"]);
}

#[test]
fn the_largest_request_and_the_users_files_are_reported_once() {
    let projects = Projects::new();
    let request = |name: &str, size: &str| {
        projects.managed(name, &["--no-user-config", "--size", size]);
    };
    request("small", "1GiB");
    request("large", "40GiB");
    request("middle", "20GiB");
    projects
        .sandbox
        .write("home/.bashrc", "sccache --stop-server\n");
    let json = projects.json(&[]);
    let machine = json["machine"].as_array().unwrap();
    let codes: Vec<&str> = machine
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["S017", "S053"]);
    let what = machine[0]["what"].as_str().unwrap();
    assert!(
        what.contains("all/large: sccfg.toml requests 40GiB"),
        "{what}"
    );
    for name in ["small", "large", "middle"] {
        assert!(projects.codes(name).is_empty(), "{name}");
    }
}
