//! The lines that a hook in a region may have.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The hooks that released versions of sccfg wrote into shells, the current one first. A released
/// text that changes is kept in `templates/earlier/`.
const HOOKS: [&str; 2] = [sccfg_templates::HOOK.text, sccfg_templates::HOOK_0_1_0.text];

static RELEASED: LazyLock<HookLines> = LazyLock::new(|| {
    let mut lines = HookLines::default();
    for hook in HOOKS {
        lines.add(hook);
    }
    lines
});

/// A set of hook lines, compared without white space and without what Nix quoting adds.
#[derive(Debug, Default)]
pub(crate) struct HookLines {
    /// Lines without placeholders.
    fixed: HashSet<String>,
    /// Lines with placeholders.
    patterns: Vec<Pattern>,
}

/// A template line: `start`, then each placeholder's name with the text after it.
#[derive(Debug)]
struct Pattern {
    start: String,
    placeholders: Vec<(String, String)>,
}

impl HookLines {
    /// The lines of one text.
    pub(crate) fn of(hook: &str) -> Self {
        let mut lines = Self::default();
        lines.add(hook);
        lines
    }

    /// Whether a released version of sccfg writes `line` in a hook.
    pub(super) fn is_released(line: &str) -> bool {
        RELEASED.contains(line)
    }

    pub(super) fn contains(&self, line: &str) -> bool {
        self.fixed.contains(line) || self.patterns.iter().any(|pattern| pattern.matches(line))
    }

    fn add(&mut self, hook: &str) {
        for line in hook
            .lines()
            .filter(|line| !line.trim_start().starts_with("{%"))
        {
            let (_, line) = sccfg_templates::condition_of(line);
            match Pattern::of(line) {
                None => {
                    self.fixed.insert(unquoted(line));
                }
                // A line that is hardly more than a placeholder would match anything.
                Some(pattern) if pattern.fixed_length() >= 8 => self.patterns.push(pattern),
                Some(_) => {}
            }
        }
    }
}

impl Pattern {
    /// `None` when `line` has no placeholder.
    fn of(line: &str) -> Option<Self> {
        let mut parts = line.split("{{");
        let start = unquoted(parts.next()?);
        let placeholders: Vec<(String, String)> = parts
            .filter_map(|part| part.split_once("}}"))
            .map(|(name, text)| (name.trim().to_owned(), unquoted(text)))
            .collect();
        (!placeholders.is_empty()).then_some(Self {
            start,
            placeholders,
        })
    }

    fn fixed_length(&self) -> usize {
        let texts = self.placeholders.iter().map(|(_, text)| text.len());
        self.start.len() + texts.sum::<usize>()
    }

    fn matches(&self, line: &str) -> bool {
        let Some(mut rest) = line.strip_prefix(self.start.as_str()) else {
            return false;
        };
        for (index, (name, text)) in self.placeholders.iter().enumerate() {
            let is_last = index + 1 == self.placeholders.len();
            let split = if is_last {
                rest.strip_suffix(text.as_str()).map(|value| (value, ""))
            } else {
                rest.split_once(text.as_str())
            };
            let Some((value, after)) = split else {
                return false;
            };
            if !is_value_of(name, value) {
                return false;
            }
            rest = after;
        }
        true
    }
}

/// Whether sccfg renders the placeholder `name` as `value` for some `sccfg.toml`.
fn is_value_of(name: &str, value: &str) -> bool {
    let is_mode = |value: &str| matches!(value, "off" | "workspace" | "auto");
    match name {
        "size" => is_size(value),
        "incremental" => is_mode(value),
        // `--incremental=off --size=24G`, without the space
        "options" => {
            let Some(options) = value.strip_prefix("--incremental=") else {
                return value.is_empty();
            };
            match options.split_once("--size=") {
                Some((mode, size)) => is_mode(mode) && is_size(size),
                None => is_mode(options),
            }
        }
        _ => value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-=".contains(&byte)),
    }
}

/// A number with at most one unit letter, as sccache reads sizes, or none at all.
fn is_size(value: &str) -> bool {
    let number = value.strip_suffix(['K', 'M', 'G', 'T', 'P']);
    let number = number.filter(|number| !number.is_empty()).unwrap_or(value);
    number.bytes().all(|byte| byte.is_ascii_digit())
}

/// A line without white space and without the characters that quoting for Nix adds.
pub(super) fn unquoted(line: &str) -> String {
    line.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '\\'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_match_only_what_is_rendered() {
        let lines = HookLines::of("export SIZE={{ size }}; x=$(sccfg hook bash{{ options }})");
        let contains = |line: &str| lines.contains(&unquoted(line));
        assert!(contains("export SIZE=24G; x=$(sccfg hook bash)"));
        assert!(contains(
            "export SIZE=100; x=$(sccfg hook bash --incremental=auto --size=1T)"
        ));
        assert!(!contains("export SIZE=mine; x=$(sccfg hook bash)"));
        assert!(!contains("export SIZE=24G; x=$(sccfg hook bash --mine)"));
    }
}
