//! Whether the linker compresses debug information, in which the paths of a checkout cannot replace placeholders.

use super::KeyBuilder;
use sccfg_util::env;

/// Prefixes of variables with options that Nix's wrappers pass to linkers.
const PREFIXES_OF_OPTIONS: [&str; 2] = ["NIX_CFLAGS_LINK", "NIX_LDFLAGS"];

impl KeyBuilder<'_> {
    /// The option by which the linker compresses debug information, if there is one: also for a library, which is linked later.
    pub(super) fn compressing_option(&self) -> Option<String> {
        let is_of_options = |name: &str| {
            PREFIXES_OF_OPTIONS
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        let variables = env::vars_where(is_of_options).into_iter();
        let values: Vec<_> = variables
            .map(|(_, value)| value.to_string_lossy().into_owned())
            .collect();
        let of_variables = values.iter().flat_map(|value| value.split_whitespace());
        let words = self.unit.linker_words().chain(of_variables);
        let mut options = words.flat_map(|word| word.split(','));
        options.find(|option| compresses(option)).map(str::to_owned)
    }
}

/// Whether this option has the linker compress debug information.
fn compresses(option: &str) -> bool {
    let is_one = option == "-gz" || option.starts_with("-gz=") || option.contains("compress-debug");
    is_one && !option.ends_with("=none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_compress_debug_information_are_known() {
        for option in [
            "-gz",
            "-gz=zstd",
            "--compress-debug-sections=zlib",
            "--compress-debug-sections",
        ] {
            assert!(compresses(option), "{option}");
        }
        for option in ["-g", "-gz=none", "--compress-debug-sections=none", "-gzip"] {
            assert!(!compresses(option), "{option}");
        }
    }
}
