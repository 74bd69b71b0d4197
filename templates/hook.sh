_sccfg_hook() {
  # sccfg itself knows more than this. One that is missing or too old fails, and this stands in.
  if command -v sccfg >/dev/null 2>&1 && _sccfg=$(sccfg hook bash 2>/dev/null); then
    eval "$_sccfg"
    return 0
  fi
{% if incremental == "off" %}
  export CARGO_INCREMENTAL=0
{% else %}
  unset CARGO_INCREMENTAL
{% endif %}
{% if incremental == "auto" %}
  # The .git of a linked worktree is a file that names a folder below worktrees/.
  _sccfg=$PWD
  until [ -z "$_sccfg" ] || [ -e "$_sccfg/.git" ]; do _sccfg=${_sccfg%/*}; done
  if [ -f "$_sccfg/.git" ] && read -r _sccfg <"$_sccfg/.git"; then
    case $_sccfg in */worktrees/*) export CARGO_INCREMENTAL=0 ;; esac
  fi
{% endif %}
  # A wrapper that does not run breaks cargo itself.
  if [ -n "${RUSTC_WRAPPER-}" ] && [ ! -x "$(command -v "$RUSTC_WRAPPER")" ]; then
    echo "sccfg: RUSTC_WRAPPER is unset here, for it does not run: $RUSTC_WRAPPER" >&2
    unset RUSTC_WRAPPER
  fi
  # `sccache` on PATH is to be the wrapper, unless its folder would bring other tools along.
  case ${RUSTC_WRAPPER-} in /*/sccache)
    set -- "${RUSTC_WRAPPER%/*}"/*
    [ "$#" -gt 2 ] || [ "$(command -v sccache)" = "$RUSTC_WRAPPER" ] || PATH=${1%/*}:$PATH ;;
  esac
  unset SCCACHE_DIR SCCACHE_CACHE_SIZE
  _sccfg=$(_sccfg_machine) || :
  case $_sccfg in ?*) export SCCACHE_CACHE_SIZE="${_sccfg%% *}" SCCACHE_DIR="${_sccfg#* }" ;; esac
}

# Prints the size and folder of this machine's cache, then brings a running server in line.
_sccfg_machine() (
  set +eu
  conf=$HOME/.config dir=$HOME/.cache size={{ size or '""' }} table="" unit=0
  case $XDG_CONFIG_HOME in /*) conf=$XDG_CONFIG_HOME ;; esac
  case $XDG_CACHE_HOME in /*) dir=$XDG_CACHE_HOME ;; esac
  conf=$conf/sccache/config dir=$dir/sccache uds=$SCCACHE_SERVER_UDS
  if [ -d /System/Library ]; then
    conf="$HOME/Library/Application Support/Mozilla.sccache/config"
    dir=$HOME/Library/Caches/Mozilla.sccache
  fi
  conf=${SCCACHE_CONF-$conf}
  # They are what sccache's own file says. Where its [cache.disk] says more than the two, neither
  # is set, for then sccache would not read the rest of it.
  if [ -f "$conf" ] && [ -r "$conf" ]; then
    size=""
    while IFS=' =' read -r key value || [ -n "$key" ]; do
      case $key in
      "" | "#"*) continue ;;
      "[cache.disk]") table=disk && continue ;;
      "["*) table="" ;;
      esac
      [ -z "$table" ] || size=${size:-10G}
      case $table.$key=$value in
      disk.dir=\"*\\*) size="" && break ;;
      disk.dir=\"[!\"]*\"*) dir=${value#?} && dir=${dir%%\"*} ;;
      disk.dir=\'[!\']*\'*) dir=${value#?} && dir=${dir%%\'*} ;;
      disk.size=*) size=${value#\"} && size=${size%%[\" #]*} ;;
      *disk*) size="" && break ;;
      esac
    done <"$conf"
  else
    conf=""
  fi
  case $size in *[Kk]) unit=10 ;; *[Mm]) unit=20 ;; *[Gg]) unit=30 ;; *[Tt]) unit=40 ;; esac
  size=${size%[KkMmGgTt]}
  case $size in
  "" | 0* | *[!0-9]*) size="" ;;
  *) size=$((size << unit)) && printf '%s' "$size $dir" ;;
  esac
  exec >/dev/null
  [ -n "$conf$size" ] && command -v sccache || exit
  [ -z "$size" ] || export SCCACHE_DIR="$dir" SCCACHE_CACHE_SIZE="$size"

  # A running server keeps what it was started with. Where no file rules it may only grow, or two
  # projects with different sizes would restart it in turn.
  ask() { if command -v timeout >/dev/null; then timeout 9 sccache "$@"; else sccache "$@"; fi; }
  stats() {
    at=$(ask --show-stats --stats-format=json) || exit
    at=${at#*\"cache_location\":} max=${at##*\"max_cache_size\":}
    printf '%s' "${max%%,*} ${at%%,\"cache_size\":*}"
  }
  differs() {
    is=$(stats) && [ "$is" != "$size \"Local disk: \\\"$dir\\\"\"" ] || return
    # No server can be at this address: this is what a new one would have.
    new=$(export SCCACHE_SERVER_UDS=/dev/null/none && stats) || return
    if [ -n "$conf" ]; then [ "$is" != "$new" ]; else [ "${is%% *}" -lt "${new%% *}" ]; fi
  } 2>/dev/null
  # Idle: our own server listens there, nobody is connected, and nothing runs below it.
  idle() {
    inode="" net=/proc/net/tcp port=$(printf :%04X "${SCCACHE_SERVER_PORT:-4226}") uid=$(id -u)
    [ -z "$uds" ] || net=/proc/net/unix
    while read -r _ at _ state _ kind seventh owner _ tenth _; do
      case $state$at:$owner:$kind in
      0A*"$port:$uid":*) inode=$tenth ;;
      *":$uds:01") inode=$seventh ;;
      0[18]*"$port":* | *":$uds:03") return 1 ;;
      esac
    done <"$net"
    pid=""
    for proc in /proc/[0-9]*; do
      name="" && read -r name <"$proc/comm"
      case $name in *sccache*)
        case $(readlink "$proc"/fd/*) in *"socket:[$inode]"*) pid=${proc#/proc/} ;; esac ;;
      esac
    done
    for proc in /proc/[0-9]*; do
      stat="" && read -r stat <"$proc/stat"
      case ${stat##*) } in Z*) ;; ?" $pid "*) return 1 ;; esac
    done
    [ -n "$pid" ]
  } 2>/dev/null
  differs || exit
  # One shell at a time. The lock of one that died goes, and the next may try.
  lock=${XDG_RUNTIME_DIR:-$HOME}/.sccfg-restart
  if ! (set -C && echo "$$" >"$lock"); then
    read -r pid <"$lock" && ! kill -0 "$pid" && rm -f "$lock"
    exit
  fi 2>/dev/null
  trap 'rm -f "$lock"' EXIT
  differs || exit
  if sleep 0.2 && idle && sleep 0.2 && idle && ask --stop-server 2>/dev/null; then
    # Nothing of this shell sticks to the new server, least of all a TMPDIR that goes away.
    env | {
      while IFS='=' read -r name _; do
        case $name in
        _* | *[!A-Za-z0-9_]* | HOME | PATH | XDG_* | SCCACHE_* | AWS_* | *_PROXY | *_proxy) ;;
        *) unset "$name" ;;
        esac
      done
      export SCCACHE_IDLE_TIMEOUT="${SCCACHE_IDLE_TIMEOUT:-7200}"
      cd / && ask --start-server
    } 2>/dev/null
  elif [ -n "$RUSTC_WRAPPER" ]; then
    echo "sccfg: the sccache server has other settings and is in use, so it is left as it is" >&2
  fi
)

_sccfg_hook || :
unset -f _sccfg_hook _sccfg_machine
unset _sccfg
