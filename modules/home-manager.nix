/*
  `programs.sccache` for home-manager: sccache's config file, cargo's wrapper, and a server that runs
  while the user is logged in.
*/
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  inherit (lib) mkIf mkOption types;

  cfg = config.programs.sccache;
  common = import ./common.nix { inherit lib; };
  sccache = import ./settings.nix { inherit lib pkgs; };
  result = sccache.evaluate {
    inherit cfg;
    inherit (cfg.cache) dir;
  };

  inherit (pkgs.stdenv.hostPlatform) isDarwin;
  hasFile = result.settings != { };
  file = sccache.file result.settings;
  configFile =
    if isDarwin then
      "${config.home.homeDirectory}/Library/Application Support/Mozilla.sccache/config"
    else
      "${config.xdg.configHome}/sccache/config";
  # sccfg's own settings: the local store, and commands for secrets.
  store = lib.filterAttrs (_: value: value != null) {
    inherit (cfg.store) dir size;
    enabled = cfg.store.enable;
  };

  # As `takes_command` in crates/sccache-control/src/remote/secret_command.rs, but for Azure, whose table the file cannot have
  # without a secret.
  withCommand = [
    "redis"
    "memcached"
    "webdav"
    "s3"
  ];

  # Whether this is the path that sccache reads by default.
  isFound = isDarwin || config.xdg.configHome == "${config.home.homeDirectory}/.config";

  hasCargo = options.programs ? cargo;
  cargoIsManaged = hasCargo && config.programs.cargo.enable;

  # In a directory that only this user can access.
  socket =
    if isDarwin then
      "${config.home.homeDirectory}/Library/Caches/sccache.sock"
    else
      "$XDG_RUNTIME_DIR/sccache.sock";

  server = import ./server.nix { inherit lib pkgs; } {
    inherit cfg result;
    variables = lib.optionalAttrs hasFile { SCCACHE_CONF = configFile; };
    session = config.home.sessionVariables;
  };
  inherit (server) address sccfg;

  # In the syntax of a systemd unit: quoted if needed.
  assignment =
    name: value:
    let
      text = "${name}=${value}";
    in
    if builtins.match "[A-Za-z0-9_=/.:,@%+$-]*" text != null then text else builtins.toJSON text;
  environment = lib.mapAttrsToList assignment server.unitEnvironment ++ [
    "SCCFG_SERVICE=${server.mark}"
  ];

  # The variables of the activation script, to find the server and the programs.
  variables = {
    PATH =
      lib.concatMapStrings (directory: "${directory}:") (
        lib.optional (cfg.package != null) "${lib.getBin cfg.package}/bin"
        ++ lib.optional (!isDarwin) (dirOf config.systemd.user.systemctlPath)
      )
      + "$PATH";
  }
  // address
  // lib.optionalAttrs (hasFile && !isFound) { SCCACHE_CONF = configFile; };
in
{
  options.programs.sccache = lib.recursiveUpdate sccache.options {
    cache.dir = mkOption {
      type = types.nullOr sccache.outside;
      default = null;
      example = "/home/me/.cache/sccache";
      description = ''
        Absolute path of the directory of the disk cache. sccache's default is `sccache` in
        {env}`XDG_CACHE_HOME`, on macOS {file}`~/Library/Caches/Mozilla.sccache`.
      '';
    };

    store = {
      enable = mkOption {
        type = types.nullOr types.bool;
        default = null;
        example = false;
        description = ''
          Whether the portable wrapper uses sccfg's local store. By default it does.
        '';
      };

      size = mkOption {
        type = types.nullOr common.types.size;
        default = null;
        example = "10GiB";
        description = ''
          Maximum size of the local store: a string such as `"10GiB"`, or a number of bytes. By default it is
          the maximum size of sccache's cache.
        '';
      };

      dir = mkOption {
        type = types.nullOr sccache.outside;
        default = null;
        example = "/home/me/.cache/sccfg/store";
        description = ''
          Absolute path of the directory of the local store. By default it is {file}`sccfg/wrapper/store` in
          {env}`XDG_CACHE_HOME`, on macOS {file}`~/Library/Caches/sccfg/wrapper/store`.
        '';
      };
    };

    secretCommands = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        redis = "pass show sccache";
      };
      description = ''
        Commands that print the password or token of a back end in their first line: of `redis`, `memcached` or
        `webdav`. That of `s3` prints lines `AWS_ACCESS_KEY_ID=…` and `AWS_SECRET_ACCESS_KEY=…`. sccfg runs them
        whenever it starts the server, and the secret is in no file. The server of
        {option}`programs.sccache.service` reads {option}`environmentFile` of the back end instead.
      '';
    };

    service.socket = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the server listens on a Unix socket that only you can access. {env}`SCCACHE_SERVER_UDS` in
        {option}`home.sessionVariables` is set to it. sccache's default address, port 4226, is open to every
        user of the machine without a password. Running sessions use the port until the next login.
      '';
    };
  };

  config = mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions =
          result.assertions
          ++ lib.mapAttrsToList (name: _: {
            assertion = lib.elem name withCommand;
            message = ''
              `programs.sccache.secretCommands.${name}`: sccache takes the secret of this back end from no command.
              Back ends with one are ${lib.concatStringsSep ", " withCommand}.'';
          }) cfg.secretCommands
          ++ lib.optional (cfg.secretCommands != { }) {
            assertion = !cfg.service.enable;
            message = ''
              `programs.sccache.secretCommands` has no effect with `programs.sccache.service.enable`, whose server sccfg does not start.
              Set `environmentFile` of the back end.'';
          }
          ++ result.variableAssertions "home.sessionVariables" (
            # Set by this module.
            removeAttrs config.home.sessionVariables (lib.optional (hasFile && !isFound) "SCCACHE_CONF")
          )
          ++ result.variableAssertions "systemd.user.sessionVariables" config.systemd.user.sessionVariables
          ++ lib.optionals (!isDarwin) (server.unitAssertions "home.sessionVariables");
        warnings =
          result.warnings ++ common.sizeWarnings "`programs.sccache.store.size`" cfg.store.size;

        home.packages = lib.filter (package: package != null) [
          cfg.package
          cfg.sccfgPackage
        ];

        home.sessionVariables = lib.mkMerge [
          result.incremental
          (mkIf (hasFile && !isFound) { SCCACHE_CONF = configFile; })
          (mkIf (cfg.service.enable && cfg.service.socket) { SCCACHE_SERVER_UDS = lib.mkDefault socket; })
        ];
      }

      (mkIf (hasFile && isDarwin) {
        home.file."Library/Application Support/Mozilla.sccache/config".source = file;
      })
      (mkIf (hasFile && !isDarwin) {
        xdg.configFile."sccache/config".source = file;
      })

      (mkIf (store != { } || cfg.secretCommands != { }) {
        xdg.configFile."sccfg/config.toml".source = sccache.toml.generate "sccfg-config" (
          lib.filterAttrs (_: table: table != { }) {
            inherit store;
            secrets = cfg.secretCommands;
          }
        );
      })

      (mkIf cfg.cargo.enable {
        home.sessionVariables = lib.mkMerge [
          # The setting below has an effect only if home-manager writes cargo's config.
          (mkIf (!cargoIsManaged) { RUSTC_WRAPPER = result.wrapper; })
          result.portable
        ];
      })
      (mkIf cfg.cargo.enable (
        lib.optionalAttrs hasCargo {
          programs.cargo.settings.build.rustc-wrapper = result.wrapper;
        }
      ))

      (mkIf (cfg.service.enable && !isDarwin) {
        systemd.user.services.sccache = {
          Unit = {
            Description = "sccache server";
            Documentation = [ "https://github.com/mozilla/sccache" ];
            # A restart would kill the compilers of a build; see the activation below.
            X-SwitchMethod = "keep-old";
          };
          Service = server.serviceConfig // {
            Environment = environment;
            EnvironmentFile = server.unitEnvironmentFiles;
            ExecStart = server.start;
          };
          Install.WantedBy = [ "default.target" ];
        };
      })

      (mkIf (cfg.service.enable && isDarwin) {
        xdg.dataFile."sccfg/sccache-server" = {
          text = server.script;
          executable = true;
        };
        launchd.agents.sccache = {
          enable = true;
          config = server.agent // {
            ProgramArguments = [ "${config.xdg.dataHome}/sccfg/sccache-server" ];
          };
        };
      })

      # A running server keeps the settings it started with.
      (mkIf (sccfg != null) {
        home.activation.sccacheServer =
          lib.hm.dag.entryAfter [ (if isDarwin then "setupLaunchAgents" else "reloadSystemd") ]
            (
              lib.replaceStrings
                [
                  "{{ exports }}"
                  "{{ sccfg }}"
                  "{{ mark }}"
                ]
                [
                  (lib.concatStringsSep "\n  " (
                    lib.mapAttrsToList (name: value: "export ${name}=\"${value}\"") variables
                  ))
                  sccfg
                  (lib.optionalString (cfg.service.enable && !isDarwin) server.mark)
                ]
                (builtins.readFile ../templates/home-activation.sh)
            );
      })
    ]
  );
}
