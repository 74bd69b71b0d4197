//! S031 to S033: cargo's configuration.

use super::DevShell;

#[requires(sccache, proc)]
#[test]
fn a_profile_against_the_policy_is_reported() {
    let shell = DevShell::new();
    let policy = shell.machine.sandbox.read("repo/sccfg.toml");
    let workspace = policy.replace("incremental = \"off\"", "incremental = \"workspace\"");
    assert_ne!(policy, workspace);
    shell.write("repo/sccfg.toml", &workspace);
    shell.machine.sccfg(&["-C", "repo", "apply"]).status(0);
    let shell = shell.without("CARGO_INCREMENTAL");
    shell.is_healthy();
    let manifest = shell.machine.sandbox.read("repo/Cargo.toml");
    let profile = "[profile.dev]\nincremental = false\n";
    shell.write("repo/Cargo.toml", &(manifest + profile));
    shell.finds("S031", &["Cargo.toml:6:1", "the `dev` profile"]);
}

#[requires(sccache, proc)]
#[test]
fn a_key_against_the_policy_is_commented_out_by_fix() {
    let shell = DevShell::new();
    let init = ["-C", "repo", "init", "--incremental", "workspace"];
    shell.machine.sccfg(&init).status(0);
    let shell = shell.without("CARGO_INCREMENTAL");
    let text = "[build]\njobs = 2 # mine\nincremental = false\n\n[term]\nquiet = false\n";
    shell.write("repo/.cargo/config.toml", text);
    shell.finds("S031", &[".cargo/config.toml:3:1"]);
    shell.is_cured_by_changing(&["repo/.cargo/config.toml"]);
    let now = shell.machine.sandbox.read("repo/.cargo/config.toml");
    assert_eq!(now, text.replace("incremental", "# sccfg:was incremental"));
}

#[requires(sccache, proc)]
#[test]
fn a_second_wrapper_is_commented_out_by_fix_and_other_keys_stay() {
    let shell = DevShell::new();
    // The last is of no weight in this shell, and so it is not touched.
    let text = "[build]\nrustc-wrapper = \"sccache\"\nincremental = true\n";
    shell.write("repo/.cargo/config.toml", text);
    shell.finds("S032", &[".cargo/config.toml:2:1", "error[S032]"]);
    shell.is_cured_by_changing(&["repo/.cargo/config.toml"]);
    let now = shell.machine.sandbox.read("repo/.cargo/config.toml");
    assert_eq!(now, text.replace("rustc-", "# sccfg:was rustc-"));
    shell.machine.sccfg(&["-C", "repo", "remove"]).status(0);
    assert_eq!(shell.machine.sandbox.read("repo/.cargo/config.toml"), text);
}

#[requires(sccache, proc)]
#[test]
fn the_users_own_wrapper_is_for_other_projects() {
    let shell = DevShell::new();
    let text = "[build]\nrustc-wrapper = \"sccache\"\n";
    shell.write("home/.cargo/config.toml", text);
    shell.is_healthy();
}

#[requires(sccache, proc)]
#[test]
fn files_above_the_repository_count() {
    let shell = DevShell::new();
    shell.write(".cargo/config.toml", "[env]\nCARGO_MY_PLACE = \"x\"\n");
    shell.finds("S033", &[".cargo/config.toml:2:1", "CARGO_*"]);
}

#[requires(sccache, proc)]
#[test]
fn a_disk_variable_for_every_project_is_commented_out_by_fix() {
    let shell = DevShell::new();
    let text = "[env]\nSCCACHE_CACHE_SIZE = \"5G\"\nPATH_OF_MINE = \"x\"\n";
    shell.write("repo/.cargo/config.toml", text);
    shell.finds("S033", &[".cargo/config.toml:2:1"]);
    shell.is_cured_by_changing(&["repo/.cargo/config.toml"]);
}
