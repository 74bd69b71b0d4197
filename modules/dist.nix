# `services.sccache-dist` for NixOS: the scheduler and the build server of sccache's distributed compilation.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkIf mkOption types;

  cfg = config.services.sccache-dist;
  common = import ./common.nix { inherit lib; };
  inherit (import ./settings.nix { inherit lib pkgs; }) outside;
  toml = pkgs.formats.toml { };
  program = lib.getExe' cfg.package "sccache-dist";

  address =
    args:
    mkOption (
      {
        type = types.strMatching "[^[:space:]/]+:[0-9]+";
      }
      // args
    );
  secret =
    description:
    mkOption {
      type = outside;
      example = "/run/secrets/sccache-dist";
      inherit description;
    };
  openFirewall = mkOption {
    type = types.bool;
    default = false;
    description = "Whether to open the port in the firewall.";
  };
  portOf = text: builtins.fromJSON (lib.head (builtins.match ".*:0*([0-9]+)" text));

  /*
    sccache-dist reads secrets from its config file only. So the unit writes one when it starts, from the settings,
    which are in the Nix store, and the credentials, which are not. `tables` are lines of TOML with the names of
    credentials in `@…@`.
  */
  start =
    role: settings: tables:
    pkgs.writeShellScript "sccache-dist-${role}" (
      ''
        set -eu
        umask 077
        secret() {
          value=$(cat "$CREDENTIALS_DIRECTORY/$2")
          case $value in
            "" | *[!A-Za-z0-9._~+/=-]*) echo "the secret $2 is empty or has characters that no token has" >&2; exit 1 ;;
          esac
          printf '%s = "%s"\n' "$1" "$value"
        }
        {
          cat ${toml.generate "sccache-dist-${role}" settings}
      ''
      + lib.concatMapStrings (table: ''
        printf '\n[%s]\ntype = "%s"\n' ${table.name} ${table.type}
        secret ${table.key} ${table.credential}
      '') tables
      + ''
        } >"$RUNTIME_DIRECTORY/config"
        export SCCACHE_NO_DAEMON=1 SCCACHE_LOG="''${SCCACHE_LOG-warn}"
        exec ${program} ${role} --config "$RUNTIME_DIRECTORY/config"
      ''
    );

  unit = role: {
    documentation = [ "https://github.com/mozilla/sccache/blob/main/docs/Distributed.md" ];
    wantedBy = [ "multi-user.target" ];
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ];
    serviceConfig = {
      Restart = "on-failure";
      RestartSec = 10;
      RuntimeDirectory = "sccache-dist-${role}";
      RuntimeDirectoryMode = "0700";
    };
  };
in
{
  options.services.sccache-dist = {
    package = mkOption {
      type = types.package;
      default = pkgs.sccache.override { distributed = true; };
      defaultText = lib.literalExpression "pkgs.sccache.override { distributed = true; }";
      description = "sccache with the program {command}`sccache-dist`.";
    };

    scheduler = {
      enable = lib.mkEnableOption "the scheduler, which assigns compiles to build servers";
      address = address {
        default = "127.0.0.1:10600";
        example = "192.168.1.1:10600";
        description = ''
          Address and port to listen on. The scheduler has no HTTPS: put a web server in front of it, or use a
          private network.
        '';
      };
      clientTokenFile = secret "Path of a file with the token of the clients.";
      serverKeyFile = secret ''
        Path of a file with the key from which the tokens of build servers are made, 32 bytes in base64 for URLs:
        {command}`sccache-dist auth generate-jwt-hs256-key`.
      '';
      inherit openFirewall;
    };

    server = {
      enable = lib.mkEnableOption ''
        the build server, which compiles for other machines. It runs as root, because it mounts an overlay for each
        compile'';
      schedulerUrl = mkOption {
        type = types.strMatching "https?://[^/?#@[:space:]]+/?";
        example = "https://dist.example.org";
        description = "URL of the scheduler.";
      };
      address = address {
        example = "192.168.1.10:10501";
        description = ''
          Address and port at which clients and the scheduler reach this machine. The token was made for them, and
          the scheduler accepts no connection from another address.
        '';
      };
      listenAddress = mkOption {
        type = types.nullOr (types.strMatching "[^[:space:]/]+:[0-9]+");
        default = null;
        example = "0.0.0.0:10501";
        description = "Address and port to listen on, if that is not {option}`services.sccache-dist.server.address`.";
      };
      tokenFile = secret ''
        Path of a file with the token of this build server:
        {command}`sccache-dist auth generate-jwt-hs256-server-token` on the scheduler's machine.
      '';
      cacheSize = mkOption {
        type = common.types.size;
        default = "10GiB";
        example = "50GiB";
        description = "Maximum size of the toolchains of clients.";
      };
      inherit openFirewall;
    };
  };

  config = lib.mkMerge [
    (mkIf cfg.scheduler.enable {
      networking.firewall.allowedTCPPorts = mkIf cfg.scheduler.openFirewall [ (portOf cfg.scheduler.address) ];
      systemd.services.sccache-dist-scheduler = lib.recursiveUpdate (unit "scheduler") {
        description = "Scheduler of sccache-dist";
        serviceConfig = {
          ExecStart = start "scheduler" { public_addr = cfg.scheduler.address; } [
            {
              name = "client_auth";
              type = "token";
              key = "token";
              credential = "client-token";
            }
            {
              name = "server_auth";
              type = "jwt_hs256";
              key = "secret_key";
              credential = "server-key";
            }
          ];
          LoadCredential = [
            "client-token:${cfg.scheduler.clientTokenFile}"
            "server-key:${cfg.scheduler.serverKeyFile}"
          ];
          DynamicUser = true;
        };
      };
    })

    (mkIf cfg.server.enable {
      networking.firewall.allowedTCPPorts = mkIf cfg.server.openFirewall [
        (portOf (if cfg.server.listenAddress == null then cfg.server.address else cfg.server.listenAddress))
      ];
      systemd.services.sccache-dist-server = lib.recursiveUpdate (unit "server") {
        description = "Build server of sccache-dist";
        serviceConfig = {
          ExecStart =
            start "server"
              (
                {
                  public_addr = cfg.server.address;
                  scheduler_url = cfg.server.schedulerUrl;
                  cache_dir = "/var/cache/sccache-dist";
                  toolchain_cache_size = cfg.server.cacheSize;
                  builder = {
                    type = "overlay";
                    build_dir = "/var/lib/sccache-dist/build";
                    bwrap_path = lib.getExe' pkgs.bubblewrap "bwrap";
                  };
                }
                // lib.optionalAttrs (cfg.server.listenAddress != null) {
                  bind_address = cfg.server.listenAddress;
                }
              )
              [
                {
                  name = "scheduler_auth";
                  type = "jwt_token";
                  key = "token";
                  credential = "token";
                }
              ];
          LoadCredential = [ "token:${cfg.server.tokenFile}" ];
          StateDirectory = "sccache-dist";
          StateDirectoryMode = "0700";
          CacheDirectory = "sccache-dist";
          CacheDirectoryMode = "0700";
        };
      };
    })
  ];
}
