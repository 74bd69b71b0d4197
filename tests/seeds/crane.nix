{
  outputs = { nixpkgs, crane, ... }: let
    pkgs = nixpkgs.legacyPackages.x86_64-linux;
    craneLib = crane.mkLib pkgs;
    args = {
      checks = { };
      inherit (pkgs) RUSTC_WRAPPER hello;
      shellHook = "a\n" + ''
        b ${"c"}
      '';
    };
  in {
    devShells.x86_64-linux.default = craneLib.devShell args;
  };
}
