{
  description = "A stub of nix-community/fenix";

  outputs =
    { self }:
    let
      lib = import ./nixpkgs/lib;
      fenixOf =
        pkgs:
        let
          inherit (pkgs.standIn) toolchain;
          component = toolchain { name = "rust-component"; };
          channel = name: rec {
            cargo = component;
            rustc = component;
            clippy = component;
            rustfmt = component;
            rust-src = component;
            rust-std = component;
            rust-analyzer = component;
            rust-analyzer-preview = component;
            llvm-tools = component;
            llvm-tools-preview = component;
            miri = component;
            toolchain = pkgs.standIn.toolchain { name = "rust-${name}"; };
            defaultToolchain = toolchain;
            minimalToolchain = toolchain;
            completeToolchain = toolchain;
            withComponents = components: pkgs.standIn.toolchain { name = "rust-${name}"; inherit components; };
          };
          channels = lib.genAttrs [ "stable" "beta" "latest" "complete" "default" "minimal" ] channel;
        in
        channels
        // {
          combine = _: toolchain { name = "rust-mixed"; };
          fromToolchainFile = args: assert builtins.pathExists (args.file or (args.dir + "/rust-toolchain.toml")); toolchain { name = "rust-from-file"; };
          fromToolchainName = { name, ... }: channel name;
          toolchainOf = args: channel (args.channel or "stable");
          targets = lib.genAttrs [ "wasm32-unknown-unknown" "wasm32-wasip1" "x86_64-unknown-linux-musl" "aarch64-unknown-linux-musl" "x86_64-pc-windows-gnu" "thumbv7em-none-eabihf" ] (_: channels);
          rust-analyzer = component;
          rust-analyzer-vscode-extension = component;
          makeRustPlatform = _: pkgs.rustPlatform;
        };
    in
    {
      packages = lib.genAttrs lib.systems.flakeExposed (system: fenixOf (import ./nixpkgs { inherit system; }));
      overlays.default = final: _: {
        fenix = fenixOf final;
        rust-analyzer-nightly = final.rust-analyzer;
      };
    };
}
