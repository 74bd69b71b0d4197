# `lib.makeOutputs { root; … }`, as it was before it became a module: shells of numtide/devshell.
{
  description = "A stub of yusdacra/nix-cargo-integration";

  outputs =
    { self }:
    let
      inherit (import ./nixpkgs/lib) genAttrs;
      shell = system: import ./naked.nix {
        pkgs = import ./nixpkgs { inherit system; };
        name = "crate";
        variables = "export NCI=1";
      };
    in
    {
      lib.makeOutputs =
        { root, systems ? [ "x86_64-linux" "aarch64-linux" ], config ? _: { }, overrides ? { }, ... }:
        {
          packages = genAttrs systems (_: { default = throw "nobody asked for the packages"; });
          devShells = genAttrs systems (system: rec { crate = shell system; default = crate; });
        };
    };
}
