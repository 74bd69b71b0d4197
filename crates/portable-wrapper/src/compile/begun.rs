//! A compile that begins before the key is known.
//!
//! Sources that are new or were edited make a miss likely. The compiler lists the sources when it has expanded the macros,
//! and goes on to compile; a hit ends that. The compile is used only if the key turns out as expected: all sources had
//! been read before it began, so it cannot have read older ones, and the same paths and native libraries are replaced.

use std::io;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use memchr::memmem;

use super::process;
use crate::dep_info::DepInfo;
use crate::diagnostics;
use crate::lookup::{WorkDir, create_work_dir};
use crate::observation::Requests;
use crate::path_leak::PathLeak;
use crate::protocol::{CompileRequest, Remap};
use crate::unit_key::sources::Listing;
use sccfg_util::fsio;

/// What the compiler said, unless it was stopped, and the leak of a native library.
type Compiled = io::Result<(Option<Output>, Option<PathLeak>)>;

/// See the [module](self). Dropping it ends the compile.
pub(crate) struct Begun {
    request: CompileRequest,
    work: Option<WorkDir>,
    compile: Option<JoinHandle<Compiled>>,
    lines: Receiver<Vec<u8>>,
    /// The lines that were received already.
    seen: Vec<Vec<u8>>,
    /// Whether it ended without listing the sources.
    is_ended: bool,
    is_wanted: Arc<AtomicBool>,
}

impl Begun {
    /// Begins to compile `request`, whose key is not known yet, in a work directory of its own.
    pub(crate) fn begin(mut request: CompileRequest) -> Option<Self> {
        let work = WorkDir::name(&request.out_dir);
        create_work_dir(&work.0).ok()?;
        request.work.clone_from(&work.0);
        let is_wanted = Arc::new(AtomicBool::new(true));
        let (send, lines) = channel();
        let compile = {
            let (request, is_wanted) = (request.clone(), Arc::clone(&is_wanted));
            let goes_on = move || is_wanted.load(Ordering::Relaxed);
            let on_stderr = move |line: &[u8]| drop(send.send(line.to_vec()));
            thread::Builder::new()
                .spawn(move || process::run_compiler(&request, request.remap, &goes_on, &on_stderr))
                .ok()?
        };
        Some(Self {
            request,
            work: Some(work),
            compile: Some(compile),
            lines,
            seen: Vec::new(),
            is_ended: false,
            is_wanted,
        })
    }

    /// The sources, as soon as the compiler has listed them. `None` if it ends without that, or if it is not known what
    /// its macros asked for, and that is wanted (`is_observed`).
    pub(crate) fn listing(&mut self, is_observed: bool) -> Option<Listing> {
        let file = self.request.work.join(&self.request.dep_info);
        loop {
            let Ok(line) = self.lines.recv() else {
                self.is_ended = true;
                return None;
            };
            let is_list = is_dep_info(&line);
            self.seen.push(line);
            if is_list {
                break;
            }
        }
        let info = DepInfo::parse(&fsio::read_text(&file)?)?;
        let notes = self.request.notes();
        let requests = match self.request.observer {
            Some(_) if is_observed => Some(Requests::before_writing(&notes, &file)?),
            _ => None,
        };
        Some(Listing { info, requests })
    }

    /// Whether it ended without listing the sources because of an error in them, which no path is part of.
    pub(crate) fn has_source_error(self) -> bool {
        if !self.is_ended {
            return false;
        }
        let request = self.request.clone();
        let ended = self.end(&|_| {});
        ended.is_ok_and(|(output, _)| {
            diagnostics::is_source_error(output.status, &output.stderr)
                && !request.path_map.has_placeholder(&output.stderr)
        })
    }

    /// Its work directory, if it compiles what `request` asks for.
    pub(crate) fn work_for(&mut self, request: &CompileRequest) -> Option<WorkDir> {
        let is_same = request.remap == self.request.remap
            && request.path_map == self.request.path_map
            && request.native_libraries == self.request.native_libraries
            && request.observer == self.request.observer;
        self.work.take_if(|_| is_same)
    }

    /// Whether it is the first compile of `request`, which is in its work directory.
    pub(crate) fn is_of(&self, request: &CompileRequest, remap: Remap) -> bool {
        request.work == self.request.work && remap == self.request.remap
    }

    /// Waits for it. `on_stderr` gets each line of its standard error.
    ///
    /// # Errors
    /// If the compiler could not be run.
    pub(crate) fn end(
        mut self,
        on_stderr: &dyn Fn(&[u8]),
    ) -> io::Result<(Output, Option<PathLeak>)> {
        for line in std::mem::take(&mut self.seen)
            .into_iter()
            .chain(&self.lines)
        {
            on_stderr(&line);
        }
        let ended = self.compile.take().map(JoinHandle::join);
        match ended {
            Some(Ok(Ok((Some(output), leak)))) => Ok((output, leak)),
            Some(Ok(Err(error))) => Err(error),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            Some(Ok(Ok((None, _)))) | None => Err(io::Error::other("it was stopped")),
        }
    }
}

/// Whether the compiler says in this line that it wrote the list of sources.
fn is_dep_info(line: &[u8]) -> bool {
    line.starts_with(b"{\"$message_type\":\"artifact\"")
        && memmem::find(line, b"\"emit\":\"dep-info\"").is_some()
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.is_wanted.store(false, Ordering::Relaxed);
        if let Some(compile) = self.compile.take() {
            let _ = compile.join();
        }
    }
}
