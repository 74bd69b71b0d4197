{ pkgs }:
pkgs.mkShell {
]
