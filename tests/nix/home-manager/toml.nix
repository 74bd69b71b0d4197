# pkgs.formats.toml without the program that nixpkgs writes TOML with.
{ lib, writeText }:
let
  inherit (builtins) isAttrs isList toJSON;
  isTable = value: isAttrs value && !lib.isDerivation value;
  key = name: if builtins.match "[A-Za-z0-9_-]+" name != null then name else toJSON name;
  value = it: if isList it then "[${lib.concatMapStringsSep ", " value it}]" else toJSON it;
  table =
    path: set:
    let
      names = lib.attrNames set;
      plain = lib.filter (name: !isTable set.${name}) names;
      below = lib.filter (name: isTable set.${name}) names;
    in
    lib.optionalString (path != [ ] && plain != [ ]) "[${lib.concatMapStringsSep "." key path}]\n"
    + lib.concatMapStrings (name: "${key name} = ${value set.${name}}\n") plain
    + lib.optionalString (plain != [ ] && below != [ ]) "\n"
    + lib.concatStringsSep "\n" (map (name: table (path ++ [ name ]) set.${name}) below);
in
{
  type =
    with lib.types;
    let
      it = oneOf [
        bool
        int
        float
        str
        path
        (attrsOf it)
        (listOf it)
      ]
      // {
        description = "TOML value";
        descriptionClass = "noun";
      };
    in
    it;
  generate = name: set: writeText name (table [ ] set);
}
