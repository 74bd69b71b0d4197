# A running server keeps the settings it was started with. Restart it if it is idle.
sccacheServer() (
  # The variables of a dev shell would override the file.
  for name in "${!SCCACHE_@}" RUSTC_WRAPPER; do unset "$name"; done
  runtime=/run/user/$(id -u)
  if [[ -z ${XDG_RUNTIME_DIR-} && -d $runtime ]]; then export XDG_RUNTIME_DIR=$runtime; fi
  {{ exports }}
  sccfg={{ sccfg }}
  mark={{ mark }}
  if [[ -n $mark ]]; then
    pid=$(systemctl --user show --property=MainPID --value sccache.service 2>/dev/null) || pid=0
    # A process may end at any time, and has no variables then.
    { mapfile -d '' -t variables <"/proc/${pid:-0}/environ"; } 2>/dev/null || variables=()
    is_current=''
    for variable in ${variables[@]+"${variables[@]}"}; do
      if [[ $variable == "SCCFG_SERVICE=$mark" ]]; then is_current=1; fi
    done
    if [[ ${#variables[@]} -gt 0 && -z $is_current ]]; then
      # Its address is that of its start, which may be another one.
      address=${SCCACHE_SERVER_UDS-}:${SCCACHE_SERVER_PORT-}
      unset SCCACHE_SERVER_UDS SCCACHE_SERVER_PORT
      for variable in "${variables[@]}"; do
        case $variable in SCCACHE_SERVER_UDS=* | SCCACHE_SERVER_PORT=*) export "${variable?}" ;; esac
      done
      if [[ $address == "${SCCACHE_SERVER_UDS-}:${SCCACHE_SERVER_PORT-}" ]]; then
        run "$sccfg" server restart --wait 0 ||
          warnEcho "The sccache server keeps its old settings until the next switch or \`sccfg server restart\`."
      elif run "$sccfg" server stop --wait 0; then
        run systemctl --user start sccache.service
      else
        warnEcho "The sccache server keeps its old address until the next switch or login."
      fi
      return
    fi
  fi
  # Without a server, and with one that has the current settings, do nothing.
  "$sccfg" server status >/dev/null 2>&1 ||
    run "$sccfg" server ensure ||
    warnEcho "The sccache server keeps its old settings until the next dev shell or \`sccfg server ensure\`."
)
sccacheServer
unset -f sccacheServer
