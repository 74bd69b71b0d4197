#!/bin/sh
# Compiles by sccache in instructions that mount its directories, and without it in others.
run={{ run }}
sccache={{ sccache }}
[ -x "$sccache" ] || exec "$@"
{% if secrets %}
for name in {{ secrets }}; do
  if [ -r "/run/secrets/$name" ]; then
    IFS= read -r value <"/run/secrets/$name" || :
    export "$name=$value"
  fi
done
{% endif %}
{% for file in files %}
[ ! -r /run/secrets/{{ file }} ] || export {{ file }}=/run/secrets/{{ file }}
{% endfor %}
case $1 in -*) exec "$sccache" "$@" ;; esac
if [ ! -e "$run/started" ]; then
  { [ -w "$run" ] && grep -qs " $run " /proc/self/mountinfo; } || exec "$@"
  if mkdir "$run/lock" 2>/dev/null; then
    if "$sccache" --start-server >"$run/log" 2>&1; then
      echo sccache >"$run/state"
{% if remote %}
    elif (unset {{ remote }}; "$sccache" --start-server) >>"$run/log" 2>&1; then
      echo disk >"$run/state"
      what="the remote back end does not work; the cache is on the disk only"
{% endif %}
    else
      echo none >"$run/state"
      what="sccache does not start; compiling without it"
    fi
    if [ -n "${what:-}" ]; then
      { cat "$run/log"; echo "sccfg: $what"; } >"/proc/$PPID/fd/2" 2>/dev/null || :
    fi
    : >"$run/started"
  else
    waits=0
    while [ ! -e "$run/started" ] && [ "$waits" -lt 600 ]; do
      sleep 0.1
      waits=$((waits + 1))
    done
  fi
fi
state=none
[ ! -e "$run/started" ] || read -r state <"$run/state"
{% if remote %}
[ "$state" != disk ] || unset {{ remote }}
{% endif %}
[ "$state" != none ] || exec "$@"
exec "$sccache" "$@"
