# Shared by all modules: option types, and parsing and checking of sizes.
{ lib }:
let
  kib = 1024;
  units = {
    "" = 1;
    b = 1;
    k = kib;
    ki = kib;
    kib = kib;
    m = kib * kib;
    mi = kib * kib;
    mib = kib * kib;
    g = kib * kib * kib;
    gi = kib * kib * kib;
    gib = kib * kib * kib;
    t = kib * kib * kib * kib;
    ti = kib * kib * kib * kib;
    tib = kib * kib * kib * kib;
    kb = 1000;
    mb = 1000000;
    gb = 1000000000;
    tb = 1000000000000;
  };

  largest = "9223372036854775807";
  largestInt = 9223372036854775807;

  # An integer from decimal digits, or null if it is too large for Nix.
  parseDigits =
    digits:
    let
      significant = builtins.head (builtins.match "0*([0-9]*)" digits);
      length = builtins.stringLength significant;
    in
    if significant == "" then
      0
    else if
      length > builtins.stringLength largest
      || (length == builtins.stringLength largest && builtins.lessThan largest significant)
    then
      null
    else
      builtins.fromJSON significant;
in
rec {
  /*
    The bytes of a size: `parseSize "1.5GiB"` is 1610612736. `null` if it is not a size. The grammar is
    that of `ByteSize` in crates/sccfg-util/src/size.rs; a test compares them.
  */
  parseSize =
    text:
    let
      parts = builtins.match "[[:space:]]*([0-9]+)([.]([0-9]+))?[[:space:]]*([A-Za-z]*)[[:space:]]*" text;
      unit = units.${lib.toLower (builtins.elemAt parts 3)} or null;
      whole = parseDigits (builtins.elemAt parts 0);
      fraction = if builtins.elemAt parts 2 == null then "" else builtins.elemAt parts 2;
      digits = parseDigits fraction;
      scale = builtins.foldl' (scale: _: scale * 10) 1 (lib.stringToCharacters fraction);
      # In two steps, because the product of digits and unit may overflow.
      rest = digits * (unit / scale) + digits * (unit - unit / scale * scale) / scale;
    in
    if parts == null || unit == null || whole == null || builtins.stringLength fraction > 9 then
      null
    else if whole > (largestInt - rest) / unit then
      null
    else
      whole * unit + rest;

  # `bytes` in the syntax of `SCCACHE_CACHE_SIZE`: `sccacheSize 25769803776` is `"24G"`.
  sccacheSize =
    bytes:
    let
      fits =
        unit:
        let
          scale = units.${lib.toLower unit};
        in
        bytes != 0 && bytes / scale * scale == bytes;
      unit = lib.findFirst fits "" [
        "T"
        "G"
        "M"
        "K"
      ];
    in
    toString (bytes / units.${lib.toLower unit}) + unit;

  # The bytes of a value of `types.size`.
  sizeToBytes = size: if builtins.isInt size then size else parseSize size;

  types = {
    /*
      A size, as `"24GiB"` or as a number of bytes. In `config` it is always the number. Two
      definitions of the same number do not conflict.
    */
    size = lib.mkOptionType {
      name = "size";
      description = ''size such as "24GiB", "500MiB" or "1.5TiB", or a positive number of bytes'';
      descriptionClass = "noun";
      check =
        value:
        let
          bytes = if builtins.isString value then parseSize value else value;
        in
        builtins.isInt bytes && bytes > 0;
      merge =
        loc: defs:
        lib.mergeEqualOption loc (map (def: def // { value = sizeToBytes def.value; }) defs);
    };

    # The policy for incremental compilation.
    incremental = lib.types.enum [
      "off"
      "workspace"
      "auto"
    ];

    # The program that links on Linux.
    linker = lib.types.enum [
      "system"
      "mold"
      "lld"
      "wild"
    ];

    # The program in RUSTC_WRAPPER.
    wrapper = lib.types.enum [
      "sccache"
      "portable"
    ];
  };

  # Warnings about a size (`null` or bytes), for an option `warnings`.
  sizeWarnings =
    option: size:
    lib.optional (size != null && size < kib * kib)
      "${option} is ${toString size} bytes, less than 1 MiB, which is too small for any entry. Add a unit, as in \"24GiB\".";

  # `size` with the same warnings, if there is no option `warnings`.
  warnSize = option: size: lib.foldr lib.warn size (sizeWarnings option size);
}
