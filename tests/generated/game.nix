{
  description = "Development shell of game";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    rust-overlay = {
      url = "github:oxalica/rust-overlay";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    { nixpkgs, rust-overlay, ... }:
    let
      forAllSystems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin" # up to nixpkgs 26.05
        "aarch64-darwin"
      ];
    in
    {
      devShells = forAllSystems (
        system:
        let
          pkgs = import nixpkgs {
            inherit system;
            overlays = [ rust-overlay.overlays.default ];
          };
          toolchain = pkgs.rust-bin.stable.latest.default.override {
            extensions = [ "rust-src" ];
          };
        in
        {
          default = pkgs.mkShell {
            packages = [
              toolchain
              pkgs.rust-analyzer
            ];

            nativeBuildInputs = [
              pkgs.pkg-config # alsa-sys, libudev-sys, yeslogic-fontconfig-sys
              pkgs.rustPlatform.bindgenHook # bindgen, clang-sys
            ];

            buildInputs = [
              pkgs.fontconfig # yeslogic-fontconfig-sys
            ]
            ++ pkgs.lib.optionals pkgs.stdenv.hostPlatform.isLinux [
              pkgs.alsa-lib # alsa-sys
              pkgs.udev # libudev-sys
            ];

            # Where rust-analyzer finds the standard library.
            RUST_SRC_PATH = "${toolchain}/lib/rustlib/src/rust/library";

            # Libraries that programs open at run time.
            LD_LIBRARY_PATH = pkgs.lib.makeLibraryPath (
              pkgs.lib.optionals pkgs.stdenv.hostPlatform.isLinux [
                pkgs.libGL # khronos-egl
                pkgs.libx11 # winit
                pkgs.libxcb # winit
                pkgs.libxcursor # winit
                pkgs.libxi # winit
                pkgs.libxkbcommon # winit
                pkgs.libxrandr # winit
                pkgs.vulkan-loader # ash
                pkgs.wayland # winit
              ]
            );

            hardeningDisable = [ "fortify" ]; # tikv-jemalloc-sys
          };
        }
      );
    };
}
