# What every derivation and `nix develop` source first: the inputs' programs come on PATH, before
# the host's basic tools, and the inputs' setup hooks run.
export PATH=
_seen=" "

_add_input() {
  local input
  for input in "$@"; do
    case $_seen in *" $input "*) continue ;; esac
    _seen="$_seen$input "
    [ ! -d "$input/bin" ] || PATH=${PATH:+$PATH:}$input/bin
    # shellcheck disable=SC1091 # an input's own file
    [ ! -f "$input/nix-support/setup-hook" ] || . "$input/nix-support/setup-hook"
    # shellcheck disable=SC2046 # a list of store paths
    [ ! -f "$input/nix-support/propagated" ] || _add_input $(<"$input/nix-support/propagated")
  done
}

# shellcheck disable=SC2086,SC2154 # lists of store paths, which Nix sets
_add_input $nativeBuildInputs $buildInputs $propagatedNativeBuildInputs $propagatedBuildInputs \
  $nativeCheckInputs $checkInputs $defaultInputs
# shellcheck disable=SC2154 # Nix sets it
PATH=${PATH:+$PATH:}$hostPath
unset _seen
unset -f _add_input

# The one of stdenv's functions that is asked for: substitute FROM TO --subst-var-by NAME VALUE.
substitute() {
  local text
  text=$(<"$1")
  printf '%s\n' "${text//@$4@/$5}" >"$2"
}
