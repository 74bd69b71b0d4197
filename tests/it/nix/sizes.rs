//! Sizes are parsed in Nix as in `sccfg.toml`.

use sccfg_util::size::ByteSize;

use super::{nix, nix_path};
use crate::support::{Ran, Sandbox, project};

/// Numbers and units in every combination, with blanks around them.
fn texts() -> Vec<String> {
    let numbers = [
        "",
        "0",
        "1",
        "007",
        "24",
        "1023",
        "1.5",
        "1.",
        ".5",
        "0.000000001",
        "1.123456789",
        "1.1234567890",
        "1.2.3",
        "-1",
        "+1",
        "1e9",
        "1_000",
        "8388607",
        "8388608",
        "8388607.9999",
        "9223372036854775807",
        "9223372036854775808",
        "9223372036854775807.9",
        "99999999999999999999999",
        "00000000000000000000024",
    ];
    let units = [
        "", "b", "B", "k", "K", "Ki", "KiB", "kib", "kB", "KB", "m", "MiB", "MB", "G", "GiB", "gB",
        "T", "TiB", "TB", "P", "iB", "apples", "G G", "µ",
    ];
    let mut texts = Vec::new();
    for number in numbers {
        for unit in units {
            texts.push(format!("{number}{unit}"));
            texts.push(format!(" {number} {unit}\t\n"));
        }
    }
    texts
}

#[requires(nix)]
#[test]
fn nix_reads_sizes_as_sccfg_does() {
    let nix = nix();
    let texts = texts();
    let sandbox = Sandbox::new().file("texts.json", &serde_json::to_string(&texts).unwrap());
    let expression = format!(
        "let common = import {} {{ lib = import {}; }}; \
         in map common.parseSize (builtins.fromJSON (builtins.readFile {}))",
        nix_path(&project().join("modules/common.nix")),
        nix_path(&nix.flake("nixpkgs/lib")),
        nix_path(&sandbox.path("texts.json")),
    );
    let mut command = nix.command(&sandbox, "nix-instantiate");
    command.args(["--eval", "--strict", "--json", "-E", &expression]);
    let ran = Ran::new("nix-instantiate".to_owned(), &command.output().unwrap()).status(0);
    let sizes: Vec<Option<u64>> = serde_json::from_str(&ran.stdout).unwrap();
    let expected: Vec<Option<u64>> = texts
        .iter()
        .map(|text| text.parse().ok().map(ByteSize::bytes))
        .collect();
    assert!(expected.iter().flatten().count() > 300, "some are sizes");
    for ((text, size), expected) in texts.iter().zip(sizes).zip(expected) {
        assert_eq!(size, expected, "{text:?}");
    }
}
