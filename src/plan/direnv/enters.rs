//! Which dev shell the user's lines of `.envrc` load.

use super::NAME;
use crate::plan::Managed;
use crate::sccfg_toml::ShellName;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;

/// Which shell the user's lines load.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Enters {
    Flake,
    /// By this line, another shell of the flake, of this name.
    OtherShell(String, String),
    /// By this line, the shell of another flake.
    OtherFlake(String),
    /// By this line, the one of `devenv.nix`.
    Devenv(String),
    /// By this line, one that is not the flake's.
    Other(String),
    /// By this line, one that may be the flake's.
    Unknown(String),
    Nothing,
}

/// Arguments of `use` that load no dev shell: direnv's own functions, and common additions.
const NO_SHELLS: [&str; 12] = [
    "asdf", "java", "julia", "mise", "node", "nodenv", "nvm", "op", "python", "rbenv", "ruby",
    "vim",
];

impl Enters {
    /// Searches for `use flake` and similar lines, also after `&&` and in conditions. When in doubt it
    /// is `use flake`, because loading twice is worse than not at all.
    ///
    /// `managed` are the shells of the policy.
    pub(super) fn of(text: &str, managed: &[ShellName]) -> Self {
        let mut other = None;
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line
                .split(|c: char| c.is_whitespace() || ";&|(){}".contains(c))
                .filter(|word| !word.is_empty())
                .collect();
            let has = |name: &str| {
                words.contains(&format!("use_{name}").as_str())
                    || words.windows(2).any(|pair| pair == ["use", name])
            };
            if has("flake") {
                return Self::flake(line, managed);
            }
            let is_lorri = words.windows(2).any(|pair| pair == ["lorri", "direnv"]);
            if has("devenv") {
                other.get_or_insert_with(|| Self::Devenv(line.to_owned()));
            } else if is_lorri || ["nix", "guix"].into_iter().any(has) {
                other.get_or_insert_with(|| Self::Other(line.to_owned()));
            } else if runs_nix(&words) || uses_own_function(line) {
                other.get_or_insert_with(|| Self::Unknown(line.to_owned()));
            }
        }
        other.unwrap_or(Self::Nothing)
    }

    /// The shell that a line with `use flake` loads. When in doubt it is a managed one.
    fn flake(line: &str, managed: &[ShellName]) -> Self {
        let words = shlex::split(line).unwrap_or_default();
        let mut words = words
            .into_iter()
            .skip_while(|word| !word.ends_with("flake"));
        let reference = words.nth(1).unwrap_or_default();
        let reference = reference.trim_end_matches(';');
        let (flake, shell) = reference.split_once('#').unwrap_or((reference, ""));
        if flake.starts_with('-') || reference.contains(['$', '&', '|', '}']) {
            return Self::Flake;
        }
        if !is_this_flake(flake) {
            return Self::OtherFlake(line.to_owned());
        }
        let is_managed = managed.iter().any(|name| name.as_str() == shell);
        if shell.is_empty() || is_managed || managed.is_empty() || shell.contains('.') {
            return Self::Flake;
        }
        Self::OtherShell(line.to_owned(), shell.to_owned())
    }

    /// Whether it is a shell of some flake.
    pub(super) fn is_flake(&self) -> bool {
        matches!(
            self,
            Self::Flake | Self::OtherShell(..) | Self::OtherFlake(_)
        )
    }

    /// The warning that no `use flake` was added, or that the user's loads another shell.
    pub(super) fn warning(&self, managed: Managed) -> Option<Problem> {
        match self {
            Self::Devenv(_) if managed.in_devenv => None,
            Self::OtherShell(line, shell) => Some(
                Problem::new(format!(
                    "{NAME} loads a dev shell that is not managed with `{line}`; the line is not changed"
                ))
                .hint(format!(
                    "to add that shell: sccfg init --shell {}",
                    quote(shell)
                )),
            ),
            Self::OtherFlake(line) => Some(
                Problem::new(format!(
                    "{NAME} loads the dev shell of another flake with `{line}`; the line is not changed"
                ))
                .hint("replace it with `use flake` to load the dev shell of this flake"),
            ),
            Self::Other(line) | Self::Devenv(line) => Some(
                Problem::new(format!(
                    "{NAME} loads another shell with `{line}`; the line is not changed"
                ))
                .hint("replace it with `use flake` to load the dev shell of the flake"),
            ),
            Self::Unknown(line) => Some(
                Problem::new(format!(
                    "no `use flake` was added to {NAME}, which may load the dev shell with `{line}`"
                ))
                .hint("replace that line with `use flake`; if it does not load the dev shell, add `use flake`"),
            ),
            Self::Flake | Self::Nothing => None,
        }
    }
}

/// Whether a reference is to the flake in this directory: `.`, `path:.`, `.?submodules=1`.
fn is_this_flake(reference: &str) -> bool {
    let (flake, query) = reference.split_once('?').unwrap_or((reference, ""));
    let schemes = ["path:", "git+file:"];
    let path = schemes.iter().find_map(|scheme| flake.strip_prefix(scheme));
    let is_below = query.split('&').any(|pair| pair.starts_with("dir="));
    !is_below && matches!(path.unwrap_or(flake), "" | "." | "./" | "./.")
}

/// Whether the words contain a command of Nix that may make a shell.
fn runs_nix(words: &[&str]) -> bool {
    let of_nix = |word: &&str| matches!(*word, "print-dev-env" | "nix-build" | "nix-shell");
    words.iter().any(of_nix)
        || words
            .windows(2)
            .any(|pair| matches!(pair, ["nix", "build" | "develop"]))
}

/// Whether a line has the command `use NAME`, where the function is not direnv's own.
fn uses_own_function(line: &str) -> bool {
    let commands = line.split([';', '&', '|', '(', ')', '{', '}']);
    commands.into_iter().any(|command| {
        let is_keyword = |word: &&str| {
            matches!(
                *word,
                "if" | "elif" | "then" | "else" | "while" | "do" | "!"
            )
        };
        let mut words = command.split_whitespace().skip_while(is_keyword);
        let is_use = words.next() == Some("use");
        let is_name = |name: &str| {
            let mut letters = name.chars();
            letters.all(|letter| letter.is_ascii_alphanumeric() || "_-".contains(letter))
        };
        is_use
            && words
                .next()
                .is_some_and(|name| is_name(name) && !NO_SHELLS.contains(&name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_load_a_shell_are_recognised() {
        for text in [
            "use flake",
            "  use flake .#ci --impure\n",
            "has nix && use flake",
            "if has nix; then use flake; fi",
            "use_flake",
        ] {
            assert_eq!(Enters::of(text, &[]), Enters::Flake, "{text}");
        }
        for text in [
            "",
            "# use flake",
            "export use=flake",
            "use node",
            "if has ruby; then use ruby; fi",
            "reuse flake",
            "echo please use direnv",
            "# use our_shell",
        ] {
            assert_eq!(Enters::of(text, &[]), Enters::Nothing, "{text}");
        }
        assert_eq!(
            Enters::of("dotenv\nuse nix -p x", &[]),
            Enters::Other("use nix -p x".to_owned())
        );
        for text in [
            "eval \"$(nix print-dev-env)\"",
            "source <(nix print-dev-env .#ci)",
            "use our-shell",
            "! has nix || use our_shell",
            "nix-build shell.nix --out-link .direnv/shell",
            "nix build .#shell --out-link .direnv/shell && source .direnv/shell/env.bash",
            "eval \"$(nix develop --command env)\"",
        ] {
            assert_eq!(
                Enters::of(text, &[]),
                Enters::Unknown(text.to_owned()),
                "{text}"
            );
            assert_eq!(
                Enters::of(&format!("{text}\nuse flake"), &[]),
                Enters::Flake
            );
        }
    }

    #[test]
    fn lines_that_load_another_shell_are_recognised() {
        let managed: [ShellName; 1] = ["default".parse().unwrap()];
        for text in [
            "use flake . --impure",
            "use flake --impure",
            "use flake .#default",
            "use flake \"$(expand_path .)\"",
            "has nix && use flake; dotenv",
            "if has nix; then use flake; fi",
            "use flake || use nix",
            "use flake path:.",
            "use flake \"path:./#default\" --impure",
            "use flake '.?submodules=1'",
            "use flake git+file:.?submodules=1#default",
            "use flake git+file:./.",
        ] {
            assert_eq!(Enters::of(text, &managed), Enters::Flake, "{text}");
        }
        for text in [
            "use flake ./nix",
            "use flake github:a/b#x",
            "use_flake ..",
            "use flake path:./nix",
            "use flake '.?dir=nix'",
        ] {
            let other = Enters::OtherFlake(text.to_owned());
            assert_eq!(Enters::of(text, &managed), other, "{text}");
        }
        let ci = "use flake .#ci --impure";
        let other = Enters::OtherShell(ci.to_owned(), "ci".to_owned());
        assert_eq!(Enters::of(ci, &managed), other);
        let lorri = "eval \"$(lorri direnv)\"";
        assert_eq!(Enters::of(lorri, &managed), Enters::Other(lorri.to_owned()));
    }
}
