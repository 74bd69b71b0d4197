{
  outputs = inputs@{ flake-parts, devshell, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      imports = [ devshell.flakeModule ];
      perSystem = { pkgs, ... }: {
        devshells.default = {
          env = [
            { name = "RUSTC_WRAPPER"; value = "x"; }
            { name = "FOO"; eval = "$PWD"; }
          ];
          commands = [ { package = pkgs.cargo; } ];
        };
      };
    };
}
