{
  description = "A Rust project";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      forAllSystems = nixpkgs.lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin" # up to nixpkgs 26.05
        "aarch64-darwin"
      ];
    in
    {
      devShells = forAllSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          default = pkgs.mkShell {
            packages = [
              pkgs.cargo
              pkgs.clippy
              pkgs.rust-analyzer
              pkgs.rustc
              pkgs.rustfmt
            ];

            # Where rust-analyzer finds the standard library.
            RUST_SRC_PATH = "${pkgs.rustPlatform.rustLibSrc}";
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            shellHook = ''
              _sccfg_hook() {
                # A shell that only got this hook, through inputsFrom, has none of the variables.
                [ -n "''${RUSTC_WRAPPER-}" ] || command -v sccache >/dev/null || return 0
                _sccfg_incremental=off _sccfg_size=
                # sccfg itself knows more than this. Where it is missing or too old, this stands in for it.
                if command -v sccfg >/dev/null 2>&1 &&
                  _sccfg=$(sccfg hook bash --incremental="$_sccfg_incremental" \
                    ''${_sccfg_size:+--size="$_sccfg_size"}); then
                  eval "$_sccfg"
                  return 0
                fi
                case $_sccfg_incremental in
                off) export CARGO_INCREMENTAL=0 ;;
                *) unset CARGO_INCREMENTAL ;;
                esac
                if [ "$_sccfg_incremental" = auto ]; then
                  # The .git of a linked worktree is a file that names a folder below worktrees/.
                  _sccfg=$PWD
                  until [ -z "$_sccfg" ] || [ -e "$_sccfg/.git" ]; do _sccfg=''${_sccfg%/*}; done
                  if [ -f "$_sccfg/.git" ] && read -r _sccfg <"$_sccfg/.git"; then
                    case $_sccfg in */worktrees/*) export CARGO_INCREMENTAL=0 ;; esac
                  fi
                fi
                # sccache's own config file decides on size and folder; the variables repeat it, or are not set.
                unset SCCACHE_DIR SCCACHE_CACHE_SIZE
                # A wrapper that cannot be run breaks cargo itself.
                if [ ! -x "$(command -v "''${RUSTC_WRAPPER:-sccache}")" ]; then
                  echo "sccfg: nothing is cached here: ''${RUSTC_WRAPPER:-sccache} cannot be run" >&2
                  unset RUSTC_WRAPPER
                  return 0
                fi
                case ''${RUSTC_WRAPPER-} in
                "$(command -v sccache)") ;;
                */store/*-sccache*/bin/sccache) PATH=''${RUSTC_WRAPPER%/*}:$PATH ;;
                esac
                _sccfg=$(_sccfg_server 2>/dev/null) || :
                case $_sccfg in
                busy*) echo "sccfg: the sccache server has other settings and is in use: left as it is" >&2 ;;
                esac
                case $_sccfg in *' /'*)
                  _sccfg=''${_sccfg#busy} && export SCCACHE_CACHE_SIZE="''${_sccfg%% *}" SCCACHE_DIR="''${_sccfg#* }" ;;
                esac
              }

              # Prints the cache's size and folder, and restarts a server with other ones if nothing uses it.
              _sccfg_server() (
                set +eu
                uds=$SCCACHE_SERVER_UDS out=""
                cd / && unset TMPDIR TMP TEMP TEMPDIR
                exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- # direnv waits for all who hold its pipe
                export SCCACHE_IDLE_TIMEOUT="''${SCCACHE_IDLE_TIMEOUT:-7200}"
                ask() { if command -v timeout >/dev/null; then timeout 9 sccache "$@"; else sccache "$@"; fi; }
                stats() {
                  json=$(ask --show-stats --stats-format=json) || exit
                  json=''${json#*\"cache_location\":} max=''${json##*\"max_cache_size\":}
                  echo "''${max%%,*} ''${json%%,\"cache_size\":*}"
                }
                # No server can be at this address, so this is what the config file says, or sccache itself.
                want=$(export SCCACHE_SERVER_UDS=/dev/null/none && stats) || exit
                dir=''${want#*'"Local disk: \"'} && dir=''${dir%'\""'} && size=''${want%% *}
                case $XDG_CONFIG_HOME in /*) conf=$XDG_CONFIG_HOME ;; *) conf=$HOME/.config ;; esac
                conf=$conf/sccache/config
                [ ! -d /System/Library ] || conf="$HOME/Library/Application Support/Mozilla.sccache/config"
                if [ -f "''${SCCACHE_CONF-$conf}" ]; then
                  differs() { is=$(stats) && [ "$is" != "$want" ]; }
                  # Beside the variables, sccache would not read these at all.
                  while read -r line || [ -n "$line" ]; do
                    case $line in *rw_mode* | *preprocessor*) size="" ;; esac
                  done <"''${SCCACHE_CONF-$conf}"
                else
                  # No file rules here. Projects with different sizes must not restart the server in turn.
                  size=$_sccfg_size
                  differs() { is=$(stats) && [ "''${is%% *}" -lt "$size" ]; }
                fi
                case $size:$dir in *:*\\* | :* | *:[!/]*) ;; *)
                  export SCCACHE_DIR="$dir" SCCACHE_CACHE_SIZE="$size" && out="$size $dir" ;;
                esac
                # A server of ours listens, nobody is connected to it, and no process runs below it.
                idle() {
                  sleep 0.2 && inode="" pid="" net=/proc/net/tcp uid=$(id -u) || return
                  port=$(printf :%04X "''${SCCACHE_SERVER_PORT:-4226}")
                  [ -z "$uds" ] || net=/proc/net/unix
                  while read -r _ at _ state _ kind seventh owner _ tenth _; do
                    case $state$at:$owner:$kind in
                    0A*"$port:$uid":*) inode=$tenth ;;
                    *":$uds:01") inode=$seventh ;;
                    0[18]*"$port":* | *":$uds:03") return 1 ;;
                    esac
                  done <"$net"
                  for proc in /proc/[0-9]*; do
                    name="" && read -r name <"$proc/comm"
                    case $name in *sccache*)
                      case $(readlink "$proc"/fd/*) in *"socket:[$inode]"*) pid=''${proc#/proc/} ;; esac ;;
                    esac
                  done
                  for proc in /proc/[0-9]*; do
                    stat="" && read -r stat <"$proc/stat"
                    case ''${stat##*) } in Z*) ;; ?" $pid "*) return 1 ;; esac
                  done
                  [ -n "$pid" ]
                }
                lock=''${XDG_RUNTIME_DIR:-$HOME}/.sccfg-restart
                if differs && (set -C && echo "$$" >"$lock"); then
                  trap 'rm -f "$lock"' EXIT
                  restart() { idle && idle && ask --stop-server && ask --start-server; }
                  if differs && ! restart >&2; then out=busy$out; fi
                elif read -r pid <"$lock" && ! kill -0 "$pid"; then
                  rm -f "$lock" # of a shell that died; the next one may try
                fi
                echo "$out"
              )

              _sccfg_hook || :
              unset -f _sccfg_hook _sccfg_server
              unset _sccfg _sccfg_incremental _sccfg_size
            '';
            # <<< sccfg <<<
          };
        }
      );
    };
}
