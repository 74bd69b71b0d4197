{ stdenv, cargo, rustc, ... }:
let
  buildPackage =
    args:
    let
      attrs = if builtins.isAttrs args && !(args ? outPath) then args else { src = args; };
    in
    stdenv.mkDerivation (
      builtins.removeAttrs attrs [ "override" "overrideMain" "cargoBuildOptions" "cargoTestOptions" "gitSubmodules" ]
      // {
        name = attrs.name or attrs.pname or "rust-workspace";
        nativeBuildInputs = attrs.nativeBuildInputs or [ ] ++ [ cargo rustc ];
      }
    );
in
{
  inherit buildPackage;
  buildPackageIncremental = buildPackage;
}
