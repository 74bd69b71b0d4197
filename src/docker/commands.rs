//! What a script does with cargo.

use crate::ci::COMPILE_NOTHING;

/// What a script does with cargo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// It neither compiles nor downloads.
    Nothing,
    /// It only downloads packages.
    Downloads,
    Compiles,
}

/// Subcommands that only download packages.
const DOWNLOAD: [&str; 4] = ["fetch", "generate-lockfile", "update", "vendor"];

/// Subcommands that compile nothing, besides those of workflows.
const MORE_THAT_COMPILE_NOTHING: [&str; 5] = ["binstall", "init", "new", "sbom", "uninstall"];

/// Programs whose arguments are not run.
const DO_NOT_RUN: [&str; 37] = [
    "[",
    "[[",
    "apk",
    "apt",
    "apt-get",
    "brew",
    "cat",
    "cd",
    "chmod",
    "chown",
    "command",
    "cp",
    "curl",
    "dnf",
    "dpkg",
    "echo",
    "export",
    "find",
    "git",
    "grep",
    "ln",
    "ls",
    "microdnf",
    "mkdir",
    "mv",
    "pacman",
    "printf",
    "rm",
    "rustup-init",
    "sed",
    "test",
    "touch",
    "type",
    "wget",
    "which",
    "yum",
    "zypper",
];

/// Words of the shell in front of a command.
const KEYWORDS: [&str; 8] = ["!", "do", "elif", "else", "if", "then", "until", "while"];

/// What a script for a shell does. It is read word by word, because it may be for any shell.
pub(crate) fn of_script(script: &str) -> Use {
    let is_end = |c: char| ";|&(){}\n\r`".contains(c);
    let code = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| line.split(is_end))
        .map(of_command)
        .max()
        .unwrap_or(Use::Nothing)
}

fn of_command(command: &str) -> Use {
    let is_break = |c: char| c.is_whitespace() || "'\"".contains(c);
    let words = command.split(is_break).filter(|word| !word.is_empty());
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    let mut words = words.skip_while(|word| KEYWORDS.contains(word) || is_assignment(word));
    let mut most = Use::Nothing;
    let mut is_first = true;
    while let Some(word) = words.next() {
        let program = word.rsplit('/').next().unwrap_or(word);
        if is_first && (DO_NOT_RUN.contains(&program) || program.starts_with("xx-ap")) {
            return Use::Nothing;
        }
        is_first = false;
        if !matches!(program, "cargo" | "xx-cargo") {
            continue;
        }
        let is_option =
            |word: &str| word.starts_with(['+', '-']) && !COMPILE_NOTHING.contains(&word);
        let mut next = || words.by_ref().find(|word| !is_option(word));
        most = most.max(match next() {
            Some("chef") if next() == Some("cook") => Use::Compiles,
            Some("chef") => Use::Nothing,
            Some(word) if DOWNLOAD.contains(&word) => Use::Downloads,
            Some(word) if COMPILE_NOTHING.contains(&word) => Use::Nothing,
            Some(word) if MORE_THAT_COMPILE_NOTHING.contains(&word) => Use::Nothing,
            Some(word) if word.starts_with(|c: char| c.is_ascii_lowercase()) => Use::Compiles,
            _ => Use::Nothing,
        });
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_compiles_if_a_command_of_cargo_does() {
        for (script, expected) in [
            ("cargo build --release", Use::Compiles),
            (
                "cd lighthouse && cargo +nightly --locked test",
                Use::Compiles,
            ),
            (
                "RUSTFLAGS=\"$(cat /flags.txt)\" cargo chef cook --release",
                Use::Compiles,
            ),
            ("PATH=\"$PATH:/opt/mold/bin\" xx-cargo build", Use::Compiles),
            ("if [ \"$A\" = b ]; then  cargo build; fi", Use::Compiles),
            ("/usr/local/bin/mold -run cargo build", Use::Compiles),
            (
                "cargo install cargo-chef && rustup target add wasm32",
                Use::Compiles,
            ),
            ("bash -c 'cargo build'", Use::Compiles),
            ("cargo fetch --locked", Use::Downloads),
            ("cargo chef prepare --recipe-path recipe.json", Use::Nothing),
            ("USER=root cargo new --bin /app", Use::Nothing),
            ("cargo --version && cargo sbom > x", Use::Nothing),
            ("apt-get install -y cargo rustc", Use::Nothing),
            ("apk add --no-cache cargo git && cp a b", Use::Nothing),
            ("rustup component add cargo", Use::Nothing),
            ("# cargo build\nmake", Use::Nothing),
        ] {
            assert_eq!(of_script(script), expected, "{script}");
        }
    }
}
