//! The changes of `sccfg audit --fix`: edits that `sccfg remove` can undo, and the size of the machine's cache.

use std::path::Path;

use super::{Audit, Audited, Setup, as_problem, init_options};
use crate::doctor::{Diagnosis, REQUEST};
use crate::plan;
use sccfg_util::problem::Problem;

/// The codes whose fix `sccfg remove` undoes: regions, and keys of cargo's configuration that are commented out.
const UNDOABLE: [&str; 4] = ["S031", "S032", "S033", "S051"];

/// A change of one repository, or of the machine's config file.
pub(crate) struct Step<'a> {
    /// The repository; `None` for the machine.
    pub(crate) root: Option<&'a Path>,
    /// The description: `render the managed regions of flake.nix again`.
    pub(crate) what: String,
    action: Action<'a>,
}

enum Action<'a> {
    Fix(&'a Diagnosis),
    Init(&'a Audited),
}

/// Whether repositories without a policy are set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmanaged {
    Leave,
    SetUp,
}

/// The steps, by repository.
pub(crate) fn steps(audit: &Audit, unmanaged: Unmanaged) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for audited in &audit.repositories {
        let fixable = audited.found.iter().filter(|diagnosis| {
            let is_undone = UNDOABLE.contains(&diagnosis.check.code);
            is_undone && audited.policy().is_some()
        });
        steps.extend(fixable.filter_map(|diagnosis| Step::of_fix(Some(audited.root()), diagnosis)));
        if let (Setup::Edits(files), Unmanaged::SetUp) = (&audited.setup, unmanaged) {
            steps.push(Step {
                root: Some(audited.root()),
                what: format!("set it up: {}", files.join(", ")),
                action: Action::Init(audited),
            });
        }
    }
    let of_machine = audit.machine.iter();
    let sizes = of_machine.filter(|diagnosis| diagnosis.check.code == REQUEST.code);
    steps.extend(sizes.filter_map(|diagnosis| Step::of_fix(None, diagnosis)));
    steps
}

impl<'a> Step<'a> {
    fn of_fix(root: Option<&'a Path>, diagnosis: &'a Diagnosis) -> Option<Self> {
        Some(Self {
            root,
            what: diagnosis.finding.fix.as_ref()?.what.clone(),
            action: Action::Fix(diagnosis),
        })
    }

    /// Makes the change.
    ///
    /// # Errors
    /// If that fails; nothing of this step is changed then.
    pub(crate) fn apply(&self) -> Result<(), Problem> {
        let done = match self.action {
            Action::Fix(diagnosis) => match &diagnosis.finding.fix {
                Some(fix) => fix.apply(),
                None => Ok(()),
            },
            // Plan again, because the files may have changed since.
            Action::Init(audited) => plan::init(&audited.files.repository, &init_options())
                .map_err(as_problem)
                .and_then(|plan| plan.write()),
        };
        done.map_err(|mut problem| {
            let root = self.root.map(|root| root.display().to_string());
            let place = root.as_deref().unwrap_or("this machine");
            problem.what = format!("{place}: could not {}: {}", self.what, problem.what);
            problem
        })
    }
}
