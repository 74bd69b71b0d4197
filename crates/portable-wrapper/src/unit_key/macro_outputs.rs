//! The files that procedural macros of published packages write to the `OUT_DIR` of the unit that uses them, to include them: copies
//! of assets, for example. Their names are remembered next to the `OUT_DIR`, where such files stay: they are not files of the build
//! script, by which the sources are looked up. If the unit still has them, they are in its key, like other files that macros read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::build_dir::wrapper_dir;
use super::super::observation::Uses;
use super::super::package;
use super::super::uncacheable::Uncacheable;
use super::observed::{Observed, Question};
use super::source_digests::Digests;
use super::{KeyBuilder, out_dir};
use sccfg_util::fsio;

/// The name of the file with the names, one in each line.
const RECORD: &str = "macro-outputs";

/// The names of the files that macros have written to `out_dir`, relative to it.
pub(crate) fn names(out_dir: &Path) -> BTreeSet<String> {
    let text = record(out_dir).and_then(fsio::read_text);
    let text = text.unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn record(out_dir: &Path) -> Option<PathBuf> {
    Some(wrapper_dir(out_dir.parent()?).join(RECORD))
}

/// The path relative to the `OUT_DIR` of this unit, if it is in it.
fn relative(path: &Path) -> Option<PathBuf> {
    let named = out_dir()?;
    let below = path.strip_prefix(&named).ok().map(Path::to_owned);
    below.or_else(|| {
        let real = named.canonicalize().ok()?;
        path.strip_prefix(real).ok().map(Path::to_owned)
    })
}

impl KeyBuilder<'_> {
    /// Adds the files in the `OUT_DIR`, except those with these names, as the key part `what`.
    pub(super) fn add_generated(
        &mut self,
        what: &str,
        except: &BTreeSet<String>,
    ) -> Result<(), Uncacheable> {
        if let Some(out_dir) = out_dir() {
            let files = package::generated(&out_dir, &self.path_map, except);
            let digest = files.ok_or(Uncacheable::BuildScriptFiles)?;
            self.key.add(what, digest);
        }
        Ok(())
    }

    /// Whether a macro wrote the file or directory at `path` to the `OUT_DIR`, to include it. A published macro writes the same
    /// whether it is there or not, like a published build script; its content is compared after the compile.
    pub(super) fn is_made(&self, path: &Path, uses: Uses) -> bool {
        uses.is_written
            && !uses.is_removed
            && !self.macros.is_own
            && !self.macros.reads_file_times()
            && relative(path).is_some()
    }

    /// Adds the file or directory at `path`, which a macro wrote to the `OUT_DIR`, to what was `found`.
    pub(super) fn add_made(&self, path: &Path, uses: Uses, found: &mut Observed) {
        found.made.insert(self.path_map.to_placeholders_path(path));
        let is_listed = uses.is_read || !path.is_dir();
        let question = if is_listed {
            Question::Read
        } else {
            Question::Found
        };
        found.ask(question, path, &self.path_map);
    }

    /// Remembers the names of the files that macros wrote to the `OUT_DIR`, if that is possible. The `digests` of these are forgotten.
    pub(super) fn remember_made(&self, observed: Option<&Observed>, digests: &mut Digests) {
        let (Some(observed), Some(out_dir)) = (observed, out_dir()) else {
            return;
        };
        digests.forget(&observed.made);
        let made = observed.made.iter();
        let made = made.map(|path| self.cwd.join(self.path_map.to_real_str(path)));
        let below = made
            .filter(|path| path.is_file())
            .filter_map(|path| relative(&path));
        let below = below.filter_map(|path| path.to_str().map(str::to_owned));
        let known = names(&out_dir);
        let new = below.filter(|name| !name.contains('\n') && !known.contains(name));
        let lines: String = new.map(|name| name + "\n").collect();
        if let Some(record) = record(&out_dir).filter(|_| !lines.is_empty()) {
            let _ = fsio::append(&record, lines.as_bytes());
        }
    }
}
