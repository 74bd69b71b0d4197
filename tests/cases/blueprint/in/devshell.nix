{ perSystem, ... }:
perSystem.self.base.overrideAttrs { BASE = "1"; }
