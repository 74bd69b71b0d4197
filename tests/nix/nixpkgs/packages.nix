# The packages: directories with links to the host's programs, or empty ones.
{ lib, system, config }:
self:
let
  names = import ./names.nix;
  bootstrap = (import ./stdenv.nix { inherit lib system; cc = null; }).bootstrap;
  package =
    { name, programs ? [ ], attrs ? { } }:
    bootstrap.mkDerivation ({ inherit name; hostPrograms = programs; meta.mainProgram = if programs == [ ] then name else builtins.head programs; } // attrs);
  simple = name: lib.makeOverridable (_: package { inherit name; programs = names.programs.${name} or [ name ]; }) { };
  packages = lib.genAttrs (names.names ++ builtins.attrNames names.programs) simple;
  cc = packages.gcc // { isClang = false; version = "16.1.0"; cc = packages.gcc // { lib = packages.gcc; }; };
  stdenvs = import ./stdenv.nix { inherit lib system cc; };
  rust = import ./rust.nix { inherit lib package; pkgs = self; };
  inherit (stdenvs) stdenv;
  hook = name: package { inherit name; };
  runCommandWith = attrs: name: env: command: stdenv.mkDerivation ({ inherit name; buildCommand = command; } // attrs // env);
  writeTextFile =
    { name, text, executable ? false, destination ? "", meta ? { }, ... }:
    runCommandWith { inherit text meta; passAsFile = [ "text" ]; } name { } ''
      mkdir -p "$(dirname "$out${destination}")"
      cp "$textPath" "$out${destination}"
      ${lib.optionalString executable "chmod +x $out${destination}"}
    '';
  script = name: text: writeTextFile { inherit name text; executable = true; destination = "/bin/${name}"; meta.mainProgram = name; };
in
packages
// {
  inherit system stdenv writeTextFile;
  inherit (rust) rustPlatform;
  inherit (stdenv) hostPlatform buildPlatform targetPlatform;
  inherit (lib) licenses recurseIntoAttrs;
  pkgs = self;
  buildPackages = self;
  targetPackages = self;
  pkgsBuildHost = self;
  pkgsBuildBuild = self;
  pkgsHostHost = self;
  pkgsStatic = self;
  pkgsMusl = self;
  pkgsCross = lib.genAttrs [ "aarch64-multiplatform" "musl64" "mingwW64" "gnu64" "riscv64" "wasi32" ] (_: self);

  callPackage = lib.callPackageWith self;
  callPackages = lib.callPackageWith self;
  newScope = extra: lib.callPackageWith (self // extra);
  mkShell = import ./mkshell.nix { inherit lib stdenv; };
  mkShellNoCC = self.mkShell.override { stdenv = self.stdenvNoCC; };

  stdenvNoCC = bootstrap;
  gccStdenv = stdenv;
  clangStdenv = stdenvs.withCC (packages.clang // { isClang = true; version = "21.1.0"; cc = packages.clang // { lib = packages.clang; }; });
  stdenvAdapters = lib.genAttrs [ "useMoldLinker" "useLLDLinker" "useGoldLinker" "keepDebugInfo" ] (_: stdenv: stdenv);
  useMoldLinker = stdenv: stdenv;
  libcxxStdenv = self.clangStdenv;

  # Rust
  rust = { packages.stable = self.rustPackages; toRustTarget = platform: platform.rust.rustcTarget; toRustTargetSpec = platform: platform.rust.rustcTarget; };
  rustPackages = { inherit (self) cargo clippy rustc rustfmt rustPlatform; };
  makeRustPlatform = _: rust.rustPlatform;
  defaultCrateOverrides = { };
  buildRustCrate = rust.buildRustPackage;

  # builders
  runCommand = runCommandWith { };
  runCommandNoCC = runCommandWith { };
  runCommandLocal = runCommandWith { };
  runCommandCC = runCommandWith { };
  writeText = name: text: writeTextFile { inherit name text; };
  writeScript = name: text: writeTextFile { inherit name text; executable = true; };
  writeScriptBin = script;
  writeShellScript = name: text: writeTextFile { inherit name; executable = true; text = "#!${stdenvs.host.bash}\n${text}"; };
  writeShellScriptBin = name: text: script name "#!${stdenvs.host.bash}\n${text}\n";
  writeShellApplication =
    { name, text, runtimeInputs ? [ ], ... }:
    self.writeShellScriptBin name ''
      set -euo pipefail
      export PATH="${lib.makeBinPath runtimeInputs}:$PATH"
      ${text}
    '';
  symlinkJoin =
    { name, paths, postBuild ? "", meta ? { }, passthru ? { }, ... }:
    runCommandWith { inherit meta passthru; } name { joined = paths; } ''
      mkdir -p $out
      for path in $joined; do cp -rs --no-preserve=mode "$path/." "$out/" 2>/dev/null || :; done
      ${postBuild}
    '';
  buildEnv = args: self.symlinkJoin ({ inherit (args) name paths; } // lib.filterAttrs (name: _: builtins.elem name [ "meta" "passthru" "postBuild" ]) args);
  linkFarm = name: entries: runCommandWith { } name { } ''
    mkdir -p $out
    ${lib.concatMapStrings (e: "ln -s ${e.path} $out/${e.name}\n") entries}
  '';
  installShellFiles = package { name = "install-shell-files"; attrs.setupHook = builtins.readFile ./install-shell-files.sh; };
  makeSetupHook = { name ? "hook", ... }: file: package { inherit name; attrs.setupHook = builtins.readFile file; };
  fetchFromGitHub = { repo, ... }: package { name = repo; };
  fetchurl = _: package { name = "source"; };
  fetchgit = _: package { name = "source"; };
  fetchzip = _: package { name = "source"; };
  fetchCrate = { pname, ... }: package { name = pname; };
  nix-gitignore.gitignoreSource = _: src: src;
  dockerTools = lib.genAttrs [ "buildImage" "buildLayeredImage" "streamLayeredImage" ] (_: args: package { name = args.name; });
  formats = lib.genAttrs [ "json" "toml" "yaml" ] (_: _: { type = lib.types.anything; generate = name: value: self.writeText name (builtins.toJSON value); });
  testers = { };
  nixosTest = _: package { name = "vm-test"; };

  # sets of packages
  llvmPackages = {
    inherit (packages) clang lld lldb llvm libclang;
    bintools = packages.lld;
    clangUseLLVM = packages.clang;
    clang-unwrapped = packages.libclang;
    libcxxClang = packages.clang;
    libllvm = packages.llvm;
    libunwind = packages.libunwind;
    stdenv = self.clangStdenv;
  };
  llvmPackages_latest = self.llvmPackages;
  llvmPackages_18 = self.llvmPackages;
  llvmPackages_19 = self.llvmPackages;
  llvmPackages_20 = self.llvmPackages;
  xorg = lib.genAttrs [ "libX11" "libXScrnSaver" "libXcursor" "libXext" "libXfixes" "libXft" "libXi" "libXinerama" "libXrandr" "libXrender" "libXtst" "libxcb" "xorgproto" ] hook;
  darwin = {
    apple_sdk.frameworks = lib.genAttrs [ "AppKit" "ApplicationServices" "Carbon" "Cocoa" "CoreFoundation" "CoreGraphics" "CoreServices" "Foundation" "IOKit" "Metal" "QuartzCore" "Security" "SystemConfiguration" "WebKit" ] hook;
    apple_sdk_11_0 = self.darwin.apple_sdk;
    libiconv = packages.libiconv;
  };
  apple-sdk = hook "apple-sdk";
  apple-sdk_15 = hook "apple-sdk";
  nodePackages = lib.genAttrs [ "npm" "pnpm" "prettier" "typescript" "yarn" ] hook;
  python3Packages = lib.genAttrs [ "numpy" "pip" "pytest" "virtualenv" ] hook;
  haskellPackages = lib.genAttrs [ "cabal-install" "ghc" ] hook;
  gitAndTools = { inherit (packages) git pre-commit gh; };
  linuxPackages.perf = packages.perf;
  nixVersions = { latest = packages.nix; stable = packages.nix; };
  # Older names.
  pkgconfig = packages.pkg-config;
  rustfmt-nightly = packages.rustfmt;
  gcc-unwrapped = cc.cc;
  gnum4 = packages.m4;
  # An overlay's own, see rust-overlay and fenix: not part of nixpkgs, given by them from here.
  standIn = { inherit package; inherit (rust) toolchain profiles rust-bin; };
}
