# mkDerivation with nixpkgs' rules for attributes and `env`. It builds nothing: a package is a
# directory with links to the host's programs of the same name.
{
  lib,
  system,
  cc,
}:
let
  host = import ./host.nix;
  platform = lib.systems.elaborate system;

  setup = derivation {
    name = "stdenv-linux";
    inherit system;
    builder = host.bash;
    args = [
      "-c"
      "PATH=${host.path}; mkdir -p $out && cp ${./setup.sh} $out/setup"
    ];
  };

  # What overrideAttrs takes: a set, `old: { … }` or `final: prev: { … }`.
  toExtension =
    f: final: prev:
    if !builtins.isFunction f then
      f
    else
      let
        result = f prev;
      in
      if builtins.isFunction result then f final prev else result;

  checkEnv =
    env: arguments:
    let
      overlapping = builtins.attrNames (builtins.intersectAttrs env arguments);
      pretty = value: if lib.isDerivation value then "<derivation ${value.name}>" else builtins.toJSON value;
      row = name: "  - ${name}: in `env`: ${pretty env.${name}}; in derivation arguments: ${pretty arguments.${name}}";
    in
    assert lib.assertMsg (builtins.isAttrs env && !lib.isDerivation env)
      "`env` must be an attribute set of environment variables. Set `env.env` or pick a more specific name.";
    assert lib.assertMsg (overlapping == [ ])
      "The `env` attribute set cannot contain any attributes passed to derivation. The following attributes are overlapping:\n${lib.concatMapStringsSep "\n" row overlapping}";
    builtins.mapAttrs (
      name: value:
      assert lib.assertMsg (
        builtins.isString value || builtins.isBool value || builtins.isInt value || lib.isDerivation value
      ) "The `env` attribute set can only contain derivation, string, boolean or integer attributes. The `${name}` attribute is of type ${builtins.typeOf value}.";
      value
    ) env;

  inputs = [
    "nativeBuildInputs"
    "buildInputs"
    "propagatedBuildInputs"
    "propagatedNativeBuildInputs"
    "nativeCheckInputs"
    "checkInputs"
  ];

  # `rattrs` maps the finished attributes to the attributes.
  make =
    stdenv: rattrs:
    let
      attrs = rattrs (attrs // { finalPackage = package; });
      arguments =
        builtins.removeAttrs attrs [
          "meta"
          "passthru"
          "pos"
          "env"
          "cargoLock"
          "cargoDeps"
        ]
        // {
          name = lib.strings.sanitizeDerivationName (
            attrs.name or "${attrs.pname}-${attrs.version or "0"}"
          );
        }
        // lib.genAttrs inputs (name: builtins.filter (x: x != null) (lib.flatten (attrs.${name} or [ ])))
        // {
          inherit system;
          stdenv = setup;
          outputs = [ "out" ];
          defaultInputs = lib.optional (stdenv.cc != null) stdenv.cc;
          hostPath = host.path;
          hostStamp = host.stamp;
          builder = host.bash;
          args = [
            "-e"
            ./build.sh
          ];
          __ignoreNulls = true;
        };
      passthru = attrs.passthru or { };
      package =
        attrs
        // derivation (arguments // checkEnv (attrs.env or { }) arguments)
        // {
          inherit passthru stdenv;
          meta = attrs.meta or { };
          overrideAttrs =
            f:
            make stdenv (
              final:
              let
                prev = rattrs final;
              in
              prev // toExtension f final prev
            );
          # Every output is the one directory.
          dev = package;
          bin = package;
          lib = package;
          man = package;
          doc = package;
          static = package;
          debug = package;
        }
        // passthru;
    in
    package;

  makeStdenv =
    { cc }:
    let
      stdenv = setup // {
        inherit cc system;
        hostPlatform = platform;
        buildPlatform = platform;
        targetPlatform = platform;
        inherit (platform) isLinux isDarwin isx86_64 isAarch64;
        shell = host.bash;
        initialPath = [ ];
        defaultBuildInputs = [ ];
        defaultNativeBuildInputs = [ ];
        override = args: makeStdenv { cc = args.cc or cc; };
        mkDerivation = attrs: make stdenv (if builtins.isFunction attrs then attrs else _: attrs);
      };
    in
    stdenv;
in
{
  inherit host platform;
  bootstrap = makeStdenv { cc = null; };
  stdenv = makeStdenv { inherit cc; };
  withCC = cc: makeStdenv { inherit cc; };
}
