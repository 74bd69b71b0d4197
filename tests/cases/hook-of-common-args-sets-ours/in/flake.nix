{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      greeting = "declare +x CARGO_INCREMENTAL";
      commonArgs = {
        shellHook = ''
          unset -v RUSTC_WRAPPER
          ${greeting}
        '';
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell (commonArgs // {
        OWN = "2";
      });
    };
}
