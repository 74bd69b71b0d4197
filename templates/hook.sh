if command -v sccfg >/dev/null && _sccfg=$(sccfg hook bash{{ options }}); then eval "$_sccfg"; else
  [ -x "$(command -v "${RUSTC_WRAPPER:-sh}")" ] || unset RUSTC_WRAPPER # or cargo fails
@off   export CARGO_INCREMENTAL=0
@workspace   unset CARGO_INCREMENTAL
@auto   _sccfg=$PWD; until [ -z "$_sccfg" ] || [ -e "$_sccfg/.git" ]; do _sccfg=${_sccfg%/*}; done
@auto   unset CARGO_INCREMENTAL; ! grep -qs /worktrees/ "$_sccfg/.git" || export CARGO_INCREMENTAL=0
  if [ -f "${SCCACHE_CONF-${XDG_CONFIG_HOME:-${HOME-}/.config}/sccache/config}" ] # the machine decides
@no-size   then unset SCCACHE_DIR SCCACHE_CACHE_SIZE; fi
@size   then unset SCCACHE_DIR SCCACHE_CACHE_SIZE; else [ -d ~/Library ] || export SCCACHE_CACHE_SIZE={{ size }}; fi
fi; unset _sccfg
