# A stub of flake-compat: the flake's own default shell is of no use without `nix develop`.
{ src, ... }: { defaultNix = { }; shellNix = { }; }
