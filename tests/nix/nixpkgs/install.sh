# Puts what the tests' own cargo has built in place of what buildRustPackage would build.
# shellcheck disable=SC2154 # Nix sets these
mkdir -p "$out/bin"
name=${pname:-$name}
if [ -x "$hostBuilt/$name" ]; then
  cp "$hostBuilt/$name" "$out/bin/"
  cd "$(mktemp -d)" || exit
  # As cargo leaves it where it built.
  for made in "$hostBuilt"/build/portable-wrapper-*/out; do
    mkdir -p target/release/build/portable-wrapper-0
    cp -r "$made" target/release/build/portable-wrapper-0/
  done
  eval "${postInstall-}"
fi
