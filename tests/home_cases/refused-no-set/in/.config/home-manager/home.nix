{ lib, ... }:
lib.mkMerge [ { } ]
