# nixpkgs' entry point: `import nixpkgs { inherit system; overlays = [ … ]; config = { }; }`.
{
  localSystem ? builtins.currentSystem or (import ./host.nix).system,
  system ? localSystem.system or localSystem,
  crossSystem ? null,
  overlays ? [ ],
  config ? { },
}:
let
  lib = import ./lib;
  base = import ./packages.nix { inherit lib system config; };
  extended =
    overlays:
    lib.fix (lib.foldl' (acc: overlay: lib.extends overlay acc) (start overlays) overlays);
  start =
    overlays: self:
    base self
    // {
      inherit lib overlays config;
      path = ./.;
      extend = overlay: extended (overlays ++ [ overlay ]);
      appendOverlays = more: extended (overlays ++ more);
    };
in
extended overlays
