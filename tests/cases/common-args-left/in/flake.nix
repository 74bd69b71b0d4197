{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      commonArgs = {
        COMMON = "1";
        buildInputs = [ pkgs.openssl ];
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell (commonArgs // {
        OWN = "2";
        shellHook = ''
          echo hello
        '';
      });
    };
}
