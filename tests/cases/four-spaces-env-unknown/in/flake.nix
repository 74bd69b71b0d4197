{
    inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    outputs = { nixpkgs, ... }:
        let
            pkgs = nixpkgs.legacyPackages.x86_64-linux;
        in
        {
            devShells.x86_64-linux.default = pkgs.mkShell {
                env = builtins.mapAttrs (_: toString) { A = 1; };
                shellHook = ''
                    if true; then
                        echo mine
                    fi
                '';
            };
        };
}
