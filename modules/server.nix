# How a service manager runs sccache's server, in front and without an end: systemd's and launchd's part.
{ lib, pkgs }:
{
  cfg,
  # What `evaluate` of settings.nix says.
  result,
  # Variables besides that: values as they are.
  variables ? { },
  # Those whose values a shell expands, such as "$XDG_RUNTIME_DIR/sccache.sock".
  expanded ? { },
}:
let
  program = if cfg.package == null then "sccache" else lib.getExe' cfg.package "sccache";
  sccfg = if cfg.sccfgPackage == null then null else lib.getExe' cfg.sccfgPackage "sccfg";

  foreground = {
    SCCACHE_START_SERVER = "1";
    SCCACHE_NO_DAEMON = "1";
    SCCACHE_IDLE_TIMEOUT = "0";
  };
  settings = variables // result.environment;

  /*
    Another server may have the address: one that a build started before this one was there. It goes
    as soon as nobody needs it, and until then the service manager tries again.
  */
  stopOthers = ''
    RUSTC_WRAPPER=${program} ${sccfg} server stop --wait 0 || exit 1
  '';

  exports = lib.concatMapStrings (line: "export ${line}\n");
in
{
  inherit program sccfg;

  environment = foreground // settings;

  # The program of a unit.
  start =
    if sccfg == null then
      program
    else
      "${pkgs.writeShellScript "sccache-server" ''
        unset SCCACHE_START_SERVER SCCACHE_NO_DAEMON
        ${stopOthers}export SCCACHE_START_SERVER=1 SCCACHE_NO_DAEMON=1
        exec ${program}
      ''}";

  serviceConfig = {
    Type = "exec";
    Restart = "always";
    RestartSec = 10;
    # A compiler that runs out of memory is no reason to end the others.
    OOMPolicy = "continue";
  };

  # The paths of agenix and sops-nix may begin with a variable, for which systemd has a specifier.
  inUnit =
    lib.replaceStrings
      [ "\${XDG_RUNTIME_DIR}" "$XDG_RUNTIME_DIR" "\${HOME}" "$HOME" ]
      [ "%t" "%t" "%h" "%h" ];

  /*
    The program of an agent. launchd knows no environment files, and both home-manager and nix-darwin
    stop an agent whose plist changes, whatever is going on. So the plist names this script by a path
    that stays the same, and all that may change is in here.
  */
  script = ''
    #!/bin/bash
    # The sccache server, in front, for launchd.
  ''
  + lib.optionalString (result.environmentFiles != [ ]) (
    ''
      # Values are taken as they are: a file of secrets is no script.
      read_environment() {
        local line value
        while IFS= read -r line || [ -n "$line" ]; do
          case $line in [A-Za-z_]*=*) ;; *) continue ;; esac
          value=''${line#*=}
          case $value in \"*\" | \'*\') value=''${value:1:''${#value}-2} ;; esac
          export "''${line%%=*}=$value"
        done <"$1" || exit 1
      }
    ''
    + lib.concatMapStrings (file: "read_environment \"${file}\"\n") result.environmentFiles
  )
  + exports (lib.mapAttrsToList (name: value: "${name}=${lib.escapeShellArg value}") settings)
  + exports (lib.mapAttrsToList (name: value: "${name}=\"${toString value}\"") expanded)
  + lib.optionalString (sccfg != null) stopOthers
  + ''
    export ${lib.concatStringsSep " " (lib.mapAttrsToList (name: value: "${name}=${value}") foreground)}
    exec ${program}
  '';

  agent = {
    RunAtLoad = true;
    KeepAlive = true;
    # Compilers run below the server, and must not be slowed down as work in the background.
    ProcessType = "Interactive";
  };

  # Tells a server that was started with these settings from one that was not.
  mark = builtins.hashString "sha256" (
    builtins.unsafeDiscardStringContext (
      builtins.toJSON [
        program
        result.settings
        settings
        expanded
        result.environmentFiles
      ]
    )
  );
}
