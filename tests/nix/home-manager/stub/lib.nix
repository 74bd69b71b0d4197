# The stub's `lib` with the functions that home-manager adds, and others that the modules use.
let
  lib = import ../../nixpkgs/lib;
  entry = after: before: data: { inherit after before data; };
  escapeXML = builtins.replaceStrings [ "&" "<" ">" "\"" "'" ] [ "&amp;" "&lt;" "&gt;" "&quot;" "&apos;" ];
  plist =
    indent: value:
    let
      deeper = "${indent}\t";
      row = name: "${deeper}<key>${escapeXML name}</key>\n${plist deeper value.${name}}";
      present = lib.filter (name: value.${name} != null) (lib.attrNames value);
    in
    if builtins.isBool value then
      "${indent}<${lib.boolToString value}/>"
    else if builtins.isInt value then
      "${indent}<integer>${toString value}</integer>"
    else if builtins.isList value then
      "${indent}<array>\n${lib.concatMapStrings (it: "${plist deeper it}\n") value}${indent}</array>"
    else if builtins.isAttrs value then
      "${indent}<dict>\n${lib.concatMapStrings (name: "${row name}\n") present}${indent}</dict>"
    else
      "${indent}<string>${escapeXML (toString value)}</string>";
  escapeShellArg =
    arg:
    let
      text = toString arg;
    in
    if builtins.match "[[:alnum:],._+:@%/-]+" text != null then text else lib.escapeShellArg text;
  own = {
    inherit escapeShellArg;
    escapeShellArgs = lib.concatMapStringsSep " " escapeShellArg;
    generators = lib.generators // {
      toINI =
        sections:
        let
          value = it: if builtins.isBool it then lib.boolToString it else toString it;
          row = name: it: if builtins.isList it then map (row name) it else "${name}=${value it}";
          section =
            name: set: "[${name}]\n" + lib.concatMapStrings (line: "${line}\n") (lib.flatten (lib.mapAttrsToList row set));
        in
        lib.concatStringsSep "\n" (lib.mapAttrsToList section sections);
      toPlist =
        _: value:
        ''
          <?xml version="1.0" encoding="UTF-8"?>
          <!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
          <plist version="1.0">
          ${plist "" value}
          </plist>'';
    };
    hm.dag = {
      entryAnywhere = entry [ ] [ ];
      entryAfter = after: entry after [ ];
      entryBefore = before: entry [ ] before;
    };
  };
in
lib // own
