//! This project's own flake, over the stand-in for nixpkgs.
