//! What a dev shell runs when it is entered: the text of the shell hook.

use anyhow::Result;
use minijinja::context;

use crate::config::size::ByteSize;
use crate::policy::{Incremental, Wrapper};
use crate::render;

/// The region of a shell hook, rendered from a repository's policy.
///
/// Plain POSIX shell that bash, zsh and dash run alike. It hands over to `sccfg hook` where that
/// is on `PATH`, and otherwise does the same in short: it never fails the shell, prints nothing on
/// standard output and at most one line on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookText {
    /// What the repository asks of a machine that has no sccache config file.
    pub size: Option<ByteSize>,
    /// Incremental compilation against caching.
    pub incremental: Incremental,
    /// What stands in `RUSTC_WRAPPER`.
    pub wrapper: Wrapper,
}

impl HookText {
    /// The text, without the markers around it and without any escaping for Nix.
    ///
    /// # Errors
    /// When the template is defective.
    pub fn render(&self) -> Result<String> {
        // No more than names to replace: `modules/lib.nix` renders the same file.
        let size = self.size.map(|size| size.bytes().to_string());
        render::render(
            crate::template!("hook.sh"),
            context! { incremental => self.incremental.name(), size => size.unwrap_or_default() },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCREMENTALS: [Incremental; 3] =
        [Incremental::Off, Incremental::Workspace, Incremental::Auto];

    fn text(size: Option<ByteSize>, incremental: Incremental) -> String {
        HookText {
            size,
            incremental,
            wrapper: Wrapper::Sccache,
        }
        .render()
        .unwrap()
    }

    #[test]
    fn lines_fit_and_nothing_of_the_template_is_left() {
        for incremental in INCREMENTALS {
            for size in [None, Some(ByteSize::from_bytes(24 << 30))] {
                let text = text(size, incremental);
                for line in text.lines() {
                    assert!(line.chars().count() <= 100, "{line}");
                    assert_eq!(line, line.trim_end());
                }
                for leftover in ["{{", "{%", "{#"] {
                    assert!(!text.contains(leftover), "{leftover} in\n{text}");
                }
            }
        }
    }

    #[test]
    fn the_template_is_text_with_two_names_in_it() {
        let template = crate::template!("hook.sh").text;
        for name in ["{{ incremental }}", "{{ size }}"] {
            assert_eq!(template.matches(name).count(), 1, "{name}");
        }
        for incremental in INCREMENTALS {
            let word = serde_json::to_value(incremental).unwrap();
            let replaced = template
                .replace("{{ incremental }}", word.as_str().unwrap())
                .replace("{{ size }}", "25769803776");
            let size = Some(ByteSize::from_bytes(24 << 30));
            assert_eq!(text(size, incremental), replaced);
        }
    }

    #[test]
    fn the_size_is_rendered_in_bytes() {
        let size = ByteSize::from_bytes(24 << 30);
        assert!(text(Some(size), Incremental::Off).contains(" _sccfg_size=25769803776\n"));
        assert!(text(None, Incremental::Off).contains(" _sccfg_size=\n"));
    }
}
