//! The workspaces of a repository, by their lock files.

use std::path::Path;

use super::Job;
use crate::repository::Repository;
use sccfg_util::fsio;
use sccfg_util::problem::Problem;

/// How deep a workspace may be: `services/api/Cargo.lock`.
const DEEPEST: usize = 3;

/// The workspaces of a repository.
#[derive(Debug, Default)]
pub(crate) struct Workspaces(Vec<Workspace>);

/// A directory with a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    /// Relative to the repository, with slashes; empty for its root.
    pub(crate) directory: String,
    /// The packages in Cargo.lock, those of the workspace included.
    pub(crate) packages: usize,
}

impl Workspaces {
    /// Finds the workspaces of `repository`.
    ///
    /// # Errors
    /// If a lock file cannot be read.
    pub(crate) fn find(repository: &Repository) -> Result<Self, Problem> {
        let mut workspaces = Vec::new();
        let walk = ignore::WalkBuilder::new(&repository.root)
            .parents(false)
            .max_depth(Some(DEEPEST))
            .filter_entry(|entry| {
                let name = entry.file_name();
                !["node_modules", "target", "vendor"]
                    .iter()
                    .any(|skipped| name == *skipped)
            })
            .build();
        let below = walk.filter_map(Result::ok).filter_map(|entry| {
            let parent = entry.path().parent()?.strip_prefix(&repository.root).ok()?;
            let is_lock = entry.file_name() == "Cargo.lock" && entry.depth() > 1;
            is_lock.then(|| parent.to_owned())
        });
        // That of the root counts even if git ignores it.
        let mut directories: Vec<_> = [Path::new("").to_owned()]
            .into_iter()
            .chain(below)
            .collect();
        directories.sort();
        for directory in directories {
            let names: Option<Vec<&str>> = directory.iter().map(|name| name.to_str()).collect();
            let Some(names) = names else { continue };
            let file = directory.join("Cargo.lock");
            if !fsio::exists(&repository.path(&file)) {
                continue;
            }
            let text = repository.read_file(&file)?.unwrap_or_default();
            workspaces.push(Workspace {
                directory: names.join("/"),
                packages: text
                    .lines()
                    .filter(|line| line.trim() == "[[package]]")
                    .count(),
            });
        }
        Ok(Self(workspaces))
    }

    /// The workspaces in which a job compiles; all of them if that is not known.
    pub(crate) fn of(&self, job: &Job) -> Vec<&Workspace> {
        let holds = |workspace: &&Workspace, directory: &String| {
            let rest = directory.strip_prefix(workspace.directory.as_str());
            let is_root = workspace.directory.is_empty();
            rest.is_some_and(|rest| is_root || rest.is_empty() || rest.starts_with('/'))
        };
        let mut found: Vec<&Workspace> = Vec::new();
        for directory in &job.directories {
            // The innermost one is the last one that holds it.
            let innermost = self
                .0
                .iter()
                .rev()
                .find(|workspace| holds(workspace, directory));
            found.extend(innermost.filter(|workspace| !found.contains(workspace)));
        }
        if found.is_empty() {
            found.extend(&self.0);
        }
        found
    }
}

impl Workspace {
    /// The path of the lock file.
    pub(crate) fn file(&self) -> String {
        match self.directory.as_str() {
            "" => "Cargo.lock".to_owned(),
            directory => format!("{directory}/Cargo.lock"),
        }
    }
}
