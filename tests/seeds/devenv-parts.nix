{
  outputs = inputs: inputs.flake-parts.lib.mkFlake { inherit inputs; } {
    imports = [ inputs.devenv.flakeModule ];
    perSystem = { pkgs, ... }: {
      devenv.shells.default = {
        env.CARGO_INCREMENTAL = 1;
        enterShell = ''
          unset RUSTC_WRAPPER
          echo
        '';
      };
    };
  };
}
