/*
  What the modules for home-manager, NixOS and nix-darwin share: the options behind sccache's config
  file, the file that comes of them, and what is wrong with them.
*/
{ lib, pkgs }:
let
  inherit (lib) literalExpression mkOption types;

  common = import ./common.nix { inherit lib; };
  backends = import ./backends.nix { inherit lib; };
  toml = pkgs.formats.toml { };

  # The values that are there.
  present = lib.filterAttrs (_: value: value != null);
  at = path: lib.attrByPath path null;
  show = lib.concatStringsSep ".";

  # `scheme://user:password@host`, the same without the scheme, and a token among the parameters.
  holdsPassword =
    value:
    builtins.isString value
    && lib.any (form: builtins.match form value != null) [
      ".*://.*@.*"
      "[^/]*:.*@.*"
      ".*[?&;][^=&]*([sS]ig|[pP]ass|[tT]oken|[sS]ecret|[kK]ey|[cC]redential)[^=&]*=.*"
    ];

  /*
    The path of a file that must not get into the store: a text, because Nix copies what is written
    as a path. It may begin with a variable or a specifier, as the paths of agenix and sops-nix do.
  */
  outside = lib.mkOptionType {
    name = "outside";
    description = "absolute path as a string, outside the Nix store";
    descriptionClass = "noun";
    check =
      value:
      builtins.isString value
      && builtins.match "[/$%].*" value != null
      && !lib.hasPrefix builtins.storeDir value
      && !builtins.hasContext value;
    merge = lib.mergeEqualOption;
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
              type = types.nullOr outside;
              default = null;
              example = "/run/secrets/sccache-${name}";
              description = ''
                A file of lines `NAME=value`, with ${backend.secrets}.
                The server of {option}`programs.sccache.service` reads it when it starts. It has to
                be outside of the Nix store, which everybody can read.
              '';
            };
          };
        }
      );
      default = null;
      description = ''
        Keeps the cache in ${backend.title}. The options have the names of sccache's keys in
        `[cache.${name}]`. Secrets have none, and come from {option}`environmentFile`.
      '';
    };

  # What a back end's options say, by key.
  table =
    name: value:
    present (builtins.intersectAttrs backends.${name}.keys value);
  # Whether that is written into the file.
  inFile = name: value: (backends.${name}.inFile or (_: true)) (table name value);

  # Keys that give access to something, as keys.rs has them.
  secretKeys = map (lib.splitString ".") [
    "cache.redis.password"
    "cache.memcached.password"
    "cache.azure.connection_string"
    "cache.webdav.password"
    "cache.webdav.token"
    "dist.auth.token"
  ];
  # Keys that do so where their address holds a password.
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
    "SCCACHE_AZURE_CONNECTION_STRING"
    "SCCACHE_MEMCACHED_PASSWORD"
    "SCCACHE_REDIS_PASSWORD"
    "SCCACHE_WEBDAV_PASSWORD"
    "SCCACHE_WEBDAV_TOKEN"
  ];

  # The variables for which sccache drops a part of the file, with the option to use instead.
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

  # Why `cache.disk.size` in the settings is one that sccache does not read.
  unreadable =
    size: builtins.isString size && builtins.match "[0-9]+[KMGTkmgt]?" size == null;
in
{
  inherit
    backends
    holdsPassword
    outside
    overriding
    ;

  options = {
    enable = lib.mkEnableOption "sccache, a cache for compilers";

    package = lib.mkPackageOption pkgs "sccache" {
      nullable = true;
      extraDescription = "With `null`, nothing is installed, and `sccache` is looked for on the search path.";
    };

    sccfgPackage = mkOption {
      type = types.nullOr types.package;
      default = pkgs.sccfg or null;
      defaultText = literalExpression "pkgs.sccfg or null";
      example = literalExpression "inputs.sccfg.packages.\${pkgs.stdenv.hostPlatform.system}.default";
      description = ''
        The package of sccfg. It is installed, brings a running server in line with a changed config,
        and has the wrapper that {option}`programs.sccache.wrapper` calls `portable`.
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
        What goes into sccache's config file as it is. Without any settings there is no file. See
        <https://github.com/mozilla/sccache/blob/main/docs/Configuration.md> for the keys; sccache
        fails on any that it does not know.

        The file is in the Nix store, which everybody can read, so that passwords and tokens are
        refused here: see the `environmentFile` of {option}`programs.sccache.remote`.
      '';
    };

    cache.size = mkOption {
      type = types.nullOr common.types.size;
      default = null;
      example = "24GiB";
      description = ''
        How large the cache on the disk may become: a text such as `"24GiB"`, or a number of bytes,
        which is what is written. sccache's own default is 10 GiB.
      '';
    };

    remote = lib.mapAttrs backendOption backends;

    cargo.enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether cargo compiles through sccache everywhere, and not only in dev shells that say so.";
    };

    incremental = mkOption {
      type = common.types.incremental;
      default = "workspace";
      example = "off";
      description = ''
        Incremental compilation against caching, outside of dev shells, which decide for themselves.

        `off`
        : `CARGO_INCREMENTAL=0`: every library is cached.

        `workspace`
        : The variable is left unset: your own crates stay incremental, dependencies are cached.

        `auto`
        : Only a dev shell can tell a linked worktree from the primary checkout; elsewhere this is
          `workspace`.

        sccache hashes the variable itself, so that shells with and without it share nothing.
      '';
    };

    wrapper = mkOption {
      type = common.types.wrapper;
      default = "sccache";
      example = "portable";
      description = ''
        What cargo runs with {option}`programs.sccache.cargo.enable`: `sccache`, or `portable`, which
        is sccfg's front for it, for keys without the paths of a checkout. The latter needs
        {option}`programs.sccache.sccfgPackage`.
      '';
    };

    service.enable = lib.mkEnableOption ''
      a server that runs as long as you are logged in.

      Without one, the first build starts a server, which ends after ten minutes without a request'';
  };

  # A file of the settings, where there are any.
  file = settings: toml.generate "sccache-config" settings;

  /*
    Everything that follows from the options `cfg`, which `prefix` names. `dir` is the directory of the
    cache, if an option sets it, `dirOption` that option.
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

      # Back ends that a server has to be told of in its environment.
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
          ${option "settings.${show path}"} is a secret, and the file is in the Nix store, which everybody can read.
          ${
            if lib.head path == "cache" then
              "Put it into an environment file, and name that in ${option (environmentFileOf path)}."
            else
              "sccache reads it from its config file only: leave ${option "settings"} empty, and write the file with `sccfg config set`."
          }'';
      };
      passwordIn = name: value: fileOption: {
        assertion = !holdsPassword value;
        message = ''
          ${option name} holds a password, and the file is in the Nix store, which everybody can read.
          ${
            if fileOption == null then
              "sccache reads it from its config file only: leave ${option "settings"} empty, and write the file with `sccfg config set`."
            else
              "Take it out of the address, put it into an environment file, and name that in ${option fileOption}."
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

      # What the environment of a server needs besides the file, and the files to read into it.
      environment = lib.concatMapAttrs asVariables told;
      environmentFiles =
        lib.unique (
          lib.filter (file: file != null) (lib.mapAttrsToList (_: value: value.environmentFile) remotes)
        );

      # The program that cargo is to run.
      wrapper =
        if cfg.wrapper == "portable" && cfg.sccfgPackage != null then
          "${cfg.sccfgPackage}/libexec/sccfg/sccache"
        else if cfg.package != null then
          lib.getExe' cfg.package "sccache"
        else
          "sccache";
      # What the portable wrapper hands over to.
      portable = lib.optionalAttrs (cfg.wrapper == "portable" && cfg.package != null) {
        SCCFG_SCCACHE = lib.getExe' cfg.package "sccache";
      };
      incremental = lib.optionalAttrs (cfg.incremental == "off") { CARGO_INCREMENTAL = "0"; };

      # What is wrong with variables that every session gets, which `where` names.
      variableAssertions =
        where: variables:
        lib.mapAttrsToList (name: instead: {
          assertion = settings == { } || !(variables ? ${name});
          message = ''
            `${where}.${name}` makes sccache drop what its config file says.
            Set ${option instead} instead.'';
        }) (overriding // { SCCACHE_DIR = dirOption; })
        ++ map (name: {
          assertion = !(variables ? ${name});
          message = ''
            `${where}.${name}` is a secret, and would be in the Nix store, which everybody can read.
            Put it into an environment file: see ${option "remote"}.'';
        }) secretVariables
        ++ [
          {
            assertion = !(cfg.service.enable && variables ? SCCACHE_NO_DAEMON);
            message = ''
              `${where}.SCCACHE_NO_DAEMON` keeps each server in the front of the build that starts it, and ${option "service.enable"} keeps one running.
              Take one of the two out.'';
          }
        ];

      assertions = [
        {
          assertion = cfg.cache.size == null || at [ "cache" "disk" "size" ] cfg.settings == null;
          message = ''
            The size of the cache is set twice, by ${option "cache.size"} and ${option "settings.cache.disk.size"}.
            Keep the first one.'';
        }
        {
          assertion = dir == null || at [ "cache" "disk" "dir" ] cfg.settings == null;
          message = ''
            The directory of the cache is set twice, by ${option dirOption} and ${option "settings.cache.disk.dir"}.
            Keep the first one.'';
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
            ${option "service.enable"} needs ${option "package"}: a service has no search path.'';
        }
        {
          assertion = cfg.wrapper != "portable" || cfg.sccfgPackage != null;
          message = ''
            ${option "wrapper"} is "portable", and there is no package with that wrapper.
            Set ${option "sccfgPackage"}, or add the overlay of sccfg to nixpkgs.'';
        }
        {
          assertion = remotes.redis or null == null || (remotes.redis.endpoint == null) != (remotes.redis.cluster_endpoints == null);
          message = ''
            ${option "remote.redis"} takes one of `endpoint` and `cluster_endpoints`.'';
        }
        {
          assertion =
            !(remotes ? azure)
            || remotes.azure.environmentFile != null
            || remotes.azure.storage_account != null
            || remotes.azure.endpoint != null;
          message = ''
            ${option "remote.azure"} needs a login: `environmentFile`, with SCCACHE_AZURE_CONNECTION_STRING, or `storage_account` from sccache 0.19 on.'';
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
                Nothing reads ${option "remote.${name}.environmentFile"}: it is for the server of ${option "service.enable"}.'';
            }
            {
              assertion = at [ "cache" name ] cfg.settings == null;
              message = ''
                The back end is set twice, by ${option "remote.${name}"} and ${option "settings.cache.${name}"}.
                Keep the first one.'';
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
              ${option "cache"} has no effect: sccache does not use the disk beside ${option "remote.${lib.head (lib.attrNames remotes)}"}.
              For both, set ${option "settings.cache.multilevel.chain"} to [ "disk" "${lib.head (lib.attrNames remotes)}" ].'';
    };
}
