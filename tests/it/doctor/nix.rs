//! S016, S017 and S051 to S059: the flake, direnv, home-manager and the Nix store.

use std::fs;
use std::os::unix::fs::symlink;

use super::{DevShell, through};
use crate::support::Ran;

#[requires(sccache, proc)]
#[test]
fn a_size_that_sccache_ignores_is_corrected_where_it_is_written() {
    let shell = DevShell::new();
    let nix = "{ pkgs }:\npkgs.mkShell {\n  # SCCACHE_CACHE_SIZE = \"1GB\";\n  SCCACHE_CACHE_SIZE = \"3GiB\"; # mine\n}\n";
    shell.write("repo/nix/other.nix", nix);
    shell.finds("S016", &["nix/other.nix:4:25", "`3GiB`", "write 3G"]);
    shell.is_cured_by_changing(&["repo/nix/other.nix"]);
    let now = shell.machine.sandbox.read("repo/nix/other.nix");
    assert_eq!(now, nix.replace("\"3GiB\"", "\"3G\""));
}

#[requires(sccache, proc)]
#[test]
fn a_request_above_the_machines_size_makes_it_grow() {
    let shell = DevShell::new();
    let policy = shell.machine.sandbox.read("repo/sccfg.toml");
    shell.write("repo/sccfg.toml", &policy.replace("3GiB", "4GiB"));
    shell
        .machine
        .sccfg(&["-C", "repo", "apply", "--no-user-config"])
        .status(0);
    shell.finds("S017", &["sccfg.toml requests 4GiB", "/conf"]);
    // The server is restarted in a second round; this shell's variables stay as they are.
    let before = shell.files();
    let ran = shell.doctor(&["--fix", "--yes"]).status(1);
    ran.stdout_has("fixed S017")
        .stdout_has("fixed S020")
        .stdout_has("[S012]");
    assert_eq!(shell.changed_since(&before), [shell.path("conf")]);
    // Those of the next shell fit.
    shell.is_healthy();
    assert_eq!(shell.machine.largest(), 4 << 30);
}

#[requires(sccache, proc)]
#[test]
fn outdated_regions_are_rendered_again_by_fix() {
    let shell = DevShell::new();
    let flake = shell.machine.sandbox.read("repo/flake.nix");
    let policy = shell.machine.sandbox.read("repo/sccfg.toml");
    shell.write(
        "repo/sccfg.toml",
        &policy.replace("\"off\"", "\"workspace\""),
    );
    let shell = shell.without("CARGO_INCREMENTAL");
    shell.finds("S051", &["flake.nix:", "sccfg apply"]);
    shell.is_cured_by_changing(&["repo/flake.nix"]);
    assert_ne!(shell.machine.sandbox.read("repo/flake.nix"), flake);
}

#[requires(sccache, proc)]
#[test]
fn a_damaged_region_is_an_error_with_its_place() {
    let shell = DevShell::new();
    let flake = shell.machine.sandbox.read("repo/flake.nix");
    shell.write("repo/flake.nix", &flake.replace("# <<< sccfg <<<\n", ""));
    shell.finds("S051", &["error[S051]", "flake.nix:"]);
}

#[requires(sccache, proc)]
#[test]
fn what_init_warns_about_is_reported() {
    let shell = DevShell::new();
    let init = ["-C", "repo", "init", "--incremental", "auto"];
    shell
        .machine
        .sccfg(&init)
        .status(0)
        .stderr_has("with incremental = \"auto\"");
    let shell = shell.without("CARGO_INCREMENTAL");
    shell.finds("S052", &["linked worktrees share nothing"]);
}

#[requires(sccache, proc)]
#[test]
fn hooks_that_stop_the_server_are_reported_and_commented_out() {
    let shell = DevShell::new();
    let hook = "#!/bin/sh\nset -e\n  sccache --stop-server >/dev/null 2>&1 || true\necho done\n";
    shell.write("repo/.git/hooks/post-checkout", hook);
    let profile = "alias s='ls'\nsccache --stop-server\n";
    shell.write("home/.bashrc", profile);
    let ran = shell.doctor(&[]).status(1);
    ran.stdout_has("[S053]")
        .stdout_has(".git/hooks/post-checkout:3:3")
        .stdout_has(".bashrc:2:1");
    shell.is_cured_by_changing(&["home/.bashrc", "repo/.git/hooks/post-checkout"]);
    let now = shell.machine.sandbox.read("repo/.git/hooks/post-checkout");
    assert_eq!(now, hook.replace("  sccache", "  # sccfg:was sccache"));
}

#[requires(sccache, proc)]
#[test]
fn a_hook_in_another_nix_file_is_reported_and_kept() {
    let shell = DevShell::new();
    let nix = "{ pkgs }:\npkgs.mkShell {\n  shellHook = ''\n    sccache --stop-server || true\n  '';\n}\n";
    shell.write("repo/shell.nix", nix);
    let finding = shell.finding();
    assert_eq!(finding["code"], "S053", "{finding:#}");
    assert_eq!(finding["where"]["line"], 4);
    assert_eq!(finding["fixable"], false);
}

#[requires(sccache, proc)]
#[test]
fn a_store_path_that_was_garbage_collected_is_reported() {
    let gone = "/nix/store/00000000000000000000000000000000-sccache-0.16.0/bin/sccache";
    let shell = DevShell::new().with("RUSTC_WRAPPER", gone);
    shell.finds("S054", &["error[S054]", "variable RUSTC_WRAPPER", gone]);
    let shell = DevShell::new();
    shell.write("repo/.direnv/CACHEDIR.TAG", "");
    symlink(
        "/nix/store/00000000000000000000000000000000-shell-env",
        shell.path("repo/.direnv/flake-profile"),
    )
    .unwrap();
    shell.finds("S054", &[".direnv/flake-profile", "direnv reload"]);
    fs::remove_file(shell.path("repo/.direnv/flake-profile")).unwrap();
    let wrapped = shell.machine.sccache.display().to_string();
    let shell = shell.with("CC", &format!("{wrapped} -m64"));
    shell.is_healthy();
    let text = format!("[target.x86_64-unknown-linux-gnu]\nlinker = \"{gone}\"\n");
    shell.write("repo/.cargo/config.toml", &text);
    shell.finds("S054", &[".cargo/config.toml:2:1"]);
}

/// A home as home-manager leaves it: the config file links into a generation.
fn managed() -> DevShell {
    let shell = DevShell::new();
    let config = shell.machine.sandbox.read("conf");
    for generation in ["one", "two"] {
        let files = format!("store/{generation}-home-manager-files/.config/sccache/config");
        shell.write(&files, &config);
        let target = shell.path(&format!("store/{generation}-home-manager-files"));
        fs::create_dir(shell.path(&format!("store/{generation}"))).unwrap();
        symlink(
            target,
            shell.path(&format!("store/{generation}/home-files")),
        )
        .unwrap();
    }
    fs::create_dir_all(shell.path("home/.config/sccache")).unwrap();
    fs::create_dir_all(shell.path("home/.local/state/home-manager/gcroots")).unwrap();
    link_config(&shell, "one");
    activate(&shell, "one");
    shell.without("SCCACHE_CONF")
}

fn link(shell: &DevShell, target: &str, at: &str) {
    let at = shell.path(at);
    let _ = fs::remove_file(&at);
    symlink(shell.path(target), at).unwrap();
}

fn link_config(shell: &DevShell, generation: &str) {
    let target = format!("store/{generation}-home-manager-files/.config/sccache/config");
    link(shell, &target, "home/.config/sccache/config");
}

fn activate(shell: &DevShell, generation: &str) {
    let at = "home/.local/state/home-manager/gcroots/current-home";
    link(shell, &format!("store/{generation}"), at);
}

#[requires(sccache, proc)]
#[test]
fn a_config_file_that_is_not_the_current_generations_is_reported() {
    let shell = managed();
    shell.is_healthy();
    activate(&shell, "two");
    shell.finds("S055", &[".config/sccache/config", "home-manager switch"]);
    link_config(&shell, "two");
    shell.is_healthy();
    // A program replaced the link.
    let text = shell.machine.sandbox.read("conf");
    fs::remove_file(shell.path("home/.config/sccache/config")).unwrap();
    shell.write("home/.config/sccache/config", &text);
    shell.finds("S055", &["this file is another one"]);
}

#[requires(sccache, direnv, proc)]
#[test]
fn an_envrc_that_direnv_may_not_load_is_reported() {
    let shell = DevShell::with_direnv();
    shell.finds("S056", &[".envrc", "direnv allow"]);
    shell.allow("repo");
    shell.is_healthy();
    let text = shell.machine.sandbox.read("repo/.envrc");
    shell.write("repo/.envrc", &format!("export A=1\n{text}"));
    shell.finds("S056", &[".envrc"]);
}

#[requires(sccache, direnv, proc)]
#[test]
fn use_flake_without_nix_direnv_is_reported() {
    let shell = DevShell::with_direnv();
    shell.allow("repo");
    fs::remove_file(shell.path("home/.config/direnv/lib/hm-nix-direnv.sh")).unwrap();
    shell.finds("S057", &[".envrc", "programs.direnv.nix-direnv.enable"]);
}

#[requires(sccache, nix, proc)]
#[test]
fn nix_without_flakes_is_reported_outside_of_the_dev_shell() {
    let shell = DevShell::new()
        .with("NIX_CONFIG", "")
        .with("NIX_CONF_DIR", "/nowhere")
        .without("IN_NIX_SHELL");
    shell.finds("S059", &["error[S059]", "nix/nix.conf"]);
    shell.write(
        "home/.config/nix/nix.conf",
        "experimental-features = nix-command flakes\n",
    );
    shell.is_healthy();
}

#[requires(sccache, direnv, proc)]
#[test]
fn what_envrc_sets_after_the_dev_shell_is_reported_and_commented_out() {
    let shell = DevShell::with_direnv();
    let text = shell.machine.sandbox.read("repo/.envrc");
    let above = "export RUSTC_WRAPPER=\n";
    let below = "export CARGO_INCREMENTAL=0\nexport RUSTC_WRAPPER=kache\n";
    shell.write("repo/.envrc", &format!("{above}{text}{below}"));
    shell.allow("repo");
    let lines = text.lines().count();
    let place = format!(".envrc:{}:1", lines + 3);
    shell.finds("S060", &[&place, "RUSTC_WRAPPER is set after `use flake`"]);
    let before = shell.files();
    // It has to be allowed again.
    let ran = shell.doctor(&["--fix", "--yes"]).status(1);
    ran.stdout_has("fixed S060").stdout_has("[S056]");
    assert_eq!(shell.changed_since(&before), [shell.path("repo/.envrc")]);
    let now = shell.machine.sandbox.read("repo/.envrc");
    let commented_out = below.replace("export RUSTC", "# sccfg:was export RUSTC");
    assert_eq!(now, format!("{above}{text}{commented_out}"));
    shell.allow("repo");
    shell.is_healthy();
    // `remove` restores it.
    let remove = ["-C", "repo", "remove"];
    shell.machine.sccfg(&remove).status(0);
    let now = shell.machine.sandbox.read("repo/.envrc");
    assert_eq!(now, format!("{above}{below}"));
}

/// A config file that home-manager wrote is not changed; the option is named.
#[requires(sccache, nix, mount, proc)]
#[test]
fn a_request_above_the_size_that_home_manager_wrote_names_the_option() {
    let shell = DevShell::new();
    let policy = shell.machine.sandbox.read("repo/sccfg.toml");
    shell.write("repo/sccfg.toml", &policy.replace("3GiB", "4GiB"));
    let apply = ["-C", "repo", "apply", "--no-user-config"];
    shell.machine.sccfg(&apply).status(0);
    fs::rename(shell.path("conf"), shell.path("written")).unwrap();
    symlink("/nix/store/x-home-manager-files/config", shell.path("conf")).unwrap();
    // A store of its own.
    let mounted = format!(
        "mount -t tmpfs none /nix/store; mkdir /nix/store/x-home-manager-files
         cp '{}' /nix/store/x-home-manager-files/config; exec \"$@\"",
        shell.path("written").display()
    );
    let args = ["--map-root-user", "--mount", "sh", "-euc", &mounted, "sh"];
    let inner = shell.command("repo", &["--fix", "--yes", "--json"]);
    let output = through("unshare", &args, &inner).output().unwrap();
    let ran = Ran::new("doctor".into(), &output).status(1);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let finding = &json["problems"][0];
    assert_eq!(finding["code"], "S017", "{json:#}");
    assert_eq!(finding["fixable"], false);
    let advice = finding["advice"].as_str().unwrap();
    assert!(advice.contains("programs.sccache.cache.size"), "{advice}");
}
