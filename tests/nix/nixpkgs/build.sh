# The builder of every derivation: `buildCommand` where there is one, and an empty package else.
# shellcheck disable=SC1090,SC1091,SC2154,SC2086 # Nix sets these, and they are lists
set -e
. "$stdenv/setup"
if [ -n "${buildCommandPath-}" ]; then
  . "$buildCommandPath"
elif [ -n "${buildCommand-}" ]; then
  eval "$buildCommand"
else
  mkdir -p "$out/bin" "$out/nix-support"
  if [ -n "$propagatedBuildInputs$propagatedNativeBuildInputs" ]; then
    echo $propagatedBuildInputs $propagatedNativeBuildInputs >"$out/nix-support/propagated"
  fi
  if [ -n "${setupHook-}" ]; then
    printf '%s\n' "$setupHook" >"$out/nix-support/setup-hook"
  fi
  # A package's programs are the host's, where the host has them.
  for name in $hostPrograms; do
    IFS=:
    for directory in $hostPath; do
      [ ! -x "$directory/$name" ] || { ln -s "$directory/$name" "$out/bin/$name" && break; }
    done
    unset IFS
  done
fi
[ -e "$out" ] || mkdir -p "$out"
