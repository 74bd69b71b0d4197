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
    # What Cargo.toml names and the unit tests need: an edit of another file compiles nothing again.
    fileset = lib.fileset.unions [
      ./Cargo.lock
      ./Cargo.toml
      ./benches
      ./build.rs
      ./crates
      # The texts of `sccfg doctor --explain`.
      ./docs/doctor.md
      ./src
      ./templates
      ./tests/generated
    ];
  };

  cargoLock.lockFile = ./Cargo.lock;

  nativeBuildInputs = [ installShellFiles ];

  # The integration tests need Nix, a network and several versions of sccache.
  cargoTestFlags = [
    "--workspace"
    "--lib"
  ];

  # The portable wrapper: sccfg checks the name that it is started by, and some programs recognise the
  # wrapper by the name `sccache`.
  # Beside it is the launcher of C compilers, without which build scripts start them later.
  postInstall = ''
    mkdir -p $out/libexec/sccfg
    ln -s ../../bin/sccfg $out/libexec/sccfg/sccache
    launcher=$(find . -path '*/release/build/portable-wrapper-*/out/c_launcher' -size +0 -print -quit)
    if [ -n "$launcher" ]; then
      install -Dm755 "$launcher" $out/libexec/sccfg/c/sccache
    fi
  ''
  + lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    installShellCompletion --cmd sccfg \
      --bash <($out/bin/sccfg completions bash) \
      --fish <($out/bin/sccfg completions fish) \
      --zsh <($out/bin/sccfg completions zsh)
    $out/bin/sccfg man --out-dir man
    installManPage man/*
  '';

  meta = {
    description = "Configure sccache for Rust projects in Nix dev shells";
    license = with lib.licenses; [
      mit
      asl20
    ];
    mainProgram = "sccfg";
    platforms = lib.platforms.unix;
  };
}
