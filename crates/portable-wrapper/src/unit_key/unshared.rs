//! Why a unit cannot be shared between checkouts, as far as that is known before it is compiled.

use std::path::Path;

use super::super::binary;
use super::linking::{file_of_arguments, words_of_file};
use super::origin::Origin;
use super::{KeyBuilder, out_dir};
use sccfg_util::{env, fsio};

/// The prefix of the label of a key part with the rest of a directory behind a prefix that the user has replaced.
pub(crate) const REMAPPED: &str = "remapped ";
/// Prefixes of variables with options that Nix's wrappers pass to linkers.
const PREFIXES_OF_OPTIONS: [&str; 2] = ["NIX_CFLAGS_LINK", "NIX_LDFLAGS"];

impl KeyBuilder<'_> {
    /// Determines reasons why the unit cannot be shared, before it is compiled.
    pub(super) fn add_reasons(&mut self) {
        if !binary::supports_target(self.unit.target.as_deref()) {
            let why = "paths in programs for this target cannot be replaced";
            self.keyed_by_path.get_or_insert_with(|| why.to_owned());
        }
        if let Some(option) = self.compressing_option() {
            self.hides_paths = true;
            // What a program is linked from must not have placeholders then. Packages of registries without generated files have
            // none, if the path of the registries is not replaced.
            if self.may_have_placeholders() {
                self.keyed_by_path.get_or_insert_with(|| {
                    format!(
                        "`{option}` compresses debug information, in which paths cannot be replaced"
                    )
                });
            }
        }
        if let Some(flag) = &self.unit.unknown {
            self.keyed_by_path.get_or_insert_with(|| {
                format!("`{flag}` may write paths that the wrapper does not find")
            });
        }
    }

    /// Whether the output may contain a directory with a placeholder.
    fn may_have_placeholders(&self) -> bool {
        let has_sources = self.origin == Origin::Own || out_dir().is_some();
        has_sources || self.path_map.unmapped().is_none()
    }

    /// Adds what rustc writes of the mapped directories if the user has it replace another prefix of their paths.
    pub(super) fn add_remapped(&mut self) {
        if !self.may_have_placeholders() {
            return;
        }
        for (directory, role) in self.path_map.mapped_dirs() {
            if let Some(rest) = self.unit.rest_of_remapped(Path::new(directory)) {
                self.key.add(
                    format!("{REMAPPED}{role:?}"),
                    rest.as_os_str().as_encoded_bytes(),
                );
            }
        }
    }

    /// Adds the reason why a unit that is instrumented for coverage cannot be shared, unless it is of a package of a registry. The names
    /// of sources in its output are not replaced, and those of such packages are the same for all checkouts with this
    /// `CARGO_HOME`. The compile shows whether there are others.
    pub(super) fn add_coverage(&mut self) {
        let is_downloaded = matches!(self.origin, Origin::Registry(_)) && self.vendored.is_empty();
        if self.unit.has_coverage && !(is_downloaded && self.path_map.unmapped().is_some()) {
            let why = "its coverage mapping contains the paths of its sources";
            self.keyed_by_path.get_or_insert_with(|| why.to_owned());
        }
    }

    /// The option by which the linker compresses debug information, if there is one: also for a library, which is linked later.
    fn compressing_option(&self) -> Option<String> {
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
        let words: Vec<&str> = words.flat_map(|word| word.split(',')).collect();
        let files = words.iter().filter_map(|word| file_of_arguments(word));
        let files: Vec<_> = files
            .filter_map(|file| fsio::read_text(self.cwd.join(file)))
            .collect();
        let in_files = files.iter().flat_map(|text| words_of_file(text));
        let in_files = in_files.flat_map(|word| word.split(','));
        let mut options = words.iter().copied().chain(in_files);
        options.find(|option| compresses(option)).map(str::to_owned)
    }
}

/// Whether this option has the linker compress debug information.
fn compresses(option: &str) -> bool {
    let is_one = option == "-gz"
        || option.starts_with("-gz=")
        || ["compress-debug", "compress-sections"]
            .iter()
            .any(|name| option.contains(name));
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
            "--compress-sections=.debug_*=zlib",
        ] {
            assert!(compresses(option), "{option}");
        }
        for option in ["-g", "-gz=none", "--compress-debug-sections=none", "-gzip"] {
            assert!(!compresses(option), "{option}");
        }
    }
}
