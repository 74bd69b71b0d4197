#!/bin/sh
# Written by `sccfg cargo --user`; cargo's configuration names this file. It runs sccache, or else the compiler itself:
# cargo works whatever becomes of sccache.
[ -x {{ sccache }} ] && exec {{ sccache }} "$@"
IFS=:
for directory in $PATH; do
  sccache=${directory:-.}/sccache
  # shellcheck disable=SC3013 # dash, busybox and bash have -ef
  [ -f "$sccache" ] && [ -x "$sccache" ] && ! [ "$sccache" -ef "$0" ] && unset IFS && exec "$sccache" "$@"
done
unset IFS
exec "$@"
