//! Workflows that other workflows of the repository call, and the secrets that they get.

use std::path::{Path, PathBuf};

use crate::yaml::Node;
use sccfg_util::problem::{Place, Problem};

/// A workflow with `workflow_call`.
#[derive(Debug)]
pub(crate) struct Called {
    path: PathBuf,
    place: Place,
    /// The secrets that it declares.
    secrets: Vec<String>,
}

/// A job that calls a workflow of its repository.
#[derive(Debug)]
pub(crate) struct Call {
    job: String,
    /// The workflow, relative to the repository.
    path: PathBuf,
    place: Place,
    passes_secrets: bool,
}

impl Called {
    /// The problem if its jobs do not get these secrets.
    pub(crate) fn without_secrets(&self, calls: &[Call], secrets: &[String]) -> Vec<Problem> {
        let Some(secret) = secrets.iter().find(|name| !self.secrets.contains(name)) else {
            return Vec::new();
        };
        let callers: Vec<&Call> = calls.iter().filter(|call| call.path == self.path).collect();
        if callers.is_empty() {
            let what = format!(
                "this workflow has the secret {secret} only if the one that calls it passes it"
            );
            let hint = "write `secrets: inherit` in the jobs that call it, or declare the secret below workflow_call:";
            return vec![Problem::new(what).at(self.place.clone()).hint(hint)];
        }
        let lacking = callers.into_iter().filter(|call| !call.passes_secrets);
        let problem = |call: &Call| {
            Problem::new(format!(
                "the job `{}` does not pass {secret} to {}, whose jobs then use no back end",
                call.job,
                self.path.display()
            ))
            .at(call.place.clone())
            .hint("write `secrets: inherit` below `uses:`")
        };
        lacking.map(problem).collect()
    }
}

impl Called {
    /// Reads whether other workflows call the one at `path`.
    pub(super) fn read(path: &Path, text: &str, root: &Node) -> Option<Self> {
        const EVENT: &str = "workflow_call";
        let events = root.get("on")?;
        let is_event = |node: &&Node| node.text() == Some(EVENT);
        let named = [events].into_iter().chain(events.items()).find(is_event);
        let start = named.map(|node| node.start);
        let start = start.or_else(|| events.start_of_key(EVENT))?;
        let declared = events.get(EVENT).and_then(|call| call.get("secrets"));
        Some(Self {
            path: path.to_owned(),
            place: Place::at(path, text, start),
            secrets: declared
                .into_iter()
                .flat_map(Node::entries)
                .map(|(name, _)| name.to_owned())
                .collect(),
        })
    }
}

impl Call {
    /// Reads which workflow of the repository the job `name` of the workflow at `path` calls.
    pub(super) fn read(path: &Path, text: &str, name: &str, job: &Node) -> Option<Self> {
        let uses = job.get("uses")?;
        let called = uses.text()?.strip_prefix("./")?;
        Some(Self {
            job: name.to_owned(),
            path: PathBuf::from(called),
            place: Place::at(path, text, uses.start),
            passes_secrets: job.get("secrets").is_some(),
        })
    }
}
