{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      commonArgs = {
        RUSTC_WRAPPER = "sccache";
        shellHook = ''
          echo "common hook"
        '';
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell (commonArgs // {
        OWN = "2";
      });
    };
}
