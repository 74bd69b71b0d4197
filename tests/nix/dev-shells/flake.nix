# Shells that a company's projects share: a function that returns all outputs, in the form from
# before Nix 2.7, and shells that are there already.
{
  description = "A flake that makes other flakes' shells";

  outputs =
    { self }:
    let
      inherit (import ./nixpkgs/lib) genAttrs;
      each = genAttrs [ "x86_64-linux" "aarch64-linux" ];
      shell = system: (import ./nixpkgs { inherit system; }).mkShell { COMPANY = "1"; };
    in
    {
      lib.mkFlake = _: {
        defaultPackage = each (_: throw "nobody asked for the package");
        devShell = each shell;
      };
      devShells = each (system: { default = shell system; });
    };
}
