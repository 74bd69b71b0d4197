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
        # ä ö ü – 世界
        GRUSS = "Grüße, 世界 🦀"; RUSTC_WRAPPER = "sccäche";
        shellHook = ''
          echo "→ los"
        '';
      };
    };
}
