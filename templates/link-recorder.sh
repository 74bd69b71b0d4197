#!/bin/sh
# Written by `sccfg verify --linker`; cargo runs it in place of the compiler. It compiles programs without a cache.
# If the directory for links exists, it keeps what the linker read, and writes the command of the link there.
name='' extra='' kind='' last=''
for argument; do
  case $last in
    --crate-name) name=$argument ;;
    --crate-type) kind=$argument ;;
    -C) case $argument in extra-filename=*) extra=${argument#*=} ;; esac ;;
  esac
  [ "$argument" != --test ] || kind=bin
  last=$argument
done
case $kind:$name in
  bin:build_script_*) ;;
  bin:?*)
    if [ -d {{ links }} ]; then
      printf %s "$PWD" >{{ links }}/"$name$extra.dir"
      set -- "$@" -C save-temps --print link-args={{ links }}/"$name$extra"
    fi
    exec "$@"
    ;;
esac
exec {{ wrapper }} "$@"
