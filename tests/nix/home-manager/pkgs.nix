# nixpkgs for home-manager, NixOS and nix-darwin: the stub with the given `lib`, and what these
# ask of it besides. With `darwin`, the packages say that they are for macOS, and are built here.
{
  lib,
  sccfg,
  darwin ? false,
}:
let
  shims = ''
    substituteInPlace() {
      local file=$1 text
      shift
      # A copy from the store is read-only, to all but root.
      chmod u+w "$file"
      while [ $# -gt 0 ]; do
        [ "$1" = --subst-var-by ] || exit 1
        text=$(cat "$file"; echo .)
        text=''${text//"@$2@"/"$3"}
        printf '%s' "''${text%.}" >"$file"
        shift 3
      done
    }
  '';
  overlay =
    final: prev:
    let
      tools = name: programs: prev.standIn.package { inherit name programs; };
      tool = name: tools name [ name ];
    in
    {
      inherit lib;
      path = ./nixpkgs;
      formats = prev.formats // {
        toml = _: import ./toml.nix { inherit (final) lib writeText; };
      }
      # Declared by home-manager, and never written here.
      // lib.genAttrs [ "ini" "json" "yaml" ] (
        _: _: {
          type = lib.types.anything;
          lib.types.atom = lib.types.anything;
        }
      );
      runCommand = name: env: command: prev.runCommand name env (shims + command);
      runCommandLocal = final.runCommand;
      replaceVars =
        file: values:
        final.writeText (baseNameOf file) (
          lib.replaceStrings (map (name: "@${name}@") (lib.attrNames values)) (map toString (
            lib.attrValues values
          )) (builtins.readFile file)
        );
      lndir = prev.writeShellScriptBin "lndir" ''
        while [[ $1 == -* ]]; do shift; done
        cp -rs --no-preserve=mode "$1/." "$2/"
      '';
      xorg = prev.xorg // {
        inherit (final) lndir;
      };
      # Without what home-manager does to databases of desktops.
      buildEnv = args: prev.buildEnv { inherit (args) name paths; };
      emptyDirectory = prev.runCommand "empty-directory" { } "mkdir -p $out";
      stdenv = prev.stdenv // {
        hostPlatform =
          if darwin then lib.systems.elaborate "aarch64-darwin" else prev.stdenv.hostPlatform;
      };
      # The program that is tested, with the front of the portable wrapper; not `sccfg`, so that a
      # configuration says itself whether it has it.
      sccfg-built = prev.runCommand "sccfg" { meta.mainProgram = "sccfg"; } ''
        mkdir -p $out/bin $out/libexec/sccfg
        ln -s ${sccfg} $out/bin/sccfg
        ln -s ../../bin/sccfg $out/libexec/sccfg/sccache
      '';
    }
    // {
      glibcLocales = tool "glibc-locales" // {
        version = "2.42";
      };
    }
    # An activation has nothing else on its search path.
    // lib.mapAttrs tools {
      coreutils = [
        "basename"
        "cat"
        "chmod"
        "comm"
        "cp"
        "cut"
        "dirname"
        "env"
        "head"
        "id"
        "install"
        "ln"
        "ls"
        "mkdir"
        "mktemp"
        "mv"
        "readlink"
        "realpath"
        "rm"
        "rmdir"
        "sleep"
        "sort"
        "tail"
        "touch"
        "tr"
      ];
      gettext = [
        "gettext"
        "msgfmt"
      ];
      ncurses = [ "tput" ];
      systemd = [ "systemctl" ];
    }
    // lib.genAttrs [ "man" "sd-switch" "shared-mime-info" "dconf" ] tool;
in
import ../nixpkgs { overlays = [ overlay ]; }
