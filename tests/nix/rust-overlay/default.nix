final: _: { inherit (final.standIn) rust-bin; }
