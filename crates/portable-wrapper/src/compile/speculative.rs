//! A compile that is started before the sources of the unit are listed, that is, before the key is known. New or edited sources
//! make a miss likely. The unit is compiled at once, and a hit stops the compile. rustc writes the dep-info, which lists the
//! sources, after it has expanded all macros and before it checks types (`rustc_interface::passes::write_dep_info`), so the
//! compile itself lists them, and the notes of the observer up to then say what macros did. In the compile, paths of sources are
//! replaced. What a macro does that asks for such a path may depend on it, so another compiler lists the sources if the
//! jobserver has a free token. The compile is used only if the key allows it: all sources had been read before it started, so
//! that it cannot have read older ones, and the same paths and native libraries are replaced.

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
use crate::observation::{Observation, Requests};
use crate::path_leak::PathLeak;
use crate::protocol::{CompileRequest, Remap};
use crate::work_dir::{WorkDir, create_work_dir};
use sccfg_util::fsio;

/// The output of the compiler, unless it was stopped, and the leak of a native library.
type Compiled = io::Result<(Option<Output>, Option<PathLeak>)>;

/// A compile that was started before its key is known; see the [module](self). Dropping it stops the compile.
pub(crate) struct SpeculativeCompile {
    started: SystemTime,
    since: Instant,
    request: CompileRequest,
    observation: Option<Arc<Observation>>,
    work: Option<WorkDir>,
    compile: Option<JoinHandle<Compiled>>,
    lines: Receiver<Vec<u8>>,
    /// The lines up to the one that announced the dep-info.
    first_lines: Vec<Vec<u8>>,
    /// Whether it failed before it listed its sources.
    has_failed: bool,
    /// The result, if it was waited for.
    ended: Option<Compiled>,
    /// The write end of a pipe. Dropping it stops the compiler.
    wanted: Option<PipeWriter>,
}

impl SpeculativeCompile {
    /// Starts to compile `request`, whose key is not known yet, in a new work directory.
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

    /// Waits until it has listed its sources. `None` if it has failed by then: after an error, such as a missing module, the
    /// list is incomplete.
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
            // It has ended. If the command line does not request artifact notifications, nothing announces the dep-info.
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
        let dep_info = fsio::read_bytes(self.request.work.join(&self.request.dep_info))?;
        let dep_info = self.request.path_map.to_real_values(&dep_info);
        DepInfo::parse(std::str::from_utf8(&dep_info).ok()?)
    }

    /// What the compiler and its macros did until it listed the sources; `None` if that is not known, or if they ran programs.
    pub(crate) fn requests_of_macros(&self) -> Option<Requests> {
        let dep_info = self.request.work.join(&self.request.dep_info);
        self.observation.as_ref()?.requests_before(&dep_info)
    }

    /// Whether it failed before it listed its sources, and no message contains a placeholder, so that it fails without
    /// placeholders as well.
    pub(crate) fn fails_anyway(&self) -> bool {
        let is_placeholder_in = |line: &Vec<u8>| self.request.path_map.has_placeholder(line);
        self.has_failed && !self.first_lines.iter().any(is_placeholder_in)
    }

    /// When it was started.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// When it was started, by the monotonic clock.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Its work directory, if its result is valid for `request` with the paths replaced as `remap` says.
    pub(crate) fn work_for(&mut self, request: &CompileRequest, remap: Remap) -> Option<WorkDir> {
        let is_same = remap == self.request.remap
            && request.path_map == self.request.path_map
            && request.native_libraries == self.request.native_libraries
            && request.is_observed == self.request.is_observed
            && request.has_values == self.request.has_values;
        self.work.take_if(|_| is_same)
    }

    /// Whether it compiles `request`: in the same work directory, with the same remapping and libraries.
    pub(crate) fn is_of(&self, request: &CompileRequest) -> bool {
        request.work == self.request.work
            && request.remap == self.request.remap
            && request.links_copies() == self.request.links_copies()
    }

    /// The observation of the compiler, if it is observed.
    pub(crate) fn observation(&self) -> Option<Arc<Observation>> {
        self.observation.clone()
    }

    /// Waits for the end of the compile. `on_stderr` gets each line of its standard error.
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
            (None, _) => Err(io::Error::other("the compile was stopped")),
        }
    }

    /// Waits for the result.
    fn wait(&mut self) -> Compiled {
        let ended = self.ended.take();
        ended.unwrap_or_else(|| match self.compile.take().map(JoinHandle::join) {
            Some(Ok(compiled)) => compiled,
            Some(Err(panic)) => resume_unwind(panic),
            None => Err(io::Error::other(
                "the result of the compile was already taken",
            )),
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
