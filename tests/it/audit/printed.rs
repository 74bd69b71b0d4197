//! What `audit` prints.

use super::{FLAKE, Projects, USES_SCCACHE, flake_with};

#[test]
fn each_request_of_a_repository_is_a_line() {
    let projects = Projects::new();
    projects.managed("app", &["--size", "24GiB", "--wrapper", "portable"]);
    let own = flake_with(&format!(
        "{USES_SCCACHE} CARGO_INCREMENTAL = \"0\"; SCCACHE_DIR = \"/var/cache/x\";"
    ));
    projects.repository("own", &[("flake.nix", &own)]);
    projects.repository("quiet", &[("flake.nix", FLAKE)]);
    projects.repository("no-flake", &[]);
    let ran = projects.audit(&["--no-such"]).status(2);
    drop(ran);
    let ran = projects.audit(&[]);
    let lines: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(lines[0], "repository policy worktrees sccfg would");
    assert_eq!(lines[1], "app off, portable, 24GiB 1");
    assert!(
        lines[2].starts_with("own none; RUSTC_WRAPPER=${pkgs.sccache}/bin/sccache,"),
        "{}",
        lines[2]
    );
    assert!(
        lines[2].ends_with("init: flake.nix, sccfg.toml"),
        "{}",
        lines[2]
    );
    assert_eq!(lines[3], "", "{lines:?}");
    ran.stdout_has(
        "4 repositories: 1 with a policy, 3 without (2 of these with a flake or devenv.nix); \
         wrappers: portable 1, sccache 1; 2 not listed (--all)",
    );
    projects
        .audit(&["--all"])
        .stdout_has("init: generate flake.nix, sccfg.toml");
}

#[test]
fn target_directories_are_measured_on_request() {
    let projects = Projects::new();
    projects.repository("app", &[]);
    projects.git("app", &["worktree", "add", "--quiet", ".worktrees/linked"]);
    let write = |path: &str| projects.sandbox.write(path, &"x".repeat(100_000));
    write("all/app/target/debug/app");
    write("all/app/.worktrees/linked/target/debug/app");
    // Another name of a file is not freed.
    let [from, to] =
        ["target/debug/app", "kept"].map(|name| projects.sandbox.path(&format!("all/app/{name}")));
    std::fs::hard_link(from, to).unwrap();
    let json = projects.json(&["--sizes"]);
    let worktrees = json["repositories"][0]["worktrees"].as_array().unwrap();
    let frees: Vec<u64> = worktrees
        .iter()
        .map(|one| one["target"]["frees"].as_u64().unwrap())
        .collect();
    assert!(frees[0] < 100_000 && frees[1] >= 100_000, "{frees:?}");
    let path = worktrees[1]["target"]["path"].as_str().unwrap();
    assert!(path.ends_with(".worktrees/linked/target"), "{path}");
    projects
        .audit(&["--sizes"])
        .status(0)
        .stdout_has("target directories: ");
    let json = projects.json(&[]);
    assert!(json["repositories"][0]["worktrees"][0]["target"].is_null());
}

#[test]
fn the_json_says_what_init_would_change() {
    let projects = Projects::new();
    projects.managed("managed", &[]);
    projects.repository("flake", &[("flake.nix", FLAKE)]);
    projects.repository("plain", &[]);
    projects.repository("refused", &[("flake.nix", "{ outputs = _: { }; }\n")]);
    let setup = |name: &str| projects.about(name)["setup"].clone();
    assert_eq!(setup("managed")["outdated"], serde_json::json!([]));
    let both = serde_json::json!(["flake.nix", "sccfg.toml"]);
    assert_eq!(setup("flake")["init_changes"], both);
    assert_eq!(setup("plain")["init_changes"], both);
    let refused = setup("refused")["init_refuses"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(refused.contains("no dev shell found"), "{refused}");
    let before = projects.files();
    projects.json(&[]);
    assert_eq!(projects.files(), before);
}
