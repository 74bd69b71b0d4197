//! The files of the package's build script in a key.

use std::path::{Path, PathBuf};

use ignore::DirEntry;
use memchr::memmem;

use super::{KeyBuilder, Origin};
use crate::macro_effects;
use crate::package;
use crate::uncacheable::Uncacheable;
use sccfg_util::{env, fsio};

/// The extensions of files that are written for `include!`.
const OF_CODE: [&str; 3] = ["in", "inc", "rs"];
/// Words of items of which debug information names the file.
const OF_ITEMS: [&str; 7] = ["const", "enum", "fn", "impl", "static", "struct", "union"];
/// The maximum size of a file with another extension in which these are searched for, in bytes.
const MAX_SEARCHED: u64 = 256 << 10;

impl KeyBuilder<'_> {
    /// Adds the files in the output directory of the build script.
    pub(super) fn add_generated(&mut self, out_dir: &Path) -> Result<(), Uncacheable> {
        let has_copies = self.macros.embeds_copies;
        if has_copies {
            self.known_inputs.expect_copies();
        }
        let files = package::generated(out_dir, &self.path_map, has_copies);
        let files = files.ok_or(Uncacheable::BuildScriptFiles)?;
        self.key.add("OUT_DIR", files);
        Ok(())
    }

    /// Whether the compiler may get a placeholder as the value of `OUT_DIR`, if it gets any: there is no code in the directory. Debug
    /// information would name the placeholder, together with its padding, as the directory of the code.
    ///
    /// Published packages do not get it: the reviewed macros that [only contain the path](macro_effects::only_contain_path) are
    /// known by the real value.
    pub(crate) fn may_hide_out_dir(&self) -> bool {
        self.origin == Origin::Own
            && self.unit.may_have_values()
            && out_dir().is_some_and(|directory| !may_have_code(&directory))
    }
}

/// The output directory of the package's build script, if it ran.
pub(super) fn out_dir() -> Option<PathBuf> {
    let named = env::var_os("OUT_DIR").map(PathBuf::from);
    named.filter(|path| path.is_dir())
}

/// Whether a file in the output directory of a build script may be Rust code, by its extension or its words. A file that is too large
/// to be searched, or no text, counts as none.
fn may_have_code(directory: &Path) -> bool {
    let entries = package::walk_generated(directory).take(package::MAX_FILES + 1);
    let entries = entries.collect::<Result<Vec<_>, _>>();
    let Some(entries) = entries.ok().filter(|all| all.len() <= package::MAX_FILES) else {
        return true;
    };
    let is_named = |entry: &DirEntry| {
        let extension = entry.path().extension();
        extension.is_some_and(|extension| OF_CODE.iter().any(|of_code| extension == *of_code))
    };
    let has_items = |entry: &DirEntry| {
        let is_small = entry
            .metadata()
            .is_ok_and(|data| data.len() <= MAX_SEARCHED);
        let text = is_small.then(|| fsio::read_text(entry.path())).flatten();
        text.is_some_and(|text| {
            let is_in_text = |word: &&str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
            let words: Vec<_> = OF_ITEMS.into_iter().filter(is_in_text).collect();
            !words.is_empty() && macro_effects::has_any_ident(&text, &words)
        })
    };
    entries.iter().any(is_named) || entries.iter().any(has_items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::named_as_code("g.inc", "[1, 2]", true)]
    #[case::with_items("g.txt", "pub fn g() {}", true)]
    #[case::with_words_in_comments("g.txt", "// const", false)]
    #[case::text("g.txt", "the static analysis of a file", true)]
    #[case::data("data", "1,2,3", false)]
    #[case::of_cmake("CMakeCache.txt", "static", false)]
    fn code_is_found(#[case] name: &str, #[case] text: &str, #[case] expected: bool) {
        let directory = tempfile::tempdir().unwrap();
        fsio::create_dir_all(&directory.path().join("sub")).unwrap();
        fsio::write_output(&directory.path().join("sub").join(name), text.as_bytes()).unwrap();
        assert_eq!(may_have_code(directory.path()), expected);
    }
}
