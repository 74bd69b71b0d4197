{
  description = "A stub of nix-community/naersk";

  outputs =
    { self }:
    let
      lib = import ./nixpkgs/lib;
    in
    {
      lib = lib.genAttrs lib.systems.flakeExposed (
        system: (import ./nixpkgs { inherit system; }).callPackage ./. { }
      );
    };
}
