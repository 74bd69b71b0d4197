{ rustPlatform, openssl }:
rustPlatform.buildRustPackage {
  name = "tool";
  buildInputs = [ openssl ];
  shellHook = "tool";
}
