# Packages that are not built, and `devShell`, which hands what it does not know to mkShell.
pkgs:
let
  inherit (pkgs) lib;
  own = [ "cargoExtraArgs" "cargoArtifacts" "cargoLock" "cargoToml" "cargoVendorDir" "doNotPostBuildInstallCargoBinaries" "advisory-db" "outputHashes" ];
  craneWith =
    { toolchain, mkShell ? pkgs.mkShell }:
    let
      step =
        suffix: args:
        pkgs.stdenv.mkDerivation (
          builtins.removeAttrs args own
          // {
            name = "${args.pname or args.name or "crate"}${suffix}-${args.version or "0.0.1"}";
            nativeBuildInputs = lib.flatten (args.nativeBuildInputs or [ ]) ++ toolchain;
          }
        );
      crane = {
        overrideToolchain =
          new: craneWith { inherit mkShell; toolchain = [ (if builtins.isFunction new then new pkgs else new) ]; };
        overrideScope = f: let final = crane // f final crane; in final;
        appendCrateRegistries = _: crane;
        cleanCargoSource = src: src;
        filterCargoSources = _: _: true;
        path = path: path.path or path;
        fileset = { commonCargoSources = root: root; cargoTomlAndLock = root: root; rust = root: root; };
        crateNameFromCargoToml = args: let
          toml = lib.importTOML (args.cargoToml or "${args.src}/Cargo.toml");
        in { pname = toml.package.name or "workspace"; version = toml.package.version or "0.0.1"; };
        vendorCargoDeps = step "-vendor";
        buildDepsOnly = step "-deps";
        buildPackage = step "";
        mkCargoDerivation = step "";
        cargoBuild = step "-build";
        cargoCheck = step "-check";
        cargoClippy = step "-clippy";
        cargoDoc = step "-doc";
        cargoDocTest = step "-doctest";
        cargoFmt = step "-fmt";
        cargoAudit = step "-audit";
        cargoDeny = step "-deny";
        cargoLlvmCov = step "-llvm-cov";
        cargoNextest = step "-nextest";
        cargoTarpaulin = step "-tarpaulin";
        cargoTest = step "-test";
        taploFmt = step "-taplo";
        devShell =
          {
            checks ? { },
            inputsFrom ? [ ],
            packages ? [ ],
            ...
          }@args:
          mkShell (
            builtins.removeAttrs args [ "checks" ]
            // {
              inputsFrom = builtins.attrValues checks ++ inputsFrom;
              packages = toolchain ++ packages;
            }
          );
      };
    in
    crane // { inherit craneWith; };
in
craneWith { toolchain = with pkgs; [ rustc cargo clippy rustfmt ]; }
