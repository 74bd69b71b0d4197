//! The target directories of worktrees, and what their removal would free.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Audited, Listener, TargetDir};
use crate::gc::freed_by;
use crate::seeding::CargoSettings;
use sccfg_util::fsio;
use sccfg_util::parallel::each_at_once;

/// Measures the target directory of each worktree. One that several share is that of the first.
pub(super) fn measure(repositories: &mut [Audited], listener: &dyn Listener) {
    let mut places: BTreeMap<PathBuf, (usize, usize)> = BTreeMap::new();
    for (repository, audited) in repositories.iter().enumerate() {
        for (worktree, checkout) in audited.worktrees.iter().enumerate() {
            let settings = CargoSettings::read(&checkout.root);
            let directory = settings.and_then(|settings| settings.build_directory(&checkout.root));
            if let Some(directory) = directory.filter(|directory| fsio::is_own_dir(directory)) {
                places.entry(directory).or_insert((repository, worktree));
            }
        }
    }
    let places: Vec<(PathBuf, (usize, usize))> = places.into_iter().collect();
    listener.begin("measuring", Some(places.len() as u64));
    let measured = each_at_once(&places, usize::MAX, |(path, _)| {
        let frees = freed_by(path);
        listener.part(path);
        frees
    });
    for ((path, (repository, worktree)), frees) in places.into_iter().zip(measured) {
        // One that another user's files are in, or that a build changes meanwhile.
        let Ok(frees) = frees else { continue };
        repositories[repository].worktrees[worktree].target = Some(TargetDir { path, frees });
    }
}
