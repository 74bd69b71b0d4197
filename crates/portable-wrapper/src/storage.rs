//! Looks up a unit in the local store and then by sccache, and compiles it on a miss. Without the store, sccache looks up,
//! compiles and stores units. With it, a unit that is not in the store is looked up by sccache if another machine may have
//! stored it there. If sccache's cache is on this machine's disk, the wrapper does not run sccache, and compiles the unit
//! itself.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use local_store::Outcome;

use super::cache_entry::CacheEntry;
use super::compile::{self, Made, OnStderr, SpeculativeCompile};
use super::compiler::Compiler;
use super::entry_origin::Origin;
use super::lookup::{Lookup, look_up_by_sccache, replace_by_sccache};
use super::path_leak::PathLeak;
use super::protocol::{CompileRequest, Remap};
use super::sccache::{Sccache, StderrReader};
use super::shim;
use super::state_dir::StateDir;
use super::store::settings::sccache_is_shared;
use super::store::{Kind, LocalStore};
use super::uncacheable::Uncacheable;
use super::work_dir::{WorkDir, create_work_dir};
use sccfg_util::fsio::KeyLock;
use sccfg_util::job_token::JobToken;
use sccfg_util::proc;

/// How to compile a unit that is not found, and functions to call during the lookup.
pub(super) struct Compiling<'a> {
    /// The crate's name, for sccache's log.
    pub(super) crate_name: &'a str,
    /// The compiler for which sccache runs the shim.
    pub(super) compiler: &'a Compiler,
    pub(super) state: &'a StateDir,
    /// Whether no other machine can have stored the unit.
    pub(super) stays_here: bool,
    /// Called if this process runs the compiler.
    pub(super) on_stderr: OnStderr<'a>,
    /// The compile, if it was started before the key was known.
    pub(super) begun: Cell<Option<SpeculativeCompile>>,
    /// The leak that a compile is expected to have, because that of the previous build had it.
    pub(super) expected_leak: &'a dyn Fn() -> Option<PathLeak>,
    /// Whether the previous build could not compile it with placeholders in values of variables.
    pub(super) lacks_values: &'a dyn Fn() -> bool,
    /// Released once it is known who compiles the unit.
    pub(super) listing: Cell<Option<KeyLock>>,
    /// Whether a file of the compile that this process runs has been delivered already.
    pub(super) has_delivered: &'a dyn Fn() -> bool,
    /// Called if the unit depends on the path of the checkout, before it is looked up under a key with that.
    pub(super) on_leak: &'a dyn Fn(),
    /// Called if the store does not have the unit.
    pub(super) on_miss: &'a dyn Fn(),
    /// Called after another build that compiled the same unit was waited for.
    pub(super) on_wait: &'a dyn Fn(Duration),
}

/// The caches of a build.
pub(super) struct Storage {
    store: Option<LocalStore>,
    /// Determined on first use: a hit of the store needs none.
    backend: OnceCell<Backend>,
    reader: StderrReader,
    out_dir: Option<PathBuf>,
}

/// Where units that are not in the store are looked up.
enum Backend {
    Sccache(Sccache),
    /// Nowhere: sccache has no unit that the store lacks.
    NotNeeded,
    /// Nowhere: sccache cannot be used, for this reason.
    Unusable(Uncacheable),
}

impl Storage {
    /// The storage for units with a key. For `out_dir`, see [`Sccache::find`].
    pub(super) fn find(reader: StderrReader, out_dir: Option<&Path>) -> Result<Self, Uncacheable> {
        let store = StateDir::find().and_then(|state| LocalStore::find(&state));
        if store.is_none() {
            return Self::without_store(reader, out_dir);
        }
        Ok(Self {
            store,
            backend: OnceCell::new(),
            reader,
            out_dir: out_dir.map(Path::to_owned),
        })
    }

    /// The storage for units without a key: sccache alone.
    pub(super) fn without_store(
        reader: StderrReader,
        out_dir: Option<&Path>,
    ) -> Result<Self, Uncacheable> {
        Ok(Self {
            store: None,
            backend: Backend::Sccache(Sccache::find(reader, out_dir)?).into(),
            reader,
            out_dir: out_dir.map(Path::to_owned),
        })
    }

    fn backend(&self) -> &Backend {
        self.backend.get_or_init(|| {
            if !sccache_is_shared() {
                return Backend::NotNeeded;
            }
            match Sccache::find(self.reader, self.out_dir.as_deref()) {
                Ok(sccache) => Backend::Sccache(sccache),
                Err(why) => Backend::Unusable(why),
            }
        })
    }

    /// Whether this process compiles units that are not in the store.
    pub(super) fn compiles_here(&self) -> bool {
        self.store.is_some() && matches!(self.backend(), Backend::NotNeeded)
    }

    /// Whether units are stored on this machine by the wrapper itself.
    pub(super) fn has_store(&self) -> bool {
        self.store.is_some()
    }

    /// sccache, if it looks up units with a key.
    pub(super) fn sccache(&self) -> Option<&Sccache> {
        match self.backend() {
            Backend::Sccache(sccache) => Some(sccache),
            Backend::NotNeeded | Backend::Unusable(_) => None,
        }
    }

    /// Whether other machines may store units in sccache's cache as well.
    pub(super) fn is_shared(&self) -> bool {
        // With the store, sccache is used only if its cache is shared.
        self.store.is_some() || sccache_is_shared()
    }

    /// sccache, for a unit that turns out to have no key.
    pub(super) fn into_sccache(mut self) -> Option<Sccache> {
        match self.backend.take() {
            Some(Backend::Sccache(sccache)) => Some(sccache),
            Some(Backend::NotNeeded) | None => {
                Sccache::find(self.reader, self.out_dir.as_deref()).ok()
            }
            Some(Backend::Unusable(_)) => None,
        }
    }

    /// Looks `request` up under one key after the other, as the [protocol](super::protocol) says,
    /// and compiles it if it is not found.
    pub(super) fn look_up(
        &self,
        mut request: CompileRequest,
        compiling: &Compiling<'_>,
    ) -> Result<Lookup, Uncacheable> {
        let mut leak = None;
        let first = request.key.clone();
        let kind = request.language.into();
        loop {
            // An entry under another key may have other metadata, if the compiler is not deterministic.
            let is_withheld = request.remap == Remap::BestEffort && (compiling.has_delivered)();
            let (lookup, outcome) = if is_withheld {
                self.take_withheld(&request, compiling)?
            } else {
                self.look_up_once(&request, compiling)?
            };
            let Lookup::Entry { entry, origin, .. } = lookup else {
                // The compile failed. sccache does not count this as a miss either.
                return Ok(lookup);
            };
            if entry.needs_sources {
                return Ok(Lookup::SourcesNeeded);
            }
            if let Some(next) = request.retry(&entry) {
                leak = entry.leak;
                if leak.is_some() {
                    (compiling.on_leak)();
                }
                request = next;
                continue;
            }
            if entry.lacks_leak && (compiling.expected_leak)().is_some() {
                self.forget(&first);
            }
            self.count(kind, outcome);
            return Ok(Lookup::Entry {
                entry,
                origin,
                leak,
            });
        }
    }

    /// Compiles `request` without a lookup, and without storing the result, for a key that is never looked up again.
    pub(super) fn compile(
        &self,
        request: &CompileRequest,
        compiling: &Compiling<'_>,
    ) -> Result<Lookup, Uncacheable> {
        drop(compiling.listing.take());
        (compiling.on_miss)();
        create_work_dir(&request.work)?;
        let compiled = compile_here(&to_compile(request, compiling), compiling)?;
        match &compiled {
            Lookup::Entry { entry, .. } if entry.needs_sources => Ok(Lookup::SourcesNeeded),
            Lookup::Entry { .. } => {
                self.count(request.language.into(), Outcome::Miss);
                Ok(compiled)
            }
            Lookup::CompileFailed(_) | Lookup::SourcesNeeded => Ok(compiled),
        }
    }

    /// Removes the store's entry under `key`.
    pub(super) fn forget(&self, key: &str) {
        if let Some(store) = &self.store {
            store.forget(key);
        }
    }

    /// Replaces the stored entry under the key of `request` by `entry`, whose files are in the work directory: in the store,
    /// and in sccache's cache, for which sccache compiles the unit again.
    pub(super) fn replace(
        &self,
        request: &CompileRequest,
        entry: &CacheEntry,
        compiling: &Compiling<'_>,
    ) {
        if let Some(store) = &self.store {
            store.keep(request, entry);
        }
        if let Some(sccache) = self.sccache().filter(|_| !self.is_local(compiling))
            && let Some(shim) = shim::path(compiling.compiler, compiling.state)
        {
            let Ok(work) = WorkDir::create(&request.out_dir) else {
                return;
            };
            let request = CompileRequest {
                work: work.0.clone(),
                ..request.clone()
            };
            let _ = replace_by_sccache(&request, compiling.crate_name, sccache, &shim);
        }
    }

    /// Counts the lookup of a unit once, however many keys were tried.
    fn count(&self, kind: Kind, outcome: Outcome) {
        if let Some(store) = &self.store {
            store.count(kind, outcome);
        }
    }

    /// Takes the files that the previous attempt withheld, and stores them under the key of `request`.
    fn take_withheld(
        &self,
        request: &CompileRequest,
        compiling: &Compiling<'_>,
    ) -> Result<(Lookup, Outcome), Uncacheable> {
        let taken = compile_here(request, compiling)?;
        if let (Some(store), Lookup::Entry { entry, .. }) = (&self.store, &taken) {
            store.keep(request, entry);
        }
        Ok((taken, Outcome::Miss))
    }

    /// Whether only the store can have the unit.
    fn is_local(&self, compiling: &Compiling<'_>) -> bool {
        compiling.stays_here && self.store.is_some()
    }

    /// Also returns how the lookup in the store ended.
    fn look_up_once(
        &self,
        request: &CompileRequest,
        compiling: &Compiling<'_>,
    ) -> Result<(Lookup, Outcome), Uncacheable> {
        let is_local = self.is_local(compiling);
        let by_backend = || {
            if request.is_portable()
                && let Some(leak) = (compiling.expected_leak)()
            {
                let entry = CacheEntry::of_leak(&request.key, leak);
                return Ok(Lookup::entry(entry, Origin::Compiled));
            }
            (compiling.on_miss)();
            create_work_dir(&request.work)?;
            let request = &*to_compile(request, compiling);
            if is_local {
                return compile_here(request, compiling);
            }
            match self.backend() {
                // The previous attempt may have disabled sccache, and left files in the work directory.
                Backend::Sccache(sccache) if sccache.is_disabled() => {
                    Err(Uncacheable::SccacheDisabled)
                }
                Backend::Sccache(sccache) => {
                    let shim = shim::path(compiling.compiler, compiling.state);
                    let shim = shim.ok_or(Uncacheable::NoShim)?;
                    look_up_by_sccache(request, compiling.crate_name, sccache, &shim)
                }
                Backend::NotNeeded => compile_here(request, compiling),
                Backend::Unusable(why) => Err(*why),
            }
        };
        let Some(store) = &self.store else {
            drop(compiling.listing.take());
            return Ok((by_backend()?, Outcome::Miss));
        };
        let found = |entry| {
            drop(compiling.begun.take());
            (Lookup::entry(entry, Origin::Store), Outcome::Hit)
        };
        if let Some(entry) = store.take(request) {
            return Ok(found(entry));
        }
        // If another build is compiling the same unit, wait for its result.
        let asked = Instant::now();
        let lock = store.lock(&request.key);
        drop(compiling.listing.take());
        if lock.as_ref().is_some_and(|lock| lock.had_to_wait) {
            (compiling.on_wait)(asked.elapsed());
        }
        // The other build may have finished since the first lookup.
        if let Some(entry) = store.take(request) {
            return Ok(found(entry));
        }
        let mut outcome = match self.backend() {
            Backend::Sccache(_) if !is_local => Outcome::PassedOn,
            _ => Outcome::Miss,
        };
        let looked_up = match by_backend() {
            // sccache's server may have lower limits than this process.
            Ok(Lookup::CompileFailed(result))
                if !result.is_source_error && outcome == Outcome::PassedOn =>
            {
                outcome = Outcome::Miss;
                compile_here(request, compiling)
            }
            // The failure of sccache has been reported already.
            Err(Uncacheable::SccacheDisabled) => {
                outcome = Outcome::Miss;
                compile_here(request, compiling)
            }
            looked_up => looked_up,
        }?;
        match &looked_up {
            Lookup::Entry { entry, origin, .. } => match origin {
                Origin::Sccache => store.keep_restored(request, entry),
                Origin::Compiled => store.keep(request, entry),
                Origin::Store | Origin::CompiledStale => {}
            },
            Lookup::CompileFailed(_) | Lookup::SourcesNeeded => {}
        }
        Ok((looked_up, outcome))
    }
}

/// `request`, once it is known that it is compiled.
fn to_compile<'r>(
    request: &'r CompileRequest,
    compiling: &Compiling<'_>,
) -> Cow<'r, CompileRequest> {
    if request.has_values && (compiling.lacks_values)() {
        Cow::Owned(request.without_values())
    } else {
        Cow::Borrowed(request)
    }
}

/// Compiles a request without sccache, in a child of this process.
fn compile_here(
    request: &CompileRequest,
    compiling: &Compiling<'_>,
) -> Result<Lookup, Uncacheable> {
    let token = compile::may_be_expanded(request)
        .then(JobToken::take)
        .flatten();
    let result = compile::make(request, compiling.on_stderr, token, compiling.begun.take());
    let Made { result, entry } = result.map_err(|_| Uncacheable::CompileFiles)?;
    // A crash may be caused by placeholders or other differences to a plain compile. Other signals come from a process that
    // wants the compiler to end.
    let may_be_ours = result.signal.is_none_or(proc::is_crash);
    if result.status > 128 && may_be_ours && !(compiling.has_delivered)() {
        return Err(Uncacheable::CompilerKilled);
    }
    Ok(match entry {
        Some(entry) => Lookup::entry(entry, Origin::of_compile(&result)),
        None => Lookup::CompileFailed(result),
    })
}
