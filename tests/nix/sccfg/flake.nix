{
  description = "A stand-in for sccfg's own flake: its package is the program under test, not a build of it";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      inherit (import ./host.nix) sccfg;
    in
    {
      packages = lib.genAttrs lib.systems.flakeExposed (system: {
        default = nixpkgs.legacyPackages.${system}.runCommand "sccfg" { } ''
          mkdir -p $out/bin $out/libexec/sccfg
          ln -s ${sccfg} $out/bin/sccfg
          ln -s ../../bin/sccfg $out/libexec/sccfg/sccache
        '';
      });
    };
}
