{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    sccfg.url = "github:owner/sccfg";
    sccfg.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs =
    { nixpkgs, sccfg, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          PATH=${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
          ${sccfg.lib.shellHook { size = "24GiB"; }}
        '';
        # <<< sccfg <<<
      };
    };
}
