/*
  Shared by the modules for home-manager, NixOS and nix-darwin: the options of sccache's config file,
  the file, assertions and warnings.
*/
{ lib, pkgs }:
let
  inherit (lib) literalExpression mkOption types;

  common = import ./common.nix { inherit lib; };
  backends = import ./backends.nix { inherit lib; };
  toml = pkgs.formats.toml { };

  # The values that are set.
  present = lib.filterAttrs (_: value: value != null);
  at = path: lib.attrByPath path null;
  show = lib.concatStringsSep ".";

  matches = value: lib.any (form: builtins.match form value != null);
  # Addresses of Redis with a user name alone, which is no secret.
  hasUserOnly =
    value:
    lib.all (url: builtins.match "rediss?://([^:@/?#]+@)?[^@?]*" url != null) (lib.splitString "," value);

  # A URL with a password, `scheme://user:password@host`, or a token among the parameters.
  holdsPassword =
    value:
    builtins.isString value
    && !hasUserOnly value
    && matches value [
      ".*://.*@.*"
      ".*[?&;][^=&]*([sS]ig|[pP]ass|[tT]oken|[sS]ecret|[kK]ey|[cC]redential)[^=&]*=.*"
    ];
  # The same of an address, which may have no scheme: `user:password@host`.
  addressHoldsPassword =
    value: holdsPassword value || builtins.isString value && matches value [ "[^/]*:.*@.*" ] && !hasUserOnly value;
  isAddress = name: builtins.match ".*(endpoint|endpoints|url|ENDPOINT|ENDPOINTS|URL)|SCCACHE_(REDIS|MEMCACHED)" name != null;
  # Whether the setting or variable `name` with this value holds a password.
  exposes = name: value: if isAddress name then addressHoldsPassword value else holdsPassword value;

  # The path of a file or directory outside of the store. A string, because Nix copies paths to the store.
  pathOutside =
    { begin, description }:
    lib.mkOptionType {
      name = "outside";
      inherit description;
      descriptionClass = "noun";
      check =
        value:
        builtins.isString value
        && builtins.match "${begin}.*" value != null
        && !lib.hasPrefix builtins.storeDir value
        && !builtins.hasContext value;
      merge = lib.mergeEqualOption;
    };
  outside = pathOutside {
    begin = "/";
    description = "absolute path as a string, outside the Nix store";
  };
  # A shell or systemd expands the beginning, as in paths of agenix and sops-nix.
  expanded = pathOutside {
    begin = "[/$%]";
    description = "absolute path as a string, outside the Nix store; it may begin with a variable";
  };

  # A key of a back end as an option.
  keyOption = key: mkOption (key // lib.optionalAttrs (key.type == "outside") { type = types.nullOr outside; });

  backendOption =
    name: backend:
    mkOption {
      type = types.nullOr (
        types.submodule {
          options = lib.mapAttrs (_: keyOption) backend.keys // {
            environmentFile = mkOption {
              type = types.nullOr expanded;
              default = null;
              example = "/run/secrets/sccache-${name}";
              description = ''
                Path of a file of lines `NAME=value`, with ${backend.secrets}.
                The server of {option}`programs.sccache.service` reads it when it starts. It must be
                outside of the Nix store, which is world-readable.
              '';
            };
          };
        }
      );
      default = null;
      description = ''
        Store the cache in ${backend.title}. The options are named after sccache's keys in
        `[cache.${name}]`. Secrets are read from {option}`environmentFile`.
      '';
    };

  # The table of a back end in the file.
  table =
    name: value:
    present (builtins.intersectAttrs backends.${name}.keys value);
  # Whether the table is written to the file.
  inFile = name: value: (backends.${name}.inFile or (_: true)) (table name value);

  # Keys that are secret; the same as in keys.rs.
  secretKeys = map (lib.splitString ".") [
    "cache.redis.password"
    "cache.memcached.password"
    "cache.azure.connection_string"
    "cache.webdav.password"
    "cache.webdav.token"
    "dist.auth.token"
  ];
  # Keys that are secret if their URL contains a password.
  addressKeys = map (lib.splitString ".") [
    "cache.redis.endpoint"
    "cache.redis.cluster_endpoints"
    "cache.redis.url"
    "cache.memcached.url"
    "cache.memcached.endpoint"
    "cache.gcs.credential_url"
    "cache.webdav.endpoint"
    "cache.s3.endpoint"
    "cache.azure.endpoint"
    "cache.oss.endpoint"
    "cache.cos.endpoint"
    "dist.scheduler_url"
    "dist.auth.auth_url"
    "dist.auth.token_url"
  ];
  secretVariables = [
    "AWS_SECRET_ACCESS_KEY"
    "AWS_SESSION_TOKEN"
    "ACTIONS_RUNTIME_TOKEN"
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
    "ALIBABA_CLOUD_SECURITY_TOKEN"
    "TENCENTCLOUD_SECRET_KEY"
    "TENCENTCLOUD_SECURITY_TOKEN"
    "TENCENTCLOUD_TOKEN"
    "SCCACHE_AZURE_CONNECTION_STRING"
    "SCCACHE_MEMCACHED_PASSWORD"
    "SCCACHE_REDIS_PASSWORD"
    "SCCACHE_WEBDAV_PASSWORD"
    "SCCACHE_WEBDAV_TOKEN"
  ];

  # Variables that make sccache ignore a part of the file, with the option to use instead.
  overriding = {
    SCCACHE_CONF = "settings";
    SCCACHE_CACHE_SIZE = "cache.size";
    SCCACHE_DIRECT = "settings.cache.disk.preprocessor_cache_mode";
    SCCACHE_LOCAL_RW_MODE = "settings.cache.disk.rw_mode";
    SCCACHE_BASEDIRS = "settings.basedirs";
    SCCACHE_BUCKET = "remote.s3";
    SCCACHE_REDIS = "remote.redis";
    SCCACHE_REDIS_ENDPOINT = "remote.redis";
    SCCACHE_REDIS_CLUSTER_ENDPOINTS = "remote.redis";
    SCCACHE_MEMCACHED = "remote.memcached";
    SCCACHE_MEMCACHED_ENDPOINT = "remote.memcached";
    SCCACHE_GCS_BUCKET = "remote.gcs";
    SCCACHE_AZURE_BLOB_CONTAINER = "remote.azure";
    SCCACHE_WEBDAV_ENDPOINT = "remote.webdav";
    SCCACHE_GHA_ENABLED = "remote.gha";
    SCCACHE_GHA_VERSION = "remote.gha";
    SCCACHE_OSS_BUCKET = "settings.cache.oss";
    SCCACHE_COS_BUCKET = "settings.cache.cos";
    SCCACHE_MULTILEVEL_CHAIN = "settings.cache.multilevel";
  };

  # Whether sccache cannot parse `cache.disk.size` in the settings.
  unreadable =
    size: builtins.isString size && builtins.match "[0-9]+[KMGTkmgt]?" size == null;
in
{
  inherit
    backends
    outside
    toml
    overriding
    ;

  options = {
    enable = lib.mkEnableOption "sccache, a cache for compilers";

    package = lib.mkPackageOption pkgs "sccache" {
      nullable = true;
      extraDescription = "With `null`, nothing is installed and `sccache` is searched on `PATH`.";
    };

    sccfgPackage = mkOption {
      type = types.nullOr types.package;
      default = pkgs.sccfg or null;
      defaultText = literalExpression "pkgs.sccfg or null";
      example = literalExpression "inputs.sccfg.packages.\${pkgs.stdenv.hostPlatform.system}.default";
      description = ''
        The package of sccfg to install. It restarts a running server after a change of the config, and
        contains the wrapper for {option}`programs.sccache.wrapper` = `"portable"`.
      '';
    };

    settings = mkOption {
      type = types.attrsOf toml.type;
      default = { };
      example = literalExpression ''
        {
          basedirs = [ "/home/me/src" ];
          cache.disk.preprocessor_cache_mode.use_preprocessor_cache_mode = true;
          cache.multilevel.chain = [ "disk" "redis" ];
        }
      '';
      description = ''
        Contents of sccache's config file. Without any settings there is no file. See
        <https://github.com/mozilla/sccache/blob/main/docs/Configuration.md> for the keys; sccache fails
        on unknown ones.

        The file is in the Nix store, which is world-readable, so passwords and tokens are refused here.
        Use the `environmentFile` of {option}`programs.sccache.remote`.
      '';
    };

    cache.size = mkOption {
      type = types.nullOr common.types.size;
      default = null;
      example = "24GiB";
      description = ''
        Maximum size of the disk cache: a string such as `"24GiB"`, or a number of bytes. sccache's default
        is 10 GiB.
      '';
    };

    remote = lib.mapAttrs backendOption backends;

    cargo.enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether cargo uses sccache outside of dev shells as well.";
    };

    incremental = mkOption {
      type = common.types.incremental;
      default = "workspace";
      example = "off";
      description = ''
        The policy for incremental compilation outside of dev shells, which have their own.

        `off`
        : `CARGO_INCREMENTAL=0`: every library is cached.

        `workspace`
        : The variable stays unset: workspace members are compiled incrementally, dependencies are cached.

        `auto`
        : The same as `workspace` here. In a dev shell it depends on whether the checkout is a linked
          worktree.

        The variable is part of sccache's keys, so shells with and without it share no entries.
      '';
    };

    wrapper = mkOption {
      type = common.types.wrapper;
      default = "sccache";
      example = "portable";
      description = ''
        The wrapper that cargo runs with {option}`programs.sccache.cargo.enable`: `sccache`, or sccfg's
        `portable` wrapper, which runs sccache with keys without the paths of a checkout. The latter
        requires {option}`programs.sccache.sccfgPackage`.
      '';
    };

    service.enable = lib.mkEnableOption ''
      a server that runs while you are logged in.

      Without it, the first build starts a server, which exits after ten minutes without a request'';
  };

  # The config file.
  file = settings: toml.generate "sccache-config" settings;

  /*
    The settings, variables, assertions and warnings for the options `cfg` at `prefix`. `dir` is the
    directory of the cache if the option `dirOption` sets it.
  */
  evaluate =
    {
      cfg,
      prefix ? "programs.sccache",
      dir ? null,
      dirOption ? "cache.dir",
    }:
    let
      remotes = present cfg.remote;
      written = lib.filterAttrs inFile remotes;
      disk = present {
        inherit dir;
        inherit (cfg.cache) size;
      };
      typed = lib.optionalAttrs (disk != { } || written != { }) {
        cache = lib.optionalAttrs (disk != { }) { inherit disk; } // lib.mapAttrs table written;
      };
      settings = lib.recursiveUpdate cfg.settings typed;
      option = name: "`${prefix}.${name}`";

      # Back ends that are configured in the environment of the server.
      told = lib.filterAttrs (
        name: value: backends.${name} ? variables && (value.environmentFile != null || !inFile name value)
      ) remotes;
      asVariables =
        name: value:
        let
          known = backends.${name}.variables;
          values = lib.filterAttrs (key: value: known ? ${key} && value != "") (table name value);
        in
        lib.mapAttrs' (key: value: {
          name = known.${key};
          value = if builtins.isBool value then lib.boolToString value else toString value;
        }) values;

      secretIn = path: {
        assertion = at path cfg.settings == null;
        message = ''
          ${option "settings.${show path}"} is a secret, and the file is in the Nix store, which is world-readable.
          ${
            if lib.head path == "cache" then
              "Move it to an environment file, and set ${option (environmentFileOf path)} to its path."
            else
              "sccache reads it from its config file only: leave ${option "settings"} empty and write the file with `sccfg config set`."
          }'';
      };
      passwordIn = name: value: fileOption: {
        assertion = !exposes name value;
        message = ''
          ${option name} contains a password, and the file is in the Nix store, which is world-readable.
          ${
            if fileOption == null then
              "sccache reads it from its config file only: leave ${option "settings"} empty and write the file with `sccfg config set`."
            else
              "Move it to an environment file, and set ${option fileOption} to its path."
          }'';
      };
      environmentFileOf =
        path:
        let
          name = builtins.elemAt path 1;
        in
        if backends ? ${name} then "remote.${name}.environmentFile" else null;
    in
    {
      inherit settings;

      # Variables of the server in addition to the file, and files to read into its environment.
      environment = lib.concatMapAttrs asVariables told;
      environmentFiles =
        lib.unique (
          lib.filter (file: file != null) (lib.mapAttrsToList (_: value: value.environmentFile) remotes)
        );

      # The wrapper for cargo.
      wrapper =
        if cfg.wrapper == "portable" && cfg.sccfgPackage != null then
          "${cfg.sccfgPackage}/libexec/sccfg/sccache"
        else if cfg.package != null then
          lib.getExe' cfg.package "sccache"
        else
          "sccache";
      # The sccache that the portable wrapper runs.
      portable = lib.optionalAttrs (cfg.wrapper == "portable" && cfg.package != null) {
        SCCFG_SCCACHE = lib.getExe' cfg.package "sccache";
      };
      incremental = lib.optionalAttrs (cfg.incremental == "off") { CARGO_INCREMENTAL = "0"; };

      # Assertions about session variables; `where` is their option.
      variableAssertions =
        where: variables:
        lib.mapAttrsToList (name: instead: {
          assertion = settings == { } || !(variables ? ${name});
          message = ''
            `${where}.${name}` overrides sccache's config file.
            Set ${option instead} instead.'';
        }) (overriding // { SCCACHE_DIR = dirOption; })
        ++ map (name: {
          assertion = !(variables ? ${name});
          message = ''
            `${where}.${name}` is a secret, and would be in the Nix store, which is world-readable.
            Move it to an environment file: see ${option "remote"}.'';
        }) secretVariables
        ++ lib.mapAttrsToList (name: value: {
          assertion = lib.elem name secretVariables || !exposes name value;
          message = ''
            `${where}.${name}` contains a password, and would be in the Nix store, which is world-readable.
            Move it to an environment file: see ${option "remote"}.'';
        }) (lib.filterAttrs (name: _: lib.hasPrefix "SCCACHE_" name) variables)
        ++ [
          {
            assertion = !(cfg.service.enable && variables ? SCCACHE_NO_DAEMON);
            message = ''
              `${where}.SCCACHE_NO_DAEMON` makes each server run in the foreground of the build that starts it, which conflicts with ${option "service.enable"}.
              Remove one of them.'';
          }
        ];

      assertions = [
        {
          assertion = cfg.cache.size == null || at [ "cache" "disk" "size" ] cfg.settings == null;
          message = ''
            The size of the cache is set twice, by ${option "cache.size"} and ${option "settings.cache.disk.size"}.
            Remove the second one.'';
        }
        {
          assertion = dir == null || at [ "cache" "disk" "dir" ] cfg.settings == null;
          message = ''
            The directory of the cache is set twice, by ${option dirOption} and ${option "settings.cache.disk.dir"}.
            Remove the second one.'';
        }
        {
          assertion = !unreadable (at [ "cache" "disk" "size" ] cfg.settings);
          message = ''
            ${option "settings.cache.disk.size"} is ${builtins.toJSON (at [ "cache" "disk" "size" ] cfg.settings)}, which sccache cannot read.
            Set ${option "cache.size"} instead, which takes "24GiB".'';
        }
        {
          assertion = !cfg.service.enable || cfg.package != null;
          message = ''
            ${option "service.enable"} requires ${option "package"}: a service has no PATH.'';
        }
        {
          assertion = cfg.wrapper != "portable" || cfg.sccfgPackage != null;
          message = ''
            ${option "wrapper"} is "portable", but no package provides that wrapper.
            Set ${option "sccfgPackage"}, or add the overlay of sccfg to nixpkgs.'';
        }
        {
          assertion = remotes.redis or null == null || (remotes.redis.endpoint == null) != (remotes.redis.cluster_endpoints == null);
          message = ''
            ${option "remote.redis"} requires either `endpoint` or `cluster_endpoints`.'';
        }
        {
          assertion =
            !(remotes ? azure)
            || remotes.azure.environmentFile != null
            || remotes.azure.storage_account != null
            || remotes.azure.endpoint != null;
          message = ''
            ${option "remote.azure"} requires a login: `environmentFile` with SCCACHE_AZURE_CONNECTION_STRING, or `storage_account` from sccache 0.19 on.'';
        }
      ]
      ++ map secretIn secretKeys
      ++ map (path: passwordIn "settings.${show path}" (at path cfg.settings) (environmentFileOf path)) addressKeys
      ++ lib.concatLists (
        lib.mapAttrsToList (
          name: value:
          [
            {
              assertion = value.environmentFile == null || cfg.service.enable;
              message = ''
                ${option "remote.${name}.environmentFile"} has no effect without ${option "service.enable"}, whose server reads it.'';
            }
            {
              assertion = at [ "cache" name ] cfg.settings == null;
              message = ''
                The back end is set twice, by ${option "remote.${name}"} and ${option "settings.cache.${name}"}.
                Remove the second one.'';
            }
          ]
          ++ lib.mapAttrsToList (key: value: passwordIn "remote.${name}.${key}" value "remote.${name}.environmentFile") (table name value)
        ) remotes
      );

      warnings =
        common.sizeWarnings (option "cache.size") cfg.cache.size
        ++ (
          let
            size = at [ "cache" "disk" "size" ] cfg.settings;
          in
          lib.optionals (builtins.isInt size) (common.sizeWarnings (option "settings.cache.disk.size") size)
        )
        ++
          lib.optional (remotes != { } && disk != { } && at [ "cache" "multilevel" ] cfg.settings == null)
            ''
              ${option "cache"} has no effect: sccache does not use the disk together with ${option "remote.${lib.head (lib.attrNames remotes)}"}.
              For both, set ${option "settings.cache.multilevel.chain"} to [ "disk" "${lib.head (lib.attrNames remotes)}" ].'';
    };
}
