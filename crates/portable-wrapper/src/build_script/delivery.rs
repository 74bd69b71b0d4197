//! Delivering the stored result of a run.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use local_store::Outcome as Counted;

use super::inputs::{FirstKey, Script};
use super::shared::SharedRuns;
use super::{Context, StoredRun, with_observed};
use crate::builds::{Details, Outcome};
use crate::path_map::PathMap;
use crate::relocate::Moves;
use crate::state_dir::FORMAT;
use crate::store::Kind;
use crate::work_dir::WorkDir;
use sccfg_util::fsio;

/// An `OUT_DIR` that was replaced by an empty directory. It is restored on drop, unless the new directory is kept.
struct Replaced<'a> {
    out_dir: &'a Path,
    old: PathBuf,
    is_kept: bool,
    /// The directory that contains `old`.
    _work: WorkDir,
}

impl<'a> Replaced<'a> {
    fn new(out_dir: &'a Path) -> io::Result<Self> {
        let run = out_dir.parent().ok_or(io::ErrorKind::NotFound)?;
        let work = WorkDir::create(run).map_err(|_| io::ErrorKind::NotFound)?;
        let old = work.0.join("out");
        fsio::rename(out_dir, &old)?;
        let replaced = Self {
            out_dir,
            old,
            is_kept: false,
            _work: work,
        };
        fsio::create_dir_all(out_dir)?;
        Ok(replaced)
    }

    fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Replaced<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fsio::remove_read_only_dir(self.out_dir);
            let _ = fsio::rename(&self.old, self.out_dir);
        }
    }
}

impl Context {
    /// Delivers a stored result, and counts it as `outcome`; `None` if there is none.
    pub(super) fn deliver(
        &self,
        script: &Script<'_>,
        first: &FirstKey,
        outcome: Counted,
    ) -> Option<ExitCode> {
        for (second, inputs) in self.second_keys(script, first) {
            for key in [self.key_here(&second.key), second.key.clone()] {
                if let Some(run) = self.restore(&key) {
                    self.store.count(Kind::Script, outcome);
                    let parts = [&*first.parts, &second.observed.parts].concat();
                    let manifest = self.manifest(&key, &parts, true, run.why_here().as_deref());
                    let here = manifest.why_not_everywhere();
                    let digest = second.observed.digest;
                    self.record(&with_observed(manifest, inputs, digest, run.copies.clone()));
                    self.print(&run);
                    let details = Details {
                        took: run.took,
                        here,
                        ..Details::default()
                    };
                    let found = match outcome {
                        Counted::PassedOn => Outcome::Sccache { shared: true },
                        _ => Outcome::Store,
                    };
                    self.recorder.ended(self.subject(), found, &key, details);
                    return Some(ExitCode::SUCCESS);
                }
            }
        }
        None
    }

    /// Delivers a result that another machine stored; `None` if there is none.
    pub(super) fn deliver_shared(
        &self,
        shared: &SharedRuns<'_>,
        script: &Script<'_>,
        first: &FirstKey,
    ) -> Option<ExitCode> {
        let of_this_machine = self.inputs(&first.key).sets;
        if !shared.import(&first.key) {
            return None;
        }
        for inputs in of_this_machine.into_iter().rev() {
            self.remember_inputs(&first.key, inputs);
        }
        for (second, _) in self.second_keys(script, first) {
            let here = self.key_here(&second.key);
            for second in [second.key, here] {
                if shared.import(&second)
                    && let Some(code) = self.deliver(script, first, Counted::PassedOn)
                {
                    return Some(code);
                }
            }
        }
        None
    }

    /// Writes the tree that is stored under `key`. `None` if there is none, or if its paths cannot be replaced by those of this
    /// checkout; `OUT_DIR` is then unchanged.
    fn restore(&self, key: &str) -> Option<StoredRun> {
        let entry = self.store.store().get(key)?;
        let run: StoredRun = serde_json::from_slice(entry.metadata()).ok()?;
        if run.format != FORMAT || !run.tree.knows_modes_for(fsio::umask()) {
            return None;
        }
        let moves = self.moves(&run.path_map)?;
        // Such directories would have to be escaped in text files.
        if !self.path_map.is_plain() && !moves.is_empty() {
            return None;
        }
        if !self.can_make_copies(&run) {
            return None;
        }
        let replaced = Replaced::new(&self.out_dir).ok()?;
        let restored = run.tree.restore(
            self.store.store(),
            &entry,
            &self.out_dir,
            &self.path_map,
            &moves,
        );
        let is_whole = matches!(restored, Ok(true))
            && run.copies.restore(&self.out_dir, &self.out_dir).is_ok();
        if is_whole {
            replaced.keep();
            self.record_libraries(&run.tree);
            return Some(run);
        }
        None
    }

    /// Whether the copies of the stored run, if there are any, belong to the directory of the profile here, where nothing is in their
    /// places.
    fn can_make_copies(&self, run: &StoredRun) -> bool {
        let path_maps = (&run.path_map, &self.path_map);
        let copies = &run.copies;
        copies.is_empty()
            || copies.belong_to(self.profile(), &self.out_dir, path_maps)
                && copies.have_free_places(&self.out_dir)
    }

    /// The directories of the stored run that have other paths here. `None` if the run and this checkout have different roles.
    fn moves(&self, of_run: &PathMap) -> Option<Moves> {
        let pairs = of_run.directories().map(|(role, from)| {
            let mut here = self
                .path_map
                .directories()
                .filter(|(other, _)| *other == role);
            let nth = of_run
                .directories()
                .filter(|(other, _)| *other == role)
                .position(|(_, directory)| directory == from)?;
            Some((from.to_owned(), here.nth(nth)?.1.to_owned()))
        });
        let moves = Moves::new(pairs.collect::<Option<Vec<_>>>()?);
        Some(if self.has_plain_texts() {
            moves.with_texts()
        } else {
            moves
        })
    }

    fn print(&self, run: &StoredRun) {
        let _ = io::stdout().write_all(&self.path_map.to_real_paths(run.stdout.bytes()));
        let _ = io::stderr().write_all(&self.path_map.to_real_paths(run.stderr.bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work_dir::left_behind;

    #[test]
    fn the_old_directory_is_restored_unless_the_new_one_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path().join("build/x-0123456789abcdef");
        let (out_dir, read_only) = (run.join("out"), run.join("out/read-only"));
        for is_kept in [false, true] {
            fsio::replace_and_create_dir(&read_only.join("file"), b"").unwrap();
            fsio::set_mode(&read_only, 0o500).unwrap();
            let replaced = Replaced::new(&out_dir).unwrap();
            assert_eq!(fsio::names_in(&out_dir), [""; 0]);
            // This process still uses it.
            assert_eq!(fsio::names_in(&WorkDir::parent(&run)).len(), 1);
            assert_eq!(left_behind(&run), [""; 0].map(PathBuf::from));
            if is_kept {
                replaced.keep();
            } else {
                drop(replaced);
            }
            assert_eq!(read_only.exists(), !is_kept);
            assert_eq!(fsio::names_in(&WorkDir::parent(&run)), [""; 0]);
        }
    }
}
