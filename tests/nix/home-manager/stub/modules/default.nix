# The part of home-manager that our module meets, for where no checkout is given: its options, and a
# generation with the same files in the same places.
{
  configuration,
  pkgs,
  lib,
  minimal ? false,
  check ? true,
}:
let
  inherit (lib) mkOption types;
  any = default: mkOption { type = types.anything; inherit default; };
  files = mkOption {
    type = types.attrsOf types.anything;
    default = { };
  };

  options =
    { config, ... }:
    {
      options = {
        home = {
          username = any null;
          homeDirectory = any null;
          stateVersion = any null;
          enableNixpkgsReleaseCheck = any true;
          packages = mkOption {
            type = types.listOf types.package;
            default = [ ];
          };
          sessionVariables = files;
          file = files;
          activation = files;
        };
        xdg = {
          configHome = any "${config.home.homeDirectory}/.config";
          dataHome = any "${config.home.homeDirectory}/.local/share";
          configFile = files;
          dataFile = files;
        };
        systemd.user = {
          services = files;
          sessionVariables = files;
          systemctlPath = any "${pkgs.systemd}/bin/systemctl";
        };
        launchd.agents = files;
        manual.manpages.enable = any true;
        assertions = mkOption {
          type = types.listOf types.anything;
          default = [ ];
        };
        warnings = mkOption {
          type = types.listOf types.str;
          default = [ ];
        };
      };
    };

  inherit
    (lib.evalModules {
      modules = [
        options
        configuration
      ];
      specialArgs = {
        inherit lib;
        modulesPath = ./.;
      };
    })
    config
    ;

  failed = lib.filter (it: !it.assertion) config.assertions;
  checked =
    if failed == [ ] then
      lib.foldr (warning: builtins.trace "warning: ${warning}") config config.warnings
    else
      throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (it: "- ${it.message}") failed}";

  source = name: file: file.source or (pkgs.writeTextFile {
    name = lib.replaceStrings [ "/" " " ] [ "-" "-" ] name;
    inherit (file) text;
    executable = file.executable or false;
  });
  below = directory: lib.mapAttrs' (name: file: lib.nameValuePair "${directory}/${name}" (source name file));
  inHome = lib.removePrefix "${config.home.homeDirectory}/";
  units = lib.concatMapAttrs (
    name: unit:
    let
      sections = lib.filterAttrs (_: section: section != { }) (
        lib.mapAttrs (_: lib.filterAttrs (_: value: value != null && value != [ ])) unit
      );
      file = pkgs.writeText "${name}.service" (lib.generators.toINI sections);
    in
    {
      "${inHome config.xdg.configHome}/systemd/user/${name}.service" = file;
    }
    // lib.listToAttrs (
      map (target: lib.nameValuePair "${inHome config.xdg.configHome}/systemd/user/${target}.wants/${name}.service" file) (
        unit.Install.WantedBy or [ ]
      )
    )
  ) config.systemd.user.services;
  home =
    lib.mapAttrs source config.home.file
    // below (inHome config.xdg.configHome) config.xdg.configFile
    // below (inHome config.xdg.dataHome) config.xdg.dataFile
    // units;

  agents = lib.mapAttrs' (
    name: agent:
    let
      label = "org.nix-community.home.${name}";
      command = "/bin/wait4path /nix/store && exec ${lib.escapeShellArgs agent.config.ProgramArguments}";
    in
    lib.nameValuePair "${label}.plist" (
      pkgs.writeText "${label}.plist" (
        lib.generators.toPlist { escape = true; } (
          agent.config
          // {
            Label = label;
            ProgramArguments = [
              "/bin/sh"
              "-c"
              command
            ];
          }
        )
      )
    )
  ) config.launchd.agents;

  link =
    directory: links:
    lib.concatStrings (
      lib.mapAttrsToList (name: target: ''
        mkdir -p "$(dirname "$out/${directory}/${name}")"
        ln -s ${target} "$out/${directory}/${name}"
      '') links
    );
  variables = pkgs.writeText "hm-session-vars.sh" (
    lib.concatStrings (
      lib.mapAttrsToList (name: value: "export ${name}=\"${toString value}\"\n") config.home.sessionVariables
    )
  );
  activate = pkgs.writeShellScript "activate" ''
    set -eu -o pipefail
    cd "$HOME"
    run() { if [[ -v DRY_RUN ]]; then echo "$@"; else "$@"; fi; }
    warnEcho() { echo "$@"; }
    _iNote() { :; }
    gen=$(dirname "$(readlink -f "$0")")
    ( cd @out@/home-files && find . -type l ) | while read -r file; do
      run mkdir -p "$(dirname "$HOME/$file")"
      run ln -sfn "$(readlink "@out@/home-files/$file")" "$HOME/$file"
    done
    ${lib.concatStrings (
      lib.mapAttrsToList (name: entry: ''
        _iNote "Activating %s" "${name}"
        ${entry.data}
      '') config.home.activation
    )}
  '';
in
{
  inherit config;
  activationPackage = builtins.seq checked (
    pkgs.runCommand "home-manager-generation" { } ''
      mkdir -p $out/home-files $out/home-path
      ${link "home-files" home}
      ${link "LaunchAgents" agents}
      ${link "home-path" { "etc/profile.d/hm-session-vars.sh" = variables; }}
      for package in ${toString config.home.packages}; do
        mkdir -p $out/home-path/bin
        for program in $package/bin/*; do ln -sf $program $out/home-path/bin/; done
      done
      sed "s|@out@|$out|g" ${activate} >$out/activate
      chmod +x $out/activate
    ''
  );
}
