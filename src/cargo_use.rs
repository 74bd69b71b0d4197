//! The use of cargo in scripts of workflows and Dockerfiles.

/// The use of cargo by a script, in increasing order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CargoUse {
    /// It does not run cargo.
    Nothing,
    /// It runs only commands that neither compile nor download, such as `cargo fmt`.
    CompilesNothing,
    /// It only downloads packages.
    Downloads,
    Compiles,
}

/// Subcommands that only download packages.
const DOWNLOAD: [&str; 4] = ["fetch", "generate-lockfile", "update", "vendor"];

/// Subcommands of cargo that neither compile nor download packages, and options that end it.
const COMPILE_NOTHING: [&str; 37] = [
    "--help",
    "--list",
    "--version",
    "-V",
    "about",
    "add",
    "audit",
    "binstall",
    "clean",
    "config",
    "cyclonedx",
    "deny",
    "fmt",
    "help",
    "info",
    "init",
    "locate-project",
    "login",
    "logout",
    "machete",
    "metadata",
    "new",
    "outdated",
    "owner",
    "pkgid",
    "remove",
    "sbom",
    "search",
    "set-version",
    "shear",
    "sort",
    "tree",
    "uninstall",
    "version",
    "vet",
    "workspaces",
    "yank",
];

/// Programs that run none of their arguments.
const RUN_NOTHING: [&str; 50] = [
    "[",
    "[[",
    "Write-Host",
    "Write-Output",
    "apk",
    "apt",
    "apt-get",
    "brew",
    "cat",
    "cd",
    "chmod",
    "choco",
    "chown",
    "command",
    "cp",
    "curl",
    "dnf",
    "dpkg",
    "echo",
    "export",
    "find",
    "gh",
    "git",
    "grep",
    "jq",
    "ln",
    "ls",
    "microdnf",
    "mkdir",
    "mv",
    "nix-env",
    "pacman",
    "pip",
    "pip3",
    "pkg",
    "printf",
    "rm",
    "rustup-init",
    "scoop",
    "sed",
    "snap",
    "tee",
    "test",
    "touch",
    "type",
    "wget",
    "which",
    "winget",
    "yum",
    "zypper",
];

/// Words in front of a command: of the shell, and programs that run it.
const BEFORE_COMMANDS: [&str; 14] = [
    "!", "do", "doas", "elif", "else", "env", "exec", "if", "nice", "sudo", "then", "time",
    "until", "while",
];

/// The use of cargo by a script. The script is split into words, because it may be for any shell.
pub(crate) fn of_script(script: &str) -> CargoUse {
    let script = without_expansions(&script.replace("\\\r\n", " ").replace("\\\n", " "));
    let is_end = |c: char| ";|&(){}\n\r`".contains(c);
    let code = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| line.split(is_end))
        .map(of_command)
        .max()
        .unwrap_or(CargoUse::Nothing)
}

/// The script with `$CARGO` or `$_` for each `${{ … }}` of a workflow and each `${…}` of a shell, whose braces end no command.
fn without_expansions(script: &str) -> String {
    let mut out = String::new();
    let mut rest = script;
    while let Some(at) = rest.find("${") {
        let end = if rest[at..].starts_with("${{") {
            "}}"
        } else {
            "}"
        };
        let Some(length) = rest[at..].find(end) else {
            break;
        };
        out.push_str(&rest[..at]);
        let expression = rest[at..at + length].trim_start_matches(['$', '{']).trim();
        let is_cargo = matches!(expression, "CARGO" | "env.CARGO");
        out.push_str(if is_cargo { "$CARGO" } else { "$_" });
        rest = &rest[at + length + end.len()..];
    }
    out + rest
}

fn of_command(command: &str) -> CargoUse {
    let is_break = |c: char| c.is_whitespace() || "'\"".contains(c);
    let words = command.split(is_break).filter(|word| !word.is_empty());
    let is_assignment = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        })
    };
    let mut words = words.skip_while(|word| {
        BEFORE_COMMANDS.contains(word) || word.starts_with('-') || is_assignment(word)
    });
    let mut most = CargoUse::Nothing;
    let mut is_first = true;
    while let Some(word) = words.next() {
        let program = word.rsplit(['/', '\\']).next().unwrap_or(word);
        if is_first && (RUN_NOTHING.contains(&program) || program.starts_with("xx-ap")) {
            return CargoUse::Nothing;
        }
        is_first = false;
        // `CARGO` is cargo or cross, as in the workflows of ripgrep.
        if !matches!(
            program,
            "cargo" | "cargo.exe" | "cross" | "xx-cargo" | "$CARGO"
        ) {
            continue;
        }
        let is_option =
            |word: &str| word.starts_with(['+', '-']) && !COMPILE_NOTHING.contains(&word);
        let mut next = || words.by_ref().find(|word| !is_option(word));
        most = most.max(match next() {
            Some("chef") if next() == Some("cook") => CargoUse::Compiles,
            Some("chef") => CargoUse::CompilesNothing,
            Some(word) if DOWNLOAD.contains(&word) => CargoUse::Downloads,
            Some(word) if COMPILE_NOTHING.contains(&word) => CargoUse::CompilesNothing,
            // A variable may name any subcommand.
            Some(word) if word.starts_with(|c: char| c.is_ascii_lowercase() || c == '$') => {
                CargoUse::Compiles
            }
            // cargo is only an argument, as in `type -p cargo`.
            _ => CargoUse::Nothing,
        });
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_compiles_if_a_command_of_cargo_does() {
        for script in [
            "cargo build --release",
            "cargo +nightly --locked build",
            "cargo +${{ matrix.rust }} test",
            "cargo ${{ matrix.task }} --workspace",
            "cargo \"$COMMAND\"",
            "cd lighthouse && cargo +nightly --locked test",
            "cd a && ~/.cargo/bin/cargo nextest run",
            "RUSTFLAGS=\"$(cat /flags.txt)\" cargo chef cook --release",
            "PATH=\"$PATH:/opt/mold/bin\" xx-cargo build",
            "if [ \"$A\" = b ]; then  cargo build; fi",
            "/usr/local/bin/mold -run cargo build",
            "cargo install cargo-chef && rustup target add wasm32",
            "sudo -E env A=b cargo test",
            "sudo apt-get install -y cargo &&\n  cargo build",
            "apt-get install -y \\\n  pkg-config && \\\n  cargo \\\n  build",
            "nix develop --command cargo clippy",
            "bash -c 'cargo build'",
            "cross test --target x",
            "${{ env.CARGO }} build --verbose --release",
            "\"${CARGO}\" test",
            "$CARGO build",
        ] {
            assert_eq!(of_script(script), CargoUse::Compiles, "{script}");
        }
    }

    #[test]
    fn a_command_that_only_names_cargo_does_not_run_it() {
        for script in [
            "apt-get install -y cargo rustc",
            "sudo apt-get install -y cargo rustc",
            "sudo DEBIAN_FRONTEND=noninteractive apt-get -qq install \\\n  git \\\n  cargo rustc \\\n  mold",
            "apk add --no-cache cargo git && cp a b",
            "rustup component add cargo",
            "choco install cargo rust",
            "echo \"run cargo test first\"",
            "git commit -m 'cargo update'",
            "command -v cargo",
            "which cargo",
            "echo \"$CARGO\"",
            "nix build .#package",
            "# cargo build\nmake",
        ] {
            assert_eq!(of_script(script), CargoUse::Nothing, "{script}");
        }
    }

    #[test]
    fn commands_of_cargo_that_compile_nothing_are_known() {
        for (script, expected) in [
            ("cargo fetch --locked", CargoUse::Downloads),
            ("cargo update -p serde", CargoUse::Downloads),
            (
                "cargo chef prepare --recipe-path recipe.json",
                CargoUse::CompilesNothing,
            ),
            ("USER=root cargo new --bin /app", CargoUse::CompilesNothing),
            (
                "cargo --version && cargo sbom > x",
                CargoUse::CompilesNothing,
            ),
            (
                "cargo binstall -y cargo-deny\ncargo deny check",
                CargoUse::CompilesNothing,
            ),
            ("cargo fmt --check", CargoUse::CompilesNothing),
        ] {
            assert_eq!(of_script(script), expected, "{script}");
        }
    }
}
