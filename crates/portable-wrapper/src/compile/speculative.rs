//! A compile that begins before the sources of the unit are listed, so before the key is known.
//!
//! Sources that are new or were edited make a miss likely. The unit is compiled at once, and a hit ends the compile. rustc
//! writes the dep-info, which lists the sources, before it checks types (`rustc_interface::passes::write_dep_info`), so no
//! other compiler has to list them unless there are macros: those of the compile are told other paths of the sources than
//! those that one without a placeholder is told, and what they read may depend on that. Then another job has to be
//! free. The compile is used only if the key turns out as expected: all sources had been read before it began, so it
//! cannot have read older ones, and the same paths and native libraries are replaced.

use std::io::{self, PipeWriter};
use std::os::fd::AsFd as _;
use std::panic::resume_unwind;
use std::process::Output;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Instant, SystemTime};

use super::process::run_compiler;
use crate::dep_info::DepInfo;
use crate::diagnostics;
use crate::observation::Observation;
use crate::path_leak::PathLeak;
use crate::protocol::CompileRequest;
use crate::work_dir::{WorkDir, create_work_dir};
use sccfg_util::fsio;

/// What the compiler said, unless it was stopped, and the leak of a native library.
type Compiled = io::Result<(Option<Output>, Option<PathLeak>)>;

/// See the [module](self). Dropping it ends the compile.
pub(crate) struct SpeculativeCompile {
    started: SystemTime,
    since: Instant,
    request: CompileRequest,
    observation: Option<Arc<Observation>>,
    work: Option<WorkDir>,
    compile: Option<JoinHandle<Compiled>>,
    lines: Receiver<Vec<u8>>,
    /// The lines before the one that announced the dep-info, and that.
    first_lines: Vec<Vec<u8>>,
    /// Whether it failed before it had listed its sources.
    has_failed: bool,
    /// How it ended, if that was waited for.
    ended: Option<Compiled>,
    /// The write end of a pipe. Dropping it stops the compiler.
    wanted: Option<PipeWriter>,
}

impl SpeculativeCompile {
    /// Begins to compile `request`, whose key is not known yet, in a work directory of its own.
    pub(crate) fn begin(mut request: CompileRequest) -> Option<Self> {
        let work = WorkDir::name(&request.out_dir);
        create_work_dir(&work.0).ok()?;
        request.work.clone_from(&work.0);
        let (unwanted, wanted) = io::pipe().ok()?;
        let (send, lines) = channel();
        let observation = request.observation();
        let (started, since) = (SystemTime::now(), Instant::now());
        let compile = {
            let observation = observation.clone();
            let request = request.clone();
            let on_stderr = move |line: &[u8]| drop(send.send(line.to_vec()));
            thread::Builder::new()
                .spawn(move || {
                    let observation = observation.as_deref();
                    let stop = Some(unwanted.as_fd());
                    run_compiler(&request, request.remap, observation, stop, &on_stderr)
                })
                .ok()?
        };
        Some(Self {
            started,
            since,
            request,
            observation,
            work: Some(work),
            compile: Some(compile),
            lines,
            first_lines: Vec::new(),
            has_failed: false,
            ended: None,
            wanted: Some(wanted),
        })
    }

    /// Waits until it has listed its sources. `None` if it fails, as far as it is known by then: after an error, such as that
    /// a module is not there, the list is not whole.
    pub(crate) fn sources(&mut self) -> Option<DepInfo> {
        let mut is_listed = false;
        for line in &self.lines {
            is_listed = diagnostics::announces_dep_info(&line);
            self.has_failed |= diagnostics::is_error(&line);
            self.first_lines.push(line);
            if is_listed {
                break;
            }
        }
        if !is_listed {
            // It has ended, perhaps without being asked for announcements.
            let compiled = self.wait();
            let is_success = compiled.as_ref().is_ok_and(|(output, _)| {
                let output = output.as_ref();
                output.is_some_and(|output| output.status.success())
            });
            self.has_failed |= !is_success;
            self.ended = Some(compiled);
        }
        if self.has_failed {
            return None;
        }
        let dep_info = fsio::read_text(self.request.work.join(&self.request.dep_info))?;
        DepInfo::parse(&dep_info)
    }

    /// Whether it failed before it listed its sources, and no message contains a placeholder: it fails without them as well.
    pub(crate) fn fails_anyway(&self) -> bool {
        let is_placeholder_in = |line: &Vec<u8>| self.request.path_map.has_placeholder(line);
        self.has_failed && !self.first_lines.iter().any(is_placeholder_in)
    }

    /// When it began.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// The same, to measure how long it took.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Its work directory, if it compiles what `request` asks for.
    pub(crate) fn work_for(&mut self, request: &CompileRequest) -> Option<WorkDir> {
        let is_same = request.remap == self.request.remap
            && request.path_map == self.request.path_map
            && request.native_libraries == self.request.native_libraries
            && request.is_observed == self.request.is_observed;
        self.work.take_if(|_| is_same)
    }

    /// Whether it is the first compile of `request`, which is in its work directory.
    pub(crate) fn is_of(&self, request: &CompileRequest) -> bool {
        request.work == self.request.work && request.remap == self.request.remap
    }

    /// How the compiler is observed, if it is.
    pub(crate) fn observation(&self) -> Option<Arc<Observation>> {
        self.observation.clone()
    }

    /// Waits for it. `on_stderr` gets each line of its standard error.
    ///
    /// # Errors
    /// If the compiler could not be run.
    pub(crate) fn end(
        mut self,
        on_stderr: &dyn Fn(&[u8]),
    ) -> io::Result<(Output, Option<PathLeak>)> {
        for line in self.first_lines.drain(..).chain(&self.lines) {
            on_stderr(&line);
        }
        match self.wait()? {
            (Some(output), leak) => Ok((output, leak)),
            (None, _) => Err(io::Error::other("it was stopped")),
        }
    }

    /// How it ended.
    fn wait(&mut self) -> Compiled {
        let ended = self.ended.take();
        ended.unwrap_or_else(|| match self.compile.take().map(JoinHandle::join) {
            Some(Ok(compiled)) => compiled,
            Some(Err(panic)) => resume_unwind(panic),
            None => Err(io::Error::other("it has ended before")),
        })
    }
}

impl Drop for SpeculativeCompile {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if let Some(compile) = self.compile.take() {
            let _ = compile.join();
        }
    }
}
