{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
}:

rustPlatform.buildRustPackage {
  pname = "sccfg";
  inherit ((lib.importTOML ./Cargo.toml).package) version;

  src = lib.fileset.toSource {
    root = ./.;
    # `benches` and `crates` because Cargo.toml names them, `tests/generated` for unit tests.
    fileset = lib.fileset.unions [
      ./Cargo.lock
      ./Cargo.toml
      ./benches
      ./crates
      ./src
      ./templates
      ./tests/generated
    ];
  };

  cargoLock.lockFile = ./Cargo.lock;

  nativeBuildInputs = [ installShellFiles ];

  # The integration tests want Nix, a network and several versions of sccache.
  cargoTestFlags = [
    "--workspace"
    "--lib"
  ];

  # The wrapper for keys that are the same in every worktree: sccfg acts by the name it is called
  # by, and cargo's helpers know wrappers by the name `sccache`.
  postInstall = ''
    mkdir -p $out/libexec/sccfg
    ln -s ../../bin/sccfg $out/libexec/sccfg/sccache
  ''
  + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    installShellCompletion --cmd sccfg \
      --bash <($out/bin/sccfg completions bash) \
      --fish <($out/bin/sccfg completions fish) \
      --zsh <($out/bin/sccfg completions zsh)
    $out/bin/sccfg man >sccfg.1
    installManPage sccfg.1
  '';

  meta = {
    description = "Makes sccache simply work for Rust projects in Nix dev shells";
    license = with lib.licenses; [
      mit
      asl20
    ];
    mainProgram = "sccfg";
    platforms = lib.platforms.unix;
  };
}
