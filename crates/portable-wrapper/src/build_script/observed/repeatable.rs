//! Whether a run can be repeated: another one has the same result if the inputs are the same.

use std::path::Path;

use super::covered_files::{CoveredFiles, differs_each_time};
use super::started_programs::StartedPrograms;
use super::{Run, Script, Source, is_vcs_file};
use crate::observation::{Program, Uses};
use crate::path_map::Role;
use crate::uncacheable::Uncacheable;
use sccfg_util::env;

impl Run<'_> {
    /// Fails if the run has inputs that are not known, or that may differ each time.
    pub(super) fn check(&self, ran: &StartedPrograms<'_>) -> Result<(), Uncacheable> {
        let requests = ran.requests;
        if requests.connections.iter().any(|to| !is_local(to)) {
            return Err(Uncacheable::ScriptNetwork);
        }
        let program = ran.real_paths.of(self.program);
        let is_noting = program.is_some_and(|program| requests.observed.contains(&program));
        if requests.is_partial || !is_noting {
            return Err(Uncacheable::ScriptUnobserved);
        }
        // Durations differ in each run, and are assumed not to be in the result of a published package.
        let reads_clock = if self.script.is_published {
            requests.reads_date
        } else {
            requests.reads_clock
        };
        if reads_clock && self.script.source.may_read_clock(self.script.used) {
            return Err(Uncacheable::ScriptClock);
        }
        let programs = requests.programs.iter();
        let mut hazards = programs.filter_map(|program| {
            let program = Path::new(&program.path);
            Some((program, Source::hazard_of_program(program)?))
        });
        if self.script.is_published {
            // Those that `configure` runs do not count.
            let may_have_run = hazards.next().is_some() || !ran.notes_all();
            let Script { source, used, .. } = self.script;
            let why = source.hazard_of_named_programs(used);
            return why.filter(|_| may_have_run).map_or(Ok(()), Err);
        }
        if !ran.wrapper.is_empty() && !requests.is_wrapper_noted {
            return Err(Uncacheable::ScriptCompiles);
        }
        // The sources of the programs that it runs are not searched.
        if let Some((program, why)) = hazards.next() {
            return Err(self.because_of(program, why));
        }
        if requests.shows_date {
            return Err(Uncacheable::ScriptClock);
        }
        let programs = ran.programs.iter();
        let is_known = |program: &&Program| ran.is_tool(program) || ran.interprets_tool(program);
        let others = programs.filter(|program| !is_known(program));
        // A shell that the script started by its name, rather than a program that the shell found.
        if let Some(program) = others.min_by_key(|program| program.path.contains('/')) {
            let why = Uncacheable::ScriptPrograms;
            return Err(self.because_of(Path::new(&program.path), why));
        }
        if !ran.notes_all() {
            return Err(Uncacheable::ScriptUnobserved);
        }
        Ok(())
    }

    /// Fails if the run used the file at `path` in a way that cannot be repeated: it wrote a file of the checkout, or, as a
    /// script of the workspace, read a kernel file that differs each time, or wrote elsewhere.
    pub(super) fn check_use(
        &self,
        path: &Path,
        uses: Uses,
        known: &CoveredFiles<'_>,
    ) -> Result<(), Uncacheable> {
        if uses.is_written && self.script.is_of_checkout(path) {
            let why = if is_vcs_file(path) {
                Uncacheable::ScriptGit
            } else {
                Uncacheable::ScriptWritesSources
            };
            return Err(self.because_of(path, why));
        }
        if self.script.is_published {
            return Ok(());
        }
        if uses.is_read && differs_each_time(path) {
            return Err(self.because_of(path, Uncacheable::ScriptMachine));
        }
        let is_elsewhere = || {
            !path.starts_with(env::temp_dir())
                && !self.script.path_map.is_below(path, Role::Target)
                && !known.has(path, uses)
        };
        if uses.is_written && is_elsewhere() {
            return Err(self.because_of(path, Uncacheable::ScriptWritesElsewhere));
        }
        Ok(())
    }
}

/// Whether a note of a connection does not matter: of a socket that is created, as the standard library does to start programs,
/// or of the host name, which `configure` writes to its log.
fn is_local(connection: &str) -> bool {
    matches!(connection, "gethostname" | "socket" | "socketpair")
}
