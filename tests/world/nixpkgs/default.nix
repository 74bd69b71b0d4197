# `import nixpkgs { … }`: the same packages, without a flake around them.
_: (import ../. { flake = ./.; shell = ""; }).pkgs
