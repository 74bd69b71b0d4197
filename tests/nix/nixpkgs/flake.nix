{
  description = "A stub of nixpkgs with the programs of the host, for tests without a network";

  outputs =
    { self }:
    let
      lib = import ./lib;
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs lib.systems.flakeExposed (
        system: import self.outPath { inherit system; }
      );
    };
}
