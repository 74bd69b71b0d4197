# numtide/devshell's `mkNakedShell`: a plain derivation, which has no `overrideAttrs`.
{ pkgs, name, variables }:
let
  stdenv = pkgs.writeTextFile {
    name = "naked-stdenv";
    destination = "/setup";
    text = ''
      : ''${outputs:=out}
      runHook() {
        eval "$shellHook"
        unset runHook
      }
    '';
  };
  profile = pkgs.writeTextFile { name = "env"; destination = "/env.bash"; text = variables; };
in
(derivation {
  inherit name stdenv;
  inherit (pkgs.stdenv.hostPlatform) system;
  builder = pkgs.stdenv.shell;
  args = [ "-ec" "exit 0" ];
  shellHook = ''
    unset NIX_BUILD_TOP NIX_BUILD_CORES NIX_STORE
    unset TEMP TEMPDIR TMP TMPDIR
    unset builder out shellHook stdenv system
    unset dontAddDisableDepTrack outputs
    source "${profile}/env.bash"
  '';
})
// { meta = { }; passthru = { }; }
