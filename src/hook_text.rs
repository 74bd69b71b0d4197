//! The text of the shell hook that a dev shell runs.

use crate::sccfg_toml::Incremental;
use sccfg_util::size::ByteSize;

/// The text of a shell hook, rendered from a repository's policy.
///
/// POSIX shell for bash, zsh and dash. It evaluates what `sccfg hook` prints. Without sccfg, it sets
/// the variables of the policy so that cargo works, and does not supervise the server. It prints
/// nothing itself and never fails the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookText {
    /// The size to request if the machine has no sccache config file.
    pub size: Option<ByteSize>,
    /// The policy for incremental compilation.
    pub incremental: Incremental,
    /// Where `sccfg hook` reads the same settings.
    pub settings: Settings,
}

/// Where `sccfg hook` reads the settings that a hook is rendered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settings {
    /// From the repository's `sccfg.toml`. The shell has its variables as attributes.
    InPolicy,
    /// From the options that the hook passes, as in the shell of a Nix module.
    InHook,
}

/// The conditions that a line of the template can have.
#[cfg(test)]
const CONDITIONS: [&str; 5] = ["off", "workspace", "auto", "size", "no-size"];

impl HookText {
    /// The text, without the markers around it and without escaping for Nix.
    ///
    /// A line of the template that starts with `@NAME` is part of the text only where NAME holds;
    /// `{{ options }}` and `{{ size }}` are replaced. `modules/lib.nix` does the same to the same
    /// file, and a test compares the two.
    pub fn render(&self) -> String {
        let incremental = self.incremental.name();
        let size = self.size.map(ByteSize::for_sccache);
        let (options, incremental) = match (self.settings, self.incremental) {
            (Settings::InHook, _) => {
                let size = size.iter().map(|size| format!(" --size={size}"));
                let options = std::iter::once(format!(" --incremental={incremental}")).chain(size);
                (options.collect(), Some(incremental))
            }
            // The shell has the variable as an attribute.
            (Settings::InPolicy, Incremental::Off) => (String::new(), None),
            (Settings::InPolicy, _) => (String::new(), Some(incremental)),
        };
        let has_size = if size.is_some() { "size" } else { "no-size" };
        let mut text = String::new();
        for line in sccfg_templates::HOOK.text.split_inclusive('\n') {
            let (condition, line) = sccfg_templates::condition_of(line);
            if condition.is_none_or(|name| Some(name) == incremental || name == has_size) {
                text.push_str(line);
            }
        }
        text.replace("{{ options }}", &options)
            .replace("{{ size }}", &size.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(settings: Settings) -> impl Iterator<Item = (HookText, String)> {
        let sizes = [None, Some(ByteSize::from_bytes(24 << 30))];
        sizes.into_iter().flat_map(move |size| {
            [Incremental::Off, Incremental::Workspace, Incremental::Auto].map(|incremental| {
                let hook = HookText {
                    size,
                    incremental,
                    settings,
                };
                (hook, hook.render())
            })
        })
    }

    #[test]
    fn a_flake_gets_few_lines_that_fit() {
        for (hook, text) in texts(Settings::InPolicy) {
            let attribute = usize::from(hook.incremental == Incremental::Off);
            // In addition to the hook: two markers, `RUSTC_WRAPPER`, the first and the last line of the string.
            assert!(text.lines().count() + attribute <= 7, "{text}");
            for line in text.lines() {
                assert!(line.chars().count() <= 104, "{line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }

    #[test]
    fn no_part_of_the_template_is_left() {
        for settings in [Settings::InPolicy, Settings::InHook] {
            for (_, text) in texts(settings) {
                for leftover in ["@", "{{", "}}"] {
                    assert!(!text.contains(leftover), "{leftover} in\n{text}");
                }
            }
        }
    }

    #[test]
    fn every_condition_of_the_template_is_known() {
        for line in include_str!("../templates/hook.sh").lines() {
            if let Some(line) = line.strip_prefix('@') {
                let name = line.split(' ').next().unwrap();
                assert!(CONDITIONS.contains(&name), "{line}");
            }
        }
    }

    #[test]
    fn settings_of_a_module_are_passed_as_options() {
        for (hook, text) in texts(Settings::InHook) {
            let size = hook.size.map_or("", |_| " --size=24G");
            let options = format!(" --incremental={}{size})", hook.incremental.name());
            assert!(text.contains(&options), "{text}");
        }
        for (_, text) in texts(Settings::InPolicy) {
            assert!(text.contains("$(sccfg hook bash);"), "{text}");
        }
    }
}
