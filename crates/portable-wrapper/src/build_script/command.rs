//! Runs the program of a build script as cargo runs the launcher.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use sccfg_util::proc::Program;

/// The build script's own program.
pub(super) struct Command<'a> {
    pub(super) program: PathBuf,
    pub(super) name: &'a OsStr,
    pub(super) arguments: &'a [OsString],
}

impl Command<'_> {
    pub(super) fn program<'a>(
        &'a self,
        changes: &'a [(OsString, Option<OsString>)],
    ) -> Program<'a> {
        Program {
            path: &self.program,
            args: self.arguments,
            changes,
            directory: None,
        }
    }

    pub(super) fn exec(&self) -> ExitCode {
        let error = self.program(&[]).exec_as(self.name);
        self.cannot_run(&error)
    }

    pub(super) fn cannot_run(&self, error: &io::Error) -> ExitCode {
        let _ = writeln!(
            io::stderr(),
            "sccfg: could not run the build script {}: {error}\n\
             hint: run `cargo clean -p` with the name of its package",
            self.program.display()
        );
        ExitCode::from(127)
    }
}
