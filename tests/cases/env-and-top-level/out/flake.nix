{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        TOP = "1";
        env.INNER = "2";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        env.CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
