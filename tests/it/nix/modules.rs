//! The modules for dev shells and `lib`, tested with `nix develop`.

use rstest::rstest;
use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::Incremental;

use super::{Nix, nix, system};
use crate::support::Sandbox;

/// How a shell gets sccache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    FlakeParts,
    Devenv,
    Devshell,
    Lib,
}

impl Way {
    /// The flake that it needs in addition to nixpkgs and sccfg.
    fn input(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::FlakeParts => Some(("flake-parts", "github:hercules-ci/flake-parts")),
            Self::Devenv => Some(("devenv", "github:cachix/devenv")),
            Self::Devshell => Some(("devshell", "github:numtide/devshell")),
            Self::Lib => None,
        }
    }

    /// A Nix function from settings to a shell, which has a variable and a hook of its own, and to
    /// the text of our hook.
    fn make(self, more: &str) -> String {
        match self {
            Self::FlakeParts => format!(
                "settings: let flake = inputs.flake-parts.lib.mkFlake {{ inherit inputs; }} {{
                   imports = [ inputs.sccfg.flakeModules.default ];
                   systems = [ system ];
                   perSystem = {{ config, ... }}: {{
                     # flake-parts finds it by itself, with a Nix from 2.9 on.
                     _module.args.pkgs = pkgs;
                     sccfg = {{ enable = true; }} // settings;
                     devShells.default = pkgs.mkShell {{ MINE = \"1\"; shellHook = own; }};
                     devShells.other = pkgs.mkShell {{ inputsFrom = [ config.sccfg.devShell ]; }};
                     devShells.left = pkgs.mkShell {{ }};
                     legacyPackages.hook = config.sccfg.shellHook;
                     {more}
                   }};
                 }}; in {{
                   shells = flake.devShells.${{system}};
                   hook = flake.legacyPackages.${{system}}.hook;
                 }}"
            ),
            Self::Devenv => format!(
                "settings: let config = inputs.devenv.lib.mkConfig {{
                   inherit pkgs;
                   inputs = inputs // {{ git-hooks = null; }};
                   modules = [ {{
                     imports = [ inputs.sccfg.devenvModules.default ];
                     sccfg = {{ enable = true; }} // settings;
                     env.MINE = \"1\";
                     enterShell = own;
                     {more}
                   }} ];
                 }}; in {{ shells.default = config.shell; hook = config.sccfg.shellHook; }}"
            ),
            Self::Devshell => format!(
                "settings: let it = inputs.devshell.legacyPackages.${{system}}.eval {{
                   configuration = {{
                     imports = [ inputs.sccfg.devshellModules.default ];
                     sccfg = {{ enable = true; }} // settings;
                     env = [ {{ name = \"MINE\"; value = \"1\"; }} ];
                     devshell.startup.\"1-own\".text = own;
                     {more}
                   }};
                 }}; in {{
                   shells.default = it.config.devshell.shell;
                   hook = it.config.sccfg.shellHook;
                 }}"
            ),
            Self::Lib => "settings: let
                   named = removeAttrs settings [ \"cache\" ] // settings.cache or { };
                 in {
                   shells.default = inputs.sccfg.lib.withSccache (named // { inherit pkgs; })
                     (pkgs.mkShell { MINE = \"1\"; shellHook = own; });
                   hook = inputs.sccfg.lib.shellHook (removeAttrs named [ \"wrapper\" ]);
                 }"
            .to_owned(),
        }
    }
}

/// Every policy as settings, with the text of the hook for each.
fn policies() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for incremental in [Incremental::Off, Incremental::Workspace, Incremental::Auto] {
        for size in [None, Some("24GiB"), Some("1.5TiB")] {
            let text = HookText {
                size: size.map(|size| size.parse().unwrap()),
                incremental,
                settings: Settings::InHook,
            };
            let size = size.map_or("null".to_owned(), |size| format!("\"{size}\""));
            let name = incremental.name();
            all.push((
                format!("{{ incremental = \"{name}\"; cache.size = {size}; }}"),
                text.render(),
            ));
        }
    }
    all
}

/// A flake with such shells; its own hook prints the variables after that of sccfg.
pub(super) fn flake(way: Way, settings: &str, more: &str) -> String {
    let input = way.input().map_or_else(String::new, |(name, url)| {
        format!("inputs.{name}.url = \"{url}\";\n")
    });
    let policies: Vec<_> = policies()
        .into_iter()
        .map(|(settings, _)| settings)
        .collect();
    format!(
        "{{
           inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";
           inputs.sccfg.url = \"github:somebody/sccfg\";
           inputs.sccfg.inputs.nixpkgs.follows = \"nixpkgs\";
           {input}
           outputs = inputs@{{ nixpkgs, ... }}:
             let
               system = \"{system}\";
               pkgs = nixpkgs.legacyPackages.${{system}}.extend (_: prev: {{
                 # Used by devenv; missing in the stub of nixpkgs.
                 libressl.nc = prev.netcat;
                 glibcLocalesUtf8 = null;
               }});
               own = \"export OWN=$SCCACHE_CACHE_SIZE\";
               make = {make};
             in
             {{
               devShells.${{system}} = (make {settings}).shells;
               hooks = map (settings: (make settings).hook) [ {policies} ];
             }};
         }}",
        system = system(),
        make = way.make(more),
        policies = policies.join(" "),
    )
}

fn sandbox(way: Way, settings: &str) -> Sandbox {
    // An address without a server.
    Sandbox::new()
        .variable("SCCACHE_SERVER_PORT", "1")
        .variable("CARGO_INCREMENTAL", "1")
        .file("repo/flake.nix", &flake(way, settings, ""))
}

/// Asserts that the shell caches with these settings: `{ cache.size = "24GiB"; }`.
#[track_caller]
pub(super) fn assert_caches(nix: &Nix, sandbox: &Sandbox) {
    let env = nix.dev_env(sandbox, "repo", None);
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
    // Without sccfg, the text of the hook does it.
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "24G");
    assert_eq!(env.get("SCCACHE_DIR"), None);
    assert_eq!(env["MINE"], "1");
    assert_eq!(env["OWN"], "24G", "its own hook ran, after ours");
    let found = nix.develop(sandbox, "repo", None, &["bash", "-c", "command -v sccache"]);
    assert_eq!(found.status(0).stdout.trim_end(), env["RUSTC_WRAPPER"]);
}

/// Asserts that the text of the hook is what `sccfg init` writes, byte for byte, for every policy.
#[track_caller]
pub(super) fn assert_same_text(nix: &Nix, sandbox: &Sandbox) {
    let hooks = nix.value(sandbox, "repo", "hooks");
    let expected: Vec<_> = policies().into_iter().map(|(_, text)| text).collect();
    assert_eq!(hooks, serde_json::json!(expected));
}

#[rstest]
#[requires(nix, sccache)]
fn a_shell_caches_and_keeps_its_own_settings(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
) {
    let nix = nix();
    let sandbox = sandbox(way, "{ cache.size = \"24GiB\"; }");
    assert_caches(nix, &sandbox);
    // sccache's config file decides, if there is one.
    sandbox
        .sccfg(&["config", "set", "cache.disk.size", "30GiB"])
        .status(0);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!((env.get("SCCACHE_CACHE_SIZE"), &*env["OWN"]), (None, ""));
}

#[rstest]
#[requires(nix)]
fn the_hook_is_the_one_that_init_writes(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
) {
    let nix = nix();
    assert_same_text(nix, &sandbox(way, "{ }"));
}

#[rstest]
#[requires(nix)]
fn incremental_is_off_only_where_it_is_requested(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
    #[values("workspace", "auto")] incremental: &str,
) {
    let nix = nix();
    let sandbox = sandbox(way, &format!("{{ incremental = \"{incremental}\"; }}"));
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env.get("CARGO_INCREMENTAL"), None);
    sandbox.write("repo/.git", "gitdir: /x/.git/worktrees/repo\n");
    let env = nix.dev_env(&sandbox, "repo", None);
    let expected = (incremental == "auto").then_some("0");
    assert_eq!(env.get("CARGO_INCREMENTAL").map(String::as_str), expected);
}

#[rstest]
#[requires(nix)]
fn a_linker_is_passed_to_nixpkgs_wrapper_of_the_compiler(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
) {
    let nix = nix();
    let flags = |settings: &str| {
        let env = nix.dev_env(&sandbox(way, settings), "repo", None);
        env.get("NIX_CFLAGS_LINK").cloned()
    };
    assert_eq!(flags("{ }"), None);
    for (linker, package) in [
        ("mold", "-mold-wrapped/bin"),
        ("lld", "-lld/bin"),
        ("wild", "-wild/bin"),
    ] {
        let flags = flags(&format!("{{ linker = \"{linker}\"; }}")).unwrap();
        let directory = flags.strip_prefix(&format!("-fuse-ld={linker} -B/"));
        assert!(directory.unwrap().ends_with(package), "{flags}");
    }
}

#[rstest]
#[requires(nix, sccache)]
fn the_portable_wrapper_comes_with_sccfg_and_knows_the_real_sccache(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
) {
    let nix = nix();
    let sandbox = sandbox(way, "{ wrapper = \"portable\"; cache.size = \"24GiB\"; }");
    let env = nix.dev_env(&sandbox, "repo", None);
    let wrapper = env["RUSTC_WRAPPER"].strip_suffix("/libexec/sccfg/sccache");
    let sccfg = format!("{}/bin", wrapper.unwrap());
    assert!(env["PATH"].split(':').any(|directory| directory == sccfg));
    assert!(env["SCCFG_SCCACHE"].ends_with("-sccache/bin/sccache"));
    // With sccfg, without a sccfg.toml.
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "25769803776");
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
}

#[requires(nix, sccache)]
#[test]
fn flake_parts_changes_the_named_shells_and_gives_one_for_inputs_from() {
    let nix = nix();
    let sandbox = sandbox(Way::FlakeParts, "{ cache.size = \"24GiB\"; }");
    let env = nix.dev_env(&sandbox, "repo", Some("left"));
    assert_eq!(env.get("RUSTC_WRAPPER"), None);
    let env = nix.dev_env(&sandbox, "repo", Some("other"));
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
    assert_eq!(env["SCCACHE_CACHE_SIZE"], "24G");
    sandbox.write(
        "repo/flake.nix",
        &flake(
            Way::FlakeParts,
            "{ shells = [ \"default\" \"left\" \"lft\" ]; }",
            "",
        ),
    );
    nix.evaluate(&sandbox, "repo", Some("left"))
        .status(0)
        .stdout_has("RUSTC_WRAPPER=")
        .stderr_has("perSystem.sccfg.shells: no such devShells: lft")
        .stderr_has("Defined are default, left, other");
    // Also if no shell has one of the names.
    sandbox.write(
        "repo/flake.nix",
        &flake(Way::FlakeParts, "{ shells = [ \"defualt\" ]; }", ""),
    );
    let ran = nix.evaluate(&sandbox, "repo", None).status(0);
    assert!(!ran.stdout.contains("RUSTC_WRAPPER="), "{}", ran.stdout);
    ran.stderr_has("perSystem.sccfg.shells: no such devShells: defualt");
}

/// In a package set for another platform, only the packages in `buildPackages` run on this machine.
#[requires(nix)]
#[test]
fn the_programs_of_a_cross_shell_run_on_this_machine() {
    let system = system();
    let sandbox = Sandbox::new().file(
        "repo/flake.nix",
        &format!(
            "{{
               inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";
               inputs.sccfg.url = \"github:somebody/sccfg\";
               inputs.sccfg.inputs.nixpkgs.follows = \"nixpkgs\";
               outputs = {{ nixpkgs, sccfg, ... }}: let
                 buildPackages = nixpkgs.legacyPackages.{system};
                 other = name: buildPackages.writeText \"${{name}}-of-aarch64\" \"\";
                 pkgs = buildPackages // {{
                   inherit buildPackages;
                   stdenv = buildPackages.stdenv // {{
                     hostPlatform = lib.systems.elaborate \"aarch64-linux\";
                   }};
                   sccache = other \"sccache\";
                   sccfg = other \"sccfg\";
                   mold-wrapped = other \"mold\";
                   wild = other \"wild\";
                   llvmPackages = buildPackages.llvmPackages // {{ bintools = other \"lld\"; }};
                 }};
                 env = more: sccfg.lib.shellEnv ({{ inherit pkgs; }} // more);
                 lib = nixpkgs.lib;
                 module = import (sccfg + \"/modules/shell.nix\") {{ inherit lib pkgs; }};
               in {{
                 variables = map env [ {{ }} {{ wrapper = \"portable\"; }}
                   {{ linker = \"mold\"; }} {{ linker = \"lld\"; }} {{ linker = \"wild\"; }} ];
                 programs = map toString (sccfg.lib.shellPackages {{ inherit pkgs; wrapper = \"portable\"; }});
                 replaced = sccfg.lib.shellEnv {{
                   pkgs = buildPackages // {{ sccache = buildPackages.writeText \"my-sccache\" \"\"; }};
                 }};
                 module = toString (module.options {{ }}).sccache.default;
               }};
             }}"
        ),
    );
    let nix = nix();
    for output in ["variables", "programs", "module"] {
        let found = nix.value(&sandbox, "repo", output).to_string();
        assert!(found.contains("-sccache"), "{output}: {found}");
        assert!(!found.contains("aarch64"), "{output}: {found}");
    }
    let replaced = nix.value(&sandbox, "repo", "replaced").to_string();
    assert!(replaced.contains("my-sccache"), "{replaced}");
}

#[requires(nix)]
#[test]
fn a_linker_is_added_to_the_flags_of_a_shell() {
    let nix = nix();
    for variables in [
        "NIX_CFLAGS_LINK = \"-L/mine\";",
        "env.NIX_CFLAGS_LINK = \"-L/mine\";",
    ] {
        let shell = format!("pkgs.mkShell {{ {variables} }}");
        let sandbox = wrapping("linker = \"mold\";", &shell);
        let env = nix.dev_env(&sandbox, "repo", None);
        let flags = &env["NIX_CFLAGS_LINK"];
        assert!(flags.starts_with("-L/mine -fuse-ld=mold -B/"), "{flags}");
        assert_eq!(nix.value(&sandbox, "repo", "twice"), true);
    }
}

#[rstest]
#[requires(nix)]
fn a_module_that_is_not_enabled_does_nothing(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell)] way: Way,
) {
    let nix = nix();
    let sandbox = sandbox(way, "{ enable = false; }");
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!((env.get("RUSTC_WRAPPER"), &*env["MINE"]), (None, "1"));
    assert_eq!(env["CARGO_INCREMENTAL"], "1");
}

#[rstest]
#[case(
    "cache.size = \"24 apples\"",
    "cache.size",
    "a positive number of bytes"
)]
#[case("cache.size = 0", "cache.size", "a positive number of bytes")]
#[case("cache.size = true", "cache.size", "such as \"24GiB\"")]
#[case(
    "incremental = \"on\"",
    "incremental",
    "one of \"off\", \"workspace\", \"auto\""
)]
#[case("wrapper = 1", "wrapper", "one of \"sccache\", \"portable\"")]
#[case("linker = \"gold\"", "linker", "one of \"system\", \"mold\", \"lld\"")]
#[requires(nix)]
fn a_wrong_value_is_refused_with_the_option_and_what_is_allowed(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
    #[case] setting: &str,
    #[case] option: &str,
    #[case] allowed: &str,
) {
    let nix = nix();
    let sandbox = sandbox(way, &format!("{{ {setting}; }}"));
    let option = match way {
        Way::FlakeParts => format!("perSystem.{}.sccfg.{option}", system()),
        Way::Devenv | Way::Devshell => format!("sccfg.{option}"),
        // `size` of an argument.
        Way::Lib => format!("`{}`", option.rsplit('.').next().unwrap()),
    };
    nix.evaluate(&sandbox, "repo", None)
        .status(1)
        .stderr_has(&option)
        .stderr_has(allowed);
}

#[rstest]
#[requires(nix)]
fn a_warning_about_a_size_that_is_too_small_is_printed_once(
    #[values(Way::FlakeParts, Way::Devenv, Way::Devshell, Way::Lib)] way: Way,
) {
    let nix = nix();
    let sandbox = sandbox(way, "{ cache.size = 24; }");
    let option = match way {
        Way::FlakeParts => "perSystem.sccfg.cache.size",
        Way::Devenv | Way::Devshell => "sccfg.cache.size",
        Way::Lib => "`size`",
    };
    let said = format!("{option} is 24 bytes, less than 1 MiB");
    let ran = nix.evaluate(&sandbox, "repo", None).status(0);
    assert_eq!(ran.stderr.matches(&said).count(), 1, "{}", ran.stderr);
    // Valid sizes are accepted.
    sandbox.write(
        "repo/flake.nix",
        &flake(way, "{ cache.size = \"1MiB\"; }", ""),
    );
    let ran = nix.evaluate(&sandbox, "repo", None).status(0);
    assert!(!ran.stderr.contains("less than"), "{}", ran.stderr);
}

/// The default shell is `shell`, with `with_` for `withSccache { … }`.
fn wrapping(arguments: &str, shell: &str) -> Sandbox {
    let system = system();
    Sandbox::new().variable("SCCACHE_SERVER_PORT", "1").file(
        "repo/flake.nix",
        &format!(
            "{{
               inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";
               inputs.sccfg.url = \"github:somebody/sccfg\";
               inputs.sccfg.inputs.nixpkgs.follows = \"nixpkgs\";
               outputs = {{ nixpkgs, sccfg, ... }}: let
                 pkgs = nixpkgs.legacyPackages.{system};
                 with_ = sccfg.lib.withSccache {{ inherit pkgs; {arguments} }};
                 shell = {shell};
               in {{
                 devShells.{system}.default = with_ shell;
                 twice = (with_ (with_ shell)).drvPath == (with_ shell).drvPath;
               }};
             }}"
        ),
    )
}

#[rstest]
#[case::beside_the_others("RUSTC_WRAPPER = \"x\"; CARGO_INCREMENTAL = 1;")]
#[case::in_env("env.RUSTC_WRAPPER = \"x\"; env.CARGO_INCREMENTAL = \"1\";")]
#[case::in_both("RUSTC_WRAPPER = \"x\"; env.CARGO_INCREMENTAL = \"1\"; env.MORE = \"2\";")]
#[requires(nix, sccache)]
fn wrapping_replaces_a_variable_where_it_stands(#[case] variables: &str) {
    let nix = nix();
    let shell = format!("pkgs.mkShell {{ {variables} }}");
    let sandbox = wrapping("", &shell);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert!(env["RUSTC_WRAPPER"].ends_with("-sccache/bin/sccache"));
    assert_eq!(env["CARGO_INCREMENTAL"], "0");
    assert_eq!(nix.value(&sandbox, "repo", "twice"), true);
    let sandbox = wrapping("incremental = \"workspace\";", &shell);
    let env = nix.dev_env(&sandbox, "repo", None);
    assert_eq!(env.get("CARGO_INCREMENTAL"), None);
    assert_eq!(nix.value(&sandbox, "repo", "twice"), true);
}

#[requires(nix)]
#[test]
fn a_shell_that_cannot_be_wrapped_is_refused_with_what_to_do() {
    let nix = nix();
    let shell = "derivation { name = \"naked\"; system = pkgs.system; builder = \"/bin/sh\"; }";
    nix.evaluate(&wrapping("", shell), "repo", None)
        .status(1)
        .stderr_has("the shell naked has no overrideAttrs")
        .stderr_has("devshellModules.default");
}
