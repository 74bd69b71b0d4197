{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook = with pkgs; ''
          export RUSTC_WRAPPER=/opt/other
          sccache --stop-server || true
          echo mine
        '' + lib.optionalString stdenv.isLinux "echo linux";
      };
    };
}
