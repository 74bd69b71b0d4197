{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    snowfall-lib.url = "github:snowfallorg/lib";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # <<< sccfg <<<
  };

  outputs =
    inputs:
    inputs.snowfall-lib.mkFlake {
      inherit inputs;
      src = ./.;
    };
}
