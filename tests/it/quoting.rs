//! Values with every character that TOML, Nix and shells treat specially are preserved.

use std::process::Command;

use crate::support::{Ran, Sandbox, sccache};

/// Values that are hard to quote.
const NASTY: [&str; 10] = [
    "two words",
    "\"double\" 'single'",
    "${antiquoted} $plain ${{",
    "''doubled'' '''tripled''' ''${x}",
    "back\\slash \\n \\",
    "Grüße 世界 🦀",
    "# not a comment = [ 1 ]",
    "`echo x` $(echo y); exit",
    "%s {{ x }} {% y %} {# z #}",
    "-leading --dashes",
];

const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.company.url = "github:example/dev-shells";
  outputs = { nixpkgs, company, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux = company.lib.shells pkgs;
    };
}
"#;

/// Asserts that rnix and Nix parse the file.
#[track_caller]
fn assert_is_nix(sandbox: &Sandbox, file: &str) {
    let parsed = rnix::Root::parse(&sandbox.read(file));
    assert!(parsed.errors().is_empty(), "{:?}", parsed.errors());
    let output = sandbox
        .command("nix-instantiate")
        .arg("--parse")
        .arg(sandbox.path(file))
        .env("NIX_STORE_DIR", sandbox.path("nix/store"))
        .env("NIX_STATE_DIR", sandbox.path("nix/var"))
        .env("NIX_LOG_DIR", sandbox.path("nix/log"))
        .env("NIX_REMOTE", "local")
        .output()
        .unwrap();
    Ran::new("nix-instantiate --parse".to_owned(), &output).status(0);
}

fn document(sandbox: &Sandbox, file: &str) -> toml_edit::DocumentMut {
    sandbox.read(file).parse().unwrap()
}

/// The cache directory that sccache reports; starts no server.
fn location(sandbox: &Sandbox) -> String {
    let mut sccache: Command = sandbox.command(sccache());
    let output = sccache
        .args(["--show-stats", "--stats-format=json"])
        .env("SCCACHE_SERVER_UDS", sandbox.path("nobody-listens"))
        .output()
        .unwrap();
    let ran = Ran::new("sccache --show-stats".to_owned(), &output).status(0);
    let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    stats["cache_location"].as_str().unwrap().to_owned()
}

#[requires(sccache)]
#[test]
fn the_cache_dir() {
    for nasty in NASTY {
        let sandbox = Sandbox::new().file("repo/README.md", "");
        let directory = sandbox.path("caches").join(nasty).join("sccache");
        let directory = directory.to_str().unwrap();
        let args = ["-C", "repo", "init", "--size", "24GiB", "--dir", directory];
        sandbox.sccfg(&args).status(0);
        let config = document(&sandbox, "home/.config/sccache/config");
        assert_eq!(config["cache"]["disk"]["dir"].as_str(), Some(directory));
        assert_eq!(location(&sandbox), format!("Local disk: {directory:?}"));
        sandbox.sccfg(&args).status(0).stdout_has("nothing to do");
    }
}

#[test]
fn a_cache_directory_that_is_no_absolute_path() {
    for directory in ["relative/path", "", "~/cache"] {
        let sandbox = Sandbox::new().file("repo/README.md", "");
        let ran = sandbox.sccfg(&["-C", "repo", "init", "--dir", directory]);
        assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
        assert!(!sandbox.exists("home/.config/sccache/config"));
        assert!(!sandbox.exists("repo/flake.nix") && !sandbox.exists("repo/sccfg.toml"));
    }
}

#[requires(nix)]
#[test]
fn the_name_of_a_shell() {
    for nasty in NASTY {
        let sandbox = Sandbox::new().file("repo/flake.nix", FLAKE);
        let shell = format!("--shell={nasty}");
        let init = ["-C", "repo", "init", "--no-user-config", &shell];
        sandbox.sccfg(&init).status(0);
        let policy = document(&sandbox, "repo/sccfg.toml");
        assert_eq!(policy["shell"]["names"][0].as_str(), Some(nasty));
        assert_is_nix(&sandbox, "repo/flake.nix");
        sandbox.sccfg(&init).status(0).stdout_has("nothing to do");
        sandbox.sccfg(&["-C", "repo", "apply", "--check"]).status(0);
        sandbox.sccfg(&["-C", "repo", "remove"]).status(0);
        assert_eq!(sandbox.read("repo/flake.nix"), FLAKE);
    }
}

#[requires(nix)]
#[test]
fn the_name_of_a_project() {
    for nasty in NASTY {
        let directory = format!("work/{nasty}");
        let sandbox = Sandbox::new().file(&format!("{directory}/src/main.rs"), "fn main() {}\n");
        let init = ["-C", &directory, "init", "--no-user-config"];
        sandbox.sccfg(&init).status(0);
        assert_is_nix(&sandbox, &format!("{directory}/flake.nix"));
        sandbox.sccfg(&init).status(0).stdout_has("nothing to do");
        sandbox.sccfg(&["-C", &directory, "remove"]).status(0);
        assert!(!sandbox.exists(&format!("{directory}/flake.nix")));
    }
}

#[requires(nix)]
#[test]
fn the_name_and_description_of_a_package() {
    for nasty in NASTY {
        let mut manifest = toml_edit::DocumentMut::new();
        manifest["package"]["name"] = toml_edit::value(nasty);
        manifest["package"]["description"] = toml_edit::value(nasty);
        let sandbox = Sandbox::new().file("repo/Cargo.toml", &manifest.to_string());
        let init = ["-C", "repo", "init", "--no-user-config"];
        sandbox.sccfg(&init).status(0);
        assert_is_nix(&sandbox, "repo/flake.nix");
        sandbox.sccfg(&init).status(0).stdout_has("nothing to do");
    }
}
