//! Results of build scripts that are shared with other machines through sccache's remote cache.
//!
//! The entries are those of the local store, each [as one file](local_store::Store::export). One that is found is
//! imported into the local store, and delivered from there.

use std::path::Path;

use local_store::Store;

use crate::compiler::Compiler;
use crate::lookup::transfer_by_sccache;
use crate::protocol::FileRequest;
use crate::sccache::{Sccache, StderrReader};
use crate::shim;
use crate::state_dir::StateDir;
use crate::store::settings::sccache_is_shared;
use crate::work_dir::WorkDir;
use sccfg_util::{env, fsio};

/// The file name of an exported entry. To sccache, it is the output of a compile.
const FILE: &str = "run.sccfg";
/// The shared cache, for one run of a build script.
pub(super) struct SharedRuns<'a> {
    sccache: Sccache,
    shim: std::path::PathBuf,
    /// The name of the script, for sccache's log.
    name: &'a str,
    store: &'a Store,
    out_dir: &'a Path,
}

impl<'a> SharedRuns<'a> {
    /// `None` if sccache's cache is not shared with other machines, or cannot be used.
    pub(super) fn find(
        name: &'a str,
        out_dir: &'a Path,
        store: &'a Store,
        state: &StateDir,
    ) -> Option<Self> {
        if !sccache_is_shared() {
            return None;
        }
        let compiler = Compiler::find(&env::var_os("RUSTC")?, state)?;
        Some(Self {
            sccache: Sccache::find(StderrReader::BuildScript, Some(out_dir)).ok()?,
            shim: shim::path(&compiler, state)?,
            name,
            store,
            out_dir,
        })
    }

    /// Imports the entry that another machine stored under `key`. Returns whether there was one.
    pub(super) fn import(&self, key: &str) -> bool {
        self.in_work_dir(|work| {
            let request = request(key, work, false);
            let is_found = transfer_by_sccache(&request, self.name, &self.sccache, &self.shim);
            let files = work.join("files");
            fsio::create_dir_all(&files).ok()?;
            let is_found = is_found.ok()?;
            (is_found && self.store.import(key, &request.file(), &files).ok()?).then_some(())
        })
        .is_some()
    }

    /// Stores the local store's entry under `key` for other machines. If that fails, they run the script.
    pub(super) fn export(&self, key: &str) {
        self.in_work_dir(|work| {
            let request = request(key, work, true);
            let entry = self.store.get(key)?;
            self.store.export(&entry, &request.file()).ok()?;
            transfer_by_sccache(&request, self.name, &self.sccache, &self.shim).ok()
        });
    }

    fn in_work_dir<R>(&self, run: impl FnOnce(&Path) -> Option<R>) -> Option<R> {
        let work = WorkDir::create(self.out_dir.parent()?).ok()?;
        run(&work.0)
    }
}

fn request(key: &str, work: &Path, is_stored: bool) -> FileRequest {
    FileRequest {
        key: key.to_owned(),
        work: work.to_owned(),
        name: FILE.to_owned(),
        is_stored,
    }
}
