# The service of sccache's server for systemd and launchd: in the foreground, without an idle timeout.
{ lib, pkgs }:
{
  cfg,
  # The result of `evaluate` in settings.nix.
  result,
  # More variables, with literal values.
  variables ? { },
  # The variables of the session. A shell expands their values, such as "$XDG_RUNTIME_DIR/sccache.sock".
  session ? { },
}:
let
  # The server's address, if the session sets another one than sccache's default.
  address = lib.mapAttrs (_: toString) (
    builtins.intersectAttrs {
      SCCACHE_SERVER_PORT = null;
      SCCACHE_SERVER_UDS = null;
    } session
  );

  program = if cfg.package == null then "sccache" else lib.getExe' cfg.package "sccache";
  sccfg = if cfg.sccfgPackage == null then null else lib.getExe' cfg.sccfgPackage "sccfg";

  foreground = {
    SCCACHE_START_SERVER = "1";
    SCCACHE_NO_DAEMON = "1";
    SCCACHE_IDLE_TIMEOUT = "0";
  };
  settings = variables // result.environment;

  # Sessions may import these into their systemd, with the values of a dev shell. They would override the file and the address.
  imported = [
    "SCCACHE_SERVER_PORT"
    "SCCACHE_SERVER_UDS"
  ]
  ++ lib.optionals (result.settings != { }) [
    "SCCACHE_CACHE_SIZE"
    "SCCACHE_DIR"
  ];

  /*
    Another server may have the address, started by an earlier build. It is stopped once it is idle;
    until then, the service manager tries again.
  */
  stopOthers = ''
    RUSTC_WRAPPER=${program} ${sccfg} server stop --wait 0 || exit 1
  '';

  # `%` begins a specifier of systemd.
  escape = lib.replaceStrings [ "%" ] [ "%%" ];

  # Paths of agenix and sops-nix may begin with a variable; systemd has specifiers for these.
  inUnit =
    lib.replaceStrings
      [ "\${XDG_RUNTIME_DIR}" "$XDG_RUNTIME_DIR" "\${HOME}" "$HOME" ]
      [ "%t" "%t" "%h" "%h" ];

  # Whether systemd has no specifier for a variable in the value.
  hasOtherVariable =
    value:
    lib.hasInfix "$" (inUnit value)
    || builtins.match ".*[$](HOME|XDG_RUNTIME_DIR)[A-Za-z0-9_].*" value != null;
  environmentFiles = lib.concatMapAttrs (
    name: backend:
    lib.optionalAttrs (backend != null && backend.environmentFile != null) {
      "programs.sccache.remote.${name}.environmentFile" = backend.environmentFile;
    }
  ) cfg.remote;

  exports = lib.concatMapStrings (line: "export ${line}\n");
in
{
  inherit address program sccfg;

  # The environment of the systemd unit, and the files with more of it.
  unitEnvironment =
    lib.mapAttrs (_: escape) (foreground // settings)
    // lib.mapAttrs (_: value: inUnit (escape value)) address;
  unitEnvironmentFiles = map inUnit result.environmentFiles;

  # Assertions about values in the systemd unit; `where` is the option of the session's variables.
  unitAssertions =
    where:
    lib.mapAttrsToList (option: value: {
      assertion = !cfg.service.enable || !hasOtherVariable value;
      message = ''
        `${option}` is "${value}", and systemd knows no variables but $XDG_RUNTIME_DIR and $HOME.
        Write the path with one of these, or without a variable.'';
    }) (lib.mapAttrs' (name: lib.nameValuePair "${where}.${name}") address // environmentFiles);

  # The program of the systemd unit.
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
    # Do not stop the server if a compiler runs out of memory.
    OOMPolicy = "continue";
    UnsetEnvironment = lib.filter (name: !(settings // address) ? ${name}) imported;
  };

  /*
    The program of an agent. launchd has no environment files, and home-manager and nix-darwin stop an
    agent whose plist changes, even during a build. So the plist contains only the constant path of
    this script.
  */
  script = ''
    #!/bin/bash
    # The sccache server in the foreground, for launchd.
  ''
  + lib.optionalString (result.environmentFiles != [ ]) (
    ''
      # Values are literal: the file is not a script.
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
  + exports (lib.mapAttrsToList (name: value: "${name}=\"${value}\"") address)
  + lib.optionalString (sccfg != null) stopOthers
  + ''
    export ${lib.concatStringsSep " " (lib.mapAttrsToList (name: value: "${name}=${value}") foreground)}
    exec ${program}
  '';

  agent = {
    RunAtLoad = true;
    KeepAlive = true;
    # The server runs compilers, which must not be throttled as background work.
    ProcessType = "Interactive";
  };

  # Identifies the settings that a server was started with.
  mark = builtins.hashString "sha256" (
    builtins.unsafeDiscardStringContext (
      builtins.toJSON [
        program
        result.settings
        settings
        address
        result.environmentFiles
      ]
    )
  );
}
