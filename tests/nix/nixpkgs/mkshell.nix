# mkShell: attributes become variables, `packages` and the inputs of `inputsFrom` come on PATH, and
# the hooks of `inputsFrom` run first, the last one's before the others', as in nixpkgs.
{ lib, stdenv }:
let
  inputs = [
    "buildInputs"
    "nativeBuildInputs"
    "propagatedBuildInputs"
    "propagatedNativeBuildInputs"
  ];
  make =
    stdenv:
    {
      name ? "nix-shell",
      packages ? [ ],
      inputsFrom ? [ ],
      ...
    }@attrs:
    let
      merged =
        name:
        (attrs.${name} or [ ]) ++ lib.subtractLists inputsFrom (lib.flatten (lib.catAttrs name inputsFrom));
    in
    stdenv.mkDerivation (
      builtins.removeAttrs attrs [
        "packages"
        "inputsFrom"
      ]
      // lib.genAttrs inputs merged
      // {
        inherit name;
        nativeBuildInputs = packages ++ merged "nativeBuildInputs";
        shellHook = lib.concatStringsSep "\n" (
          lib.catAttrs "shellHook" (lib.reverseList inputsFrom ++ [ attrs ])
        );
        buildCommand = "export >$out";
      }
    );
  overridable = stdenv: {
    __functor = _: make stdenv;
    __functionArgs = { };
    override = args: overridable (args.stdenv or stdenv);
  };
in
overridable stdenv
