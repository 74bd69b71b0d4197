{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    company.url = "github:example/dev-shells";
  };
  outputs = { nixpkgs, company, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = company.devShells.${system}.rust
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        .overrideAttrs (old: {
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '' + (old.shellHook or "");
        } // (if old ? env then {
          env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
        } else { }))
        # <<< sccfg <<<
      ;
    };
}
