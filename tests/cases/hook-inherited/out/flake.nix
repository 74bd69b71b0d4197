{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      OTHER = "o";
      shellHook = ''
        echo bound
      '';
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was inherit shellHook OTHER;
        inherit OTHER;
        shellHook = ''
          <the hook>
        '' + shellHook;
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
