{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      wrapper = import ./hook.nix;
      common = level: ''
        export CARGO_INCREMENTAL=${level}
        echo common
      '';
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook = ''
          ${common "1"}
          ${wrapper "/opt/other"}
        '';
      };
    };
}
