{
  description = "A stub of hercules-ci/flake-parts";

  outputs =
    { self }:
    {
      lib = import ./lib.nix;
      flakeModules.easyOverlay = { };
      flakeModules.modules = { };
      flakeModules.flakeModules = { };
    };
}
