{
  description = "A stub of icewind1991/mill-scale, a module for flakelight that makes the shell";

  inputs.flakelight.url = "github:nix-community/flakelight";
  outputs =
    { self, flakelight }:
    {
      __functor = _: flakelight.lib.extended {
        devShell = pkgs: { packages = [ pkgs.cargo pkgs.rustc ]; env.MILL_SCALE = "1"; };
      };
    };
}
