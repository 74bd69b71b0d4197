//! The shells of Nix in which jobs run cargo.

/// Where the cargo of a job comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum NixShell {
    /// No shell of Nix.
    #[default]
    None,
    /// `nix develop` with these arguments, such as `.#ci`.
    Develop(String),
    /// `devenv shell`.
    Devenv,
    /// A shell in which sccfg cannot start sccache, and why.
    Other(&'static str),
}

impl NixShell {
    /// The shell that a script, or the `shell:` of a step, enters.
    pub(super) fn of_script(script: &str) -> Self {
        let script = script.replace("\\\r\n", " ").replace("\\\n", " ");
        if let Some((_, rest)) = script.split_once("nix develop") {
            return match arguments(rest) {
                Some(arguments) => Self::Develop(arguments),
                None => Self::Other(
                    "it runs cargo in a `nix develop` whose arguments a shell has to evaluate",
                ),
            };
        }
        if script.contains("nix-shell") {
            return Self::Other(
                "it runs cargo in `nix-shell`, and sccfg starts sccache in the shells of `nix develop` and `devenv shell` only",
            );
        }
        if script.contains("devenv shell") {
            return Self::Devenv;
        }
        let has_options = script.lines().any(|line| {
            let words = line.split_whitespace();
            let mut after = words.skip_while(|word| *word != "devenv").skip(1);
            after.any(|word| word == "shell")
        });
        if has_options {
            return Self::Other(
                "it runs cargo in `devenv shell` with options of devenv, which sccfg does not pass on",
            );
        }
        Self::None
    }

    /// The shell of a job one of whose steps runs cargo in this shell, and another one in `next`.
    pub(super) fn and(self, next: Self) -> Self {
        match (&self, &next) {
            (Self::None, _) | (Self::Develop(_) | Self::Devenv, Self::Other(_)) => next,
            _ => self,
        }
    }

    /// Whether sccfg starts sccache in it.
    pub(crate) fn is_entered(&self) -> bool {
        matches!(self, Self::Develop(_) | Self::Devenv)
    }
}

/// The arguments at the start of `rest`, which follows `nix develop`; `None` if they are not plain words.
fn arguments(rest: &str) -> Option<String> {
    let line = rest.lines().next().unwrap_or_default();
    let mut line = line.to_owned();
    // An expression of a workflow, without its blanks, is a word.
    let mut from = 0;
    while let Some(start) = line[from..].find("${{").map(|at| from + at) {
        let end = start + line[start..].find("}}")?;
        let inner: String = line[start..end].split_whitespace().collect();
        line.replace_range(start..end, &inner);
        from = start + inner.len();
    }
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        let is_end = matches!(word, "-c" | "--command" | "--")
            || word.starts_with(['<', '>', '|', ';', '&']);
        if is_end {
            break;
        }
        let quoted = ['\'', '"']
            .iter()
            .find_map(|quote| word.strip_prefix(*quote)?.strip_suffix(*quote));
        words.push(quoted.unwrap_or(word));
    }
    words
        .iter()
        .all(|word| is_plain(word))
        .then(|| words.join(" "))
}

/// Whether a shell takes a word as it is.
fn is_plain(word: &str) -> bool {
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("${{") {
        let Some((inner, after)) = after.split_once("}}") else {
            return false;
        };
        if !is_plain(before) || !is_plain(inner) {
            return false;
        }
        rest = after;
    }
    rest.chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/:#=+,@%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_nix_develop_are_known() {
        for (script, arguments) in [
            ("nix develop -c cargo test", ""),
            ("nix develop .#ci --command cargo test", ".#ci"),
            (
                "cd a\nnix develop \\\n  ./nix --impure -c bash",
                "./nix --impure",
            ),
            ("nix develop '.#ci' -c cargo", ".#ci"),
            (
                "nix develop .#${{ matrix.shell }} -c x",
                ".#${{matrix.shell}}",
            ),
            ("nix develop <<X\ncargo test\nX", ""),
        ] {
            let expected = NixShell::Develop(arguments.to_owned());
            assert_eq!(NixShell::of_script(script), expected, "{script}");
        }
        for script in [
            "nix develop .#$SHELL -c cargo test",
            "nix develop \"$(cat shell)\" -c cargo test",
            "nix-shell --run 'cargo test'",
            "devenv --profile ci shell cargo test",
        ] {
            let found = NixShell::of_script(script);
            assert!(matches!(found, NixShell::Other(_)), "{script}: {found:?}");
        }
        assert_eq!(NixShell::of_script("cargo test"), NixShell::None);
        let script = "devenv shell -- cargo test";
        assert_eq!(NixShell::of_script(script), NixShell::Devenv);
    }
}
