# What all modules share: the types of the options, and how sizes are read and checked.
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

  # An integer of decimal digits, or null where Nix has none that large.
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
    The bytes of a size as people write it: `parseSize "1.5GiB"` is 1610612736. `null` for what is no
    size. The grammar is that of `ByteSize` in crates/sccfg-util/src/size.rs, and a test holds them together.
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
      # In two steps, because the product of digits and unit can be too large.
      rest = digits * (unit / scale) + digits * (unit - unit / scale * scale) / scale;
    in
    if parts == null || unit == null || whole == null || builtins.stringLength fraction > 9 then
      null
    else if whole > (largestInt - rest) / unit then
      null
    else
      whole * unit + rest;

  # `bytes` as sccache reads them in a variable: `sccacheSize 25769803776` is `"24G"`.
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
      A size, written as `"24GiB"` or as a number of bytes. In `config` it is always the number.
      Two definitions that mean the same number are no conflict.
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

    # Incremental compilation against caching.
    incremental = lib.types.enum [
      "off"
      "workspace"
      "auto"
    ];

    # What stands in RUSTC_WRAPPER.
    wrapper = lib.types.enum [
      "sccache"
      "portable"
    ];
  };

  # Warnings about a size, which is `null` or bytes: the list that an option `warnings` takes.
  sizeWarnings =
    option: size:
    lib.optional (size != null && size < kib * kib)
      "${option} is ${toString size} bytes, less than 1 MiB: nothing fits into such a cache. Write a unit, as in \"24GiB\".";

  # `size` itself, with the same warning where there is no option `warnings`.
  warnSize = option: size: lib.foldr lib.warn size (sizeWarnings option size);
}
